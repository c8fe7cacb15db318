/** The explorer: transitions a second on the real step function, for a search that is completed and one that is cut short. */
import { DEFAULT_BOUNDS, explore } from '../packages/sim/src/explore/index.ts';
import type { BenchOptions } from './options.ts';
import { median, type Row, spread } from './table.ts';

const LEAST_A_SECOND = 30_000;
const ROUNDS = 3;
const STATES = 40_000;

export function explorer({ times, note }: BenchOptions): Promise<readonly Row[]> {
  const rates: number[] = [];
  const steps: number[] = [];
  for (let round = 0; round < ROUNDS * times; round += 1) {
    note(`explorer, round ${round + 1}`);
    const bounds = { ...DEFAULT_BOUNDS, reasons: ['server-dead'] } as const;
    const before = process.cpuUsage();
    const result = explore(bounds, { limits: { states: STATES } });
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / 1_000_000;
    rates.push(result.transitions / seconds);
    steps.push(result.steps / seconds);
  }
  const rate = median(rates);
  const row: Row = {
    what: 'transitions explored a second of processor time, pair with one fault',
    measured: spread(rates, '/s'),
    yardstick: `calls of the step function among them ${median(steps).toFixed(0)}/s`,
    ratio: (rate / LEAST_A_SECOND).toFixed(2),
    bound: `>= ${LEAST_A_SECOND}/s`,
    ok: rate >= LEAST_A_SECOND,
  };
  return Promise.resolve([row]);
}
