/**
 * The phases of a move: what it waits for in each, and what must hold in all of them. A part of an address's state
 * (`state.ts`); `table.ts` says what leads from one to the next.
 */

import type { MoveStyle } from '../model/config.ts';
import type { ReleaseTarget } from '../model/effects.ts';
import type { AssociationId, DurationMs, EffectId, Epoch, MonotonicMs } from '../model/units.ts';
import type { MoveStep } from '../storage/durable.ts';
import type { BallotMode } from '../wire/messages.ts';

/** A move from its first call, or from the restart that found it, until it is concluded. */
export interface Move {
  readonly epoch: Epoch;
  readonly mode: BallotMode;
  readonly handoverId: string | null;
  readonly startedAt: MonotonicMs;
  /** 0: it was found by a restart, and no lease covers it. */
  readonly leaseUntil: MonotonicMs;
  /** What each of its calls gets (`view.ts`, `callTimeoutMs`). */
  readonly callTimeoutMs: DurationMs;
  /** The holder agreed, so that a one-call swap may be used where the driver has one. */
  readonly consent: boolean;
  /** Nobody holds the address by our doing: somebody must take it, and that is us. */
  readonly duty: boolean;
  readonly stage: MovePhase;
  /** The pause before the next attempt, doubling. */
  readonly delayMs: DurationMs;
  /** The parts that are done, for the history. */
  readonly steps: readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[];
  readonly requestIds: readonly string[];
}

/** What a move waits for. */
export type MovePhase = Reading | Releasing | Taking | Settling | Resting | Verifying;

/** It has asked who holds the address. */
export interface Reading {
  readonly kind: 'reading';
  readonly callId: EffectId;
  readonly at: MonotonicMs;
  readonly purpose: ReadPurpose;
}

/** It has asked for the end of an association. */
export interface Releasing extends ReleaseTarget {
  readonly kind: 'releasing';
  readonly callId: EffectId;
  readonly at: MonotonicMs;
}

/** It has asked for the address. */
export interface Taking {
  readonly kind: 'taking';
  readonly callId: EffectId;
  readonly at: MonotonicMs;
  readonly reassociate: boolean;
}

/** The answer of a call is unknown: it reads until it is known what became of it. */
export interface Settling {
  readonly kind: 'settling';
  readonly of: 'release' | 'take' | 'swap';
  readonly associationId: AssociationId | null;
  readonly since: MonotonicMs;
  /** The read that is on its way; null: none is, and the next goes out at `nextAt`. */
  readonly callId: EffectId | null;
  /** When the newest read went out. */
  readonly readAt: MonotonicMs;
  /** What the last read showed, and when; two that agree a second apart settle it. */
  readonly seen: string | null;
  readonly seenAt: MonotonicMs;
  readonly nextAt: MonotonicMs;
}

/** No call is under way. The takeover rule lets the next one out (`takeover.ts`), not before `until`. */
export interface Resting {
  readonly kind: 'resting';
  readonly until: MonotonicMs;
  readonly next: NextCall;
}

/** The cloud has accepted it, and it waits for the address to answer. */
export interface Verifying {
  readonly kind: 'verifying';
  readonly acceptedAt: MonotonicMs;
  /** What said so: the answer to the take, or a read, which may lag. */
  readonly by: 'answer' | 'read';
}

/**
 * Why a move reads. `early`: the read was on its way when the move began. `start`: to begin, or to begin again. `duty`:
 * nobody holds the address by our doing. `lost`: a take found it held. `recover`: a restart found an intent.
 */
export type ReadPurpose = 'early' | 'start' | 'duty' | 'lost' | 'recover';

/** The call that follows a rest. */
export type NextCall =
  | { readonly call: 'read'; readonly purpose: ReadPurpose }
  | ({ readonly call: 'release' } & ReleaseTarget)
  | { readonly call: 'take'; readonly reassociate: boolean };

/** Whether the move waits for the answer to this call. */
export function awaits({ stage }: Move, callId: EffectId): boolean {
  return 'callId' in stage && stage.callId === callId;
}

/** Whether the move waits for this read, which was asked for before it began. */
export function awaitsEarly(move: Move, callId: EffectId): boolean {
  return awaits(move, callId) && move.stage.kind === 'reading' && move.stage.purpose === 'early';
}

/**
 * Whether the cloud is read on while the address is verified: a single call may have taken it apart, and a read that was taken
 * for proof may have shown an association of long before.
 */
export function isReadOn(
  move: Move,
  style: MoveStyle | undefined,
): move is Move & { readonly stage: Verifying } {
  const { stage } = move;
  return stage.kind === 'verifying' && (stage.by === 'read' || style === 'single-call');
}

/** Such a read is before anything was done. */
export function isBeginning(purpose: ReadPurpose): boolean {
  return purpose === 'start' || purpose === 'early';
}

/** Something has been done, or asked of the cloud, that must be seen through: only its outcome ends the move. */
export function isPastRecall({ duty, stage }: Move): boolean {
  if (duty) return true;
  switch (stage.kind) {
    case 'reading':
      return !isBeginning(stage.purpose);
    case 'resting':
      return isCommitted(stage.next);
    case 'releasing':
    case 'taking':
    case 'settling':
    case 'verifying':
      return true;
  }
}

/** A read that must be seen through, whatever the gates say: something was done, and it isn't known yet what became of it. */
export function isCommitted(next: NextCall): boolean {
  return next.call === 'read' && !isBeginning(next.purpose);
}

/** A read of the move's own that shows this node is its acceptance: its take is asked for, or will be, or the last run's was. */
export function endsAccepted({ duty, stage }: Move): boolean {
  switch (stage.kind) {
    case 'taking':
    case 'settling':
      return true;
    case 'reading':
      return duty || !isBeginning(stage.purpose);
    case 'resting':
      return duty || stage.next.call === 'take' || isCommitted(stage.next);
    case 'releasing':
    case 'verifying':
      return false;
  }
}

/** Found by a restart, and not seen to have ended as it was meant to. */
export function isOfLastRun({ leaseUntil, stage }: Move): boolean {
  return leaseUntil === 0 && stage.kind !== 'verifying';
}
