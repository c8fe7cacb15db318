/**
 * All that a node knows and remembers. Plain data: `step` makes a new one, nobody changes one.
 */

import type { HandoverRecord, PauseRecord } from '../wire/messages.ts';
import type { AddressState } from './address-state.ts';
import type { ProtocolConfig } from './config.ts';
import type { Family, LocalState, WayOut } from './observation-state.ts';
import type { GossipState, OperatorChannel, Peer, PendingSend } from './peer-state.ts';
import type { DurationMs, EffectId, Instant, Ip, MonotonicMs, NodeId, SessionId } from './units.ts';

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
