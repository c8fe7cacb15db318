/**
 * All that a node knows and remembers. Plain data: `step` makes a new one, nobody changes one.
 */

import type { Move } from '../move/phases.ts';
import type { MoveIntent } from '../storage/durable.ts';
import type { Episode } from '../takeover/episode-state.ts';
import type {
  Ballot,
  BallotAnswer,
  BallotMode,
  BallotReason,
  Echo,
  HandoverRecord,
  NodeRecord,
  PauseRecord,
  PeerState,
  Release,
  Rumour,
  Verdict,
} from '../wire/messages.ts';
import type { ProtocolConfig } from './config.ts';
import type { CheckFailure } from './inputs.ts';
import type { Outcome, Reason } from './reasons.ts';
import type {
  AssociationId,
  DurationMs,
  EffectId,
  Epoch,
  InstanceId,
  Instant,
  Ip,
  MonotonicMs,
  NodeId,
  SessionId,
} from './units.ts';

/** `new`: nothing has been posted yet. `stopping`: goodbye said, a move may still have to be finished. */
export type Phase = 'new' | 'running' | 'stopping' | 'stopped';

export interface State {
  readonly phase: Phase;
  readonly config: ProtocolConfig;
  readonly session: SessionId;
  readonly incarnation: number;
  /** The last input's time. */
  readonly now: Instant;
  readonly startedAt: MonotonicMs;
  /** The start, or the end of the last stall: nothing observed before it counts. */
  readonly observedFrom: MonotonicMs;
  /** When the next input was due, as promised after the last one. */
  readonly due: MonotonicMs;
  /** The generator of jitter, xorshift32. */
  readonly draws: number;
  readonly nextEffect: EffectId;
  readonly seq: number;
  /** Counts changes of the own record. */
  readonly recordVersion: number;
  readonly peers: Readonly<Record<NodeId, Peer>>;
  readonly operators: readonly OperatorChannel[];
  /** Oldest first. */
  readonly pendingSends: readonly PendingSend[];
  readonly gossip: GossipState;
  readonly local: LocalState;
  readonly wayOut: Readonly<Record<Family, WayOut>>;
  readonly addresses: Readonly<Record<Ip, AddressState>>;
  /** Addresses that the configuration doesn't name any more, and whose move has still to end. */
  readonly leaving: readonly Ip[];
  readonly pause: PauseRecord;
  readonly handovers: readonly Handover[];
  readonly outbox: readonly Notification[];
  readonly storage: StorageHealth;
  /** The last `readiness` told. */
  readonly ready: { readonly ready: boolean; readonly problems: readonly string[] };
  /** Counts history entries, handovers and notifications. */
  readonly serial: number;
  /** When it was told to stop; null: it wasn't. */
  readonly stopSince: MonotonicMs | null;
  /** Another run uses this node's id: nothing is lent or asked for until then. */
  readonly duplicateUntil: MonotonicMs;
}

export type Family = '4' | '6';

export interface Peer {
  readonly id: NodeId;
  /** What it last said of itself, and when; null: never. */
  readonly record: NodeRecord | null;
  readonly recordAt: MonotonicMs;
  /** The version of that record. */
  readonly recordVersion: number;
  /** Since when it has been saying that it is unfit, in its present incarnation; null: it isn't. */
  readonly unfitSince: MonotonicMs | null;
  /** What it last said for certain of its own HAProxy, in whichever run; null: nothing yet. */
  readonly definiteFit: 'fit' | 'unfit' | null;
  /** The newest version of this node's record that it has stored. */
  readonly acked: number;
  /** When it was last heard itself; null: not since the start. */
  readonly heardAt: MonotonicMs | null;
  /** When somebody else last vouched for it; null: never. */
  readonly vouchedAt: MonotonicMs | null;
  readonly state: PeerState;
  readonly rttMs: DurationMs | null;
  readonly channel: Channel;
  readonly answersDue: readonly BallotAnswer[];
  readonly releasesDue: readonly { readonly release: Release; readonly left: number }[];
  /** Its incarnation in the session before the present one. */
  readonly priorIncarnation: number;
  /** It has told this run that it knew a higher incarnation of this node: it can know of that only once. */
  readonly provedRollback: boolean;
  /** What others say of it, when it isn't heard directly. */
  readonly rumoured: {
    readonly state: Rumour['state'];
    readonly incarnation: number;
    readonly at: MonotonicMs;
  } | null;
  readonly duplicateUntil: MonotonicMs;
  /** Its record tells of orders that its budget had no room for. */
  readonly ordersDue: boolean;
  /** Until when it says that this node's own id runs twice. */
  readonly saysDuplicateUntil: MonotonicMs;
  /** How much of its news has been hurried of late, and when that was last counted (`budget.ts`). */
  readonly newsSpent: number;
  readonly newsAt: MonotonicMs;
  /** Another run of this node's id answered in its place: that run's session and session time. */
  readonly usurped: Echo | null;
}

