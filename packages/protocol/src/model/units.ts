/**
 * Units and names that the whole protocol speaks in.
 *
 * Plain aliases, not branded types: the unit stands in the name of every field
 * (`timeoutMs`, `startedAt`), which is what a reader of a call site sees.
 */

/** A length of time in milliseconds; never negative. */
export type DurationMs = number;

/**
 * A point on this node's monotonic clock, in milliseconds since an arbitrary origin.
 * It goes on counting while the machine is suspended, and never steps back.
 */
export type MonotonicMs = number;

/** Milliseconds since 1970-01-01T00:00:00Z. For people, and for the expiry of a pause; decides nothing else. */
export type WallMs = number;

/** A node's name, unique in its cluster: 1 to 64 characters of `[A-Za-z0-9._-]`. */
export type NodeId = string;

/** A contested address in text form, IPv4 or IPv6, as it stands in the configuration. */
export type Ip = string;

/** Orders the ballots for one address. A whole number, at least 1. */
export type Epoch = number;

/** Names one run of one agent, unguessable, drawn by the host at start: 11 characters of base64url. */
export type SessionId = string;

/** AWS's id of one association of an address with a network interface; new at each association. */
export type AssociationId = string;
/** Stands for the id where associations have none, so that one can be remembered all the same. No cloud gives such an id. */
export const WITHOUT_ID: AssociationId = 'without-id';

/** The cloud's name for a machine: an EC2 instance id, an OpsWorks instance id, or the node id for `exec`. */
export type InstanceId = string;

/** Names one effect, so that the input which answers it can say which. A whole number, counted up within a run. */
export type EffectId = number;

/** Both clocks, read at the same moment. */
export interface Instant {
  readonly at: MonotonicMs;
  readonly wall: WallMs;
}

/** Later than any moment: the deadline of something that isn't waiting. */
export const NEVER: MonotonicMs = Number.MAX_SAFE_INTEGER;
