/**
 * What the protocol needs to know of an agent's configuration.
 *
 * The agent reads its YAML file into this shape (and keeps what only adapters need, such as URLs
 * and key files, to itself); the simulator builds the same shape from a scenario.
 */
import type { NoticeKind } from './codes.ts';
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

/** What this node's own configuration says of another one. It outweighs what that node says of itself. */
export interface PeerConfig {
  readonly id: NodeId;
  readonly role: Role;
  /** Its configured rank until the peer itself has told; default 100. */
  readonly priority: number;
}

/** A contested address, and how each node probes it. */
export interface AddressConfig {
  readonly ip: Ip;
  readonly probe: CheckConfig;
  /** What is asked and what counts as an answer, in words: `GET http://www.example.org/ answers 200-399`. */
  readonly expects: string;
  /** The candidate that holds it when all are well, and goes first when it has to move; absent: nobody in particular. */
  readonly home?: NodeId;
}

/** When an address goes back to its home by itself (`failback.ts`). */
export interface FailbackConfig {
  /** So long the home has been ready, and the address where it is. */
  readonly afterMs: DurationMs;
  /** A span of the day, as `02:00-05:00 UTC`; null: at any time. */
  readonly window: string | null;
}

/**
 * How the driver moves an address.
 * `fenced`: release of a named association, then a claim that only succeeds on an address nobody holds (EC2, exec).
 * `single-call`: one call that takes the address from whoever holds it (OpsWorks).
 */
export type MoveStyle = 'fenced' | 'single-call';

/** What the protocol may expect of the cloud driver; it never learns which driver it is. */
export interface DriverConfig {
  readonly style: MoveStyle;
  /** Whether a one-call swap exists for a handover that the holder consents to. */
  readonly swap: boolean;
  /** Whether taking the address may throw another Elastic IP off this node's interface. */
  readonly displace: 'refuse' | 'allow';
}

/** Whom a node tells of what happens: a topic, a web hook, a program. The host knows how; each has its own line in the outbox. */
export interface Receiver {
  /** Unique on this node, and kept with what waits for it: `sns`, `exec`, or the name of a web hook. */
  readonly name: string;
  /** What it is told of. */
  readonly events: readonly NoticeKind[];
  /** After this a try to tell it counts as failed. */
  readonly timeoutMs: DurationMs;
}

/** The SNS topic with its default events, which are those of the seed and of the first version. */
export const TOPIC: Receiver = { name: 'sns', events: ['taken', 'blocked'], timeoutMs: 5_000 };

/**
 * Whose pauses, resumes and handovers count: anybody's who has the cluster's key; only those that an operator has signed
 * (`orders.ts`); or nobody's.
 */
export type OrderRule = 'any' | 'proven' | 'none';

/**
 * All settings of one node. The host has checked them: ids are unique, lengths of time are positive, and the bounds
 * below hold.
 */
export interface ProtocolConfig {
  /** Messages and state files that name another cluster are refused. */
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
    /** The pair has a third voter in its store (`arbiter.ts`); absent: it hasn't. */
    readonly arbiter?: boolean;
  };
  readonly guard: { readonly timeoutMs: DurationMs };
  /** Null for a witness or a member. */
  readonly driver: DriverConfig | null;
  readonly notify: {
    /** Empty: nobody is told but the log. */
    readonly receivers: readonly Receiver[];
    /** Null: not set, and as long as a failover may take (`failover-time.ts`). */
    readonly blockedAfterMs: DurationMs | null;
  };
  /** How long after a change of holder a holder that is heard and fit isn't relieved automatically; 0: not at all. */
  readonly holdDownMs: DurationMs;
  /** At most so many changes of holder within this time before automatic moves pause. */
  readonly flap: { readonly moves: number; readonly withinMs: DurationMs };
  /** Absent: never. */
  readonly failback?: FailbackConfig;
}

/** The most voters a cluster may have (PROTOCOL.md, "Ballots"). */
export const MAX_VOTERS = 7;

/** The arbiter's name among the voters. No node may have it beside one. */
export const ARBITER: NodeId = 'arbiter';

/** The most peers one node knows. */
export const MAX_PEERS = 1024;

/** The largest flap budget: so many changes of holder are remembered, and written down. */
export const MAX_FLAP_MOVES = 1_000;

/** The most receivers one node tells. */
export const MAX_RECEIVERS = 8;

/** The most addresses one cluster shares. */
export const MAX_ADDRESSES = 32;
