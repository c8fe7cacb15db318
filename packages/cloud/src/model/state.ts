import type { ArmedFault } from './faults.ts';
import type { Caller, InstanceId, PublicIp } from './names.ts';

/** EC2 User Guide, "Instance lifecycle". */
export type InstanceState = 'pending' | 'running' | 'stopping' | 'stopped' | 'shutting-down' | 'terminated';

/** A network interface; the first private address is the primary one. */
export interface NetworkInterface {
  readonly id: string;
  readonly mac: string;
  readonly privateIps: readonly [string, ...string[]];
  /** Its own IPv6 addresses; absent: its subnet has none. As a read shows it also those that have been assigned to it. */
  readonly ipv6s?: readonly string[];
  /** Absent: on, so that packets to addresses that aren't its own are dropped. */
  readonly sourceDestCheck?: boolean;
}

/**
 * The public address that a subnet assigns by itself at launch. An Elastic IP takes its place and it is gone for good;
 * after the Elastic IP has left, a new one arrives some time later (EC2 User Guide, "Amazon EC2 instance IP addressing").
 */
export type AutoAddress =
  | { readonly kind: 'never' }
  | { readonly kind: 'assigned'; readonly ip: string }
  | { readonly kind: 'released' }
  | { readonly kind: 'arriving'; readonly ip: string; readonly atMs: number };

/** One instance, known to EC2 and to OpsWorks. */
export interface Instance {
  readonly id: InstanceId;
  /** OpsWorks's own id of it. */
  readonly opsworksId: string;
  readonly hostname: string;
  readonly availabilityZone: string;
  readonly state: InstanceState;
  /** The first is the primary one. */
  readonly interfaces: readonly [NetworkInterface, ...NetworkInterface[]];
  readonly autoAddress: AutoAddress;
  /** The address of the NAT gateway that its subnet goes out through, if it does. */
  readonly nat: string | null;
  /** The name of its instance profile; absent: the one that all have. */
  readonly profile?: string;
  /** Tags besides its name and OpsWorks's. */
  readonly tags?: Readonly<Record<string, string>>;
  /** `gone`: off the network altogether, though AWS may still call it running. */
  readonly network: 'attached' | 'gone';
  /** `broken`: it reaches its peers, and nothing outside. */
  readonly wayOut: 'open' | 'broken';
}

/** A live association of an address with one private address of an interface. */
export interface Association {
  readonly id: string;
  readonly instanceId: InstanceId;
  readonly interfaceId: string;
  readonly privateIp: string;
  readonly sinceMs: number;
  /** From here on traffic follows; until then the address leads nowhere. */
  readonly effectiveAtMs: number;
}

/** Why an association ended. */
export type EndCause = 'disassociated' | 'moved' | 'displaced' | 'terminated';

/** An association that is over. */
export interface EndedAssociation extends Association {
  readonly endedAtMs: number;
  readonly cause: EndCause;
}

/** What moves beside Elastic IPs. `private`: a secondary private address of an interface, or one of its IPv6 addresses. `route`: the destination of routes. */
export type AddressKind = 'private' | 'route';

/** The interface that a route points to. */
export interface RouteTarget {
  readonly instanceId: InstanceId;
  readonly interfaceId: string;
}

/** An Elastic IP, or another address that moves from interface to interface, which EC2 shows in another way. */
export interface ElasticAddress {
  /** Absent: an Elastic IP. */
  readonly kind?: AddressKind;
  readonly publicIp: PublicIp;
  readonly allocationId: string;
  /** Of a private address, the subnet that it belongs to. */
  readonly subnetId?: string;
  /** Of a private address that was taken from an interface lately: EC2 still counts it as there. */
  readonly leaving?: { readonly interfaceId: string; readonly untilMs: number };
  /** Of one that routes lead to, where each table leads; null: it has no such route. */
  readonly routes?: Readonly<Record<string, RouteTarget | null>>;
  /** Of one that routes lead to: where all of its tables lead, and null while they differ. */
  readonly association: Association | null;
  /** Oldest first, at most `historyBound`. */
  readonly history: readonly EndedAssociation[];
}

