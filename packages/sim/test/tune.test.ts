import { PRESETS } from '@failtome/config';
import { describe, expect, it } from 'vitest';
import { clashesOf, type Given, settingsOf } from '../src/scenario/index.ts';
import { drawSettings, neighbour, presetSettings, settled } from '../src/tune/candidates.ts';
import { quantile, yearlyRate } from '../src/tune/estimate.ts';
import { downtimeMs, FAILURES } from '../src/tune/experiment.ts';
import { networkFrom } from '../src/tune/from-metrics.ts';
import { experimentOf } from '../src/tune/measure.ts';
import { USUAL_NETWORK } from '../src/tune/network-model.ts';
import type { TuneTask, TuneTaskResult } from '../src/tune/tasks.ts';
import { frontOf, type TuneResult, tune } from '../src/tune/tune.ts';
import { tuningPage } from '../src/tune/tuning-page.ts';
import { describeTuning } from '../src/tune/tuning-text.ts';
import { createRandom } from '../src/world/index.ts';
import { pairWith } from './tuned-pair.ts';

const PAIR = pairWith();
const NOW = 1_700_000_000_000;

/** Answers as if downtime were the probes' time-out, and needless moves the rarer the longer it is. */
function answer(task: TuneTask): TuneTaskResult {
  const { timeoutMs, fall } = task.experiment.world.settings.probe;
  if (task.kind === 'downtimes')
    return {
      kind: 'downtimes',
      ms: Array.from({ length: task.count }, (_, index) => timeoutMs * fall + index),
    };
  const chance = 10 ** (-(timeoutMs * fall) / 100);
  return { kind: 'needless', result: { chance, isLess: false, nearest: chance, simulated: 1 } };
}

async function tuned(over = (): boolean => false, seed = 3, seeds: number[] = []): Promise<TuneResult> {
  const effort = { failures: 5, estimates: 2, runs: 4 };
  return tune(
    {
      config: PAIR,
      network: USUAL_NETWORK,
      named: new Map<string, Given>([
        ['yours', new Map()],
        ...PRESETS.map((preset) => [preset, presetSettings(PAIR.settings, preset)] as const),
      ]),
      seed,
      draws: 10,
      needlessPerYear: 0.001,
      full: effort,
      coarse: effort,
    },
    {
      pool: {
        jobs: 2,
        run(task) {
          seeds.push(task.seed);
          return Promise.resolve({ kind: 'result', result: answer(task) });
        },
        close: () => Promise.resolve(),
      },
      isOver: over,
      onProgress: () => undefined,
    },
  );
}

describe('tuning', () => {
  it('measures yours and the presets, and advises the quickest of the calm ones', async () => {
    const { choices, front, advised } = await tuned();
    expect(choices.slice(0, 4).map(({ name }) => name)).toEqual(['yours', ...PRESETS]);
    expect(advised).not.toBeNull();
    expect(advised?.needless.high).toBeLessThanOrEqual(0.001);
    const calm = choices.filter(({ inFull, needless }) => inFull && needless.high <= 0.001);
    expect(advised?.typicalMs).toBe(Math.min(...calm.map(({ typicalMs }) => typicalMs)));
    const typical = front.map(({ typicalMs }) => typicalMs);
    expect(typical).toEqual(typical.toSorted((a, b) => a - b));
    expect(frontOf(front)).toEqual(front);
  });

  it('gives the same for the same seed, and measures by other seeds for another', async () => {
    const seeds: number[][] = [[], [], []];
    const [first, again] = [await tuned(undefined, 3, seeds[0]), await tuned(undefined, 3, seeds[1])];
    await tuned(undefined, 4, seeds[2]);
    expect(first).toEqual(again);
    expect(seeds[0]).toEqual(seeds[1]);
    expect(seeds[0]?.[0]).not.toBe(seeds[2]?.[0]);
    expect(new Set(seeds[0]).size).toBeGreaterThan(20);
  });

  it('measures yours and the presets also where the time is up, and says that it searched less', async () => {
    const result = await tuned(() => true);
    expect(result.choices.map(({ name }) => name)).toEqual(['yours', ...PRESETS]);
    expect(result.isWhole).toBe(false);
    expect(describeTuning(result).join('\n')).toContain('the time was up');
  });

  it('tells it in a hundred columns, with the change that it advises', async () => {
    const result = await tuned();
    const lines = describeTuning(result);
    for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(100);
    expect(lines.find((line) => line.startsWith('quick'))).toMatch(/0\.60 s/);
    const page = tuningPage(result);
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/NaN|undefined|Infinity|https?:/);
  });
});

