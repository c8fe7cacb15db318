import { isIpv6 } from './ipv6.ts';
import type { Caller, InstanceId, PublicIp } from './names.ts';
import {
  type Association,
  type AutoAddress,
  type AwsConfig,
  type AwsEvent,
  type AwsState,
  type Change,
  draw,
  type ElasticAddress,
  type EndCause,
  type EndedAssociation,
  type Facts,
  historyBound,
  type Instance,
  type InstanceState,
  longId,
  type NetworkInterface,
  type RouteTarget,
  withEntry,
  withFacts,
} from './state.ts';

/** Where an association is to land. */
export interface Target {
  readonly instanceId: InstanceId;
  readonly interfaceId: string;
  readonly privateIp: string;
}

/** The address that the world sees when an instance asks, and what it is. */
export type ExternalIp =
  | { readonly kind: 'elastic' | 'auto' | 'nat' | 'own'; readonly ip: string }
  | {
      readonly kind: 'none';
      readonly why: 'not-running' | 'gone' | 'broken' | 'settling' | 'no-public-address';
    };

/** Where packets to an address end up. */
export type Route =
  | { readonly kind: 'instance'; readonly association: Association; readonly instance: Instance }
  | { readonly kind: 'nowhere'; readonly why: 'unknown' | 'unassociated' | 'settling' | 'gone' | 'filtered' };

/** The address whose association lives on a private address of an interface, if any. */
export function addressOnTarget(
  facts: Facts,
  interfaceId: string,
  privateIp: string,
): ElasticAddress | undefined {
  for (const address of facts.addresses.values()) {
    const { association } = address;
    if (association?.interfaceId === interfaceId && association.privateIp === privateIp) return address;
  }
  return undefined;
}

/** The Elastic IP on an instance's primary private address: the one its own traffic leaves by. */
export function primaryElasticAddress(facts: Facts, instance: Instance): ElasticAddress | undefined {
  const [primary] = instance.interfaces;
  return addressOnTarget(facts, primary.id, primary.privateIps[0]);
}

/** What an external-IP service would answer to this instance; `none` when the request doesn't even leave it. */
export function externalIp(
  facts: Facts,
  instanceId: InstanceId,
  atMs: number,
  family: 4 | 6 = 4,
): ExternalIp {
  const instance = facts.instances.get(instanceId);
  if (instance?.state !== 'running') return { kind: 'none', why: 'not-running' };
  if (instance.network === 'gone') return { kind: 'none', why: 'gone' };
  if (instance.wayOut === 'broken') return { kind: 'none', why: 'broken' };
  // An IPv6 address is nobody's stand-in: the instance goes out by its own, and never by one that moves.
  if (family === 6) {
    const ip = instance.interfaces[0].ipv6s?.[0];
    return ip === undefined ? { kind: 'none', why: 'no-public-address' } : { kind: 'own', ip };
  }
  if (instance.nat !== null) return { kind: 'nat', ip: instance.nat };
  const elastic = primaryElasticAddress(facts, instance);
  if (elastic?.association) {
    if (elastic.association.effectiveAtMs > atMs) return { kind: 'none', why: 'settling' };
    return { kind: 'elastic', ip: elastic.publicIp };
  }
  const ip = autoIp(instance.autoAddress, atMs);
  return ip === null ? { kind: 'none', why: 'no-public-address' } : { kind: 'auto', ip };
}

/** The public address of its own that an instance has at a moment. */
export function autoIp(autoAddress: AutoAddress, atMs: number): string | null {
  switch (autoAddress.kind) {
    case 'assigned':
      return autoAddress.ip;
    case 'arriving':
      return autoAddress.atMs <= atMs ? autoAddress.ip : null;
    case 'never':
    case 'released':
      return null;
  }
}

/** Who an address is associated with, as the control plane knows it. */
export function holderOf(facts: Facts, publicIp: PublicIp): InstanceId | null {
  return facts.addresses.get(publicIp)?.association?.instanceId ?? null;
}

/** The Elastic IPs among the addresses: reads of them show no others, and their calls know no others. */
export function elasticIps({ addresses }: Pick<Facts, 'addresses'>): readonly ElasticAddress[] {
  return [...addresses.values()].filter(({ kind }) => kind === undefined);
}

/** Every private IPv4 address of an interface: its own, and those that have been assigned to it. */
export function privateIpsOf(
  { addresses }: Pick<Facts, 'addresses'>,
  { id, privateIps }: NetworkInterface,
  atMs: number,
): NetworkInterface['privateIps'] {
  return [...privateIps, ...assignedTo(addresses, id, atMs).filter((ip) => !isIpv6(ip))];
}

