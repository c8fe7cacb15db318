/** How a world's time goes on: event by event, to a moment, or until something holds. */
import { counted } from '@failtome/protocol';
import type { World } from './interface.ts';
import type { EventQueue } from './queue.ts';
import type { Violate, Violation } from './watch.ts';

/** If this many events run without time advancing, some node is in an infinite loop. */
const MAX_AT_ONE_MOMENT = 100_000;

/** A violation ends it. */
export function createWorldTime(
  queue: EventQueue,
  violation: () => Violation | null,
  violate: Violate,
): Pick<World, 'now' | 'runUntil' | 'runFor' | 'runTill'> {
  let still = 0;

  /** Time must go on: a node that wants to be woken again and again at one moment is stuck. */
  function runNext(untilMs: number): boolean {
    const before = queue.now();
    const more = queue.runNext(untilMs);
    still = queue.now() > before ? 0 : still + 1;
    if (still > MAX_AT_ONE_MOMENT)
      violate('host', `${counted(still, 'event')} at ${before}, and time stands still`);
    return more;
  }

  function runUntil(atMs: number): void {
    while (violation() === null && runNext(atMs));
  }

  return {
    now: queue.now,
    runUntil,
    runFor: (ms) => runUntil(queue.now() + ms),
    runTill(holds, withinMs) {
      const until = queue.now() + withinMs;
      while (!holds()) if (violation() !== null || !runNext(until)) return holds();
      return true;
    },
  };
}
