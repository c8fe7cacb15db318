/**
 * The part of `failtome check` for the driver `ec2-route`: which interface the routes are to lead to and whether it lets their packets
 * pass, where they lead now, and by dry run whether they may be set.
 */
import { BlockList } from 'node:net';
import {
  type AwsCall,
  destinationOf,
  dropsForeign,
  type NetworkCard,
  type OwnSpec,
  outputOf,
  type RouteTable,
  refusalIn,
  routeIn,
} from '@failtome/ports';
import type { DurationMs, Ip } from '@failtome/protocol';
import type { AddressSettings } from '../config/types.ts';
import { type AwsClients, type CallContext, contextFor } from './aws-clients.ts';
import { createRouteDriver, sendAll } from './aws-driver.ts';
import { preflightCard } from './preflight-card.ts';
import { type CheckLine, fail, failed, ok, type Permission, warn } from './preflight-fix.ts';
import { ask, holderIn } from './preflight-read.ts';

/** What the preflight of the driver `ec2-route` works with. */
export interface RoutePreflight extends OwnSpec {
  readonly clients: AwsClients;
  readonly routeTables: readonly string[];
  /** For the ARNs in the fixes; null where STS didn't tell. */
  readonly account: string | null;
  readonly timeoutMs: DurationMs;
}

const MAY_READ: Permission = { action: 'ec2:DescribeRouteTables', resources: ['*'] };

type Addresses = readonly Pick<AddressSettings, 'ip'>[];

/** Check everything that taking each address needs. Nothing is changed. */
export async function preflightRoute(
  preflight: RoutePreflight,
  addresses: Addresses,
): Promise<readonly CheckLine[]> {
  const { clients, timeoutMs, routeTables } = preflight;
  const context = contextFor(timeoutMs, () => undefined);
  const { card, line } = await preflightCard(clients, preflight, context);
  if (card === null) return [line];
  const [outcome] = await sendAll(clients, [{ kind: 'route-tables', routeTableIds: routeTables }], context);
  const shown = outputOf(outcome, 'route-tables');
  const before = [line, filterLine(card)];
  const name = 'route tables';
  if (shown.kind === 'failed') {
    if (shown.failure.code === 'InvalidRouteTableID.NotFound') {
      const fix = 'Set driver.routeTables to ids of route tables in driver.region.';
      return [...before, fail(name, shown.failure.message, fix)];
    }
    return [...before, failed(name, shown.failure, MAY_READ)];
  }
  const { tables } = shown.output;
  const lines = addresses.map(({ ip }) => addressLine(preflight, addresses, ip, tables));
  return [
    ...before,
    tablesLine(name, tables, card),
    ...(await Promise.all(lines)),
    ...(await permissionLines(preflight, addresses, tables, card, context)),
  ];
}

/** On, it is the fault that shows only at a move: the routes lead here, and nothing answers. */
function filterLine(card: NetworkCard): CheckLine {
  const name = 'source/destination check';
  const failure = dropsForeign(card);
  if (failure === null) return ok(name, `off on ${card.networkInterfaceId}`);
  const fix = `Turn it off: aws ec2 modify-network-interface-attribute --network-interface-id ${card.networkInterfaceId} --no-source-dest-check`;
  return fail(name, failure.message, fix);
}

function tablesLine(name: string, tables: readonly RouteTable[], { vpcId }: NetworkCard): CheckLine {
  const other = tables.find((table) => table.vpcId !== vpcId);
  if (other === undefined) return ok(name, tables.map(({ routeTableId }) => routeTableId).join(', '));
  const found = `${other.routeTableId} is in ${other.vpcId}, and this node's interface in ${vpcId}`;
  return fail(name, found, `Set driver.routeTables to tables of ${vpcId}: a route leads nowhere else.`);
}

async function addressLine(
  { clients, timeoutMs, ...spec }: RoutePreflight,
  addresses: Addresses,
  ip: Ip,
  tables: readonly RouteTable[],
): Promise<CheckLine> {
  const name = `address ${ip}`;
  const local = tables.flatMap(({ routes }) => routes).find((route) => route.isLocal && spans(route, ip));
  if (local !== undefined) {
    const found = `it is within ${local.destination}, which is the VPC's own`;
    return fail(name, found, "Choose an address outside of the VPC's own blocks: EC2 takes no such route.");
  }
  const answer = await ask(
    (post) => createRouteDriver({ ...spec, addresses }, { clients, post }),
    ip,
    timeoutMs,
  );
  if (answer.kind !== 'read') {
    const isFailure = answer.kind === 'refused' || answer.kind === 'unknown';
    return isFailure ? failed(name, answer, MAY_READ) : fail(name, answer.kind, '');
  }
  const targets = tables.map((table) => routeIn(table, ip));
  if (answer.association.kind !== 'none' || targets.every((route) => route === undefined))
    return ok(name, holderIn(answer));
  const told = tables.map((table) => `${table.routeTableId} to ${leadsTo(table, ip)}`);
  const fix = `The next take mends it: failtome handover ${ip}. Until then nobody counts as its holder.`;
  return warn(name, `its routes differ: ${told.join(', ')}`, fix);
}

function leadsTo(table: RouteTable, ip: Ip): string {
  const route = routeIn(table, ip);
  if (route === undefined) return 'nothing';
  return route.instanceId ?? route.networkInterfaceId ?? 'something that is no interface';
}

function spans({ destination }: { readonly destination: string }, ip: Ip): boolean {
  const [network = '', bits = ''] = destination.split('/');
  const block = new BlockList();
  block.addSubnet(network, Number(bits), 'ipv4');
  return block.check(ip, 'ipv4');
}

/** Both calls for each table: which of them a move makes depends on whether there is a route then. */
async function permissionLines(
  { clients, account }: RoutePreflight,
  addresses: Addresses,
  tables: readonly RouteTable[],
  { networkInterfaceId }: NetworkCard,
  context: CallContext,
): Promise<readonly CheckLine[]> {
  const [first] = addresses;
  if (first === undefined) return [];
  const lines = (['replace-route', 'create-route'] as const).map(async (kind) => {
    const calls = tables.map(({ routeTableId }): AwsCall => {
      const onto = { routeTableId, destination: destinationOf(first.ip), networkInterfaceId };
      return { kind, dryRun: true, ...onto };
    });
    const outcomes = await sendAll(clients, calls, context);
    const action = kind === 'replace-route' ? 'ec2:ReplaceRoute' : 'ec2:CreateRoute';
    const name = `permission ${action}`;
    const refusals = calls.map((call, index) => refusalIn(call, outcomes[index]));
    const refused = tables.filter((_, index) => refusals[index] !== null);
    const failure = refusals.find((each) => each !== null);
    if (failure === undefined || failure === null) return ok(name, 'granted (dry run)');
    const resources = refused.map(
      ({ routeTableId }) =>
        `arn:aws:ec2:${clients.region ?? '*'}:${account ?? '*'}:route-table/${routeTableId}`,
    );
    return failed(name, failure, { action, resources });
  });
  return Promise.all(lines);
}
