/** Timers for attempts (`@failtome/ports`). */
import type { DurationMs } from '@failtome/protocol';

/**
 * Do something later; answers how to forget it.
 *
 * It comes after the reads of the turn that it is due in: answers that have arrived and were not read yet still count,
 * because only the event loop can have been late with them.
 */
export function afterReads(ms: DurationMs, work: () => void): () => void {
  let last: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    last = setImmediate(work);
  }, ms);
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}
