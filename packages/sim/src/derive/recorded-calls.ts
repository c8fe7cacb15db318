/** What the cloud's calls came to, as faults of the cloud; and how long those took that went well. */
import type { CloudRequest } from '@failtome/protocol';
import { CALLS, type Entry } from '../plan/index.ts';
import type { TraceRecord } from '../record/index.ts';
import { type Disturbance, factsOf } from './disturbance.ts';

interface Call {
  readonly node: string;
  readonly call: string;
  readonly effect: Entry['with'] | null;
  /** When it was made. */
  readonly atMs: number;
  readonly tookMs: number;
}

/** Of all calls that went well so many take from the least to the most that are given. */
const LEAST_SHARE = 0.1;
const MOST_SHARE = 0.9;
/** One that takes so many times as long as most, and so long, is slow. */
const SLOW_TIMES = 3;
const SLOW_MS = 1_000;
/** Fewer say nothing of how long calls take. */
const ENOUGH_CALLS = 5;
/** Before the call whose failure is known it is armed by so much, and ended by so much after it. */
const AROUND_MS = 20;

/** How long calls take, in milliseconds; null: too few were recorded. */
export function callTimes(records: readonly TraceRecord[]): readonly [number, number] | null {
  const times = callsIn(records)
    .filter(({ effect }) => effect === null)
    .map(({ tookMs }) => tookMs)
    .sort((a, b) => a - b);
  if (times.length < ENOUGH_CALLS) return null;
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
  return [at(LEAST_SHARE), at(MOST_SHARE)];
}

/** Calls that were refused, throttled, slow, or not answered; those of the same kind that follow each other are one fault. */
export function recordedCalls(records: readonly TraceRecord[]): readonly Disturbance[] {
  const most = callTimes(records)?.[1] ?? SLOW_MS;
  const slowMs = Math.max(SLOW_MS, SLOW_TIMES * most);
  const found: (Disturbance & { readonly forMs: number })[] = [];
  const calls = callsIn(records);
  for (const { node, call, atMs, ...one } of calls) {
    const effect = one.effect ?? (one.tookMs > slowMs ? slow(one.tookMs) : null);
    if (effect === null || !(CALLS as readonly string[]).includes(call)) continue;
    const given = { call, node, ...effect };
    const before = found.findLast(({ with: its }) => its.call === call && its.node === node);
    const untilMs = Math.round(atMs + one.tookMs + AROUND_MS);
    if (before !== undefined && sameBut(before.with, given) && !wentWell(calls, node, call, before, atMs)) {
      const times = Number(before.with.times) + 1;
      found[found.indexOf(before)] = { ...before, with: { ...given, times }, forMs: untilMs - before.atMs };
    } else {
      const begin = Math.max(0, Math.floor(atMs - AROUND_MS));
      found.push({ atMs: begin, action: 'cloud', with: { ...given, times: 1 }, forMs: untilMs - begin });
    }
  }
  return found;
}

function wentWell(
  calls: readonly Call[],
  node: string,
  call: string,
  { atMs }: Disturbance,
  untilMs: number,
): boolean {
  return calls.some(
    (one) =>
      one.node === node && one.call === call && one.effect === null && one.atMs > atMs && one.atMs < untilMs,
  );
}

function sameBut(a: Entry['with'], b: Entry['with']): boolean {
  return JSON.stringify({ ...a, times: 0 }) === JSON.stringify({ ...b, times: 0 });
}

function callsIn(records: readonly TraceRecord[]): readonly Call[] {
  return factsOf(records, 'cloud-requests').flatMap(({ atMs, who, fact }) => {
    let endMs = atMs;
    // The last one has ended just now, each other before the one after it began.
    return fact.requests.toReversed().map((request): Call => {
      endMs -= request.durationMs;
      const call = `${request.service}:${request.operation}`;
      return { node: who, call, effect: effectOf(request), atMs: endMs, tookMs: request.durationMs };
    });
  });
}

/** Whether a call that wasn't answered was applied nobody recorded: it wasn't, unless something shows it. */
function effectOf({ result, code }: CloudRequest): Entry['with'] | null {
  switch (result) {
    case 'ok':
      return null;
    case 'throttled':
      return { effect: 'throttle' };
    case 'refused':
      if (code === 'DryRunOperation') return null;
      return code === 'UnauthorizedOperation'
        ? { effect: 'unauthorized' }
        : { effect: 'refuse', code: code ?? 'Refused' };
    case 'unknown':
      return code === null || /time|abort/i.test(code) ? { effect: 'hang' } : { effect: 'server-error' };
  }
}

function slow(tookMs: number): Entry['with'] {
  const half = Math.round(tookMs / 2);
  return { effect: 'slow', applyAfterMs: half, answerAfterMs: half };
}