/** Every IPv6 address of an interface, its own first. */
export function ipv6sOf(
  { addresses }: Pick<Facts, 'addresses'>,
  { id, ipv6s = [] }: NetworkInterface,
  atMs: number,
): readonly string[] {
  return [...ipv6s, ...assignedTo(addresses, id, atMs).filter(isIpv6)];
}

function assignedTo(addresses: Facts['addresses'], interfaceId: string, atMs: number): readonly string[] {
  return [...addresses.values()]
    .filter(
      ({ kind, association, leaving }) =>
        kind === 'private' &&
        (association?.interfaceId === interfaceId ||
          (leaving?.interfaceId === interfaceId && leaving.untilMs > atMs)),
    )
    .map(({ publicIp }) => publicIp);
}

/**
 * Where an address lands on an instance: on the interface that has `privateIp`, or the primary one. What isn't an Elastic IP is its own.
 *
 * @throws Error where the instance has no such private address
 */
export function targetOn(
  { addresses }: Pick<Facts, 'addresses'>,
  publicIp: PublicIp,
  { id, interfaces }: Pick<Instance, 'id' | 'interfaces'>,
  privateIp: string = interfaces[0].privateIps[0],
): Target {
  const card = interfaces.find((each) => each.privateIps.includes(privateIp));
  if (card === undefined) throw new Error(`${id} has no private address ${privateIp}.`);
  const isElastic = addresses.get(publicIp)?.kind === undefined;
  return { instanceId: id, interfaceId: card.id, privateIp: isElastic ? privateIp : publicIp };
}

/** Where packets to an address end up at a moment. */
export function routeOf(facts: Facts, publicIp: PublicIp, atMs: number): Route {
  const address = facts.addresses.get(publicIp);
  if (address === undefined) return { kind: 'nowhere', why: 'unknown' };
  const { association } = address;
  if (association === null) return { kind: 'nowhere', why: 'unassociated' };
  if (association.effectiveAtMs > atMs) return { kind: 'nowhere', why: 'settling' };
  const instance = facts.instances.get(association.instanceId);
  if (instance?.state !== 'running' || instance.network === 'gone') return { kind: 'nowhere', why: 'gone' };
  if (address.kind === 'route' && isFiltered(instance, association))
    return { kind: 'nowhere', why: 'filtered' };
  return { kind: 'instance', association, instance };
}

/** An interface drops what isn't for its own addresses, unless its check is off. */
function isFiltered({ interfaces }: Instance, { interfaceId }: Association): boolean {
  return interfaces.some(({ id, sourceDestCheck }) => id === interfaceId && sourceDestCheck !== false);
}

/** The next moment at which a route or an external IP changes by itself, or null. */
export function nextChangeMs(facts: Facts, afterMs: number): number | null {
  const moments: number[] = [];
  for (const { association } of facts.addresses.values()) {
    if (association !== null) moments.push(association.effectiveAtMs);
  }
  for (const { autoAddress } of facts.instances.values()) {
    if (autoAddress.kind === 'arriving') moments.push(autoAddress.atMs);
  }
  return moments.reduce<number | null>(
    (least, moment) => (moment > afterMs && (least === null || moment < least) ? moment : least),
    null,
  );
}

/** Associates an address with a target, ending whatever stood in the way: its own association, and the target's. */
export function associate(
  state: AwsState,
  publicIp: PublicIp,
  target: Target,
  by: Caller,
  atMs: number,
): Change {
  const moved = disassociate(state, publicIp, 'moved', by, atMs);
  const occupant = addressOnTarget(moved.state, target.interfaceId, target.privateIp);
  const freed =
    occupant === undefined
      ? { state: moved.state, events: [] }
      : disassociate(moved.state, occupant.publicIp, 'displaced', by, atMs);
  const found = freed.state.addresses.get(publicIp);
  if (found === undefined) throw new Error(`There is no address ${publicIp} to associate.`);
  const { leaving: _, ...address } = withRoutes(found, target);
  const [number, numbered] = draw(freed.state, 'association');
  const association: Association = {
    id: longId('eipassoc', number),
    ...target,
    sinceMs: atMs,
    effectiveAtMs: atMs + state.config.associationSettleMs,
  };
  const associated = withFacts(
    numbered,
    { addresses: withEntry(numbered.addresses, publicIp, { ...address, association }) },
    atMs,
  );
  const events: AwsEvent[] = [
    ...moved.events,
    ...freed.events,
    { kind: 'associated', atMs, publicIp, association, by },
  ];
  return { state: releaseAutoAddress(associated, target), events };
}

