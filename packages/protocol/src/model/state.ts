/**
 * All that a node knows and remembers. Plain data: `step` makes a new one, nobody changes one.
 */

import type { Notice } from '../storage/durable.ts';
import type { HandoverRecord, PauseRecord } from '../wire/messages.ts';
import type { AddressState } from './address-state.ts';
import type { ProtocolConfig } from './config.ts';
import type { Family, LocalState, WayOut } from './observation-state.ts';
import type { GossipState, OperatorChannel, Peer, PendingSend } from './peer-state.ts';
import type { DurationMs, EffectId, Instant, Ip, MonotonicMs, NodeId, SessionId } from './units.ts';

/** `new`: nothing has been posted yet. `stopping`: goodbye said, a move may still have to be finished. */
export type Phase = 'new' | 'running' | 'stopping' | 'stopped';

/** All of one node. Whatever isn't in the durable document (`storage/durable.ts`) is lost with the process. */
export interface State {
  readonly phase: Phase;
  readonly config: ProtocolConfig;
  /** Names this run; empty before `started`. */
  readonly session: SessionId;
  /** Grows with every run, and whenever a peer calls this node suspect or dead; the higher one's record counts. */
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
  /** The id of the next effect. */
  readonly nextEffect: EffectId;
  /** The number of the last message sent in this session. */
  readonly seq: number;
  /** Counts changes of the own record. */
  readonly recordVersion: number;
  readonly peers: Readonly<Record<NodeId, Peer>>;
  /** Sessions of operators' commands, bounded; see `orders/operator-sessions.ts`. */
  readonly operators: readonly OperatorChannel[];
  /** Oldest first. */
  readonly pendingSends: readonly PendingSend[];
  readonly gossip: GossipState;
  readonly local: LocalState;
  readonly wayOut: Readonly<Record<Family, WayOut>>;
  readonly addresses: Readonly<Record<Ip, AddressState>>;
  /** Addresses that the configuration doesn't name any more, and whose move has still to end. */
  readonly leaving: readonly Ip[];
  /** The newest pause or resume known. */
  readonly pause: PauseRecord;
  readonly handovers: readonly Handover[];
  /** Notifications that their receivers haven't accepted yet, oldest first, at most `MAX_OUTBOX` for each receiver. */
  readonly outbox: readonly Notification[];
  /** Which pause or resume people were told of last, or that there was none (`reporting/news.ts`); null: not looked at yet. */
  readonly toldPause: ToldPause | null;
  readonly storage: StorageHealth;
  /** The last `readiness` told. */
  readonly ready: { readonly ready: boolean; readonly problems: readonly string[] };
  /** Counts history entries, handovers and notifications. */
  readonly serial: number;
  /** When it was told to stop; null: it wasn't. */
  readonly stopSince: MonotonicMs | null;
  /** Another run uses this node's id: nothing is lent or asked for until then. */
  readonly duplicateUntil: MonotonicMs;
  /** When this node's own calls, or another configuration, last changed what a read shows: one that began before is no move's. */
  readonly readsCountFrom: MonotonicMs;
}

/** What people know of pauses, as far as this node has told them. */
export interface ToldPause {
  /** The record's version, and the node that was asked. */
  readonly version: number;
  readonly by: string;
  /** Whether it was in force: it may have run out since. */
  readonly paused: boolean;
}

/** A handover as this node keeps it. */
export interface Handover {
  readonly record: HandoverRecord;
  /** When it is over, by this node's own clock. */
  readonly expiresAt: MonotonicMs;
  /** How it will have ended, once the move that this node makes for it is over; null: it hasn't been ended meanwhile. */
  readonly ending: HandoverRecord | null;
  /** What this node has still to tell people of it (`reporting/news.ts`). */
  readonly untold: 'all' | 'end' | 'nothing';
}

/** A notification that one receiver has still to accept. */
export interface Notification extends Notice {
  readonly receiver: string;
  /** How often the receiver has refused this very one. */
  readonly refusals: number;
  /** The publication on its way; null: none, and the next is due at `nextAt`. */
  readonly publishing: EffectId | null;
  readonly nextAt: MonotonicMs;
  /** The pause before the next try, doubling; 0: none has failed. */
  readonly delayMs: DurationMs;
}

/** Whether the disk takes writes, and what it held at the start. */
export interface StorageHealth {
  /** Since when a write has been waited for; null: none is. */
  readonly waitingSince: MonotonicMs | null;
  /** The newest write asked for, and the newest known to be durable. */
  readonly latest: EffectId;
  readonly durable: EffectId;
  /** The error code of the last write, or `SLOW`; null: it succeeded. */
  readonly failing: string | null;
  /** When a failed write is tried again; means nothing while writes succeed. */
  readonly retryAt: MonotonicMs;
  /** What was found at the start. */
  readonly found: 'loaded' | 'empty' | 'unreadable' | 'foreign';
  /** What was wrong with it; empty where nothing was. */
  readonly foundDetail: string;
}
