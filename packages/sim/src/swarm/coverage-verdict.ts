/**
 * Whether everything that a swarm should meet was met.
 */
import {
  COVERAGE_MARKS,
  type CoverageMark,
  missingFrom,
  type PairReport,
  pairReport,
} from '../coverage/index.ts';
import type { SwarmLedger } from './swarm-ledger.ts';

/** How much of what a swarm must meet was met. */
export interface Coverage {
  /** `not judged`: too few seeds, only some faults, or steered seeds, so that nothing can be expected. */
  readonly verdict: 'complete' | 'incomplete' | 'not judged';
  /** What has never been met. */
  readonly never: readonly CoverageMark[];
  readonly met: number;
}

/** Which pairs a swarm met, and which it should not have. */
export function pairsOf({ tally }: Pick<SwarmLedger, 'tally'>): PairReport {
  return pairReport(tally.pairs);
}

/** With fewer seeds a rare thing may well not have come. */
export const JUDGED_FROM_SEEDS = 150;

/** Judge a swarm by what it met. */
export function coverageOf({ tally, identity }: Pick<SwarmLedger, 'tally' | 'identity'>): Coverage {
  const never = missingFrom(tally.coverage);
  const judged = tally.seeds >= JUDGED_FROM_SEEDS && identity.faults === null && identity.focus === null;
  return {
    verdict: !judged ? 'not judged' : never.length === 0 ? 'complete' : 'incomplete',
    never,
    met: COVERAGE_MARKS.length - never.length,
  };
}
