/**
 * What is kept of a move under way: a part of an address's state (`state.ts`).
 */
import type { MoveStep } from './durable.ts';
import type { BallotMode } from './messages.ts';
import type { AssociationId, DurationMs, EffectId, Epoch, MonotonicMs, NodeId } from './units.ts';

export interface Move {
  readonly epoch: Epoch;
  readonly mode: BallotMode;
  readonly handoverId: string | null;
  readonly startedAt: MonotonicMs;
  readonly leaseUntil: MonotonicMs;
  /** What each of its calls gets (`view.ts`, `callTimeoutMs`). */
  readonly callTimeoutMs: DurationMs;
  readonly consent: boolean;
  /** Nobody holds the address by our doing: somebody must take it, and that is us. */
  readonly duty: boolean;
  readonly stage: MoveStage;
  /** The pause before the next attempt, doubling. */
  readonly delayMs: DurationMs;
  readonly steps: readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[];
  readonly requestIds: readonly string[];
}

export type MoveStage =
  | {
      readonly kind: 'reading';
      readonly callId: EffectId;
      readonly at: MonotonicMs;
      readonly purpose: ReadPurpose;
    }
  | {
      readonly kind: 'releasing';
      readonly callId: EffectId;
      readonly at: MonotonicMs;
      /** The write that the call waits for; 0: none. */
      readonly associationId: AssociationId | null;
      readonly node: NodeId | null;
    }
  | {
      readonly kind: 'taking';
      readonly callId: EffectId;
      readonly at: MonotonicMs;
      readonly reassociate: boolean;
    }
  | {
      readonly kind: 'settling';
      readonly of: 'release' | 'take' | 'swap';
      readonly associationId: AssociationId | null;
      readonly since: MonotonicMs;
      readonly callId: EffectId | null;
      /** What the last read showed, and when; two that agree a second apart settle it. */
      readonly seen: string | null;
      readonly seenAt: MonotonicMs;
      readonly nextAt: MonotonicMs;
    }
  | { readonly kind: 'resting'; readonly until: MonotonicMs; readonly next: NextCall }
  | {
      readonly kind: 'verifying';
      readonly acceptedAt: MonotonicMs;
      readonly associationId: AssociationId | null;
    };

/**
 * Why a move reads: to begin; because nobody holds the address by our doing; because a take found it held; because a
 * restart found an intent.
 */
export type ReadPurpose = 'start' | 'duty' | 'lost' | 'recover';

export type NextCall =
  | { readonly call: 'read'; readonly purpose: ReadPurpose }
  | { readonly call: 'release'; readonly associationId: AssociationId | null; readonly node: NodeId | null }
  | { readonly call: 'take'; readonly reassociate: boolean };

/** Something has been done, or asked of the cloud, that must be seen through: only its outcome ends the move. */
export function isPastRecall({ duty, stage }: Move): boolean {
  return duty || !isUncommitted(stage);
}

/** Nothing has been done yet that must be seen through. */
function isUncommitted(stage: MoveStage): boolean {
  switch (stage.kind) {
    case 'reading':
      return stage.purpose === 'start';
    case 'resting':
      return stage.next.call !== 'read' || stage.next.purpose === 'start';
    case 'releasing':
    case 'taking':
    case 'settling':
    case 'verifying':
      return false;
  }
}
