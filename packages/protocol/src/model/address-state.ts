/**
 * What a node knows of each address: what it sees, who holds it, and how far a takeover of it has come.
 */

import type { Move } from '../move/phases.ts';
import type { MoveIntent } from '../storage/durable.ts';
import type { Episode } from '../takeover/episode-state.ts';
import type { Ballot, BallotAnswer, BallotMode, BallotReason, Verdict } from '../wire/messages.ts';
import type { Association } from './inputs.ts';
import type { CheckSeries } from './observation-state.ts';
import type { ArbiterLine } from './peer-state.ts';
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

/** All of one contested address. It is kept until the configuration no longer names it and no move of it is under way. */
export interface AddressState {
  readonly ip: Ip;
  readonly series: CheckSeries;
  readonly verdict: Verdict;
  /** When the verdict last changed, or this node began to observe afresh. */
  readonly verdictSince: MonotonicMs;
  /** In words, for people. */
  readonly verdictReason: string;
  /** The highest epoch known; 0: no ballot has been heard of. Only grows. */
  readonly epoch: Epoch;
  readonly holder: Holder;
  /** The associations by which it was held before the known holder's, or before nobody held it, newest first, at most `MAX_HELD_BEFORE`. */
  readonly heldBefore: readonly AssociationId[];
  /** Known changes of holder, newest first, at most `MAX_CHANGES` or the flap budget. */
  readonly changes: readonly MonotonicMs[];
  /** What each of `changes` was to, in their order: a digest of the association's id, or a marked one of its holder's name; empty where that isn't known. */
  readonly changedTo: readonly string[];
  /** What this node knows of its way home. */
  readonly homing: Homing;
  /** Changes that the last run knew, as if none of the time since had passed; until a peer tells better. Not passed on. */
  readonly oldChanges: readonly MonotonicMs[];
  /** Somebody has seen the address up since it last changed hands. */
  readonly served: boolean;
  /** Associations that are over, newest first, at most `MAX_ENDED`: a read that shows one is stale. */
  readonly ended: readonly AssociationId[];
  /** Those of `ended` that only peers have told of, or an earlier run, and since when. */
  readonly toldEnded: readonly { readonly id: AssociationId; readonly at: MonotonicMs }[];
  /** Own reads have shown this association against what peers had said; null: none. */
  readonly inForce: AssociationId | null;
  /** A peer's word has taken the place of what the cloud had told this node; null: none has. */
  readonly doubt: Doubt | null;
  /** Peers whose word on its holder was refuted: until when it doesn't count, and how often. */
  readonly distrust: Readonly<Record<NodeId, { readonly until: MonotonicMs; readonly times: number }>>;
  /** This node's own vote: the last lease that it has lent, also when that is over, because its epoch binds; null: none. */
  readonly lent: Lease | null;
  /** Lends nothing before: what was lent before the start can't be known. */
  readonly lendFrom: MonotonicMs;
  /** The last ballot heard of each candidate. */
  readonly openBallots: Readonly<Record<NodeId, OpenBallot>>;
  /** This node's own ballot; null: none is open or won. */
  readonly campaign: Campaign | null;
  /** The external-IP service's last answer for this attempt; null: not asked. */
  readonly guard: Guard | null;
  /** The calls to the cloud that are under way; null: none are. */
  readonly move: Move | null;
  /** What this node has written down before its first call; null: nothing is begun. */
  readonly intent: MoveIntent | null;
  readonly backoff: Backoff;
  /** What the takeover rule last said. */
  readonly decision: Decision;
  /** Since when every gate before `rank` has been open; null: one is closed. */
  readonly openSince: MonotonicMs | null;
  /** Reasons told as refusals in this episode of being down. */
  readonly refusals: readonly Reason[];
  /** People have been told that nobody may take it, in this episode. */
  readonly blockedTold: boolean;
  readonly told: Told;
  readonly episode: Episode;
  /** A take of ours that may have been applied, or may yet be, and that nobody was told of; null: none. */
  readonly late: LateTake | null;
  /** Whom this node's last release or accepted take replaced, or a peer's by its own word, where associations have no ids; null: nothing that a read could still show. */
  readonly replaced: Replaced | null;
  /** At most `MAX_FORMER_HOLDERS`, newest first; only where associations have no ids. Absent in recordings of earlier versions. */
  readonly formerHolders?: readonly FormerHolder[];
  /** When this node last followed the epoch of a peer that is no candidate; null: not in this run. Absent as above. */
  readonly followedAt?: MonotonicMs | null;
  readonly idle: IdleCalls;
  readonly arbiter: ArbiterLine;
}

