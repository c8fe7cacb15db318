import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckResult, ExternalIpResult } from '../src/model/inputs.ts';
import type { CheckSeries } from '../src/model/observation-state.ts';
import type { State } from '../src/model/state.ts';
import { onLocalChecked, onProbed, onWayOutAnswer } from '../src/observation/verdict.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { Verdict } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  heldBy,
  PEER,
  proven,
  recordOf,
  SELF,
  seriesOf,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

const PROBE = 9;
const STARTED_AT = AT - 100;
const OK: CheckResult = { kind: 'ok', status: 200, durationMs: 50 };
const FAILED: CheckResult = { kind: 'failed', reason: 'refused', detail: 'nobody listens', durationMs: 50 };
const UNSURE: CheckResult = { kind: 'inconclusive', detail: 'out of sockets', durationMs: 50 };
const OUTSIDE: ExternalIpResult = { kind: 'address', ip: '198.51.100.1', durationMs: 30 };

function inFlight(startedAt = STARTED_AT, counts = true): CheckSeries['inFlight'] {
  return [{ id: PROBE, startedAt, counts, failsAfter: 0 }];
}

/** The address has been up; two probes have failed since, and the one on its way completes the verdict if it counts. */
function failingTwice(parts: Partial<CheckSeries> = {}): State {
  const settledFails = parts.fails ?? 2;
  const series = seriesOf(false, { fails: 2, settledFails, oks: 0, inFlight: inFlight(), ...parts });
  return withAddress(proven(heldBy(stateOf(), PEER)), {
    series,
    verdict: 'up',
    verdictSince: 0,
    served: true,
  });
}

function proof(state: State, provenSince: number, provenAt: number): State {
  return { ...state, wayOut: { ...state.wayOut, '4': { ...state.wayOut['4'], provenSince, provenAt } } };
}

function unfitHolder(state: State, unfitSince: number): State {
  return withPeer(state, PEER, { unfitSince, record: recordOf(PEER, { fit: 'unfit' }) });
}

function probed(state: State, result: CheckResult, probeId = PROBE): StepContext {
  const ctx = newContext(state, { at: AT, wall: WALL });
  onProbed(ctx, probeId, result);
  return ctx;
}

const FIRST = failingTwice({ fails: 0, failingSince: null });

describe('a failed probe that may complete the verdict', () => {
  const rows: readonly (readonly [string, State, CheckResult, Verdict])[] = [
    ['does so with a proof from before its start', failingTwice(), FAILED, 'down'],
    [
      'does so with a proof that arrived as it started',
      proof(failingTwice(), STARTED_AT, AT - 50),
      FAILED,
      'down',
    ],
    [
      'does not with a proof that arrived later',
      proof(failingTwice(), STARTED_AT + 1, AT - 50),
      FAILED,
      'unknown',
    ],
    [
      'does not with a proof that has lapsed',
      proof(failingTwice(), AT - 9_000, AT - 5_001),
      FAILED,
      'unknown',
    ],
    ['does with a proof as old as it may be', proof(failingTwice(), AT - 9_000, AT - 5_000), FAILED, 'down'],
    [
      'does not with a proof from before a stall',
      { ...failingTwice(), observedFrom: AT - 500 },
      FAILED,
      'unknown',
    ],
    ['does not before enough have failed', failingTwice({ fails: 1 }), FAILED, 'up'],
    [
      'counts for nothing when it took longer than its time-out by more than 250 ms',
      failingTwice(),
      { ...FAILED, durationMs: 1_251 },
      'up',
    ],
    [
      'counts when it took no longer than that',
      failingTwice(),
      { ...FAILED, reason: 'timeout', durationMs: 1_250 },
      'down',
    ],
    [
      'counts for nothing when the address has changed hands since it started',
      failingTwice({ inFlight: inFlight(STARTED_AT, false) }),
      FAILED,
      'up',
    ],
    ['counts for nothing when it could not run', failingTwice(), UNSURE, 'up'],
    [
      'counts for nothing when it began before a stall',
      { ...proof(failingTwice(), AT - 60, AT - 50), observedFrom: STARTED_AT + 1 },
      FAILED,
      'up',
    ],
    [
      'alone is enough after the holder said that it is unfit',
      unfitHolder(FIRST, STARTED_AT),
      FAILED,
      'down',
    ],
    [
      'alone is not enough when that word came after its start',
      unfitHolder(FIRST, STARTED_AT + 1),
      FAILED,
      'up',
    ],
    [
      'alone is not enough on the word of a holder that has fallen silent',
      silenced(unfitHolder(FIRST, STARTED_AT), PEER),
      FAILED,
      'up',
    ],
    [
      'alone is not enough on the word of another than the holder',
      heldBy(unfitHolder(FIRST, STARTED_AT), SELF),
      FAILED,
      'up',
    ],
    [
      'alone is enough at a holder that is unfit itself',
      { ...heldBy(FIRST, SELF), local: { ...FIRST.local, fit: 'unfit', since: STARTED_AT } },
      FAILED,
      'down',
    ],
    [
      'alone is not enough without a proof, whatever the holder says',
      proof(unfitHolder(FIRST, STARTED_AT), AT - 50, AT - 50),
      FAILED,
      'unknown',
    ],
  ];
  test.each(rows)('%s', (_, state, result, verdict) => {
    expect(addressIn(probed(state, result).state).verdict).toBe(verdict);
  });

  test('is not counted when it is none that was asked for', () => {
    const state = failingTwice();
    expect(addressIn(probed(state, FAILED, PROBE + 1).state)).toEqual(addressIn(state));
  });
});

