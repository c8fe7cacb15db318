/** Checks that overlap: when they start, and how they count (PROTOCOL.md, "Observation"). */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckResult } from '../src/model/inputs.ts';
import type { CheckSeries } from '../src/model/observation-state.ts';
import type { State } from '../src/model/state.ts';
import {
  countingOf,
  finished,
  heeded,
  isDue,
  MAX_IN_FLIGHT,
  MAX_OVERLAPPING,
  recounted,
  silentFrom,
  started,
} from '../src/observation/check.ts';
import { observeHolder } from '../src/observation/holder.ts';
import { onProbed } from '../src/observation/verdict.ts';
import { inTrouble, lookNow, observeWhatIsDue, onMissedHeartbeat } from '../src/observation/watching.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  CHECK,
  heldBy,
  IP,
  PEER,
  proven,
  SELF,
  seriesOf,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

const TIMEOUT_MS = 1_000;
const OK: CheckResult = { kind: 'ok', status: 200, durationMs: 5 };
const FAILED: CheckResult = { kind: 'failed', reason: 'timeout', detail: '', durationMs: TIMEOUT_MS };
const LATE: CheckResult = { ...FAILED, durationMs: TIMEOUT_MS + 251 };

/** Three checks on their way, started 100 ms apart, after a success. */
function three(): CheckSeries {
  let series = seriesOf(true);
  for (const id of [1, 2, 3]) series = started(series, id, AT + 100 * id, 100);
  return series;
}

function ended(
  series: CheckSeries,
  ...results: readonly (readonly [id: number, result: CheckResult])[]
): CheckSeries {
  let now = series;
  for (const [id, result] of results) now = finished(now, id, AT + 2_000, 0, TIMEOUT_MS, result).series;
  return now;
}

describe('checks that overlap', () => {
  const rows: readonly (readonly [
    string,
    readonly (readonly [number, CheckResult])[],
    oks: number,
    fails: number,
  ])[] = [
    [
      'count as they end, where they end in order',
      [
        [1, FAILED],
        [2, FAILED],
      ],
      0,
      2,
    ],
    [
      'wait for those that started before them',
      [
        [1, FAILED],
        [3, FAILED],
      ],
      0,
      1,
    ],
    [
      'count together once the one between them has failed',
      [
        [1, FAILED],
        [3, FAILED],
        [2, FAILED],
      ],
      0,
      3,
    ],
    [
      'count together once the one between them could not be run',
      [
        [1, FAILED],
        [3, FAILED],
        [2, LATE],
      ],
      0,
      2,
    ],
    [
      'count from the one between them that has succeeded',
      [
        [1, FAILED],
        [3, FAILED],
        [2, OK],
      ],
      0,
      1,
    ],
    [
      'are up by the newest, whatever started before it',
      [
        [1, FAILED],
        [3, OK],
      ],
      1,
      0,
    ],
    [
      'stay up when one fails that had started before the success',
      [
        [3, OK],
        [1, FAILED],
        [2, FAILED],
      ],
      1,
      0,
    ],
    [
      'count a success behind a failure for nothing',
      [
        [3, FAILED],
        [1, OK],
      ],
      0,
      1,
    ],
  ];
  test.each(rows)('%s', (_, results, oks, fails) => {
    expect(ended(three(), ...results)).toMatchObject({ oks, fails });
  });

  test('count for nothing when they started before the address changed hands', () => {
    const series = recounted(ended(three(), [1, FAILED]), AT + 250);
    expect(ended(series, [2, FAILED])).toMatchObject({ fails: 0 });
    expect(ended(series, [2, FAILED], [3, FAILED])).toMatchObject({ fails: 1 });
  });

  type End = 'ok' | 'failed' | 'void';
  const end = fc.constantFrom<End>('ok', 'failed', 'void');
  const plan = fc.array(fc.record({ end, order: fc.integer({ min: 0, max: 1_000 }) }), {
    minLength: 1,
    maxLength: 8,
  });

  /** The whole list each time: what has ended, from the newest back to the first that is out or ended otherwise. */
  function naive(ends: readonly (End | 'out')[]): { readonly failed: boolean; readonly fails: number } {
    const told = ends.filter((one) => one !== 'void');
    const newest = told.findLastIndex((one) => one !== 'out');
    let fails = 0;
    for (let i = newest; i >= 0 && told[i] === 'failed'; i -= 1) fails += 1;
    return { failed: told[newest] === 'failed', fails };
  }

  test('count each once, in the order of their starts, in whichever order they end', () => {
    fc.assert(
      fc.property(plan, (checks) => {
        let series = seriesOf(true, { fails: 0, settledFails: 0 });
        for (const id of checks.keys()) series = started(series, id, AT + id, 1);
        const ends: (End | 'out')[] = checks.map(() => 'out');
        const order = [...checks.keys()].sort((a, b) => (checks[a]?.order ?? 0) - (checks[b]?.order ?? 0));
        for (const id of order) {
          const how = checks[id]?.end ?? 'void';
          ends[id] = how;
          const result = how === 'ok' ? OK : how === 'failed' ? FAILED : LATE;
          series = finished(series, id, AT + 5_000, 0, TIMEOUT_MS, result).series;
          expect(series.fails).toBe(naive(ends).fails);
          expect(series.fails > 0 && series.oks > 0).toBe(false);
        }
        expect(countingOf(series)).toEqual([]);
      }),
      { numRuns: 2_000, seed: 7 },
    );
  });

  test('are no more than the bound', () => {
    let series = seriesOf(true);
    for (let id = 1; id <= MAX_OVERLAPPING; id += 1) {
      expect(isDue(series, AT + 1_000 * id, true)).toBe(true);
      series = started(series, id, AT + 1_000 * id, 100);
    }
    expect(isDue(series, AT + 100_000, true)).toBe(false);
    for (let id = 100; id < 200; id += 1) series = started(series, id, AT + 1_000 * id, 100);
    expect(series.inFlight.length).toBe(MAX_IN_FLIGHT);
  });

  test('do not overlap while nothing is wrong', () => {
    expect(isDue(started(seriesOf(true), 1, AT, 100), AT + 100, false)).toBe(false);
  });
});

