/** Serves those who wait in lanes: one of each lane a turn of the event loop, and no more than the lanes allow. */
import type { Lane } from './lane.ts';

/** Serves what waits in several lanes, one at a time. */
export class Turns<T> {
  readonly #lanes: readonly Lane<T>[];
  readonly #serve: (item: T) => void;
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(lanes: readonly Lane<T>[], serve: (item: T) => void) {
    this.#lanes = lanes;
    this.#serve = serve;
  }

  /** Somebody waits. Timers, peers and probes come between any two turns. */
  schedule(): void {
    if (this.#immediate !== null || this.#timer !== null) return;
    const waitMs = Math.min(...this.#lanes.map((lane) => lane.waitMs()));
    if (waitMs === Number.POSITIVE_INFINITY) return;
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.schedule();
      }, waitMs);
      return;
    }
    this.#immediate = setImmediate(() => {
      this.#immediate = null;
      for (const lane of this.#lanes) {
        const item = lane.take();
        if (item !== null) this.#serve(item);
      }
      this.schedule();
    });
  }

  close(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
