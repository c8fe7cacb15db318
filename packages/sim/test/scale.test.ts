import { describe, expect, it } from 'vitest';
import {
  measureScale,
  PROTOCOLS,
  type ScaleOptions,
  type ScaleResult,
  stepsBetween,
} from '../src/scale/comparison.ts';
import { startFailtome } from '../src/scale/failtome-cluster.ts';
import { measureQuiet, measureSlow, type Spans } from '../src/scale/growth.ts';
import type { StartCluster } from '../src/scale/measured-cluster.ts';
import { scalePage } from '../src/scale/scale-page.ts';
import { describeScale } from '../src/scale/scale-text.ts';
import { startSwim } from '../src/scale/swim-cluster.ts';

const SPANS: Spans = { settleMs: 15_000, bytesMs: 10_000, withinMs: 30_000, slowMs: 30_000 };
const STARTS: Readonly<Record<string, StartCluster>> = { failtome: startFailtome, swim: startSwim };

const OPTIONS: ScaleOptions = {
  members: [3, 5],
  slowShares: [0.2],
  slowForMs: [4_000],
  restMs: null,
  slowUpTo: 4,
  lossPerMille: 0,
  seed: 1,
  spans: SPANS,
};

describe.each(PROTOCOLS)('%s in a cluster of five', (protocol) => {
  const start = STARTS[protocol] ?? startSwim;
  const options = { members: 5, seed: 2, lossPerMille: 0 };

  it('has every member send at rest, as many bytes in twice the time', () => {
    const cluster = start(options);
    cluster.runFor(15_000);
    const sent = (): number[] => cluster.members.map(cluster.bytesOf);
    const from = sent();
    cluster.runFor(10_000);
    const once = sent();
    cluster.runFor(10_000);
    const twice = sent();
    for (const [index, before] of from.entries()) {
      const first = (once[index] ?? 0) - before;
      const second = (twice[index] ?? 0) - (once[index] ?? 0);
      expect(first).toBeGreaterThan(1_000);
      expect(second / first).toBeCloseTo(1, 0);
    }
  });

  it('has news reach all, and a death be known to all, the second not before it has happened', () => {
    const quiet = measureQuiet(start, options, SPANS);
    expect(quiet.newsReached).toBe(4);
    expect(quiet.deadReached).toBe(4);
    expect(quiet.newsMs).toBeGreaterThan(0);
    expect(quiet.allDeadMs ?? 0).toBeGreaterThanOrEqual(quiet.firstDeadMs ?? Number.POSITIVE_INFINITY);
    expect(quiet.firstDeadMs).toBeGreaterThan(500);
    expect(quiet.mostBytes).toBeGreaterThanOrEqual(quiet.meanBytes);
    expect(quiet.meanBytes / quiet.meanMessages).toBeGreaterThan(40);
  });

  it('says how many had not heard when the time is up', () => {
    const quiet = measureQuiet(start, options, { ...SPANS, withinMs: 60 });
    expect(quiet.allDeadMs).toBeNull();
    expect(quiet.deadReached).toBe(0);
  });

  it('calls nobody dead while a member is slow for less than it may be silent, and that one when it is slow for long', () => {
    const brief = measureSlow(start, options, SPANS, { slow: 1, slowForMs: 200, restMs: 200 });
    expect(brief).toMatchObject({ slow: 1, healthyDead: 0, slowDead: 0 });
    const long = measureSlow(start, options, SPANS, { slow: 1, slowForMs: 12_000, restMs: 12_000 });
    expect(long.slowDead).toBeGreaterThan(0);
  });

  it('is the same again by the same seed, and another by another', () => {
    const measured = (seed: number): unknown => measureQuiet(start, { ...options, seed }, SPANS);
    expect(measured(4)).toEqual(measured(4));
    expect(measured(4)).not.toEqual(measured(5));
  });

  it('loses messages where they are to be lost: more is suspected', () => {
    const lossy = { ...options, lossPerMille: 400 };
    const counts = [options, lossy].map((one) => {
      const cluster = start(one);
      let suspected = 0;
      cluster.onVerdict(({ to }) => {
        if (to === 'suspect') suspected += 1;
      });
      cluster.runFor(60_000);
      return suspected;
    });
    expect(counts[1]).toBeGreaterThan(counts[0] ?? Number.POSITIVE_INFINITY);
  });
});

describe('the comparison', () => {
  const planned: string[] = [];
  const result = measureScale(OPTIONS, { isOver: () => false, onProgress: (what) => planned.push(what) });

  it('has a row for each number of members and protocol, and slow members where clusters are small enough', () => {
    expect(result.quiet.map(({ protocol, members }) => `${protocol} ${members}`)).toEqual([
      'failtome 3',
      'swim 3',
      'failtome 5',
      'swim 5',
    ]);
    expect(result.slow.map(({ protocol, members, slow }) => `${protocol} ${members} ${slow}`)).toEqual([
      'failtome 3 1',
      'swim 3 1',
    ]);
    expect(planned).toHaveLength(6);
    expect(result.left).toEqual([]);
  });

  it('prints a table in columns, with what was measured', () => {
    const lines = describeScale(result);
    const head = lines.find((line) => line.includes('B/s a member')) ?? '';
    const row = lines.find((line) => line.includes(' failtome ') && line.trim().startsWith('3')) ?? '';
    expect(row.indexOf('failtome')).toBe(head.indexOf('protocol'));
    expect(row).toContain(result.quiet[0]?.meanBytes.toFixed(0));
    expect(lines.join('\n')).toContain("what has more than 4 members wasn't measured with slow ones");
  });

  it('draws a curve for each protocol, a point for each number of members', () => {
    const page = scalePage(result);
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain('<title>swim, 5 members:');
    expect(page).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('says what the time was up for', () => {
    let asked = 0;
    const cut: ScaleResult = measureScale(OPTIONS, {
      isOver: () => {
        asked += 1;
        return asked > 1;
      },
      onProgress: () => undefined,
    });
    expect(cut.quiet).toHaveLength(1);
    expect(cut.left).toHaveLength(5);
    expect(describeScale(cut).join('\n')).toContain('the time was up');
    expect(scalePage(cut)).toContain('The time was up');
  });

  it.each([
    [3, 3, [3]],
    [3, 30, [3, 10, 30]],
    [5, 100, [5, 10, 30, 100]],
    [3, 1_000, [3, 10, 30, 100, 300, 1_000]],
  ])('takes steps between %i and %i', (least, most, steps) => {
    expect(stepsBetween(least, most)).toEqual(steps);
  });
});
