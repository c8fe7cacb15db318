import { describe, expect, it } from 'vitest';
import type { Given } from '../src/scenario/index.ts';
import { yearlyRate } from '../src/tune/estimate.ts';
import { watchForNeedless } from '../src/tune/experiment.ts';
import { type NetworkModel, USUAL_NETWORK } from '../src/tune/network-model.ts';
import { type Branch, type Mark, REACHED, split, type Trajectory } from '../src/tune/splitting.ts';
import { experimentOf } from '../src/tune/tune.ts';
import { createRandom } from '../src/world/index.ts';
import { pairWith } from './tuned-pair.ts';

const PAIR = pairWith();

const QUICK_SETTINGS: readonly (readonly [string, number])[] = [
  ['probe.interval', 250],
  ['probe.fastInterval', 100],
  ['probe.timeout', 300],
  ['probe.fall', 2],
  ['local.interval', 200],
  ['local.fastInterval', 100],
  ['local.timeout', 200],
  ['gossip.interval', 150],
  ['gossip.timeout', 150],
  ['gossip.dead', 500],
  ['agreement.lease', 4_000],
];
const QUICK: Given = new Map(QUICK_SETTINGS);

const lossy = (loss: number): NetworkModel => ({
  ...USUAL_NETWORK,
  packets: { ...USUAL_NETWORK.packets, loss },
});

const withBursts = (network: NetworkModel, bursts: NetworkModel['packets']['bursts']): NetworkModel => ({
  ...network,
  packets: { ...network.packets, bursts },
});

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

  it.each<readonly [string, Given, NetworkModel]>([
    ['30 % of packets lost', QUICK, lossy(0.3)],
    ['bursts', QUICK, withBursts(lossy(0.05), { perHour: 300, ms: 700 })],
    ['one failed probe is enough', new Map([...QUICK_SETTINGS, ['probe.fall', 1]]), lossy(0.25)],
  ])(
    'agrees with plain runs, where these see needless moves: %s',
    (_what, settings, network) => {
      const experiment = experimentOf(PAIR, network, settings);
      const runs = 80;
      const plain = Array.from({ length: runs }, (_, seed) =>
        watchForNeedless(experiment, [{ atMs: 0, seed }]),
      );
      const hits = plain.filter(({ records }) => records.at(-1)?.score === REACHED).length;
      const estimates = Array.from({ length: 6 }, (_, seed) =>
        split((branches) => watchForNeedless(experiment, branches), createRandom(seed), {
          runs: 16,
          least: 1e-9,
        }),
      );
      const { low, high } = yearlyRate(estimates, 12, experiment.windowMs);
      const [least, most] = wilson(hits, runs);
      expect(hits).toBeGreaterThan(2);
      expect(low).toBeLessThanOrEqual(perYear(most, experiment.windowMs));
      expect(high).toBeGreaterThanOrEqual(perYear(least, experiment.windowMs));
    },
    240_000,
  );
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
