import { revocation } from './call.ts';
import { type ArmedFault, armed, type FaultSpec } from './faults.ts';
import { ipv6Beside, isIpv6 } from './ipv6.ts';
import { type AwsActionPattern, awsActions, coversAction, type InstanceId } from './names.ts';
import { addressOnTarget, associate, targetOn } from './network.ts';
import { subnetIdOf } from './policy.ts';
import {
  type AddressKind,
  type AwsConfig,
  type AwsState,
  defaultAwsConfig,
  draw,
  type ElasticAddress,
  type Instance,
  longId,
  type NetworkInterface,
  uuidOf,
} from './state.ts';

/** An instance to begin with; what isn't given is made up from its place in the list. */
export interface InstanceSpec {
  readonly id: InstanceId;
  readonly hostname?: string;
  readonly opsworksId?: string;
  readonly availabilityZone?: string;
  /** One list of private addresses an interface, the primary ones first. */
  readonly privateIps?: readonly (readonly [string, ...string[]])[];
  /** Whether its interfaces drop packets to addresses that aren't their own; absent: they do. */
  readonly sourceDestCheck?: boolean;
  /** The public address it launches with; null for a subnet that assigns none. */
  readonly autoAddress?: string | null;
  /** The address of the NAT gateway it goes out through. */
  readonly nat?: string;
  /** The name of its instance profile; by default the one that all have. */
  readonly profile?: string;
  /** Tags besides its name and OpsWorks's. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** An Elastic IP to begin with, or another address that moves. */
export interface AddressSpec {
  /** Absent: an Elastic IP. */
  readonly kind?: AddressKind;
  /** Of a private address, the subnet that it belongs to; absent: the first instance's. */
  readonly subnetId?: string;
  readonly publicIp: string;
  readonly allocationId?: string;
  /** Of one that routes lead to, the ids of their tables; absent: one table. */
  readonly routeTables?: readonly string[];
  /** The holder at the start, by instance id. */
  readonly holder?: InstanceId;
  /** The holder's private address it lands on; absent: its primary one. Of what isn't an Elastic IP only the interface counts. */
  readonly privateIp?: string;
}

/** The parts of an account contradict each other. */
export class AwsSpecError extends Error {
  override readonly name = 'AwsSpecError';
}

/** An account to begin with. */
export interface AwsSpec {
  readonly instances: readonly InstanceSpec[];
  readonly addresses: readonly AddressSpec[];
  readonly topics?: readonly string[];
  /** What Secrets Manager holds, by ARN. */
  readonly secrets?: ReadonlyMap<string, string>;
  readonly config?: Partial<AwsConfig>;
}

/**
 * Builds the state at time zero.
 *
 * @throws AwsSpecError when the parts contradict each other
 */
export function createAws(spec: AwsSpec): AwsState {
  const config: AwsConfig = { ...defaultAwsConfig, ...spec.config };
  const plain = spec.instances.map((instance, index) => createInstance(instance, index + 1, config));
  const addresses = spec.addresses.map((address, index) => createAddress(address, index, plain[0]));
  const instances = plain.map((instance, index) => withOwnIpv6(instance, index + 1, addresses));
  for (const address of addresses) refuseOwn(address, instances);
  const empty: AwsState = {
    config,
    instances: unique('instance', instances, (instance) => instance.id),
    addresses: unique('address', addresses, (address) => address.publicIp),
    topics: new Set(spec.topics ?? []),
    secrets: spec.secrets ?? new Map(),
    revoked: new Set(),
    faults: [],
    past: [],
    counters: { association: 0, request: 0, message: 0, autoAddress: 0, fault: 0 },
  };
  const held = spec.addresses.reduce(initialAssociation, empty);
  return { ...held, past: [] };
}

function createInstance(spec: InstanceSpec, number: number, config: AwsConfig): Instance {
  const lists = spec.privateIps ?? [[`10.0.1.${10 + number}`] as const];
  const interfaces = lists.map((privateIps, index): NetworkInterface => {
    const place = number * 16 + index;
    const tail = [place >> 8, place & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    const card = { id: longId('eni', place), mac: `02:00:00:00:${tail}`, privateIps };
    return spec.sourceDestCheck === undefined ? card : { ...card, sourceDestCheck: spec.sourceDestCheck };
  });
  const [primary, ...others] = interfaces;
  if (primary === undefined) throw new Error(`The instance ${spec.id} has no network interface.`);
  // TEST-NET-3 of RFC 5737.
  const ip = spec.autoAddress === undefined ? `203.0.113.${number}` : spec.autoAddress;
  return {
    id: spec.id,
    opsworksId: spec.opsworksId ?? uuidOf(3, number),
    hostname: spec.hostname ?? spec.id,
    availabilityZone: spec.availabilityZone ?? `${config.region}${number % 2 === 1 ? 'a' : 'b'}`,
    state: 'running',
    interfaces: [primary, ...others],
    autoAddress: ip === null ? { kind: 'never' } : { kind: 'assigned', ip },
    nat: spec.nat ?? null,
    ...(spec.profile === undefined ? {} : { profile: spec.profile }),
    ...(spec.tags === undefined ? {} : { tags: spec.tags }),
    network: 'attached',
    wayOut: 'open',
  };
}

function createAddress(spec: AddressSpec, index: number, first: Instance | undefined): ElasticAddress {
  const {
    kind,
    subnetId = first === undefined ? '' : subnetIdOf(first),
    routeTables = [longId('rtb', 1)],
  } = spec;
  return {
    ...(kind === 'private' ? { kind, subnetId } : {}),
    ...(kind === 'route' ? { kind, routes: Object.fromEntries(routeTables.map((id) => [id, null])) } : {}),
    publicIp: spec.publicIp,
    allocationId: spec.allocationId ?? longId('eipalloc', index + 1),
    association: null,
    history: [],
  };
}

function initialAssociation(state: AwsState, spec: AddressSpec): AwsState {
  if (spec.holder === undefined) return state;
  const instance = state.instances.get(spec.holder);
  if (instance === undefined)
    throw new AwsSpecError(`${spec.publicIp} is held by ${spec.holder}, which doesn't exist.`);
  const target = targetOn(state, spec.publicIp, instance, spec.privateIp);
  if (addressOnTarget(state, target.interfaceId, target.privateIp) !== undefined) {
    throw new AwsSpecError(`Two addresses begin on ${target.privateIp} of ${spec.holder}.`);
  }
  const change = associate(state, spec.publicIp, target, { kind: 'operator', name: 'launch' }, 0);
  const address = change.state.addresses.get(spec.publicIp);
  if (!address?.association) throw new Error(`${spec.publicIp} didn't reach ${spec.holder}.`);
  // What is there at the start has settled before it.
  const settled = { ...address, association: { ...address.association, effectiveAtMs: 0 } };
  return { ...change.state, addresses: new Map(change.state.addresses).set(spec.publicIp, settled) };
}

/** Where IPv6 addresses move, each instance of their subnet has one of its own, on its primary interface. */
function withOwnIpv6(instance: Instance, number: number, addresses: readonly ElasticAddress[]): Instance {
  const moving = addresses.find(
    ({ subnetId = subnetIdOf(instance), publicIp }) => isIpv6(publicIp) && subnetId === subnetIdOf(instance),
  );
  if (moving === undefined) return instance;
  const [primary, ...others] = instance.interfaces;
  const ipv6s = [ipv6Beside(moving.publicIp, FIRST_OWN_IPV6 + number)];
  return { ...instance, interfaces: [{ ...primary, ipv6s }, ...others] };
}

/** The last group of the first instance's own address is one more. */
const FIRST_OWN_IPV6 = 0xa00;

/** An address that moves is none that an interface keeps. */
function refuseOwn({ kind, publicIp }: ElasticAddress, instances: readonly Instance[]): void {
  const owner = instances.find(({ interfaces }) =>
    interfaces.some(({ privateIps, ipv6s = [] }) => [...privateIps, ...ipv6s].includes(publicIp)),
  );
  if (kind === undefined || owner === undefined) return;
  throw new AwsSpecError(`${publicIp} is an address of ${owner.id}'s own, which doesn't move.`);
}

function unique<T>(what: string, list: readonly T[], key: (item: T) => string): ReadonlyMap<string, T> {
  const map = new Map<string, T>();
  for (const item of list) {
    if (map.has(key(item))) throw new AwsSpecError(`The ${what} ${key(item)} is there twice.`);
    map.set(key(item), item);
  }
  return map;
}

/** Arms a fault; it stands behind those that are armed already. */
export function armFault(
  state: AwsState,
  spec: FaultSpec,
): { readonly state: AwsState; readonly fault: ArmedFault } {
  const [id, numbered] = draw(state, 'fault');
  const fault = armed(id, spec);
  return { state: { ...numbered, faults: [...numbered.faults, fault] }, fault };
}

/** Disarms one fault, or all of them. */
export function clearFaults(state: AwsState, id?: number): AwsState {
  return { ...state, faults: id === undefined ? [] : state.faults.filter((fault) => fault.id !== id) };
}

/** Takes permissions from an instance's role, or gives them back. */
export function setPermission(
  state: AwsState,
  instanceId: InstanceId,
  pattern: AwsActionPattern,
  permission: 'revoked' | 'granted',
): AwsState {
  const revoked = new Set(state.revoked);
  for (const action of awsActions) {
    if (!coversAction(pattern, action)) continue;
    if (permission === 'revoked') revoked.add(revocation(instanceId, action));
    else revoked.delete(revocation(instanceId, action));
  }
  return { ...state, revoked };
}
