/**
 * Secondary private addresses, and the interfaces that have them. Only those addresses move that the account was made with as
 * `private`. Sources: EC2 API Reference, AssignPrivateIpAddresses, UnassignPrivateIpAddresses, DescribeNetworkInterfaces; the
 * sentences of errors are those of real answers.
 */
import { withAssigned } from './ec2.ts';
import { ec2Errors } from './errors.ts';
import type { Caller, PublicIp } from './names.ts';
import { associate, disassociate, privateIpsOf } from './network.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import { subnetIdOf, VPC_ID } from './policy.ts';
import type {
  AssignPrivateIpAddresses,
  AwsError,
  AwsOutcome,
  DescribeNetworkInterfaces,
  InterfaceView,
  UnassignPrivateIpAddresses,
} from './requests.ts';
import {
  type AwsState,
  type Change,
  type ElasticAddress,
  type Facts,
  type Instance,
  type NetworkInterface,
  withEntry,
} from './state.ts';

/** EC2 API Reference, DescribeNetworkInterfaces: an id that doesn't exist is an error, a filter that matches nothing isn't. */
export function describeNetworkInterfaces(
  facts: Facts,
  request: DescribeNetworkInterfaces,
  atMs: number,
): AwsOutcome {
  const all = interfacesIn(facts, atMs);
  const missing = request.networkInterfaceIds.find((id) => !all.some(({ card }) => card.id === id));
  if (missing !== undefined) return refused(ec2Errors.interfaceNotFound(missing));
  const unknown = request.filters.find(({ name }) => !filters.has(name));
  if (unknown !== undefined)
    return refused(ec2Errors.parameterValue(`The filter '${unknown.name}' is invalid`));
  const interfaces = all
    .filter(
      ({ card }) => request.networkInterfaceIds.length === 0 || request.networkInterfaceIds.includes(card.id),
    )
    .filter((view) =>
      request.filters.every(({ name, values }) =>
        filters
          .get(name)?.(view)
          .some((value) => values.includes(value)),
      ),
    );
  return done({ action: request.action, interfaces });
}

/** The interfaces of an instance go with it when it is terminated. */
function interfacesIn(facts: Facts, atMs: number): readonly InterfaceView[] {
  return [...facts.instances.values()]
    .filter(({ state }) => state !== 'terminated')
    .map((instance) => withAssigned(facts, instance, atMs))
    .flatMap((instance) => instance.interfaces.map((card) => ({ instance, card })));
}

type InterfaceField = (view: InterfaceView) => readonly string[];

const filters: ReadonlyMap<string, InterfaceField> = new Map<string, InterfaceField>([
  ['addresses.private-ip-address', ({ card }) => card.privateIps],
  ['attachment.instance-id', ({ instance }) => [instance.id]],
  ['network-interface-id', ({ card }) => [card.id]],
  ['private-ip-address', ({ card }) => [card.privateIps[0]]],
  ['subnet-id', ({ instance }) => [subnetIdOf(instance)]],
  ['vpc-id', () => [VPC_ID]],
]);

/** EC2 API Reference, AssignPrivateIpAddresses. */
export function assignPrivateIpAddresses(
  state: AwsState,
  request: AssignPrivateIpAddresses,
  by: Caller,
  atMs: number,
): Applied {
  const found = placeFor(state, request);
  if (found.kind === 'error') return unchanged(state, found);
  const { place, addresses } = found;
  const { card, instance } = place;
  const refusal = refusalOf(state, request, place, addresses, atMs);
  if (refusal !== null) return unchanged(state, refused(refusal));
  const change = addresses
    .filter(({ association }) => association?.interfaceId !== card.id)
    .reduce<Change>(
      (before, { publicIp }) => {
        const target = { instanceId: instance.id, interfaceId: card.id, privateIp: publicIp };
        const after = associate(before.state, publicIp, target, by, atMs);
        return { state: after.state, events: [...before.events, ...after.events] };
      },
      { state, events: [] },
    );
  const { action, privateIpAddresses } = request;
  return { ...change, outcome: done({ action, networkInterfaceId: card.id, privateIpAddresses }) };
}

