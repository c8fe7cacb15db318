import { describe, expect, it } from 'vitest';
import { yearlyRate } from '../src/tune/estimate.ts';
import { watchForNeedless } from '../src/tune/experiment.ts';
import { experimentOf } from '../src/tune/measure.ts';
import { type Branch, type Mark, REACHED, split, type Trajectory } from '../src/tune/splitting.ts';
import { createRandom } from '../src/world/index.ts';
import { lossy, pairWith, QUICK } from './tuned-pair.ts';

const PAIR = pairWith();

/** A walk from 1 that goes up with this chance at each step, until it is at 0 or at the top: gambler's ruin. */
function walk(upPerMille: number, top: number): (branches: readonly Branch[]) => Trajectory {
  return (branches) => {
    const random = createRandom(0);
    const records: Mark[] = [];
    let [at, best] = [1, 0];
    for (let step = 0; at > 0 && at < top; step += 1) {
      const branch = branches.find(({ atMs }) => atMs === step);
      if (branch !== undefined) random.reseed(branch.seed);
      if (at > best) {
        best = at;
        records.push({ atMs: step, score: at / (2 * top) });
      }
      at += random.chance(upPerMille) ? 1 : -1;
      if (at === top) records.push({ atMs: step + 1, score: REACHED });
    }
    return { branches, records };
  };
}

describe('splitting', () => {
  it('finds the chance of gambler’s ruin, however small', () => {
    const [up, top] = [0.25, 16];
    const odds = (1 - up) / up;
    const exact = (odds - 1) / (odds ** top - 1); // Feller, "An Introduction to Probability Theory", XIV.2
    const estimates = Array.from({ length: 12 }, (_, seed) =>
      split(walk(up * 1_000, top), createRandom(seed), { runs: 60, least: 1e-15 }),
    );
    const { low, high, value } = yearlyRate(estimates, 60, 31_557_600_000);
    expect(low).toBeLessThanOrEqual(exact);
    expect(high).toBeGreaterThanOrEqual(exact);
    expect(high / low).toBeLessThan(4);
    expect(value).toBeLessThan(1e-7);
  });

  it('says that a chance is smaller than what is looked for', () => {
    const result = split(walk(100, 40), createRandom(1), { runs: 40, least: 1e-6 });
    expect(result).toMatchObject({ chance: 1e-6, isLess: true });
  });

  it('follows its parent up to the branch, and not beyond', () => {
    const experiment = experimentOf(PAIR, lossy(0.2), QUICK);
    const parent = watchForNeedless(experiment, [{ atMs: 0, seed: 7 }]);
    const [first, second, third] = parent.records;
    if (first === undefined || second === undefined || third === undefined)
      throw new Error('too few records');
    const child = watchForNeedless(experiment, [...parent.branches, { atMs: second.atMs, seed: 9 }]);
    expect(child.records.slice(0, 2)).toEqual([first, second]);
    expect(child.records).not.toEqual(parent.records);
  });
});
