/**
 * Everything that can happen to a node. Each input carries the time it happened, on both clocks.
 */

import type { DurableDocument } from '../storage/durable.ts';
import type { Envelope } from '../wire/messages.ts';
import type { CheckFailure, CloudRequestResult, ExternalIpFailure, SendFailure } from './codes.ts';
import type { ProtocolConfig } from './config.ts';
import type {
  AssociationId,
  DurationMs,
  EffectId,
  InstanceId,
  Instant,
  Ip,
  NodeId,
  SessionId,
} from './units.ts';

export type { CheckFailure, ExternalIpFailure, SendFailure } from './codes.ts';

/**
 * One event, with the time at which it happened. All but `started`, `tick`, `received`, `configured` and `stop`
 * answer an effect by its id.
 */
export type Input = Instant &
  (
    | Started
    | { readonly kind: 'tick' }
    | {
        readonly kind: 'received';
        readonly requestId: EffectId;
        readonly route: Route;
        readonly message: Envelope;
      }
    | { readonly kind: 'answered'; readonly sendId: EffectId; readonly message: Envelope }
    | { readonly kind: 'send-failed'; readonly sendId: EffectId; readonly reason: SendFailure }
    | {
        readonly kind: 'probed';
        readonly probeId: EffectId;
        readonly result: CheckResult;
      }
    | {
        readonly kind: 'local-checked';
        readonly checkId: EffectId;
        readonly result: CheckResult;
      }
    | {
        readonly kind: 'external-ip';
        readonly askId: EffectId;
        /** As in the effect. */
        readonly purpose: AskPurpose;
        readonly result: ExternalIpResult;
      }
    | {
        readonly kind: 'driven';
        readonly callId: EffectId;
        /** As in the effect. */
        readonly purpose: CallPurpose;
        readonly result: DriverResult;
      }
    | { readonly kind: 'published'; readonly publishId: EffectId; readonly result: PublishResult }
    | {
        readonly kind: 'arbiter';
        readonly askId: EffectId;
        readonly address: Ip;
        readonly result: ArbiterResult;
      }
    | { readonly kind: 'persisted'; readonly writeId: EffectId }
    | { readonly kind: 'persist-failed'; readonly writeId: EffectId; readonly code: string }
    | {
        readonly kind: 'configured';
        readonly config: ProtocolConfig;
        /** Proofs that held, and don't by this configuration (`orders.ts`); left out: none. */
        readonly disproved?: readonly string[];
      }
    | { readonly kind: 'stop' }
  );

/** The first input of a run, and only the first. */
export interface Started {
  readonly kind: 'started';
  readonly session: SessionId;
  /** Seeds the node's own draws (jitter, the order of peers): a whole number from 1 to 2^31-1. */
  readonly seed: number;
  readonly storage: StorageState;
}

/**
 * `empty`: first start. `unreadable`: there was something that could not be read; treated as if every lease might be out.
 * `foreign`: there was the state of another cluster or node; counts as a first start, because none of it is ours.
 */
export type StorageState =
  | { readonly kind: 'loaded'; readonly document: DurableDocument }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'foreign'; readonly detail: string };

/**
 * What the external IP is asked for: to guard a move that was agreed, or to prove this node's way out. The answer names
 * it again, so that nobody has to guess whose it is.
 */
export type AskPurpose = 'guard' | 'way-out';

/** What a call to the cloud is for: a move, an idle read of who holds the address, or the proof of permission. */
export type CallPurpose = 'move' | 'idle-read' | 'permission';

/** The HTTP route of a message: the first two are for peers, the others for operators. */
export type Route = '/v1/gossip' | '/v1/vote' | '/v1/handover' | '/v1/pause' | '/v1/resume';

/** `inconclusive`: the check itself could not run (out of sockets, stopped); counts neither way. */
export type CheckResult =
  | { readonly kind: 'ok'; readonly status: number; readonly durationMs: DurationMs }
  | {
      readonly kind: 'failed';
      readonly reason: CheckFailure;
      readonly detail: string;
      readonly durationMs: DurationMs;
    }
  | { readonly kind: 'inconclusive'; readonly detail: string; readonly durationMs: DurationMs };

/** The answer to `ask-external-ip`: from which address the outside sees this node, or why that isn't known. */
export type ExternalIpResult =
  | { readonly kind: 'address'; readonly ip: Ip; readonly durationMs: DurationMs }
  | {
      readonly kind: 'failed';
      readonly reason: ExternalIpFailure;
      readonly detail: string;
      readonly durationMs: DurationMs;
    };

/** One request to the cloud, for metrics and history. */
export interface CloudRequest {
  /** Whom was asked, as metrics and history name it: `ec2`, `sns`, `exec`. */
  readonly service: string;
  readonly operation: string;
  readonly result: CloudRequestResult;
  readonly code: string | null;
  readonly requestId: string | null;
  readonly durationMs: DurationMs;
}

/** Whom the cloud says the address is associated with. `self`: exactly where this node would put it. */
export type Association =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'associated';
      readonly associationId: AssociationId | null;
      readonly instanceId: InstanceId | null;
      /** Only where the driver speaks of nodes (`exec`). */
      readonly node: NodeId | null;
      readonly self: boolean;
    };

/**
 * `refused`: a definite no, nothing was changed (`throttled` says that it may be tried again as it is).
 * `unknown`: a time-out, a broken connection, a 5xx: it may have been applied, or may yet be.
 */
export type DriverFailure =
  | { readonly kind: 'refused'; readonly throttled: boolean; readonly code: string; readonly message: string }
  | { readonly kind: 'unknown'; readonly code: string; readonly message: string };

/** The answer to a driver operation. One that doesn't belong to the operation counts as unknown. */
export type DriverAnswer =
  | {
      readonly kind: 'read';
      readonly association: Association;
      /** The other Elastic IP that taking the address would throw off this node. */
      readonly displaces: Ip | null;
    }
  | { readonly kind: 'permitted' }
  | { readonly kind: 'released' }
  /** The association to release had ended already. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'taken'; readonly associationId: AssociationId | null }
  /** The claim failed because somebody holds the address. */
  | { readonly kind: 'held' }
  | DriverFailure;

/** A driver's answer, and the requests that it took, of which a retried or compound operation makes several. */
export interface DriverResult {
  readonly answer: DriverAnswer;
  readonly requests: readonly CloudRequest[];
}

/**
 * Whether a receiver has accepted a notification. Whether the service behind it has delivered it isn't known. `refused`: it will
 * never take this one, whatever it thinks of others.
 */
export type PublishResult =
  | { readonly kind: 'accepted'; readonly request: CloudRequest }
  | {
      readonly kind: 'failed';
      readonly detail: string;
      readonly refused?: boolean;
      readonly request: CloudRequest;
    };

/** What a call of the store came to. */
export type ArbiterResult =
  /** Null: nothing stands there. */
  | { readonly kind: 'text'; readonly text: string | null }
  | { readonly kind: 'written' }
  /** Something else stands there than was expected; nothing is changed. */
  | { readonly kind: 'conflict' }
  /** Nothing is known but that it failed: a write may have been applied, or may yet be. */
  | { readonly kind: 'failed'; readonly code: string; readonly detail: string };