function refusalOf(
  state: AwsState,
  { allowReassignment }: AssignPrivateIpAddresses,
  { card, instance }: Place,
  addresses: readonly ElasticAddress[],
  atMs: number,
): AwsError | null {
  const { assignAgain, privateIpsPerInterface } = state.config;
  for (const { publicIp, subnetId, association, leaving } of addresses) {
    if (subnetId !== subnetIdOf(instance))
      return ec2Errors.parameterValue(`Address ${publicIp} does not fall within the subnet's address range`);
    const isHere = association?.interfaceId === card.id;
    const isElsewhere = !isHere && (association !== null || (leaving?.untilMs ?? 0) > atMs);
    if ((isElsewhere && allowReassignment !== true) || (isHere && assignAgain === 'refuse'))
      return ec2Errors.assignedAlready(publicIp);
  }
  const more = addresses.filter(({ association }) => association?.interfaceId !== card.id);
  const has = privateIpsOf(state, card, atMs).length;
  return has + more.length > privateIpsPerInterface ? ec2Errors.tooManyPrivateIps() : null;
}

/** EC2 API Reference, UnassignPrivateIpAddresses: it takes an address from that interface, and from no other. */
export function unassignPrivateIpAddresses(
  state: AwsState,
  request: UnassignPrivateIpAddresses,
  by: Caller,
  atMs: number,
): Applied {
  const found = placeFor(state, request);
  if (found.kind === 'error') return unchanged(state, found);
  const { card } = found.place;
  if (found.addresses.some(({ association }) => association?.interfaceId !== card.id))
    return unchanged(state, refused(ec2Errors.notAssigned(card.id)));
  const change = found.addresses.reduce<Change>(
    (before, { publicIp }) => {
      const after = disassociate(before.state, publicIp, 'disassociated', by, atMs);
      return {
        state: lingering(after.state, publicIp, card, atMs),
        events: [...before.events, ...after.events],
      };
    },
    { state, events: [] },
  );
  return { ...change, outcome: done({ action: request.action }) };
}

interface Place {
  readonly card: NetworkInterface;
  readonly instance: Instance;
}

type PlaceChoice =
  | { readonly kind: 'place'; readonly place: Place; readonly addresses: readonly ElasticAddress[] }
  | { readonly kind: 'error'; readonly error: AwsError };

function placeFor(
  state: AwsState,
  {
    networkInterfaceId,
    privateIpAddresses,
  }: Pick<UnassignPrivateIpAddresses, 'networkInterfaceId' | 'privateIpAddresses'>,
): PlaceChoice {
  if (networkInterfaceId === null)
    return refused(ec2Errors.missingParameter('The request must contain the parameter networkInterfaceId'));
  if (privateIpAddresses.length === 0)
    return refused(ec2Errors.missingParameter('Either privateIpAddress or a count must be specified'));
  const place = [...state.instances.values()]
    .filter((instance) => instance.state !== 'terminated')
    .flatMap((instance) => instance.interfaces.map((card) => ({ instance, card })))
    .find(({ card }) => card.id === networkInterfaceId);
  if (place === undefined) return refused(ec2Errors.interfaceNotFound(networkInterfaceId));
  const addresses: ElasticAddress[] = [];
  for (const ip of privateIpAddresses) {
    if (place.card.privateIps[0] === ip) {
      const sentence = `Value (${ip}) for parameter privateIpAddress is invalid. The primary IP address of an interface cannot be unassigned.`;
      return refused(ec2Errors.parameterValue(sentence));
    }
    const address = state.addresses.get(ip);
    if (address?.kind !== 'private')
      return refused(
        ec2Errors.parameterValue(`Address ${ip} does not fall within the subnet's address range`),
      );
    addresses.push(address);
  }
  return { kind: 'place', place, addresses };
}

/** "Remapping an IP address is an asynchronous operation": for a while EC2 counts it as where it was. */
function lingering(state: AwsState, ip: PublicIp, { id }: NetworkInterface, atMs: number): AwsState {
  const { unassignSettleMs } = state.config;
  const address = state.addresses.get(ip);
  if (unassignSettleMs === 0 || address === undefined) return state;
  const leaving = { interfaceId: id, untilMs: atMs + unassignSettleMs };
  return { ...state, addresses: withEntry(state.addresses, ip, { ...address, leaving }) };
}
