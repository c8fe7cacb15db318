/**
 * Fall and rise: arithmetic over one series of checks, for the address and for the own HAProxy alike.
 *
 * Checks start `interval` apart (start to start). From the first sign of trouble they start `fastInterval` apart, whatever
 * is still out. Each has its own time-out, and each counts once, in the order of the starts: what ended early waits for
 * those that started before it. docs/decisions/0045-probes-overlap.md says why.
 */

import { copySeries, type Draft } from '../copy.ts';
import type { CheckConfig } from '../model/config.ts';
import type { CheckResult } from '../model/inputs.ts';
import type { Check, CheckSeries } from '../model/observation-state.ts';
import type { DurationMs, EffectId, MonotonicMs } from '../model/units.ts';

/** A failure that took longer than its time-out by more than this was the checker's own slowness. */
export const LATE_TOLERANCE_MS: DurationMs = 250;
/** The most checks of one series on their way at once that count. */
export const MAX_OVERLAPPING = 8;
/** With those that don't count any more; beyond it the oldest is forgotten. */
export const MAX_IN_FLIGHT: number = 2 * MAX_OVERLAPPING;
/** A check that is out for so many times the usual answer's time is a sign of trouble. */
const SILENCE_FACTOR = 4;
/** The least that is a sign: a busy machine answers later than usual by some tens of milliseconds. */
const LEAST_SILENCE_MS: DurationMs = 50;
/** By what part of the difference the usual time falls with each faster answer. */
const USUAL_FALLS_BY = 4;

/** What a finished check does to its series. `ignored`: it is over, and counts neither way, or says nothing new. */
type CountedCheck =
  | { readonly kind: 'ok' | 'failed'; readonly series: CheckSeries; readonly startedAt: MonotonicMs }
  | { readonly kind: 'ignored'; readonly series: CheckSeries };

/** Note a check that starts now. */
export function started(series: CheckSeries, id: EffectId, at: MonotonicMs, gapMs: DurationMs): CheckSeries {
  const check: Check = { id, startedAt: at, counts: true, failsAfter: 0 };
  const next = copySeries(series);
  next.inFlight = [...series.inFlight, check].slice(-MAX_IN_FLIGHT);
  next.newestAt = at;
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
  const index = series.inFlight.findIndex((one) => one.id === id);
  const check = series.inFlight[index];
  if (check === undefined) return { kind: 'ignored', series };
  const late = result.kind === 'failed' && result.durationMs > timeoutMs + LATE_TOLERANCE_MS;
  if (result.kind === 'inconclusive' || late || !check.counts || check.startedAt < observedFrom)
    return { kind: 'ignored', series: heeded(withFailures(series, index, 0), at, timeoutMs) };
  const { startedAt } = check;
  const isNewest = series.last === null || startedAt >= series.last.startedAt;
  const reason = result.kind === 'ok' ? 'ok' : result.reason;
  const last: CheckSeries['last'] = isNewest
    ? { ok: result.kind === 'ok', startedAt, endedAt: at, reason }
    : series.last;
  if (result.kind === 'failed') {
    const next = withFailures(series, index, 1);
    next.failingSince = Math.min(series.failingSince ?? startedAt, startedAt);
    next.last = last;
    next.everChecked = true;
    return { kind: 'failed', series: heeded(next, at, timeoutMs), startedAt };
  }
  const next = withSuccess(series, index, check);
  next.last = last;
  next.everChecked = true;
  next.failingSince = next.fails > 0 ? (last?.startedAt ?? null) : null;
  next.usualMs = usualAfter(series.usualMs, result.durationMs);
  // Behind failures of checks that started later it ends nothing.
  return { kind: next.fails > 0 ? 'ignored' : 'ok', series: heeded(next, at, timeoutMs), startedAt };
}

/** Failures begin to be counted anew: those of before, and what started before `from`, say nothing of what is now. */
export function recounted(series: CheckSeries, from: MonotonicMs): CheckSeries {
  const next = copySeries(series);
  next.fails = 0;
  next.settledFails = 0;
  next.failingSince = null;
  next.silent = false;
  next.newestAt = null;
  next.inFlight = series.inFlight.map((one) => ({
    ...one,
    failsAfter: 0,
    counts: one.counts && one.startedAt >= from,
  }));
  return next;
}

/** How many failures in a row there will be if all that is out fails, up to each of those that are out. */
export function failuresToCome(
  series: CheckSeries,
): readonly { readonly startedAt: MonotonicMs; readonly fails: number }[] {
  let fails = series.settledFails;
  return countingOf(series).map(({ startedAt, failsAfter }) => {
    fails += 1;
    const here = { startedAt, fails };
    fails += failsAfter;
    return here;
  });
}