describe('a check that is out for long', () => {
  const usual = (usualMs: number): CheckSeries => started(seriesOf(true, { usualMs }), 1, AT, 1_000);
  test('is a sign after four times what an answer usually takes, and not before 50 ms', () => {
    expect([usual(5), usual(20), usual(300)].map((one) => silentFrom(one, TIMEOUT_MS))).toEqual([
      AT + 50,
      AT + 80,
      null,
    ]);
  });
  test('is none where nothing has answered yet', () => {
    expect(silentFrom(usual(0), TIMEOUT_MS)).toBe(null);
  });
  test('is none any more once one that started later has succeeded', () => {
    const silent = heeded(started(usual(5), 2, AT + 100, 100), AT + 110, TIMEOUT_MS);
    expect(silent.silent).toBe(true);
    expect(finished(silent, 2, AT + 120, 0, TIMEOUT_MS, OK).series.silent).toBe(false);
  });
  test('takes many slow answers to be usual, and few quick ones to be unusual again', () => {
    let series = seriesOf(true, { usualMs: 4 });
    const answer = (durationMs: number): number => {
      series = finished(started(series, 1, AT, 100), 1, AT + durationMs, 0, TIMEOUT_MS, {
        ...OK,
        durationMs,
      }).series;
      return series.usualMs;
    };
    expect([answer(300), answer(300), answer(4), answer(4), answer(4)]).toEqual([9, 19, 16, 13, 11]);
  });
});

