/**
 * Failed probes in a row, counted again: from when the world saw each begin and how each ended, in the order in which they
 * began (I1; PROTOCOL.md, "Observation"). Checks of the own HAProxy overlap as probes do, and are counted alike (I9).
 */

import type { CheckResult } from '@failtome/protocol';

/** A probe, or a check of the own HAProxy, as the world saw it begin, and what its run told of its end. */
export interface SeenProbe {
  readonly id: number;
  readonly beganMs: number;
  readonly end: 'out' | 'failed' | 'ok';
}

const MAX_KEPT = 32;
/** What a probe may take beyond its time-out; longer is its node's own slowness, and no end of it will be told. */
const LATE_MS = 250;
/** A clock shows whole milliseconds. */
const TOLERANCE_MS = 2;

/** What couldn't be run counts for nothing, nor does this node's own slowness. */
export function endOf(result: CheckResult, timeoutMs: number): 'failed' | 'ok' | 'void' {
  if (result.kind === 'inconclusive') return 'void';
  return result.kind === 'failed' && result.durationMs > timeoutMs + LATE_MS ? 'void' : result.kind;
}

/** One more that has begun. */
export function withBegun(probes: readonly SeenProbe[], id: number, beganMs: number): readonly SeenProbe[] {
  return [...probes, { id, beganMs, end: 'out' as const }].slice(-MAX_KEPT);
}

/** It has ended; `void`: it counts neither way. One that nobody saw begin has taken as long as it says. */
export function withEnded(
  probes: readonly SeenProbe[],
  { id, beganMs }: Pick<SeenProbe, 'id' | 'beganMs'>,
  end: 'failed' | 'ok' | 'void',
): readonly SeenProbe[] {
  const known = probes.find((probe) => probe.id === id && probe.end === 'out');
  const others = probes.filter((probe) => probe !== known);
  if (end === 'void') return others;
  const ended: SeenProbe = { id, beganMs: known?.beganMs ?? beganMs, end };
  const all = [...others, ended].sort((a, b) => a.beganMs - b.beganMs || a.id - b.id);
  // What began before a success says nothing any more.
  return end === 'ok' ? all.slice(all.indexOf(ended)) : all;
}

/** As `withEnded`, but one that nobody saw begin, or that began before a standstill, counts for nothing; null: it counts neither way. */
export function withKnownEnded(
  checks: readonly SeenProbe[],
  id: number,
  ok: boolean | null,
): readonly SeenProbe[] {
  const begun = checks.find((check) => check.id === id);
  if (begun === undefined) return checks;
  if (ok === null) return withEnded(checks, begun, 'void');
  return withEnded(checks, begun, ok ? 'ok' : 'failed');
}

/** Those that began before count for nothing from now on. */
export function sinceOf(probes: readonly SeenProbe[], fromMs: number): readonly SeenProbe[] {
  return probes.filter(({ beganMs, end }) => end === 'out' && beganMs >= fromMs - TOLERANCE_MS);
}

/** Without those whose time is over: their run wouldn't tell of their end. */
export function withoutLost(
  probes: readonly SeenProbe[],
  nowMs: number,
  timeoutMs: number,
): readonly SeenProbe[] {
  const lost = nowMs - timeoutMs - LATE_MS - TOLERANCE_MS;
  return probes.filter(({ beganMs, end }) => end !== 'out' || beganMs >= lost);
}

/** From the newest that has ended back to the first that hasn't, or that succeeded. */
export function failuresInARow(told: readonly SeenProbe[]): number {
  const newest = told.findLastIndex(({ end }) => end !== 'out');
  let count = 0;
  for (let i = newest; told[i]?.end === 'failed'; i -= 1) count += 1;
  return count;
}

/** How the newest that has ended did; null: none has. */
export function newestEnd(probes: readonly SeenProbe[]): 'failed' | 'ok' | null {
  const newest = probes.findLast(({ end }) => end !== 'out')?.end;
  return newest === undefined || newest === 'out' ? null : newest;
}
