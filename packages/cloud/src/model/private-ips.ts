/**
 * Secondary private addresses and IPv6 addresses, and the interfaces that have them. Only those addresses move that the account was
 * made with as `private`. Sources: EC2 API Reference, AssignPrivateIpAddresses, UnassignPrivateIpAddresses, AssignIpv6Addresses,
 * UnassignIpv6Addresses, DescribeNetworkInterfaces; the sentences of errors are those of real answers, where any are known.
 */
import { withAssigned } from './ec2.ts';
import { ec2Errors } from './errors.ts';
import { isIpv6 } from './ipv6.ts';
import type { Caller, PublicIp } from './names.ts';
import { associate, disassociate, ipv6sOf, privateIpsOf } from './network.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import { subnetIdOf, VPC_ID } from './policy.ts';
import type {
  AssignPrivateIpAddresses,
  AwsError,
  AwsOutcome,
  AwsResult,
  DescribeNetworkInterfaces,
  InterfaceView,
  SetIpv6Addresses,
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
  ['ipv6-addresses.ipv6-address', ({ card }) => card.ipv6s ?? []],
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
  const { action, privateIpAddresses: ips, allowReassignment } = request;
  const found = placeFor(state, request.networkInterfaceId, ips, 4);
  if (found.kind === 'error') return unchanged(state, found);
  const { id: networkInterfaceId } = found.place.card;
  const result = { action, networkInterfaceId, privateIpAddresses: ips };
  return assigned(state, found, { by, atMs, reassigns: allowReassignment === true, result });
}

/** EC2 API Reference, AssignIpv6Addresses. */
export function assignIpv6Addresses(
  state: AwsState,
  { action, networkInterfaceId: wanted, ipv6Addresses }: SetIpv6Addresses,
  by: Caller,
  atMs: number,
): Applied {
  const found = placeFor(state, wanted, ipv6Addresses, 6);
  if (found.kind === 'error') return unchanged(state, found);
  const result = { action, networkInterfaceId: found.place.card.id, ipv6Addresses };
  return assigned(state, found, { by, atMs, reassigns: false, result });
}

interface Assignment {
  readonly by: Caller;
  readonly atMs: number;
  /** It may take addresses from other interfaces. */
  readonly reassigns: boolean;
  readonly result: AwsResult;
}

function assigned(
  state: AwsState,
  { place: { card, instance }, addresses }: Found,
  { by, atMs, reassigns, result }: Assignment,
): Applied {
  const refusal = refusalOf(state, { card, instance }, addresses, reassigns, atMs);
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
  return { ...change, outcome: done(result) };
}

function refusalOf(
  state: AwsState,
  { card, instance }: Place,
  addresses: readonly ElasticAddress[],
  reassigns: boolean,
  atMs: number,
): AwsError | null {
  const { assignAgain, privateIpsPerInterface } = state.config;
  for (const { publicIp, subnetId, association, leaving } of addresses) {
    if (subnetId !== subnetIdOf(instance)) return ec2Errors.parameterValue(outside(publicIp));
    const isHere = association?.interfaceId === card.id;
    const isElsewhere = !isHere && (association !== null || (leaving?.untilMs ?? 0) > atMs);
    if ((isElsewhere && !reassigns) || (isHere && assignAgain === 'refuse'))
      return isIpv6(publicIp) ? ec2Errors.ipv6InUse(publicIp) : ec2Errors.assignedAlready(publicIp);
  }
  const more = addresses.filter(({ association }) => association?.interfaceId !== card.id);
  const isOfIpv6 = addresses.some(({ publicIp }) => isIpv6(publicIp));
  const has = (isOfIpv6 ? ipv6sOf(state, card, atMs) : privateIpsOf(state, card, atMs)).length;
  return has + more.length > privateIpsPerInterface ? ec2Errors.tooManyPrivateIps() : null;
}

function outside(ip: string): string {
  return `Address ${ip} does not fall within the subnet's address range`;
}

