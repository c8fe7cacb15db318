/**
 * Which pairs there are: of a fault and a phase of a takeover, and of a phase and a reason. Some can't be, each by a rule that says
 * why; one of these that is met shows that a rule is wrong, or the protocol.
 */
import { REASONS, type Reason } from '@failtome/protocol';
import { FAULTS } from '../plan/index.ts';
import { ATTEMPT_PHASES, type AttemptPhase } from './attempts.ts';

/** Reasons that can't be told in some phases, nor end one of them. */
export interface PairRule {
  readonly phases: readonly AttemptPhase[];
  readonly reasons: readonly Reason[];
  /** Why not. */
  readonly because: string;
}

/** Nothing has been asked of the cloud. */
const BEFORE_CALLS: readonly AttemptPhase[] = ['campaign', 'won', 'guard'];
const MOVING: readonly AttemptPhase[] = ATTEMPT_PHASES.filter((phase) => !BEFORE_CALLS.includes(phase));

/** Every fault can be in force in every phase; reasons follow from what was done before. */
export const IMPOSSIBLE: readonly PairRule[] = [
  {
    phases: ATTEMPT_PHASES,
    reasons: ['not-a-candidate'],
    because: 'only a candidate begins a takeover, and no role changes while a node runs',
  },
  {
    phases: BEFORE_CALLS,
    reasons: ['finish-move', 'settling', 'moved'],
    because: 'they follow the answer to a call, and none has been made',
  },
  {
    phases: ['campaign', 'won'],
    reasons: ['guard-refused', 'intent-unwritten', 'lease-too-short', 'guard-passed'],
    because: 'they follow the answer of the guard, which comes in no step in which it is asked',
  },
  {
    phases: MOVING,
    reasons: ['agreed', 'guard-asked', 'guard-refused', 'intent-unwritten'],
    because: 'guard and intent are behind a move, and another ballot has to be won before they come again',
  },
  {
    phases: ['verifying'],
    reasons: ['guard-passed'],
    because: 'a move begins with it, and the answer that has accepted the move came later',
  },
];

/** One half of the pairs: all that there are of a kind, by id, in an order for people. */
export interface PairKind {
  readonly says: string;
  readonly possible: readonly string[];
}

/** The id of a pair of a fault and a phase; the same is the wish to bring it about. */
export function faultPair(fault: string, phase: AttemptPhase): string {
  return `${fault}@${phase}`;
}

/** The id of a pair of a phase and a reason. */
export function reasonPair(phase: AttemptPhase, reason: Reason): string {
  return `${phase}/${reason}`;
}

/** Why this pair can't be; null: it can, as far as the rules go. */
export function whyImpossible(phase: AttemptPhase, reason: Reason): string | null {
  const rule = IMPOSSIBLE.find(({ phases, reasons }) => phases.includes(phase) && reasons.includes(reason));
  return rule?.because ?? null;
}

/** All pairs that can be. */
export const PAIRS: { readonly faults: PairKind; readonly reasons: PairKind } = {
  faults: {
    says: 'fault × phase of a takeover',
    possible: [...FAULTS.keys()].flatMap((fault) => ATTEMPT_PHASES.map((phase) => faultPair(fault, phase))),
  },
  reasons: {
    says: 'phase × reason',
    possible: ATTEMPT_PHASES.flatMap((phase) =>
      REASONS.filter((reason) => whyImpossible(phase, reason) === null).map((reason) =>
        reasonPair(phase, reason),
      ),
    ),
  },
};