describe('a successful probe', () => {
  const seen = (verdict: Verdict, oks: number): Verdict => {
    const series = seriesOf(oks > 0, { oks, fails: 0, inFlight: inFlight() });
    return addressIn(probed(withAddress(failingTwice(), { series, verdict }), OK).state).verdict;
  };
  test('is enough from unknown', () => {
    expect(seen('unknown', 0)).toBe('up');
  });
  test('is needed `rise` times in a row from down', () => {
    expect([seen('down', 0), seen('down', 1)]).toEqual(['down', 'up']);
  });
  test('shows that the holder serves only when it started after the last change', () => {
    const servesWith = (changedAt: number): boolean => {
      const series = seriesOf(true, { inFlight: inFlight() });
      const state = withAddress(failingTwice(), { series, served: false, changes: [changedAt] });
      return addressIn(probed(state, OK).state).served;
    };
    expect([servesWith(STARTED_AT), servesWith(STARTED_AT + 1)]).toEqual([true, false]);
  });
});

describe('a proof that arrives while a probe is on its way', () => {
  const asking = { askId: 5, startedAt: AT - 30 };
  const provenNow = (state: State): number => {
    const wayOut = { ...state.wayOut['4'], provenAt: null, provenSince: null, asking };
    const ctx = newContext({ ...state, wayOut: { ...state.wayOut, '4': wayOut } }, { at: AT, wall: WALL });
    onWayOutAnswer(ctx, asking.askId, OUTSIDE);
    return ctx.effects.filter(({ kind }) => kind === 'probe').length;
  };
  test('starts a second probe beside one that could not complete the verdict any more', () => {
    expect(provenNow(failingTwice())).toBe(1);
  });
  test('starts none when the next failure would not complete it', () => {
    expect(provenNow(failingTwice({ fails: 1 }))).toBe(0);
  });
  test('starts none when nothing fails', () => {
    expect(provenNow(withAddress(failingTwice(), { series: seriesOf(true, { inFlight: inFlight() }) }))).toBe(
      0,
    );
  });
});

describe('the check of the own HAProxy', () => {
  type Event = 'ok' | 'failed' | 'inconclusive' | 'late' | 'overtaken';
  const event = fc.constantFrom<Event>('ok', 'failed', 'inconclusive', 'late', 'overtaken');
  const settings = fc.record({ fall: fc.integer({ min: 1, max: 4 }), rise: fc.integer({ min: 1, max: 4 }) });

  /** Fall and rise as HAProxy words them, over the whole list each time. */
  function naive(events: readonly Event[], fall: number, rise: number): string {
    let fit = 'unknown';
    const counted: boolean[] = [];
    for (const one of events) {
      if (one === 'ok' || one === 'failed') counted.push(one === 'ok');
      else continue;
      const last = (count: number, ok: boolean): boolean =>
        counted.length >= count && counted.slice(-count).every((was) => was === ok);
      if (last(fall, false)) fit = 'unfit';
      else if (last(rise, true) || (fit === 'unknown' && last(1, true))) fit = 'fit';
    }
    return fit;
  }

  test('falls and rises as HAProxy does, and what does not count changes nothing', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(event, { maxLength: 25 }), settings, (events, { fall, rise }) => {
        const base = stateOf();
        const local = base.config.local;
        if (local === null) throw new Error('there is no local check');
        let state: State = {
          ...base,
          config: { ...base.config, local: { ...local, fall, rise } },
          local: { ...base.local, fit: 'unknown' },
        };
        for (const [i, one] of events.entries()) {
          const at = AT + i * 100;
          const check = { id: i + 1, startedAt: at - 10, counts: one !== 'overtaken', failsAfter: 0 };
          const series = { ...state.local.series, inFlight: [check] };
          const ctx = newContext({ ...state, local: { ...state.local, series } }, { at, wall: WALL });
          const late = { ...FAILED, durationMs: 1_300 };
          const results = { ok: OK, failed: FAILED, inconclusive: UNSURE, late, overtaken: FAILED };
          onLocalChecked(ctx, check.id, results[one]);
          state = ctx.state;
        }
        seen.add(state.local.fit);
        expect(state.local.fit).toBe(naive(events, fall, rise));
      }),
      { numRuns: 500, seed: 12 },
    );
    expect(seen).toEqual(new Set(['unknown', 'fit', 'unfit']));
  });
});
