/**
 * The calls of the driver `ec2-route`: a destination in one or several route tables, pointed to this node's interface whatever it
 * points to (docs/decisions/0066-routes-move-by-one-call.md). Each table has a call of its own, so that a take may succeed in some of them
 * only: then it isn't known, and a read that shows tables which differ shows nobody.
 */
import type { Association, DriverAnswer, DriverFailure, DriverOperation, Ip } from '@failtome/protocol';
import {
  type AwsCall,
  type CallOutcome,
  type DriverRun,
  type NetworkCard,
  outputOf,
  type Route,
  type RouteTable,
  type SetRoute,
} from './aws-calls.ts';
import { isNoRoute, isRouteThere, refused, unknown } from './aws-failure.ts';
import { gravest, refusalIn } from './ec2.ts';
import { type Own, type OwnSpec, ownCallOf, resolve, resolvedCard } from './own-card.ts';

/** For which network interface, addresses and tables EC2 is called. */
export interface RouteOptions extends OwnSpec {
  readonly addresses: readonly { readonly ip: Ip }[];
  /** Their ids, one at least. */
  readonly routeTables: readonly string[];
}

/** Runs operations; they share what was learnt of the interface. */
export interface RouteCalls {
  run(ip: Ip, operation: DriverOperation): DriverRun;
}

/** The destination that stands for an IPv4 address. */
export function destinationOf(ip: Ip): string {
  return `${ip}/32`;
}

/** The route of an address in a table; undefined: it has none. */
export function routeIn({ routes }: RouteTable, ip: Ip): Route | undefined {
  return routes.find(({ destination }) => destination === destinationOf(ip));
}

/** Why packets to addresses that aren't its own don't pass the interface; null: they do. */
export function dropsForeign({ sourceDestCheck, networkInterfaceId }: NetworkCard): DriverFailure | null {
  if (!sourceDestCheck) return null;
  const told = `${networkInterfaceId} has its source/destination check on, and drops what a route leads to it`;
  return refused('SourceDestCheck', told);
}

/** The driver's calls, with nothing learnt yet. */
export function createRouteCalls(options: RouteOptions): RouteCalls {
  const own: Own = { spec: options, card: { kind: 'unresolved' } };
  return {
    *run(ip, operation) {
      if (!options.addresses.some((address) => address.ip === ip))
        return refused('UnknownAddress', `${ip} is not configured`);
      switch (operation.op) {
        case 'read': {
          const tables = yield* readTables(options, own, own.card.kind === 'unresolved');
          if ('kind' in tables) return tables;
          return { kind: 'read', association: associationIn(tables, ip, own), displaces: null };
        }
        case 'permit':
          return yield* permit(options, ip, own);
        case 'release':
          // Not a part of any move: the take is one call, and routes that are gone lead to nobody.
          return refused('NoRelease', 'routes are not released, only pointed elsewhere');
        case 'take':
          return yield* take(options, ip, own);
      }
    },
  };
}

/** @param resolves this node's own interface is asked for beside them */
function* readTables(
  { routeTables }: RouteOptions,
  own: Own,
  resolves: boolean,
): DriverRun<readonly RouteTable[] | DriverFailure> {
  const asked: AwsCall = { kind: 'route-tables', routeTableIds: routeTables };
  const outcomes = yield resolves ? [asked, ownCallOf(own.spec)] : [asked];
  if (resolves) resolve(own, outcomes[1]);
  const shown = outputOf(outcomes[0], 'route-tables');
  if (shown.kind === 'failed') return shown.failure;
  const { tables } = shown.output;
  const missing = routeTables.find((id) => !tables.some(({ routeTableId }) => routeTableId === id));
  return missing === undefined ? tables : refused('InvalidRouteTableID.NotFound', `${missing} is not shown`);
}

