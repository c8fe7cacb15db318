/**
 * The one timer of a process: it fires at or somewhat after the moment that the process's own clock shows.
 */
import type { Ports } from '@failtome/protocol';
import type { Environment, ProcessSpec } from './environment.ts';

/** @param fire called with what was to be woken; never after `cancel` */
export function createTimer(
  { queue, random }: Environment,
  { clock, timerLateMs }: ProcessSpec,
  fire: (wake: () => void) => void,
): Ports['timer'] {
  let wanted: { readonly at: number; readonly wake: () => void } | null = null;
  let plannedFor = Number.POSITIVE_INFINITY;

  /** A later moment waits for the earlier one that is planned already, and is planned then. */
  function plan(): void {
    if (wanted === null) return;
    const due = clock.whenShows(wanted.at) + random.between(0, timerLateMs * 8) / 8;
    if (due >= plannedFor) return;
    plannedFor = due;
    queue.at(due, () => {
      if (plannedFor !== due) return;
      plannedFor = Number.POSITIVE_INFINITY;
      if (wanted === null) return;
      if (clock.now().at < wanted.at) return plan();
      const { wake } = wanted;
      wanted = null;
      fire(wake);
    });
  }

  return {
    wakeAt(at, wake) {
      wanted = { at, wake };
      plan();
    },
    cancel() {
      wanted = null;
    },
  };
}
