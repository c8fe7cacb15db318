/**
 * Route tables of the VPC, and the routes that move. Only those destinations move that the account was made with as `route`; beside
 * them each table has the VPC's own route. All tables are taken to be everybody's: packets follow the routes once they agree.
 * Sources: EC2 API Reference, DescribeRouteTables, ReplaceRoute, CreateRoute; the sentences of errors are those of real answers.
 */
import { ec2Errors } from './errors.ts';
import type { Caller } from './names.ts';
import { associate, disassociate } from './network.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import { VPC_ID } from './policy.ts';
import type { AwsError, AwsOutcome, DescribeRouteTables, RouteTableView, SetRoute } from './requests.ts';
import {
  type AwsState,
  type Change,
  type ElasticAddress,
  type Facts,
  type RouteTarget,
  withEntry,
  withFacts,
} from './state.ts';

/** What the one network spans: no route may be as narrow as an address of it. */
export const VPC_CIDR = '10.0.0.0/16';

/** EC2 API Reference, DescribeRouteTables: an id that doesn't exist is an error, a filter that matches nothing isn't. */
export function describeRouteTables(facts: Facts, request: DescribeRouteTables): AwsOutcome {
  const all = tablesIn(facts);
  const missing = request.routeTableIds.find((id) => !all.some(({ routeTableId }) => routeTableId === id));
  if (missing !== undefined) return refused(ec2Errors.routeTableNotFound(missing));
  const unknown = request.filters.find(({ name }) => !filters.has(name));
  if (unknown !== undefined)
    return refused(ec2Errors.parameterValue(`The filter '${unknown.name}' is invalid`));
  const tables = all
    .filter(
      ({ routeTableId }) =>
        request.routeTableIds.length === 0 || request.routeTableIds.includes(routeTableId),
    )
    .filter((view) =>
      request.filters.every(({ name, values }) => values.includes(filters.get(name)?.(view) ?? '')),
    );
  return done({ action: request.action, tables });
}

const filters: ReadonlyMap<string, (view: RouteTableView) => string> = new Map([
  ['route-table-id', ({ routeTableId }: RouteTableView) => routeTableId],
  ['vpc-id', () => VPC_ID],
]);

function tablesIn(facts: Facts): readonly RouteTableView[] {
  const addresses = [...facts.addresses.values()];
  const ids = new Set(addresses.flatMap(({ routes = {} }) => Object.keys(routes)));
  return [...ids].map((routeTableId) => ({
    routeTableId,
    routes: [
      { destination: VPC_CIDR, target: null, state: 'active' },
      ...addresses.flatMap(({ publicIp, routes = {} }) => {
        const target = routes[routeTableId] ?? null;
        if (target === null) return [];
        const state = facts.instances.get(target.instanceId)?.state;
        const shown = state === 'terminated' ? { ...target, instanceId: null } : target;
        return [
          {
            destination: destinationOf(publicIp),
            target: shown,
            state: state === 'running' ? 'active' : 'blackhole',
          } as const,
        ];
      }),
    ],
  }));
}

function destinationOf(ip: string): string {
  return `${ip}/32`;
}

/** EC2 API Reference, ReplaceRoute and CreateRoute: the one takes only a route that is there, the other only one that isn't. */
export function setRoute(state: AwsState, request: SetRoute, by: Caller, atMs: number): Applied {
  const { action, routeTableId, destination } = request;
  if (routeTableId === null || destination === null) {
    const name = routeTableId === null ? 'routeTableId' : 'destinationCidrBlock';
    return unchanged(
      state,
      refused(ec2Errors.missingParameter(`The request must contain the parameter ${name}`)),
    );
  }
  if (!tablesIn(state).some((view) => view.routeTableId === routeTableId))
    return unchanged(state, refused(ec2Errors.routeTableNotFound(routeTableId)));
  const address = [...state.addresses.values()].find(
    ({ kind, publicIp }) => kind === 'route' && destinationOf(publicIp) === destination,
  );
  if (address?.routes?.[routeTableId] === undefined)
    return unchanged(state, refused(ec2Errors.parameterValue(`${destination} is no route that moves here`)));
  const isThere = address.routes[routeTableId] !== null;
  if (isThere !== (action === 'ec2:ReplaceRoute')) {
    const error = isThere ? ec2Errors.routeExists(destination) : ec2Errors.noRoute(destination);
    return unchanged(state, refused(error));
  }
  const target = targetOf(state, request);
  if ('code' in target) return unchanged(state, refused(target));
  return { ...pointed(state, address, routeTableId, target, by, atMs), outcome: done({ action }) };
}

function targetOf(
  { instances }: AwsState,
  { networkInterfaceId, instanceId }: SetRoute,
): RouteTarget | AwsError {
  if ((networkInterfaceId === null) === (instanceId === null))
    return ec2Errors.parameterCombination('Exactly one target of the route must be specified');
  const existing = [...instances.values()].filter(({ state }) => state !== 'terminated');
  if (networkInterfaceId !== null) {
    const found = existing.find(({ interfaces }) => interfaces.some(({ id }) => id === networkInterfaceId));
    if (found === undefined) return ec2Errors.interfaceNotFound(networkInterfaceId);
    return { instanceId: found.id, interfaceId: networkInterfaceId };
  }
  const found = existing.find(({ id }) => id === instanceId);
  if (found === undefined) return ec2Errors.instanceNotFound(instanceId ?? '');
  if (found.interfaces.length > 1) return ec2Errors.severalInterfaces(found.id);
  return { instanceId: found.id, interfaceId: found.interfaces[0].id };
}

/** One table leads elsewhere. What all tables agree on begins or ends with it. */
function pointed(
  state: AwsState,
  address: ElasticAddress,
  routeTableId: string,
  target: RouteTarget,
  by: Caller,
  atMs: number,
): Change {
  const { publicIp, association } = address;
  const routes = { ...address.routes, [routeTableId]: target };
  const entry = withEntry(state.addresses, publicIp, { ...address, routes });
  const written = withFacts(state, { addresses: entry }, atMs);
  const isAgreed = Object.values(routes).every((each) => each?.interfaceId === target.interfaceId);
  if (!isAgreed) return disassociate(written, publicIp, 'moved', by, atMs);
  if (association?.interfaceId === target.interfaceId) return { state: written, events: [] };
  return associate(written, publicIp, { ...target, privateIp: publicIp }, by, atMs);
}