/** All routes to it lead there. */
function withRoutes(address: ElasticAddress, target: RouteTarget | null): ElasticAddress {
  if (address.routes === undefined) return address;
  const { instanceId, interfaceId } = target ?? {};
  const to = instanceId === undefined || interfaceId === undefined ? null : { instanceId, interfaceId };
  return { ...address, routes: Object.fromEntries(Object.keys(address.routes).map((id) => [id, to])) };
}

/** Ends an address's association, if it has one. */
export function disassociate(
  state: AwsState,
  publicIp: PublicIp,
  cause: EndCause,
  by: Caller,
  atMs: number,
): Change {
  const address = state.addresses.get(publicIp);
  if (address === undefined || address.association === null) return { state, events: [] };
  const ended: EndedAssociation = { ...address.association, endedAtMs: atMs, cause };
  const history = [...address.history, ended].slice(-historyBound);
  // A route stays when its target is gone, or when it is another's that was changed.
  const rest = cause === 'disassociated' ? withRoutes(address, null) : address;
  const freed = withFacts(
    state,
    { addresses: withEntry(state.addresses, publicIp, { ...rest, association: null, history }) },
    atMs,
  );
  return {
    state: promiseAutoAddress(freed, ended, atMs),
    events: [{ kind: 'ended', atMs, publicIp, association: ended, by }],
  };
}

/** Sets an instance's life-cycle state; terminating it ends its associations, stopping it doesn't. */
export function setInstanceState(
  state: AwsState,
  instanceId: InstanceId,
  next: InstanceState,
  by: Caller,
  atMs: number,
): Change {
  let change: Change = { state: setInstance(state, instanceId, { state: next }, atMs), events: [] };
  if (next !== 'terminated') return change;
  for (const address of state.addresses.values()) {
    if (address.association?.instanceId !== instanceId) continue;
    const ended = disassociate(change.state, address.publicIp, 'terminated', by, atMs);
    change = { state: ended.state, events: [...change.events, ...ended.events] };
  }
  return change;
}

/** Changes what is given of an instance. */
export function setInstance(
  state: AwsState,
  instanceId: InstanceId,
  fields: Partial<Omit<Instance, 'id'>>,
  atMs: number,
): AwsState {
  const instance = state.instances.get(instanceId);
  if (instance === undefined) throw new Error(`There is no instance ${instanceId}.`);
  return withFacts(
    state,
    { instances: withEntry(state.instances, instanceId, { ...instance, ...fields }) },
    atMs,
  );
}

/** An Elastic IP on the primary private address takes the place of the instance's own public address. */
function releaseAutoAddress(state: AwsState, target: Target): AwsState {
  const instance = state.instances.get(target.instanceId);
  if (instance === undefined || !isPrimary(instance, target) || instance.autoAddress.kind === 'never')
    return state;
  const released: Instance = { ...instance, autoAddress: { kind: 'released' } };
  return { ...state, instances: withEntry(state.instances, instance.id, released) };
}

/** The loser gets a new public address if it was launched with one and has one interface. */
function promiseAutoAddress(state: AwsState, lost: Target, atMs: number): AwsState {
  const instance = state.instances.get(lost.instanceId);
  if (instance?.autoAddress.kind !== 'released') return state;
  if (!isPrimary(instance, lost) || instance.interfaces.length > 1) return state;
  if (!Number.isFinite(state.config.autoAddressDelayMs)) return state;
  const [number, numbered] = draw(state, 'autoAddress');
  const autoAddress = arriving(number, state.config, atMs);
  return { ...numbered, instances: withEntry(numbered.instances, instance.id, { ...instance, autoAddress }) };
}

function arriving(number: number, config: AwsConfig, atMs: number): AutoAddress {
  // TEST-NET-2 of RFC 5737: it can't be anyone's.
  return { kind: 'arriving', ip: `198.51.100.${1 + (number % 254)}`, atMs: atMs + config.autoAddressDelayMs };
}

function isPrimary(instance: Instance, target: Target): boolean {
  const [primary] = instance.interfaces;
  return primary.id === target.interfaceId && primary.privateIps[0] === target.privateIp;
}
