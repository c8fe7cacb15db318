/**
 * What a node knows of each peer, the messages that are on their way to it, and what it knows of the arbiter.
 */

import type { BallotAnswer, Echo, NodeRecord, PeerState, Release, Rumour } from '../wire/messages.ts';
import type { DurationMs, EffectId, Epoch, Ip, MonotonicMs, NodeId, SessionId } from './units.ts';

/** All that is kept of one configured peer. It is dropped with its configuration. */
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
  /** The last time in which it wasn't heard for half of `gossip.dead` or more, and that has ended; null: there was none. */
  readonly silence: { readonly from: MonotonicMs; readonly until: MonotonicMs } | null;
  /** When somebody else last vouched for it; null: never. */
  readonly vouchedAt: MonotonicMs | null;
  /** For people and for gossip; ballots go by `heardAt` alone. */
  readonly state: PeerState;
  /** How long the last answered request took; null: none was answered. */
  readonly rttMs: DurationMs | null;
  /** The freshness of its messages. */
  readonly channel: Channel;
  /** Answers to its ballots that its next message carries. */
  readonly answersDue: readonly BallotAnswer[];
  /** Leases to give back to it, each repeated in `left` more messages. */
  readonly releasesDue: readonly { readonly release: Release; readonly left: number }[];
  /** Its incarnation in the session before the present one; the present one where its disk doesn't know what the last one had lent. */
  readonly priorIncarnation: number;
  /** It has told this run that it knew a higher incarnation of this node: it can know of that only once. */
  readonly provedRollback: boolean;
  /** What others last said of it; null: nothing since it, or somebody who vouches for it, was heard. */
  readonly rumoured: Exclude<Rumour['state'], 'alive'> | null;
  /** Two runs have used its id: until then it is lent nothing. 0: never seen. */
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
  /** In a large cluster: the newest that is told of it from node to node; null: nothing, or the cluster isn't large. */
  readonly told: Omit<Rumour, 'id'> | null;
  /** In a large cluster: since when this node judges its silence itself; 0: since its start. */
  readonly watchedFrom: MonotonicMs;
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

/** The session of one operator's command, kept so that its messages count once. */
export interface OperatorChannel {
  readonly id: NodeId;
  readonly channel: Channel;
  /** When it last counted; the oldest gives way to a new one. */
  readonly usedAt: MonotonicMs;
  /** It has ordered something, and didn't only ask. */
  readonly orders: boolean;
}

/** A request that was sent and whose answer would still count. */
export interface PendingSend {
  readonly sendId: EffectId;
  readonly to: NodeId;
  readonly seq: number;
  readonly sentAt: MonotonicMs;
  readonly fresh: boolean;
  /** It repeats a message that was answered with a challenge; it isn't repeated again. */
  readonly retry: boolean;
  /** When it came to nothing; null: it may still be answered in time. */
  readonly failedAt: MonotonicMs | null;
  /** Which ballots it carried, as address and epoch. */
  readonly ballots: readonly { readonly address: Ip; readonly epoch: Epoch }[];
  /** The write that it waited for, or still waits for; 0: none. */
  readonly after: EffectId;
}

/** What is told in turn, and to whom. */
export interface GossipState {
  readonly nextRoundAt: MonotonicMs;
  /** How many voters have been spoken to in turn since the start; which is next follows from it. */
  readonly voterCursor: number;
  /** The same for members. */
  readonly memberCursor: number;
  /** News of third nodes, each told in `left` more messages. */
  readonly rumours: readonly { readonly rumour: Rumour; readonly left: number }[];
}

/** What a candidate knows of the arbiter's vote about one address (`arbiter.ts`). */
export interface ArbiterLine {
  /** What was read or written last; null: not known. */
  readonly seen: ArbiterText | null;
  /** A write was given up that may have been applied since. */
  readonly unsure: boolean;
  /** The call to the store on its way; null: none is. */
  readonly call: ArbiterCall | null;
  /** The last ballot for which a lease was written, and when the first of those writes was asked for; null: none was. */
  readonly asked: { readonly epoch: Epoch; readonly at: MonotonicMs } | null;
  /** What was lent up to this epoch is to be given back; null: nothing is. */
  readonly giveBack: Epoch | null;
  /** Calls in a row that came to nothing. */
  readonly failures: number;
  /** What went wrong with the last call, as the store tells it; null: it was answered. */
  readonly failure: string | null;
  /** No call before this. */
  readonly restsUntil: MonotonicMs;
  /** When it is looked after next, with nothing to ask for. */
  readonly lookAt: MonotonicMs;
  /** It may still make the item anew for its own electorate: once after a start, or after another configuration. */
  readonly mayFound: boolean;
  /** Why it wouldn't lend, as it was told last; empty: it would; null: not told yet. */
  readonly problem: string | null;
}

/** What stands in the store. */
export interface ArbiterText {
  /** Null: nothing. */
  readonly text: string | null;
  /** When this run first read it, after the answer, and has read no other since. */
  readonly since: MonotonicMs;
  /** When it was read last. */
  readonly at: MonotonicMs;
}

/** A call to the store. */
export interface ArbiterCall {
  readonly askId: EffectId;
  /** What is written; null: it is a read. */
  readonly text: string | null;
}
