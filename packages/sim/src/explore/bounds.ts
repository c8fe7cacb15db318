/**
 * How much is searched: the cluster, the faults, and where the search ends. docs/exploration.md says what each bound
 * leaves out.
 */
import type { Ip, ProtocolConfig } from '@failtome/protocol';
import { configFor, type NodeSpec, type Settings } from '../world/settings.ts';

/** The clusters that can be explored. */
export const CLUSTER_KINDS = ['pair', 'pair-arbiter', 'pair-witness', 'three'] as const;

/** One of them. */
export type ClusterKind = (typeof CLUSTER_KINDS)[number];

/** Why the address should move, or not; what happens is no fault of the budget. */
export type Reason = 'none' | 'server-dead' | 'server-hung' | 'machine-gone';

/** What gives a cluster a reason to move the address. */
export const REASONS_TO_MOVE: readonly Reason[] = ['none', 'server-dead', 'server-hung', 'machine-gone'];

/** Families of faults that the budget may be spent on. */
export type FaultKind =
  | 'message'
  | 'link'
  | 'crash'
  | 'pause'
  | 'call'
  | 'check'
  | 'server'
  | 'disk'
  | 'store';

/** The kinds of fault that can be chosen. */
export const FAULT_KINDS: readonly FaultKind[] = [
  'message',
  'link',
  'crash',
  'pause',
  'call',
  'check',
  'server',
  'disk',
  'store',
];

/** How much of all histories is followed. */
export interface Bounds {
  readonly cluster: ClusterKind;
  /** Faults in one history, the reason to move not counted. */
  readonly faults: number;
  readonly faultKinds: readonly FaultKind[];
  readonly reasons: readonly Reason[];
  /** At how many successive quanta the reason may come. */
  readonly phases: number;
  /** Contested addresses, from 1 to `MAX_EXPLORED_ADDRESSES`. */
  readonly addresses: number;
  /** Ballots for one address beyond those of the settled cluster. */
  readonly epochs: number;
  /** Requests and responses on their way at one moment. */
  readonly inFlight: number;
  /** How long after the settled start every choice is followed; from there one continuation is, until it has recovered. */
  readonly horizonMs: number;
  /**
   * Which orders of what reaches one node within one quantum are followed. `all`; `weighty`: all but those that only
   * put heartbeats, records and checks, or several words of one sender, in another order among themselves; `one`.
   */
  readonly orders: 'all' | 'weighty' | 'one';
}

/** Where a search gives up, with what it has seen by then. */
export interface Limits {
  /** Quanta after the settled start; Infinity: none. */
  readonly depth: number;
  readonly states: number;
  /** Asked now and then; true ends the search. */
  readonly expired: () => boolean;
}

/** As far as the bounds go, however long it takes. */
export const NO_LIMITS: Limits = {
  depth: Number.POSITIVE_INFINITY,
  states: Number.POSITIVE_INFINITY,
  expired: () => false,
};

/** The bounds unless others are asked for. */
export const DEFAULT_BOUNDS: Bounds = {
  cluster: 'pair',
  faults: 1,
  faultKinds: FAULT_KINDS,
  reasons: REASONS_TO_MOVE,
  phases: 1,
  addresses: 1,
  epochs: 6,
  inFlight: 40,
  horizonMs: 3_000,
  orders: 'weighty',
};

/** With more the worlds of a single moment are too many to be of use. */
export const MAX_EXPLORED_ADDRESSES = 4;

/** Virtual time goes in steps of this. Whatever travels or works takes one, unless a fault makes it longer. */
export const QUANTUM_MS = 100;

/** From the first start until leases are lent, the first idle reads are done, and an arbiter that was made new lends. */
export const SETTLED_MS = 6_000;

/** Small, so that a takeover takes few quanta, and in the proportions of the defaults. */
export const EXPLORED_SETTINGS: Settings = {
  identities: false,
  probe: { intervalMs: 500, fastIntervalMs: 300, timeoutMs: 300, fall: 2, rise: 1 },
  local: { intervalMs: 1_000, fastIntervalMs: 500, timeoutMs: 300, fall: 1, rise: 1 },
  gossip: { intervalMs: 500, timeoutMs: 300, deadMs: 1_500, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 2_500 },
  guardTimeoutMs: 500,
  displace: 'refuse',
  notifies: true,
  blockedAfterMs: 20_000,
  holdDownMs: 3_000,
  flap: { moves: 4, withinMs: 120_000 },
};

/** From an association to the first packet that follows it. */
export const ASSOCIATION_SETTLE_MS = 200;
/** Until the loser of a move has a public address again. */
export const AUTO_ADDRESS_MS = 1_000;

/** The configurations of a cluster, the first holder's first. */
export function configsOf({ cluster, addresses }: Bounds): readonly ProtocolConfig[] {
  const specs = nodesOf(cluster);
  const { agreement } = EXPLORED_SETTINGS;
  const settings: Settings =
    cluster === 'pair-arbiter'
      ? { ...EXPLORED_SETTINGS, agreement: { ...agreement, arbiter: true } }
      : EXPLORED_SETTINGS;
  return specs.map((spec) => configFor(spec, specs, addressesOf(addresses), 'ec2', settings, {}));
}

/** TEST-NET-2 of RFC 5737. */
export function addressesOf(count: number): readonly Ip[] {
  return Array.from({ length: count }, (_, index) => `198.51.100.${200 + index}`);
}

function nodesOf(cluster: ClusterKind): readonly NodeSpec[] {
  const node = (id: string, role: NodeSpec['role'], priority = 100): NodeSpec => ({
    id,
    role,
    priority,
    clock: { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 },
    bootMs: 0,
  });
  switch (cluster) {
    case 'pair':
    case 'pair-arbiter':
      return [node('a', 'candidate'), node('b', 'candidate')];
    case 'pair-witness':
      return [node('a', 'candidate'), node('b', 'candidate'), node('w', 'witness')];
    case 'three':
      return [node('a', 'candidate'), node('b', 'candidate'), node('c', 'candidate')];
  }
}
