/**
 * What a node knows of each address: what it sees, who holds it, and how far a takeover of it has come.
 */

import type { Move } from '../move/phases.ts';
import type { MoveIntent } from '../storage/durable.ts';
import type { Episode } from '../takeover/episode-state.ts';
import type { Ballot, BallotAnswer, BallotMode, BallotReason, Verdict } from '../wire/messages.ts';
import type { CheckSeries } from './observation-state.ts';
import type { Outcome, Reason } from './reasons.ts';
import type {
  AssociationId,
  DurationMs,
  EffectId,
  Epoch,
  InstanceId,
  Ip,
  MonotonicMs,
  NodeId,
} from './units.ts';

export interface AddressState {
  readonly ip: Ip;
  readonly series: CheckSeries;
  readonly verdict: Verdict;
  readonly verdictSince: MonotonicMs;
  readonly verdictReason: string;
  readonly epoch: Epoch;
  readonly holder: Holder;
  /** Known changes of holder, newest first, at most `MAX_CHANGES` or the flap budget. */
  readonly changes: readonly MonotonicMs[];
  /** What each of `changes` was to, in their order: a digest of the association's id, or a marked one of its holder's name; empty where that isn't known. */
  readonly changedTo: readonly string[];
  /** Changes that the last run knew, as if none of the time since had passed; until a peer tells better. Not passed on. */
  readonly oldChanges: readonly MonotonicMs[];
  readonly served: boolean;
  readonly ended: readonly AssociationId[];
  /** Those of `ended` that only peers have told of, or an earlier run, and since when. */
  readonly toldEnded: readonly { readonly id: AssociationId; readonly at: MonotonicMs }[];
  /** Own reads have shown this association against what peers had said; null: none. */
  readonly inForce: AssociationId | null;
  /** A peer's word has taken the place of what the cloud had told this node; null: none has. */
  readonly doubt: Doubt | null;
  /** Peers whose word on its holder was refuted: until when it doesn't count, and how often. */
  readonly distrust: Readonly<Record<NodeId, { readonly until: MonotonicMs; readonly times: number }>>;
  readonly lent: Lease | null;
  /** Lends nothing before: what was lent before the start can't be known. */
  readonly lendFrom: MonotonicMs;
  /** The last ballot heard of each candidate. */
  readonly openBallots: Readonly<Record<NodeId, OpenBallot>>;
  readonly campaign: Campaign | null;
  readonly guard: Guard | null;
  readonly move: Move | null;
  readonly intent: MoveIntent | null;
  readonly backoff: Backoff;
  readonly decision: Decision;
  /** Since when every gate before `rank` has been open; null: one is closed. */
  readonly openSince: MonotonicMs | null;
  /** Reasons told as refusals in this episode of being down. */
  readonly refusals: readonly Reason[];
  readonly blockedTold: boolean;
  readonly episode: Episode;
  /** A take of ours that may have been applied, or may yet be, and that nobody was told of; null: none. */
  readonly late: LateTake | null;
  /** Whom this node's last accepted take replaced, or a peer's by its own word, where associations have no ids; null: nothing that a read could still show. */
  readonly replaced: Replaced | null;
  readonly idle: IdleCalls;
}

export interface Doubt {
  readonly from: NodeId;
  readonly since: MonotonicMs;
  readonly before: Pick<AddressState, 'holder' | 'changes' | 'changedTo' | 'served'>;
}

/** Takes whose answers stayed unknown, or which a restart can't know to have been made. */
export interface LateTake {
  readonly intent: MoveIntent;
  /** How many of them haven't been seen to land. Each may: a call that was repeated is as many calls. */
  readonly takes: number;
  /** None can land any more after this: the first read that begins later and shows nothing new ends it. */
  readonly until: MonotonicMs;
  /** The association that was last told as this node's own while they were remembered; null: none was. */
  readonly held: AssociationId | null;
}

/** A holder without an association id that isn't one any more: a read that shows it before `until` lags behind. */
export interface Replaced {
  readonly kind: Holder['kind'];
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
  readonly until: MonotonicMs;
  /** The peer that says so; null: the cloud's answer to this node's own take. */
  readonly toldBy: NodeId | null;
}