describe('settings that are tried', () => {
  it('never contradict themselves, drawn or beside others', () => {
    const random = createRandom(1);
    for (let count = 0; count < 100; count += 1) {
      const drawn = drawSettings(PAIR.settings, random);
      const beside = neighbour(PAIR.settings, drawn, random);
      for (const settings of [drawn, beside])
        expect(clashesOf(settingsOf(new Map([...PAIR.settings, ...settings])))).toEqual([]);
    }
  });

  it.each(PRESETS)('are those of the file itself for preset %s', (preset) => {
    const written = settingsOf(pairWith(`preset: ${preset}`).settings);
    const tried = settingsOf(new Map([...PAIR.settings, ...presetSettings(PAIR.settings, preset)]));
    expect(tried).toEqual(written);
    expect(clashesOf(written)).toEqual([]);
  });

  it('leave out the local check where there is none', () => {
    const base = new Map([...PAIR.settings, ['local', null] as const]);
    expect([...settled(base, new Map()).keys()].filter((key) => key.startsWith('local.'))).toEqual([]);
    expect(settingsOf(new Map([...base, ...presetSettings(base, 'quick')])).local).toBeNull();
  });
});

describe('a failure', () => {
  it.each(FAILURES)('is served again elsewhere: %s', (failure) => {
    const quick = experimentOf(PAIR, USUAL_NETWORK, presetSettings(PAIR.settings, 'quick'));
    const patient = experimentOf(PAIR, USUAL_NETWORK, presetSettings(PAIR.settings, 'patient'));
    const [short, long] = [downtimeMs(quick, failure, 1), downtimeMs(patient, failure, 1)];
    expect(short).toBeGreaterThan(300);
    expect(long).toBeGreaterThan(short ?? Number.POSITIVE_INFINITY);
  });

  it('takes longer where the cloud does', () => {
    const slow = { ...USUAL_NETWORK, associationSettleMs: 2_300 };
    const [usual, slower] = [USUAL_NETWORK, slow].map(
      (network) => downtimeMs(experimentOf(PAIR, network, new Map()), 'killed', 5) ?? 0,
    );
    expect((slower ?? 0) - (usual ?? 0)).toBeGreaterThan(1_900);
    expect((slower ?? 0) - (usual ?? 0)).toBeLessThan(2_100);
  });
});

describe('numbers', () => {
  it('have the interval of their order', () => {
    const values = Array.from({ length: 101 }, (_, index) => index);
    expect(quantile(values, 0.5)).toMatchObject({ value: 50 });
    const { low, high } = quantile(values, 0.5);
    expect(low).toBeGreaterThan(35);
    expect(high).toBeLessThan(66);
  });

  it('of what was never seen are an upper bound', () => {
    const none = { chance: 0, isLess: false, nearest: 0.01, simulated: 9 };
    expect(yearlyRate([none, none], 100, 31_557_600_000)).toMatchObject({ isLess: true, value: 0, low: 0 });
    expect(yearlyRate([none, none], 100, 31_557_600_000).high).toBeCloseTo(0.00015, 5);
  });
});

describe('a network from metrics', () => {
  const metrics = (timeouts: number): string => `# HELP failtome_build_info Always 1
failtome_build_info{version="0.1.0",nodejs="v20"} 1
process_start_time_seconds 1699992800
failtome_stalls_total 6
failtome_heartbeats_total{peer="neptune",result="ok"} 9800
failtome_heartbeats_total{peer="neptune",result="timeout"} ${timeouts}
failtome_heartbeat_rtt_seconds_bucket{le="0.001",peer="neptune"} 5000
failtome_heartbeat_rtt_seconds_bucket{le="0.004",peer="neptune"} 9800
failtome_heartbeat_rtt_seconds_bucket{le="+Inf",peer="neptune"} 9801
`;

  it('has the loss that twice lost packets show, and the round trips', () => {
    const network = networkFrom([{ source: 'saturn', text: metrics(200) }], USUAL_NETWORK, NOW);
    expect(network.packets.loss).toBeCloseTo(0.1, 3);
    expect(network.packets.peerRttMs).toEqual([0.5, 4]);
    expect(network.packets.outsideRttMs).toEqual(USUAL_NETWORK.packets.outsideRttMs);
    expect(network.standstills.perHour).toBe(3); // six in two hours
  });

  it('is refused where it is none', () => {
    expect(() => networkFrom([{ source: 'http://saturn', text: 'up 1\n' }], USUAL_NETWORK, NOW)).toThrow(
      'http://saturn: these are no metrics of an agent',
    );
    expect(() => networkFrom([{ source: 'http://saturn', text: '<html>' }], USUAL_NETWORK, NOW)).toThrow(
      'not a line of the Prometheus text format',
    );
  });
});