/** What makes a message from the other side fresh (`freshness.ts`). */
export interface Channel {
  readonly session: SessionId | null;
  /** The highest `seq` had in that session, and which of the 32 below it were seen. */
  readonly highest: number;
  readonly window: number;
  /** The newest session time had from it; the next echo. */
  readonly latestT: number;
  /** When that session was brought in, in this node's own session time. */
  readonly since: number;
  readonly challenged: { readonly session: SessionId; readonly t: number } | null;
  readonly retired: readonly SessionId[];
}

export interface OperatorChannel {
  readonly id: NodeId;
  readonly channel: Channel;
  readonly usedAt: MonotonicMs;
}

export interface PendingSend {
  readonly sendId: EffectId;
  readonly to: NodeId;
  readonly seq: number;
  readonly sentAt: MonotonicMs;
  readonly fresh: boolean;
  readonly retry: boolean;
  /** When it came to nothing; null: it may still be answered in time. */
  readonly failedAt: MonotonicMs | null;
  /** Which ballots it carried, as address and epoch. */
  readonly ballots: readonly { readonly address: Ip; readonly epoch: Epoch }[];
  /** The write that it waited for, or still waits for; 0: none. */
  readonly after: EffectId;
}

export interface GossipState {
  readonly nextRoundAt: MonotonicMs;
  readonly voterCursor: number;
  readonly memberCursor: number;
  readonly rumours: readonly { readonly rumour: Rumour; readonly left: number }[];
}

/** A series of checks of one target. */
export interface CheckSeries {
  readonly oks: number;
  readonly fails: number;
  readonly inFlight: readonly {
    readonly id: EffectId;
    readonly startedAt: MonotonicMs;
    readonly superseded: boolean;
  }[];
  readonly nextAt: MonotonicMs;
  /** A conclusive check has been had since the start. */
  readonly everChecked: boolean;
  /** The last conclusive check; null: none since `observedFrom`. */
  readonly last: {
    readonly ok: boolean;
    readonly startedAt: MonotonicMs;
    readonly endedAt: MonotonicMs;
    readonly reason: CheckFailure | 'ok';
  } | null;
  /** When the first failure of the present run of failures began. */
  readonly failingSince: MonotonicMs | null;
}

export interface LocalState {
  readonly series: CheckSeries;
  readonly fit: 'fit' | 'unfit' | 'unknown';
  readonly since: MonotonicMs;
}

export interface WayOut {
  /** The newest proof, and the first of the unbroken run of proofs that it belongs to. */
  readonly provenAt: MonotonicMs | null;
  readonly provenSince: MonotonicMs | null;
  readonly failedAt: MonotonicMs | null;
  readonly ip: Ip | null;
  readonly reason: string;
  readonly asking: { readonly askId: EffectId; readonly startedAt: MonotonicMs } | null;
  readonly nextAt: MonotonicMs;
}

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
  readonly standing: Readonly<Record<NodeId, StandingBallot>>;
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
  /** Whom this node's last accepted take replaced, where associations have no ids; null: nothing that a read could still show. */
  readonly replaced: Replaced | null;
  readonly survey: Survey;
}

export interface Doubt {
  readonly from: NodeId;
  readonly since: MonotonicMs;
  readonly before: Pick<AddressState, 'holder' | 'changes' | 'changedTo' | 'served'>;
}

/** A take whose answer stayed unknown, or which a restart can't know to have been made. */
export interface LateTake {
  readonly intent: MoveIntent;
  /** It can't land any more after this: the first read that begins later and shows nothing new ends it. */
  readonly until: MonotonicMs;
  /** The association that a later take of this node was answered with, and that was told with it; null: none was. */
  readonly held: AssociationId | null;
}

/** A holder without an association id that isn't one any more: a read that shows it before `until` lags behind. */
export interface Replaced {
  readonly kind: Holder['kind'];
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
  readonly until: MonotonicMs;
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

export interface StandingBallot {
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
export interface Survey {
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

export interface Handover {
  readonly record: HandoverRecord;
  readonly expiresAt: MonotonicMs;
  /** How it will have ended, once the move that this node makes for it is over; null: it hasn't been ended meanwhile. */
  readonly ending: HandoverRecord | null;
}

export interface Notification {
  readonly id: string;
  readonly subject: string;
  readonly message: string;
  readonly publishing: EffectId | null;
  readonly nextAt: MonotonicMs;
  readonly delayMs: DurationMs;
}

export interface StorageHealth {
  /** Since when a write has been waited for; null: none is. */
  readonly waitingSince: MonotonicMs | null;
  /** The newest write asked for, and the newest known to be durable. */
  readonly latest: EffectId;
  readonly durable: EffectId;
  readonly failing: string | null;
  readonly retryAt: MonotonicMs;
  /** What was found at the start. */
  readonly found: 'loaded' | 'empty' | 'unreadable' | 'foreign';
  /** What was wrong with it; empty where nothing was. */
  readonly foundDetail: string;
}

/** The changes of association that are remembered at least; a larger flap budget needs as many as it has (`changes.ts`). */
export const MAX_CHANGES = 32;
/** The most ended associations that are remembered. */
export const MAX_ENDED = 16;