export interface Holder {
  readonly kind: 'node' | 'none' | 'other' | 'unknown';
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
  readonly associationId: AssociationId | null;
  /** When this was observed. By a peer's word it looks newer than it is, by the time that the message took. */
  readonly at: MonotonicMs;
  /** Whose word `at` is; null: this node's own observation. */
  readonly toldBy: NodeId | null;
  /** This node was told by the cloud itself; what it was told by a peer it doesn't pass on. */
  readonly firsthand: boolean;
}

export interface Lease {
  readonly candidate: NodeId;
  readonly epoch: Epoch;
  readonly expiresAt: MonotonicMs;
}

export interface OpenBallot {
  readonly ballot: Ballot;
  /** The last answer. While it is `undecided`, which promises nothing, it is judged again after every input. `released`: the candidate has given it up. */
  readonly answered: BallotReason | 'released';
  readonly heardAt: MonotonicMs;
}

export interface Campaign {
  readonly epoch: Epoch;
  readonly mode: BallotMode;
  readonly handoverId: string | null;
  readonly openedAt: MonotonicMs;
  /** When each asking went out; the ballot's `ask` is an index into it. */
  readonly asks: readonly MonotonicMs[];
  readonly answers: Readonly<Record<NodeId, VoterAnswer>>;
  /** Voters whose ballot failed on a fresh connection. */
  readonly unreachable: readonly NodeId[];
  readonly won: Mandate | null;
}

export interface VoterAnswer {
  readonly answer: BallotAnswer['answer'];
  readonly reason: BallotReason;
  readonly leaseUntil: MonotonicMs;
  readonly retryMs: DurationMs;
  /** It can't write, and lends nothing; but it agrees to be relieved of the address. */
  readonly consents?: boolean;
}

export interface Mandate {
  readonly at: MonotonicMs;
  readonly until: MonotonicMs;
  /** Whose silence it rests on. */
  readonly silent: readonly NodeId[];
  /** The write that makes the intent durable. */
  readonly write: EffectId;
  /** The holder agreed to a handover. */
  readonly consent: boolean;
  readonly summary: string;
}

export type Guard =
  | { readonly kind: 'asking'; readonly askId: EffectId; readonly at: MonotonicMs }
  | { readonly kind: 'passed'; readonly at: MonotonicMs; readonly ip: Ip }
  | { readonly kind: 'refused'; readonly at: MonotonicMs; readonly reason: string };

export interface Backoff {
  readonly until: MonotonicMs;
  readonly delayMs: DurationMs;
  readonly reason: Reason;
  readonly detail: string;
  /** A lease that another candidate has is waited for; its release ends the waiting. */
  readonly forLease: boolean;
}

export interface Decision {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly detail: string;
  readonly since: MonotonicMs;
}

/** What is looked after while nothing happens: who holds it, and whether this node may take it. */
export interface IdleCalls {
  readonly reading: EffectId | null;
  /** When that read was begun: what it shows is at least as old. */
  readonly readingAt: MonotonicMs;
  readonly nextReadAt: MonotonicMs;
  readonly displaces: Ip | null;
  readonly unread: Unread | null;
  readonly permitting: EffectId | null;
  readonly nextPermitAt: MonotonicMs;
  readonly permission: Permission;
}

/** The reads that have failed since the last one that was answered. */
export interface Unread {
  /** The cloud's error code, of the last of them. */
  readonly code: string;
  /** The last of them was a definite no, such as of credentials that are good no more. */
  readonly refused: boolean;
  readonly times: number;
}

export type Permission =
  | { readonly kind: 'unproven' }
  | { readonly kind: 'permitted'; readonly at: MonotonicMs }
  | { readonly kind: 'denied'; readonly code: string; readonly message: string };

/** The changes of association that are remembered at least; a larger flap budget needs as many as it has (`changes.ts`). */
export const MAX_CHANGES = 32;

/** The most ended associations that are remembered. */
export const MAX_ENDED = 16;