/** What people know of an address by this node's word, whose end they are then told of as well (`reporting/news.ts`). */
export interface Told {
  /** This node holds it: whoever has taken it shall be told when that is over. */
  readonly holds: boolean;
  /** Nobody may take it, or it was moved and not seen to answer. */
  readonly outage: boolean;
  /** This node holds it and isn't fit. */
  readonly unfit: boolean;
  /** Nobody stands by for it. */
  readonly alone: boolean;
  /** Since when `alone` is no longer what this node sees; null: it is. Lost with the run. */
  readonly changedSince: MonotonicMs | null;
}

/** What a peer's word has replaced, so that it can be put back if a read refutes that word. */
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
  /**
   * The association that was last told as this node's own while they were remembered; null: none was. `WITHOUT_ID`: one that has no
   * id, and no other holder has been known since.
   */
  readonly held: AssociationId | null;
}

/** A holder without an association id that isn't one any more: a read that shows it before `until` lags behind. */
export interface Replaced {
  readonly kind: Holder['kind'];
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
  readonly until: MonotonicMs;
  /** Nobody held it then, after this node's own release: a read may show that as well. Absent: no. */
  readonly orNobody?: true;
  /** The peer that says so; null: the cloud's answer to this node's own take. */
  readonly toldBy: NodeId | null;
}

/** Who held an address lately, by an association without an id: before `until` a read may go back to it. */
export type FormerHolder = Pick<Replaced, 'kind' | 'node' | 'instanceId' | 'until'>;

/** As many changes as there may be within the time by which reads lag, hold-down or not. */
export const MAX_FORMER_HOLDERS = 4;

/** Who is believed to hold the address. `other`: an instance that is no configured node. */
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

/**
 * A voter's promise to support nobody else for the address until it expires; at most one at a time is in force
 * (invariant I3).
 */
export interface Lease {
  readonly candidate: NodeId;
  readonly epoch: Epoch;
  /** By the lending voter's own clock. */
  readonly expiresAt: MonotonicMs;
}

/** A candidate's ballot, as this voter keeps it until it is over or not heard of any more. */
export interface OpenBallot {
  readonly ballot: Ballot;
  /** The last answer. While it is `undecided`, which promises nothing, it is judged again after every input. `released`: the candidate has given it up. */
  readonly answered: BallotReason | 'released';
  /** When this epoch's ballot was first heard: only a probe that started later counts against it. */
  readonly heardAt: MonotonicMs;
}

/** This node's own ballot, from its opening until the attempt ends. */
export interface Campaign {
  readonly epoch: Epoch;
  readonly mode: BallotMode;
  /** The handover that it is for; null: a takeover. */
  readonly handoverId: string | null;
  readonly openedAt: MonotonicMs;
  /** When each asking went out; the ballot's `ask` is an index into it. */
  readonly asks: readonly MonotonicMs[];
  readonly answers: Readonly<Record<NodeId, VoterAnswer>>;
  /** Voters whose ballot failed on a fresh connection. */
  readonly unreachable: readonly NodeId[];
  /** Null: it isn't won yet. */
  readonly won: Mandate | null;
}

/** The last answer of one voter to this node's ballot. */
export interface VoterAnswer {
  readonly answer: BallotAnswer['answer'];
  readonly reason: BallotReason;
  /** Until when its lease covers this node, counted from before it was asked; in the past or present: nothing is lent. */
  readonly leaseUntil: MonotonicMs;
  /** How long what it refused for still lasts; 0: it doesn't say. */
  readonly retryMs: DurationMs;
  /** It can't write, and lends nothing; but it agrees to be relieved of the address. */
  readonly consents?: boolean;
}

