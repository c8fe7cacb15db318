/**
 * Everything a node can want done. Each effect goes to one port, which answers later with the
 * input that names its id (`reply`, `persist` of an older document and `stopped` aside).
 *
 * `after` names the write that must be durable first; the host holds the effect back until then,
 * and drops it when that write fails.
 */

import type { Notice } from '../storage/durable.ts';
import type { Envelope } from '../wire/messages.ts';
import type { AskPurpose, CallPurpose, Route } from './inputs.ts';
import type { AssociationId, DurationMs, EffectId, InstanceId, Ip, NodeId } from './units.ts';

/** One thing that the host should do. An effect's id is unique within a run, and its answer names it again. */
export type Effect =
  | SendEffect
  | ReplyEffect
  | ProbeEffect
  | CheckLocalEffect
  | AskExternalIpEffect
  | DriveEffect
  | PublishEffect
  | ArbiterEffect
  | PersistEffect
  | { readonly kind: 'stopped'; readonly after?: EffectId };

/** Send a message to a peer. Answered by `answered` or `send-failed`. */
export interface SendEffect {
  readonly kind: 'send';
  readonly sendId: EffectId;
  readonly to: NodeId;
  readonly route: Extract<Route, '/v1/gossip' | '/v1/vote'>;
  readonly message: Envelope;
  /** On a connection opened for it, not a kept one. */
  readonly fresh: boolean;
  readonly timeoutMs: DurationMs;
  readonly after?: EffectId;
}

/** Answer a request that came in as `received`, with this HTTP status. Nothing reports whether it arrived. */
export interface ReplyEffect {
  readonly kind: 'reply';
  readonly requestId: EffectId;
  readonly status: 200 | 403 | 409 | 429;
  readonly message: Envelope;
  readonly after?: EffectId;
}

/** Probe the address from here, over the outside path. */
export interface ProbeEffect {
  readonly kind: 'probe';
  readonly probeId: EffectId;
  readonly address: Ip;
  readonly after?: EffectId;
}

/** Check this node's own HAProxy. */
export interface CheckLocalEffect {
  readonly kind: 'check-local';
  readonly checkId: EffectId;
  readonly after?: EffectId;
}

/** Ask the outside which address this node's traffic comes from, over the address family of `address`. */
export interface AskExternalIpEffect {
  readonly kind: 'ask-external-ip';
  readonly askId: EffectId;
  readonly purpose: AskPurpose;
  readonly address: Ip;
  readonly timeoutMs: DurationMs;
  readonly after?: EffectId;
}

/** What a read has shown, and a release ends: named by its id, or where the cloud has none, by who held the address by it. */
export interface ReleaseTarget {
  readonly associationId: AssociationId | null;
  /** The instance that the read has shown, by the cloud's name. */
  readonly instanceId: InstanceId | null;
  /** The node that this is, where known. */
  readonly node: NodeId | null;
}

/** A call of the cloud driver, about one address. */
export type DriverOperation =
  | { readonly op: 'read' }
  /** Prove by dry run that every call of a move is permitted. */
  | { readonly op: 'permit' }
  /** End what a read has shown, and nothing that came after it. */
  | ({ readonly op: 'release' } & ReleaseTarget)
  /** Associate with this node; with `reassociate`, also from whoever holds it. */
  | { readonly op: 'take'; readonly reassociate: boolean };

/** Call the cloud driver. Answered by `driven`. */
export interface DriveEffect {
  readonly kind: 'drive';
  readonly callId: EffectId;
  readonly purpose: CallPurpose;
  readonly address: Ip;
  readonly operation: DriverOperation;
  /** After this the answer is unknown; the port aborts the call. */
  readonly timeoutMs: DurationMs;
  readonly after?: EffectId;
}

/** Tell a receiver of an event. Answered by `published`; what failed is tried again later, so that it may be told twice. */
export interface PublishEffect extends Notice {
  readonly kind: 'publish';
  readonly publishId: EffectId;
  /** The name of one in `config.notify.receivers`. */
  readonly receiver: string;
  readonly timeoutMs: DurationMs;
  readonly after?: EffectId;
}

/** A call of the store, about what stands there for the arbiter's vote. */
export type ArbiterOperation =
  | { readonly op: 'read' }
  /** Write `text` in the place of exactly `expected`; null: where nothing stands. */
  | { readonly op: 'swap'; readonly text: string; readonly expected: string | null };

/** Ask the store. Answered by `arbiter`. */
export interface ArbiterEffect {
  readonly kind: 'arbiter';
  readonly askId: EffectId;
  readonly address: Ip;
  readonly operation: ArbiterOperation;
  /** After this the answer is a failure; what was to be written may be written all the same, or yet. */
  readonly timeoutMs: DurationMs;
  readonly after?: EffectId;
}

/** Make `text` the durable document. A later write may overtake an earlier one; `persisted` covers all that came before. */
export interface PersistEffect {
  readonly kind: 'persist';
  readonly writeId: EffectId;
  readonly text: string;
}
