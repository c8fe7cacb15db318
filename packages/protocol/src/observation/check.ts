/**
 * Fall and rise: arithmetic over one series of checks, for the address and for the own HAProxy alike.
 *
 * Checks are started `interval` apart (start to start), `fastInterval` while something is wrong, and don't
 * overlap, except that a check may be superseded by one that started under better conditions; then only its
 * success counts.
 */

import { copySeries } from '../copy.ts';
import type { CheckConfig } from '../model/config.ts';
import type { CheckResult } from '../model/inputs.ts';
import type { CheckSeries } from '../model/observation-state.ts';
import type { DurationMs, EffectId, MonotonicMs } from '../model/units.ts';

/** A failure that took longer than its time-out by more than this was the checker's own slowness. */
export const LATE_TOLERANCE_MS: DurationMs = 250;
/** The most checks of one series on their way at once. */
export const MAX_IN_FLIGHT = 3;

/** What a finished check does to its series. `ignored`: it is over, and counts neither way. */
type CountedCheck =
  | { readonly kind: 'ok' | 'failed'; readonly series: CheckSeries; readonly startedAt: MonotonicMs }
  | { readonly kind: 'ignored'; readonly series: CheckSeries };

/** Note a check that starts now; whatever is on its way is superseded by it. */
export function started(series: CheckSeries, id: EffectId, at: MonotonicMs, gapMs: DurationMs): CheckSeries {
  const inFlight = series.inFlight.map((check) => ({ ...check, superseded: true }));
  const next = copySeries(series);
  next.inFlight = [...inFlight, { id, startedAt: at, superseded: false }].slice(-MAX_IN_FLIGHT);
  next.nextAt = at + gapMs;
  return next;
}

/** Count a finished check. One that began before `observedFrom`, or that is unknown, counts for nothing. */
export function finished(
  series: CheckSeries,
  id: EffectId,
  at: MonotonicMs,
  observedFrom: MonotonicMs,
  timeoutMs: DurationMs,
  result: CheckResult,
): CountedCheck {
  const check = series.inFlight.find((one) => one.id === id);
  const inFlight = series.inFlight.filter((one) => one.id !== id);
  const rest = copySeries(series);
  rest.inFlight = inFlight;
  if (check === undefined || check.startedAt < observedFrom) return { kind: 'ignored', series: rest };
  const { nextAt } = series;
  switch (result.kind) {
    case 'inconclusive':
      return { kind: 'ignored', series: rest };
    case 'ok': {
      const last = { ok: true, startedAt: check.startedAt, endedAt: at, reason: 'ok' } as const;
      return {
        kind: 'ok',
        series: {
          oks: series.oks + 1,
          fails: 0,
          inFlight,
          nextAt,
          everChecked: true,
          last,
          failingSince: null,
        },
        startedAt: check.startedAt,
      };
    }
    case 'failed': {
      const late = result.durationMs > timeoutMs + LATE_TOLERANCE_MS;
      if (late || check.superseded) return { kind: 'ignored', series: rest };
      const last = { ok: false, startedAt: check.startedAt, endedAt: at, reason: result.reason };
      const failingSince = series.failingSince ?? check.startedAt;
      return {
        kind: 'failed',
        series: { oks: 0, fails: series.fails + 1, inFlight, nextAt, everChecked: true, last, failingSince },
        startedAt: check.startedAt,
      };
    }
  }
}

/** Whether a check may start: it is due, and none is on its way but superseded ones. */
export function isDue(series: CheckSeries, at: MonotonicMs): boolean {
  return at >= series.nextAt && !series.inFlight.some((check) => !check.superseded);
}

/** Bring the next check forward to `fastInterval` after the start of the last. */
export function hastened(series: CheckSeries, config: CheckConfig, startedAt: MonotonicMs): CheckSeries {
  const next = copySeries(series);
  next.nextAt = Math.min(series.nextAt, startedAt + config.fastIntervalMs);
  return next;
}

/** How long after the start of one check the next one starts. */
export function checkIntervalMs(config: CheckConfig, fast: boolean): DurationMs {
  return fast ? config.fastIntervalMs : config.intervalMs;
}

/** When the next check should start; in flight, its end is waited for instead. */
export function nextStart(series: CheckSeries): MonotonicMs | null {
  return series.inFlight.some((check) => !check.superseded) ? null : series.nextAt;
}