/** EC2 API Reference, UnassignPrivateIpAddresses: it takes an address from that interface, and from no other. */
export function unassignPrivateIpAddresses(
  state: AwsState,
  { action, networkInterfaceId, privateIpAddresses }: UnassignPrivateIpAddresses,
  by: Caller,
  atMs: number,
): Applied {
  const found = placeFor(state, networkInterfaceId, privateIpAddresses, 4);
  if (found.kind === 'error') return unchanged(state, found);
  const { card } = found.place;
  if (found.addresses.some(({ association }) => association?.interfaceId !== card.id))
    return unchanged(state, refused(ec2Errors.notAssigned(card.id)));
  return { ...unassigned(state, card, found.addresses, by, atMs), outcome: done({ action }) };
}

/** EC2 API Reference, UnassignIpv6Addresses: the answer lists what was taken away. */
export function unassignIpv6Addresses(
  state: AwsState,
  { action, networkInterfaceId: wanted, ipv6Addresses }: SetIpv6Addresses,
  by: Caller,
  atMs: number,
): Applied {
  const found = placeFor(state, wanted, ipv6Addresses, 6);
  if (found.kind === 'error') return unchanged(state, found);
  const { card } = found.place;
  const here = found.addresses.filter(({ association }) => association?.interfaceId === card.id);
  const absent = found.addresses.find((address) => !here.includes(address));
  if (absent !== undefined && state.config.unassignAbsentIpv6 === 'refuse')
    return unchanged(state, refused(ec2Errors.ipv6NotAssigned(absent.publicIp, card.id)));
  const gone = here.map(({ publicIp }) => publicIp);
  return {
    ...unassigned(state, card, here, by, atMs),
    outcome: done({ action, networkInterfaceId: card.id, ipv6Addresses: gone }),
  };
}

function unassigned(
  state: AwsState,
  card: NetworkInterface,
  addresses: readonly ElasticAddress[],
  by: Caller,
  atMs: number,
): Change {
  return addresses.reduce<Change>(
    (before, { publicIp }) => {
      const after = disassociate(before.state, publicIp, 'disassociated', by, atMs);
      return {
        state: lingering(after.state, publicIp, card, atMs),
        events: [...before.events, ...after.events],
      };
    },
    { state, events: [] },
  );
}

interface Place {
  readonly card: NetworkInterface;
  readonly instance: Instance;
}

interface Found {
  readonly kind: 'place';
  readonly place: Place;
  readonly addresses: readonly ElasticAddress[];
}

type PlaceChoice = Found | { readonly kind: 'error'; readonly error: AwsError };

function placeFor(
  state: AwsState,
  networkInterfaceId: string | null,
  ips: readonly string[],
  family: 4 | 6,
): PlaceChoice {
  if (networkInterfaceId === null)
    return refused(ec2Errors.missingParameter('The request must contain the parameter networkInterfaceId'));
  if (ips.length === 0) {
    const name = family === 4 ? 'privateIpAddress' : 'ipv6Addresses';
    return refused(ec2Errors.missingParameter(`Either ${name} or a count must be specified`));
  }
  const place = [...state.instances.values()]
    .filter((instance) => instance.state !== 'terminated')
    .flatMap((instance) => instance.interfaces.map((card) => ({ instance, card })))
    .find(({ card }) => card.id === networkInterfaceId);
  if (place === undefined) return refused(ec2Errors.interfaceNotFound(networkInterfaceId));
  const addresses: ElasticAddress[] = [];
  for (const ip of ips) {
    if (place.card.privateIps[0] === ip) {
      const sentence = `Value (${ip}) for parameter privateIpAddress is invalid. The primary IP address of an interface cannot be unassigned.`;
      return refused(ec2Errors.parameterValue(sentence));
    }
    const address = state.addresses.get(ip);
    if (address?.kind !== 'private' || isIpv6(ip) !== (family === 6))
      return refused(ec2Errors.parameterValue(outside(ip)));
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