/** The checks on their way that count. */
export function countingOf({ inFlight }: CheckSeries): readonly Check[] {
  return inFlight.filter(({ counts }) => counts);
}

/** Whether a check may start: it is due, and none is on its way; in trouble, at most `MAX_OVERLAPPING` are. */
export function isDue(series: CheckSeries, at: MonotonicMs, closely: boolean): boolean {
  if (at < series.nextAt) return false;
  const out = countingOf(series).length;
  return out === 0 || (closely && out < MAX_OVERLAPPING);
}

/** Before this no check starts that counts as one more failure; 0: one may start at once. */
export function paceOf({ newestAt }: CheckSeries, config: CheckConfig): MonotonicMs {
  return newestAt === null ? 0 : newestAt + config.fastIntervalMs;
}

/** Bring the next check forward to `fastInterval` after the newest start. */
export function hastened(series: CheckSeries, config: CheckConfig): CheckSeries {
  const nextAt = paceOf(series, config);
  if (nextAt >= series.nextAt) return series;
  const next = copySeries(series);
  next.nextAt = nextAt;
  return next;
}

/** How long after the start of one check the next one starts. */
export function checkIntervalMs(config: CheckConfig, fast: boolean): DurationMs {
  return fast ? config.fastIntervalMs : config.intervalMs;
}

/** When a check has been out for much longer than an answer usually takes; null: none will have been before it times out. */
export function silentFrom(series: CheckSeries, timeoutMs: DurationMs): MonotonicMs | null {
  const oldest = series.inFlight.find(({ counts }) => counts);
  if (oldest === undefined || series.usualMs === 0) return null;
  const silenceMs = Math.max(LEAST_SILENCE_MS, SILENCE_FACTOR * series.usualMs);
  return silenceMs < timeoutMs ? oldest.startedAt + silenceMs : null;
}

/** Note that a check is out for too long, or isn't any more. */
export function heeded(series: CheckSeries, at: MonotonicMs, timeoutMs: DurationMs): CheckSeries {
  const from = silentFrom(series, timeoutMs);
  const silent = from !== null && at >= from;
  if (silent === series.silent) return series;
  const next = copySeries(series);
  next.silent = silent;
  return next;
}

/** The check is over, with `own` failures of its own; those that waited for it move up to the one before it. */
function withFailures(series: CheckSeries, index: number, own: 0 | 1): Draft<CheckSeries> {
  const check = series.inFlight[index];
  const carried = check?.counts === true ? own + check.failsAfter : 0;
  const before = series.inFlight.findLastIndex(({ counts }, i) => counts && i < index);
  const next = copySeries(series);
  next.inFlight = series.inFlight.flatMap((one, i) => {
    if (i === index) return [];
    return i === before ? [{ ...one, failsAfter: one.failsAfter + carried }] : [one];
  });
  next.settledFails = before === -1 ? series.settledFails + carried : series.settledFails;
  next.fails = failuresIn(next.inFlight, next.settledFails);
  if (next.fails > 0) next.oks = 0;
  return next;
}

/** The check has succeeded: whatever started before it says nothing any more. */
function withSuccess(series: CheckSeries, index: number, check: Check): Draft<CheckSeries> {
  const overtakes = series.inFlight.some(({ counts }, i) => counts && i < index);
  const next = copySeries(series);
  next.inFlight = series.inFlight.flatMap((one, i) => {
    if (i === index) return [];
    return i < index && one.counts ? [{ ...one, counts: false, failsAfter: 0 }] : [one];
  });
  next.settledFails = check.failsAfter;
  next.fails = failuresIn(next.inFlight, next.settledFails);
  const oks = overtakes ? 1 : series.oks + 1;
  next.oks = next.fails > 0 ? 0 : oks;
  return next;
}

/** The failures in a row up to the newest that has ended, as far back as the first that is still out. */
function failuresIn(inFlight: readonly Check[], settledFails: number): number {
  return inFlight.findLast(({ counts, failsAfter }) => counts && failsAfter > 0)?.failsAfter ?? settledFails;
}

/** Whole milliseconds, at least 1. It at most doubles with one answer, so that a lost packet is no new habit. */
function usualAfter(usualMs: DurationMs, durationMs: DurationMs): DurationMs {
  const tookMs = Math.max(1, Math.ceil(durationMs));
  if (usualMs === 0) return tookMs;
  if (tookMs >= usualMs) return Math.min(tookMs, 2 * usualMs + 1);
  return usualMs - Math.max(1, Math.floor((usualMs - tookMs) / USUAL_FALLS_BY));
}
