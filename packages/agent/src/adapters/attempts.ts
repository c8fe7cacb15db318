/**
 * Up to three attempts at one question, so that a lost packet does not pass for a dead service.
 *
 * A lost SYN is sent again only after a second (RFC 6298, 2.1), which is as long as a whole check may
 * take. So further attempts start, each on a connection of its own, while the earlier ones go on.
 */
import type { DurationMs } from '@failtome/protocol';

/** When the attempts start, as parts of the time-out. Their number is the most sockets that one question has open. */
export const ATTEMPT_STARTS: readonly number[] = [0, 0.3, 0.6];

export interface AttemptRules<E> {
  /** Start attempt `index`; answers how to end it. `ended` must not be called before this has returned. */
  readonly start: (index: number, ended: (end: E) => void) => () => void;
  /** Whether this end settles the question; otherwise the other attempts go on. */
  readonly settles: (end: E) => boolean;
}

/** `exhausted`: every attempt has ended and none settled it. `timeout`: some had not ended yet. */
export type AttemptsEnd<E> =
  | { readonly kind: 'settled'; readonly end: E }
  | { readonly kind: 'exhausted' | 'timeout'; readonly ends: readonly E[] };

/**
 * Run the attempts. `ended` is called once, unless the answered function is called first: that ends everything.
 *
 * When time is up, answers that have arrived and were not read yet still count: only the event
 * loop can have been late with them.
 */
export function runAttempts<E>(
  timeoutMs: DurationMs,
  rules: AttemptRules<E>,
  ended: (end: AttemptsEnd<E>) => void,
): () => void {
  const ends: E[] = [];
  const stops: (() => void)[] = [];
  const timers: NodeJS.Timeout[] = [];
  let last: NodeJS.Immediate | undefined;
  let over = false;

  function stop(): void {
    over = true;
    for (const timer of timers) clearTimeout(timer);
    clearImmediate(last);
    for (const stopAttempt of stops) stopAttempt();
  }
  function finish(end: AttemptsEnd<E>): void {
    if (over) return;
    stop();
    ended(end);
  }
  function begin(index: number): void {
    const stopAttempt = rules.start(index, (end) => {
      if (over) return;
      if (rules.settles(end)) return finish({ kind: 'settled', end });
      ends.push(end);
      if (ends.length === ATTEMPT_STARTS.length) finish({ kind: 'exhausted', ends });
    });
    stops.push(stopAttempt);
  }

  for (const [index, part] of ATTEMPT_STARTS.entries()) {
    if (index === 0) begin(index);
    else timers.push(setTimeout(begin, part * timeoutMs, index));
  }
  timers.push(
    setTimeout(() => {
      // After this turn's reads.
      last = setImmediate(() => finish({ kind: 'timeout', ends }));
    }, timeoutMs),
  );
  return stop;
}