/** How this account and region behave; each is a property that real accounts differ in, or that nobody promises. */
export interface AwsConfig {
  readonly region: string;
  readonly accountId: string;
  readonly stackId: string;
  readonly layerId: string;
  /** What a missing AllowReassociation means: true in an account without EC2-Classic (API Reference, AssociateAddress). */
  readonly allowReassociationDefault: boolean;
  /** A stale association id at DisassociateAddress: an error, or the silent success that some pages promise. */
  readonly staleDisassociate: 'not-found' | 'success';
  /**
   * AllowReassociation=false onto a private address that carries another Elastic IP: the documentation has the other
   * thrown off; users report `Resource.AlreadyAssociated: resource eni-… and … is already associated with public address`.
   */
  readonly occupiedTarget: 'displace' | 'refuse';
  /** From an association to the first packet that follows it. */
  readonly associationSettleMs: number;
  /** From UnassignPrivateIpAddresses until EC2 itself counts the address as free. */
  readonly unassignSettleMs: number;
  /** A private address that is assigned to the interface that has it already: nobody promises either. */
  readonly assignAgain: 'success' | 'refuse';
  /** An IPv6 address that is taken from an interface that hasn't got it: nobody promises either. */
  readonly unassignAbsentIpv6: 'refuse' | 'success';
  /** The most private addresses that an interface has, the primary one among them; it depends on the type of the instance. As many of IPv6. */
  readonly privateIpsPerInterface: number;
  /** From the loss of an Elastic IP to a new public address; Infinity where none ever comes. */
  readonly autoAddressDelayMs: number;
}

/** The facts that reads show. */
export interface Facts {
  readonly instances: ReadonlyMap<InstanceId, Instance>;
  readonly addresses: ReadonlyMap<PublicIp, ElasticAddress>;
}

/** Facts that held until a moment; stale reads see them. */
export interface PastFacts extends Facts {
  readonly untilMs: number;
}

/** Everything the model knows. Never changed in place. */
export interface AwsState extends Facts {
  readonly config: AwsConfig;
  readonly topics: ReadonlySet<string>;
  /** What Secrets Manager holds, by ARN. */
  readonly secrets: ReadonlyMap<string, string>;
  /** `instanceId action`, each revoked from that instance's role. */
  readonly revoked: ReadonlySet<string>;
  readonly faults: readonly ArmedFault[];
  /** Oldest first, at most `pastBound`. */
  readonly past: readonly PastFacts[];
  /** For ids: each draws the next number. */
  readonly counters: Counters;
}

/** The kinds of ids that are numbered. */
export interface Counters {
  readonly association: number;
  readonly request: number;
  readonly message: number;
  readonly autoAddress: number;
  readonly fault: number;
}

/** Something that happened, told once, to logs, checkers and whoever waits. */
export type AwsEvent =
  | {
      readonly kind: 'associated';
      readonly atMs: number;
      readonly publicIp: PublicIp;
      readonly association: Association;
      readonly by: Caller;
    }
  | {
      readonly kind: 'ended';
      readonly atMs: number;
      readonly publicIp: PublicIp;
      readonly association: EndedAssociation;
      readonly by: Caller;
    }
  | {
      readonly kind: 'published';
      readonly atMs: number;
      readonly by: Caller;
      readonly messageId: string;
      readonly topicArn: string;
      readonly subject: string | null;
      readonly message: string;
    };

/** A change of the model: the next state, and what there is to tell of it. */
export interface Change {
  readonly state: AwsState;
  readonly events: readonly AwsEvent[];
}

/** Ended associations that an address remembers. */
export const historyBound = 64;
/** Past facts that stale reads can reach. */
export const pastBound = 256;

/** An account with the behaviour that modern ones have, and no delays. */
export const defaultAwsConfig: AwsConfig = {
  region: 'us-east-1',
  accountId: '123456789012',
  stackId: '11111111-2222-4333-8444-555555555555',
  layerId: '66666666-7777-4888-8999-000000000000',
  allowReassociationDefault: true,
  staleDisassociate: 'not-found',
  occupiedTarget: 'displace',
  associationSettleMs: 0,
  unassignSettleMs: 0,
  assignAgain: 'success',
  unassignAbsentIpv6: 'refuse',
  privateIpsPerInterface: 30,
  autoAddressDelayMs: 120_000,
};

/** Draws the next number of one counter. */
export function draw(state: AwsState, counter: keyof Counters): readonly [number, AwsState] {
  const next = state.counters[counter] + 1;
  return [next, { ...state, counters: { ...state.counters, [counter]: next } }];
}

/** Replaces the facts, and keeps the old ones for reads that lag. */
export function withFacts(state: AwsState, facts: Partial<Facts>, atMs: number): AwsState {
  const past = [...state.past, { instances: state.instances, addresses: state.addresses, untilMs: atMs }];
  return { ...state, ...facts, past: past.slice(-pastBound) };
}

/** The facts as they stood at a moment, the present ones when nothing changed since. */
export function factsAt(state: AwsState, atMs: number): Facts {
  return state.past.find((past) => past.untilMs > atMs) ?? state;
}

/** A copy of a map with one entry set. */
export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

/** An id in EC2's long form, `prefix-` and seventeen hexadecimal digits. */
export function longId(prefix: string, number: number): string {
  return `${prefix}-${number.toString(16).padStart(17, '0')}`;
}

/** An id in the form of a version 4 UUID. */
export function uuidOf(family: number, number: number): string {
  const tail = number.toString(16).padStart(12, '0');
  return `${family.toString(16).padStart(8, '0')}-0000-4000-8000-${tail}`;
}
