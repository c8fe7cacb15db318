/**
 * Up to three attempts at one question, so that a lost packet does not pass for a dead service.
 *
 * A lost SYN is sent again only after a second (RFC 6298, 2.1), which is as long as a whole check may
 * take. So further attempts start, each on a connection of its own, while the earlier ones go on.
 */
import type { CheckFailure, CheckResult, DurationMs } from '@failtome/protocol';

/** When the attempts start, as parts of the time-out. Their number is the most sockets that one question has open. */
export const ATTEMPT_STARTS: readonly number[] = [0, 0.3, 0.6];

/** How attempts are started, and which answer ends them all. */
export interface AttemptRules<E> {
  /** Start attempt `index`; answers how to end it. `ended` must not be called before this has returned. */
  readonly start: (index: number, ended: (end: E) => void) => () => void;
  /** Whether this end settles the question; otherwise the other attempts go on. */
  readonly settles: (end: E) => boolean;
  /** Do something later; answers how to forget it. */
  readonly after: (ms: DurationMs, work: () => void) => () => void;
}

/**
 * Run the attempts. `ended` is called once, unless the answered function is called first: that ends everything.
 *
 * @param ended with the end that settled the question, and those before it; null: every attempt has ended and none did,
 *   or the time is up
 */
export function runAttempts<E>(
  timeoutMs: DurationMs,
  { start, settles, after }: AttemptRules<E>,
  ended: (settled: E | null, ends: readonly E[]) => void,
): () => void {
  const ends: E[] = [];
  const stops: (() => void)[] = [];
  let over = false;

  function stop(): void {
    over = true;
    for (const one of stops) one();
  }
  function finish(settled: E | null): void {
    if (over) return;
    stop();
    ended(settled, ends);
  }
  function begin(index: number): void {
    const stopAttempt = start(index, (end) => {
      if (over) return;
      if (settles(end)) return finish(end);
      ends.push(end);
      if (ends.length === ATTEMPT_STARTS.length) finish(null);
    });
    stops.push(stopAttempt);
  }

  for (const [index, part] of ATTEMPT_STARTS.entries()) {
    if (index === 0) begin(index);
    else stops.push(after(part * timeoutMs, () => over || begin(index)));
  }
  stops.push(after(timeoutMs, () => finish(null)));
  return stop;
}

/** How one attempt at a check ended. */
export type AttemptEnd =
  /** The whole answer has come. */
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'failed'; readonly reason: CheckFailure; readonly detail: string }
  /** This machine could not even try: no descriptor, no port, no memory. */
  | { readonly kind: 'inconclusive'; readonly detail: string };

/** Statuses from one to another, both included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** The service's own word, whatever it says, and not a loss on the way. */
export function isDefinite(end: AttemptEnd): boolean {
  return end.kind === 'answered' || (end.kind === 'failed' && end.reason === 'refused');
}

/**
 * What the attempts at a check come to. Where this machine could not run one, it is inconclusive unless another brought
 * the service's own word.
 *
 * @param timedOut the failure where the time is up, and not every attempt has ended
 */
export function checkResultOf(
  settled: AttemptEnd | null,
  ends: readonly AttemptEnd[],
  timedOut: () => AttemptEnd,
  { expect, durationMs }: { readonly expect: readonly StatusRange[]; readonly durationMs: DurationMs },
): CheckResult {
  const own = ends.find(({ kind }) => kind === 'inconclusive');
  const last = ends.length === ATTEMPT_STARTS.length ? ends.at(-1) : undefined;
  const end = settled ?? own ?? last ?? timedOut();
  if (end.kind === 'inconclusive') return { kind: end.kind, detail: end.detail, durationMs };
  if (end.kind === 'failed') return { kind: end.kind, reason: end.reason, detail: end.detail, durationMs };
  const { status } = end;
  if (expect.some(({ from, to }) => from <= status && status <= to))
    return { kind: 'ok', status, durationMs };
  return { kind: 'failed', reason: 'status', detail: `answered with status ${status}`, durationMs };
}