/** Where all tables lead. While they differ, or one has no such route, nobody holds the address. */
function associationIn(tables: readonly RouteTable[], ip: Ip, { card, spec }: Own): Association {
  const routes = tables.map((table) => routeIn(table, ip));
  const [first] = routes;
  const holder = targetOf(first);
  if (first === undefined || holder === null || routes.some((route) => targetOf(route) !== holder))
    return { kind: 'none' };
  const self =
    card.kind === 'card'
      ? first.networkInterfaceId === card.card.networkInterfaceId
      : first.instanceId === spec.instanceId;
  return {
    kind: 'associated',
    associationId: null,
    instanceId: first.instanceId ?? holder,
    node: null,
    self,
  };
}

/** The interface that a route leads to, or what else is known of it. */
function targetOf(route: Route | undefined): string | null {
  return route?.networkInterfaceId ?? route?.instanceId ?? null;
}

/** The call of each table as a dry run, and the interface anew: replaced where there is a route, created where there is none. */
function* permit(options: RouteOptions, ip: Ip, own: Own): DriverRun {
  const tables = yield* readTables(options, own, true);
  if ('kind' in tables) return tables;
  const card = yield* passingCard(own);
  if ('kind' in card) return card;
  const dryRuns = tables.map((table): AwsCall => {
    const kind = routeIn(table, ip) === undefined ? 'create-route' : 'replace-route';
    return { kind, ...onto(card, ip, table.routeTableId, true) };
  });
  const outcomes = yield dryRuns;
  return gravest(dryRuns.map((call, index) => refusalIn(call, outcomes[index]))) ?? { kind: 'permitted' };
}

/** Only what lets such packets pass may take one. */
function* passingCard(own: Own): DriverRun<NetworkCard | DriverFailure> {
  const card = yield* resolvedCard(own);
  return 'kind' in card ? card : (dropsForeign(card) ?? card);
}

function onto({ networkInterfaceId }: NetworkCard, ip: Ip, routeTableId: string, dryRun: boolean): SetRoute {
  return { dryRun, routeTableId, destination: destinationOf(ip), networkInterfaceId };
}

/** All tables side by side, and then those that have no such route yet. */
function* take({ routeTables }: RouteOptions, ip: Ip, own: Own): DriverRun {
  const card = yield* passingCard(own);
  if ('kind' in card) return card;
  const calls = routeTables.map((id) => onto(card, ip, id, false));
  const ends = [...(yield calls.map((call) => ({ kind: 'replace-route', ...call }) as const))];
  const missing = calls.flatMap((call, index) => (isMissing(ends[index]) ? [{ call, index }] : []));
  const made =
    missing.length === 0 ? [] : yield missing.map(({ call }) => ({ kind: 'create-route', ...call }) as const);
  for (const [place, { index }] of missing.entries()) {
    const end = made[place];
    if (end !== undefined) ends[index] = end;
  }
  return answerOf(calls, ends);
}

function isMissing(outcome: CallOutcome | undefined): boolean {
  return outcome?.kind === 'failed' && isNoRoute(outcome.failure);
}

/** A definite no only where it was one for every table: what was done in some is told by reads. */
function answerOf(calls: readonly SetRoute[], ends: readonly CallOutcome[]): DriverAnswer {
  const failures = ends.flatMap((end) => (end.kind === 'failed' ? [end.failure] : []));
  const grave = gravest(failures);
  if (grave === null) return { kind: 'taken', associationId: null };
  if (failures.length === ends.length && failures.every(isRouteThere)) return { kind: 'held' };
  const told = ends.flatMap((end, index) =>
    end.kind === 'failed' ? [`${calls[index]?.routeTableId}: ${end.failure.message}`] : [],
  );
  const message = told.join('; ');
  if (failures.length === ends.length && failures.every(({ kind }) => kind === 'refused'))
    return { ...grave, message };
  const unclear = failures.find(({ kind }) => kind === 'unknown');
  return unknown(unclear?.code ?? 'PartlyTaken', message);
}
