import { setTimeout as delay } from 'node:timers/promises';

/** How long anything is waited for unless told otherwise. */
export const defaultWaitMs = 15_000;
/** Between two looks. */
const lookEveryMs = 20;

/** How long to wait, and what to say when it was in vain. */
export interface WaitOptions {
  readonly withinMs?: number;
  /** What to add to the message when it doesn't come: what was seen instead. */
  readonly seen?: () => string;
}

/** What a look found; these three say that it isn't there yet. */
export type Sight<T> = T | undefined | null | false;

/** It was waited for in vain. */
export class WaitError extends Error {
  override readonly name = 'WaitError';
}

/**
 * Looks again and again until there is something to see. A look that throws saw nothing, unless it throws a WaitError:
 * then it has seen that there is nothing to wait for.
 *
 * @throws WaitError with the last look's error as its cause
 */
export async function until<T>(
  what: string,
  look: () => Sight<T> | Promise<Sight<T>>,
  { withinMs = defaultWaitMs, seen }: WaitOptions = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    let failure: unknown;
    try {
      const found = await look();
      if (found !== undefined && found !== null && found !== false) return found;
    } catch (cause) {
      if (cause instanceof WaitError) throw cause;
      failure = cause;
    }
    if (performance.now() >= deadline) throw waitError(what, withinMs, failure, seen);
    await delay(lookEveryMs);
  }
}

/** The error of a wait in vain. */
export function waitError(what: string, withinMs: number, cause?: unknown, seen?: () => string): WaitError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  const instead = seen === undefined ? '' : ` Seen: ${seen()}`;
  return new WaitError(`Waited ${withinMs} ms in vain for ${what}${why}.${instead}`, { cause });
}
