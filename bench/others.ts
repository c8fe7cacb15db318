/**
 * What others take from the observation that completes what a majority needs to the first call of the move, which is the release.
 *
 * It is the longer of two ways that the agent goes side by side:
 * - the ballot and the guard: two durable writes and the question's round trip, then the guard, or the third write beside it;
 * - the read of the association, which the release names: one whole call to the cloud, from the first sign of trouble that the taker had, or from
 *   when the protocol lets it follow on the read before, which trials that follow on one another come near to. It is the longer way wherever a
 *   call takes longer than the verdict and the ballot. A read that the agent begins later than it might is its own loss.
 */
import { EARLY_READS_APART_MS } from '../packages/protocol/src/observation/early-reads.ts';
import { knownAt, signAt } from './floor.ts';
import type { Trial } from './trials.ts';

/** Measured round trips, in milliseconds. */
export interface Trips {
  readonly peer: number;
  readonly disk: number;
  /** A call to the cloud, as the taker measures the release. */
  readonly call: number;
}

/** Both of a pair have to see it down. */
export function observedAt({ down }: Trial): number {
  return Math.max(down.taker, down.loser ?? down.taker);
}

/** The longer of the two ways, from the observation on. */
export function othersMs(trial: Trial, trips: Trips): number {
  return Math.max(agreedMs(trial, trips), readMs(trial, trips));
}

/**
 * The taker's own write and the question's way there, unless they were over when the voter saw it; the voter's write and the
 * answer's way back; the guard, beside which the intent is written.
 */
function agreedMs(trial: Trial, { peer, disk }: Trips): number {
  const askedBefore = Math.min(disk + peer / 2, Math.max(0, observedAt(trial) - trial.ballotOpenedAt));
  return 2 * disk + peer - askedBefore + Math.max(trial.guardMs, disk);
}

/** What was left of the read: negative where it was over before. One that began before the sign was over when the cloud answered it. */
function readMs(trial: Trial, trips: Trips): number {
  const { firstFailure, read } = trial;
  if (read === null) return 0;
  const sign = signAt(firstFailure.taker, knownAt(trial), trips);
  const mayBegin = Math.max(sign, (read.earlierAt ?? Number.NEGATIVE_INFINITY) + EARLY_READS_APART_MS);
  return Math.min(mayBegin + trips.call, read.answeredAt) - observedAt(trial);
}