/** A won ballot: the right to move the address until it runs out. */
export interface Mandate {
  /** When it was won. */
  readonly at: MonotonicMs;
  /** When the first of the leases that it needs runs out. */
  readonly until: MonotonicMs;
  /** Whose silence it rests on. */
  readonly silent: readonly NodeId[];
  /** The write that makes the intent durable. */
  readonly write: EffectId;
  /** The holder agreed to a handover. */
  readonly consent: boolean;
  /** Who agreed, in words, for the notification and the history. */
  readonly summary: string;
}

/**
 * The external-IP service, asked once more after the ballot is won. It refuses the move when the outside sees this
 * node come from the address already, or gives no answer.
 */
export type Guard =
  | { readonly kind: 'asking'; readonly askId: EffectId; readonly at: MonotonicMs }
  | { readonly kind: 'passed'; readonly at: MonotonicMs; readonly ip: Ip }
  | { readonly kind: 'refused'; readonly at: MonotonicMs; readonly reason: string };

/** How long no new ballot is opened after one that came to nothing. */
export interface Backoff {
  readonly until: MonotonicMs;
  /** The last wait, which the next one doubles; 0: none since the last success. */
  readonly delayMs: DurationMs;
  readonly reason: Reason;
  readonly detail: string;
  /** A lease that another candidate has is waited for; its release ends the waiting. */
  readonly forLease: boolean;
}

/** The outcome of the takeover rule, kept so that only changes are reported. */
export interface Decision {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly detail: string;
  readonly since: MonotonicMs;
}

/** What is looked after while nothing happens: who holds it, and whether this node may take it. */
export interface IdleCalls {
  /** The read on its way; null: none is. */
  readonly reading: EffectId | null;
  /** When that read was begun: what it shows is at least as old. */
  readonly readingAt: MonotonicMs;
  /** A slow read that another didn't wait for, and that is on its way yet; null: none is. */
  readonly overtaken: { readonly callId: EffectId; readonly at: MonotonicMs } | null;
  readonly nextReadAt: MonotonicMs;
  /** What the last read that was answered has shown; null: there was none, or it lagged behind. */
  readonly shown: ShownRead | null;
  /** The other address that a take would throw off this node, as of the last read; null: none. */
  readonly displaces: Ip | null;
  /** Null: the last read was answered. */
  readonly unread: Unread | null;
  /** The dry run on its way; null: none is. */
  readonly permitting: EffectId | null;
  readonly nextPermitAt: MonotonicMs;
  readonly permission: Permission;
}

/** What a read has shown, for a move that may follow soon (`early-reads.ts`). */
export interface ShownRead {
  readonly association: Association;
  readonly displaces: Ip | null;
  /** When it began: what it shows is at least as old. */
  readonly at: MonotonicMs;
  /** By which the cloud knows it, at most `MAX_READ_REQUESTS`. */
  readonly requestIds: readonly string[];
}

/** The most request ids that are kept of a read. */
export const MAX_READ_REQUESTS = 8;

/** The reads that have failed since the last one that was answered. */
export interface Unread {
  /** The cloud's error code, of the last of them. */
  readonly code: string;
  /** The last of them was a definite no, such as of credentials that are good no more. */
  readonly refused: boolean;
  readonly times: number;
}

/**
 * What the last dry run said of the calls of a move. `unproven`: none has been answered since the start. A
 * permission counts for a while only (`PERMISSION_LASTS_MS`).
 */
export type Permission =
  | { readonly kind: 'unproven' }
  | { readonly kind: 'permitted'; readonly at: MonotonicMs }
  | { readonly kind: 'denied'; readonly code: string; readonly message: string };

/** The changes of association that are remembered at least; a larger flap budget needs as many as it has (`changes.ts`). */
export const MAX_CHANGES = 32;

/** The most ended associations that are remembered. */
export const MAX_ENDED = 16;
/** So many associations before the known holder's are remembered. */
export const MAX_HELD_BEFORE = 4;

/** What a node knows of an address's way back to its home (`failback.ts`). */
export interface Homing {
  /** Since when this node has seen the home ready; null: it isn't, or there is none. */
  readonly ableSince: MonotonicMs | null;
  /** The handover that this node has ordered; null: none is open. */
  readonly ordered: string | null;
  /** How many in a row have come to nothing. */
  readonly failures: number;
  readonly restsUntil: MonotonicMs;
}
