/**
 * What outlives a crash: one document, written as a whole.
 *
 * It holds no monotonic times, because they mean nothing to the next run; what was timed by one is
 * stored as a length, and the next run counts it from its own start (PROTOCOL.md, "Restart").
 */
import type { BallotMode, MoveStep, NoticeKind } from '../model/codes.ts';
import type { AssociationId, DurationMs, Epoch, InstanceId, Ip, NodeId, WallMs } from '../model/units.ts';
import type { ToldTry } from '../takeover/episode-state.ts';
import type { HandoverRecord, PauseRecord } from '../wire/messages.ts';

export type { MoveStep } from '../model/codes.ts';

/** The layout's version; a document of another version is unreadable. */
export const DOCUMENT_VERSION = 1;

/** The state file of one node. What decodes is bounded (`wire/codec.ts`). */
export interface DurableDocument {
  readonly version: number;
  readonly cluster: string;
  readonly node: NodeId;
  /** That of the run which wrote it; the next one counts on from it. */
  readonly incarnation: number;
  readonly addresses: readonly DurableAddress[];
  readonly pause: PauseRecord;
  readonly handovers: readonly DurableHandover[];
  /** For the SNS topic. Earlier versions know no other receiver, and send all that is in this list there. */
  readonly outbox: readonly OutboxEntry[];
  /** For all other receivers; left out where nothing waits for them. */
  readonly notices?: readonly DurableNotice[];
  /** Left out where nobody is told of pauses. */
  readonly toldPause?: { readonly version: number; readonly by: string; readonly paused: boolean };
  /** Counts history entries and notifications, for their ids. */
  readonly serial: number;
}

/** A handover's end is a promise made to people: after a restart the wall clock says what is left of it. */
export interface DurableHandover extends HandoverRecord {
  /** Left out by earlier versions: an open one from such a disk isn't taken up again, unless a peer tells of it. */
  readonly untilWall?: WallMs;
  /** Left out: nothing. */
  readonly untold?: 'all' | 'end';
}

/** What a later run has to know of one address. */
export interface DurableAddress {
  readonly ip: Ip;
  /** The highest epoch this node has seen, voted in or asked for. */
  readonly epoch: Epoch;
  /** Null: nothing is lent, and nothing ever was that still binds. */
  readonly lent: DurableLease | null;
  /** The move that may be under way; null: none is. */
  readonly intent: MoveIntent | null;
  /** A take that may have been applied, or may yet be, and that nobody was told of: the newest of them. */
  readonly late: MoveIntent | null;
  /** For how long that take may still land; absent in documents of earlier versions, which count from the start. */
  readonly lateMs?: DurationMs;
  /** How many such takes there are; absent in documents of earlier versions: one. */
  readonly lateTakes?: number;
  /** The association that was last told while they were remembered; absent: none. */
  readonly lateHeld?: AssociationId;
  /** Lengths of time between each known change of association and the moment this was written, newest first. */
  readonly changes: readonly DurationMs[];
  /** Associations seen to end; a read that shows one is stale. */
  readonly ended: readonly AssociationId[];
  /** The blocked notification of the present episode has been queued. */
  readonly blockedTold: boolean;
  /** Which of these people know; left out: none. */
  readonly told?: {
    readonly holds: boolean;
    readonly outage: boolean;
    readonly unfit: boolean;
    readonly alone: boolean;
  };
  /** Absent from documents of versions that didn't know of episodes. */
  readonly episode?: DurableEpisode;
}

/** What outlives a crash of an episode of failure (`episode-state.ts`). */
export interface DurableEpisode {
  readonly upEpoch: Epoch;
  /** Absent: anybody's move of that epoch is over. */
  readonly upBy?: NodeId;
  readonly anewEpoch: Epoch;
  readonly tries: readonly ToldTry[];
  readonly answered: string;
  readonly upWall: WallMs;
  /** When people were told that it is blocked; 0: they weren't. */
  readonly toldWall: WallMs;
}

/** The vote of this node that a later run must not repeat for another candidate. */
export interface DurableLease {
  readonly candidate: NodeId;
  readonly epoch: Epoch;
  /** What was left of it, the longest that is lent at least; 0: it is over, and only the epoch is taken. */
  readonly leaseMs: DurationMs;
}

/** The holder that a release names by a read, where its association has no id. */
export interface Releases {
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
}

/** A move that may have begun. Written before its first call. */
export interface MoveIntent {
  readonly epoch: Epoch;
  readonly mode: BallotMode;
  readonly handoverId: string | null;
  /** Whom it is taken from: a node's id, an instance id, `nobody` or `unknown`. */
  readonly from: string;
  readonly associationId: AssociationId | null;
  /**
   * The associations that were known when it was planned, and those that were told since as this node's own: none of them is a take
   * that may land yet. Newest first, at most `MAX_HELD_BEFORE` and one. Absent: written by a version that kept none.
   */
  readonly earlier?: readonly AssociationId[];
  /** Whom its release takes the address from, where associations have no ids; absent: it has made none, or was written by a version that kept none. */
  readonly releases?: Releases;
  /** `planned`: no call yet. `released`: nobody holds it by our doing. `accepted`: the cloud has accepted the move. */
  readonly stage: 'planned' | 'released' | 'accepted';
  /** When the attempt began. */
  readonly startedWall: WallMs;
  readonly reason: string;
  /** Who agreed, in words. */
  readonly agreed: string;
  readonly steps: readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[];
  /** The cloud's ids of the requests made so far, for a support case. */
  readonly requestIds: readonly string[];
}

/** One event as people and programs are told of it: the same to every receiver, and each puts it into its own form. */
export interface Notice {
  /** Unique in the cluster: node, incarnation and a count. The same to all receivers, and whenever it is told again. */
  readonly id: string;
  readonly event: NoticeKind;
  /** Null: it is about the whole cluster. */
  readonly address: Ip | null;
  /** When it happened, by this node's wall clock. */
  readonly wall: WallMs;
  /** At most 100 characters, the limit of SNS. */
  readonly subject: string;
  /** For people: a line that says it all, and more lines. */
  readonly message: string;
  /** For programs. */
  readonly details: readonly NoticeDetail[];
}

/** One thing about an event, by its name. */
export interface NoticeDetail {
  readonly name: string;
  readonly text: string;
}

/** A notification that some receivers hadn't accepted: its text once, whoever they are. */
export interface DurableNotice extends Omit<Notice, 'event'> {
  /** One of `NOTICE_KINDS`, or one that only a later version knows, which is passed over. */
  readonly event: string;
  readonly to: readonly string[];
}

/** A notification that the topic hadn't accepted. */
export interface OutboxEntry {
  readonly id: string;
  readonly subject: string;
  readonly message: string;
}