describe('the first sign of trouble', () => {
  /** The address answers in 5 ms, and its probe is out since `startedAt`; the next would start in a second. */
  function waiting(startedAt: number): State {
    const series = started(seriesOf(true, { usualMs: 5 }), 9, startedAt, CHECK.intervalMs);
    const local = started(seriesOf(true), 8, AT, 1_000);
    const state = withAddress(proven(heldBy(stateOf(), PEER)), { series, verdict: 'up' });
    return { ...state, local: { ...state.local, series: local } };
  }
  function looked(
    state: State,
    at: number,
    look: (ctx: StepContext) => void = observeWhatIsDue,
  ): StepContext {
    const ctx = newContext(state, { at, wall: WALL });
    look(ctx);
    return ctx;
  }
  const probesOf = (ctx: StepContext): number => ctx.effects.filter(({ kind }) => kind === 'probe').length;

  test('has the next probe start at fastInterval, beside the one that is out, and the peers told', () => {
    const signed = looked(waiting(AT), AT + 50);
    expect(probesOf(signed)).toBe(0);
    expect(inTrouble(signed.state, addressIn(signed.state))).toBe(true);
    expect([...signed.outgoing.keys()]).toEqual([PEER]);
    expect(addressIn(signed.state).series.nextAt).toBe(AT + CHECK.fastIntervalMs);
    expect(probesOf(looked(signed.state, AT + CHECK.fastIntervalMs))).toBe(1);
  });
  test('told by several peers about one hiccup is one failure', () => {
    let state = withAddress(waiting(AT), { series: seriesOf(true, { newestAt: AT - 900 }) });
    let probes = 0;
    for (const at of [AT, AT + 3, AT + 6]) {
      const ctx = looked(state, at, (step) => lookNow(step, IP));
      for (const effect of ctx.effects) if (effect.kind === 'probe') onProbed(ctx, effect.probeId, FAILED);
      probes += probesOf(ctx);
      state = ctx.state;
    }
    expect([probes, addressIn(state).series.fails]).toEqual([1, 1]);
  });
  test('is none before its time', () => {
    const calm = looked(waiting(AT), AT + 49);
    expect(inTrouble(calm.state, addressIn(calm.state))).toBe(false);
    expect(calm.outgoing.size).toBe(0);
  });
  test('makes a hung server cost a time-out and fall - 1 fast intervals', () => {
    let state = waiting(AT);
    let downAt = 0;
    const out = new Map([[9, AT]]);
    for (let at = AT; downAt === 0 && at < AT + 10_000; at += 10) {
      const ctx = looked(proven({ ...state, now: { at, wall: WALL } }), at);
      for (const [id, startedAt] of out) if (at - startedAt === TIMEOUT_MS) onProbed(ctx, id, FAILED);
      for (const effect of ctx.effects) if (effect.kind === 'probe') out.set(effect.probeId, at);
      if (addressIn(ctx.state).verdict === 'down') downAt = at;
      state = ctx.state;
    }
    expect(downAt - AT).toBe(TIMEOUT_MS + (CHECK.fall - 1) * CHECK.fastIntervalMs);
  });
  test('is a heartbeat to the holder that came to nothing', () => {
    const state = withAddress(waiting(AT), { series: seriesOf(true) });
    expect(probesOf(looked(state, AT, (ctx) => onMissedHeartbeat(ctx, PEER)))).toBe(1);
    expect(probesOf(looked(heldBy(state, SELF), AT, (ctx) => onMissedHeartbeat(ctx, PEER)))).toBe(0);
  });
  test('is a check of the own HAProxy that is out for long, for what this node holds', () => {
    const state = heldBy(waiting(AT), SELF);
    const series = started(seriesOf(true, { usualMs: 1 }), 8, AT, 1_000);
    const held = withAddress({ ...state, local: { ...state.local, series } }, { series: seriesOf(true) });
    const ctx = looked(held, AT + 50);
    expect(probesOf(ctx)).toBe(1);
    expect(inTrouble(ctx.state, addressIn(ctx.state))).toBe(true);
  });
});

test('a probe that began before the address changed hands does not count against its next holder', () => {
  const series = started(seriesOf(true), 9, AT - 100, 1_000);
  const ctx = newContext(withAddress(heldBy(stateOf(), PEER), { series }), { at: AT, wall: WALL });
  const self = {
    kind: 'node',
    node: SELF,
    instanceId: 'i-saturn',
    associationId: 'eipassoc-2',
    at: AT,
  } as const;
  observeHolder(ctx, IP, { ...self, toldBy: null, firsthand: true }, 'read');
  onProbed(ctx, 9, FAILED);
  expect(addressIn(ctx.state).series.fails).toBe(0);
});
