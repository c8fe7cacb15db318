/** Splitting beside plain runs, where these see needless moves too (docs/decisions/0046). */
import { expect, it } from 'vitest';
import type { Given } from '../src/scenario/index.ts';
import { yearlyRate } from '../src/tune/estimate.ts';
import { afterFirstStart, watchForNeedless } from '../src/tune/experiment.ts';
import { experimentOf } from '../src/tune/measure.ts';
import type { NetworkModel } from '../src/tune/network-model.ts';
import { REACHED, split } from '../src/tune/splitting.ts';
import { createRandom } from '../src/world/index.ts';
import { lossy, pairWith, QUICK, QUICK_SETTINGS, withBursts } from './tuned-pair.ts';

const PAIR = pairWith();
const RUNS = 200;
const [ESTIMATES, KEPT] = [12, 16];

const ONE_FAILURE: Given = new Map([...QUICK_SETTINGS, ['probe.fall', 1]]);

it.each<readonly [string, Given, NetworkModel]>([
  ['bursts', QUICK, withBursts(lossy(0.05), { perHour: 600, ms: 700 })],
  ['one failed probe is enough', ONE_FAILURE, lossy(0.3)],
  ['the same in bursts', ONE_FAILURE, withBursts(lossy(0.15), { perHour: 300, ms: 500 })],
])('agrees with plain runs, where these see needless moves: %s', (_what, settings, network) => {
  // As a tuning begins: a node that has never run lends no vote within the window, so that nothing could move.
  const experiment = afterFirstStart(experimentOf(PAIR, network, settings), 0);
  const plain = Array.from({ length: RUNS }, (_, seed) => watchForNeedless(experiment, [{ atMs: 0, seed }]));
  const hits = plain.filter(({ records }) => records.at(-1)?.score === REACHED).length;
  const estimates = Array.from({ length: ESTIMATES }, (_, seed) =>
    split((branches) => watchForNeedless(experiment, branches), createRandom(seed), {
      runs: KEPT,
      least: 1e-9,
    }),
  );
  const { low, high } = yearlyRate(estimates, KEPT, experiment.windowMs);
  const [least, most] = wilson(hits, RUNS);
  expect(hits).toBeGreaterThan(2);
  expect(low).toBeLessThanOrEqual(perYear(most, experiment.windowMs));
  expect(high).toBeGreaterThanOrEqual(perYear(least, experiment.windowMs));
});

/** Wilson's interval of a share, wide enough that a change of the protocol doesn't leave it by chance. */
function wilson(hits: number, runs: number): readonly [number, number] {
  const [z, share] = [3, hits / runs];
  const middle = share + z ** 2 / (2 * runs);
  const width = z * Math.sqrt((share * (1 - share)) / runs + z ** 2 / (4 * runs ** 2));
  return [(middle - width) / (1 + z ** 2 / runs), (middle + width) / (1 + z ** 2 / runs)];
}

function perYear(chance: number, windowMs: number): number {
  return (-Math.log1p(-chance) * 31_557_600_000) / windowMs;
}
