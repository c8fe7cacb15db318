/**
 * What the protocol needs to know of an agent's configuration.
 *
 * The agent reads its YAML file into this shape (and keeps what only adapters need, such as URLs
 * and key files, to itself); the simulator builds the same shape from a scenario.
 */
import type { DurationMs, InstanceId, Ip, NodeId } from './units.ts';

/** `candidate` may hold addresses and votes; `witness` only votes; `member` does neither. */
export type Role = 'candidate' | 'witness' | 'member';

/** HAProxy's check settings. `fastIntervalMs` is HAProxy's `fastinter`; `timeoutMs` runs from connect to the last byte. */
export interface CheckConfig {
  readonly intervalMs: DurationMs;
  readonly fastIntervalMs: DurationMs;
  readonly timeoutMs: DurationMs;
  /** Failures in a row that make it down; at least 1. */
  readonly fall: number;
  /** Successes in a row that make it up again; at least 1. */
  readonly rise: number;
}

export interface PeerConfig {
  readonly id: NodeId;
  readonly role: Role;
  /** Its configured rank until the peer itself has told; default 100. */
  readonly priority: number;
}

export interface AddressConfig {
  readonly ip: Ip;
  readonly probe: CheckConfig;
  /** What is asked and what counts as an answer, in words: `GET http://www.example.org/ answers 200-399`. */
  readonly expects: string;
}

/**
 * How the driver moves an address.
 * `fenced`: release of a named association, then a claim that only succeeds on an address nobody holds (EC2, exec).
 * `single-call`: one call that takes the address from whoever holds it (OpsWorks).
 */
export type MoveStyle = 'fenced' | 'single-call';

export interface DriverConfig {
  readonly style: MoveStyle;
  /** Whether a one-call swap exists for a handover that the holder consents to. */
  readonly swap: boolean;
  readonly displace: 'refuse' | 'allow';
}

/**
 * Whose pauses, resumes and handovers count: anybody's who has the cluster's key; only those that an operator has signed
 * (`orders.ts`); or nobody's.
 */
export type OrderRule = 'any' | 'proven' | 'none';

export interface ProtocolConfig {
  readonly cluster: string;
  readonly orders: OrderRule;
  readonly node: {
    readonly id: NodeId;
    readonly role: Role;
    /** Among fit candidates the higher goes first. */
    readonly priority: number;
    /** Empty where the role needs none. */
    readonly instanceId: InstanceId;
    /** The software's version, for people. */
    readonly version: string;
  };
  /** The others, never this node itself. */
  readonly peers: readonly PeerConfig[];
  readonly addresses: readonly AddressConfig[];
  /** Null: always fit. */
  readonly local: CheckConfig | null;
  readonly gossip: {
    readonly intervalMs: DurationMs;
    readonly timeoutMs: DurationMs;
    /** Not heard for this long is silent. */
    readonly deadMs: DurationMs;
    /** Peers spoken to in one interval. */
    readonly fanout: number;
  };
  readonly agreement: {
    /** What the silence of the only other voter counts as: `blind` under `takeover`, a refusal under `hold`. */
    readonly silentPeer: 'takeover' | 'hold';
    readonly leaseMs: DurationMs;
  };
  readonly guard: { readonly timeoutMs: DurationMs };
  /** Null for a witness or a member. */
  readonly driver: DriverConfig | null;
  readonly notify: {
    readonly enabled: boolean;
    /** Null: not set, and as long as a failover may take (`failover-time.ts`). */
    readonly blockedAfterMs: DurationMs | null;
  };
  readonly holdDownMs: DurationMs;
  readonly flap: { readonly moves: number; readonly withinMs: DurationMs };
}

/** The most voters a cluster may have (PROTOCOL.md, "Ballots"). */
export const MAX_VOTERS = 7;

/** The most peers one node knows. */
export const MAX_PEERS = 1024;

/** The largest flap budget: so many changes of holder are remembered, and written down. */
export const MAX_FLAP_MOVES = 1_000;

/** The most addresses one cluster shares. */
export const MAX_ADDRESSES = 32;
