/**
 * A view that is costly to make, made at most so often whoever asks. Nobody is shown an older one than the moment of
 * asking: who asks too soon after the last waits for the next, and all who wait share it.
 */
import type { DurationMs, MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';

/** One view is made so many times a second, and so many times at once after a rest. */
export const VIEWS_PER_SECOND = 4;
/** How many views may be made in a burst. */
export const VIEWS_AT_ONCE = 8;

/** The clock of a ration. */
export interface RationedDependencies {
  readonly monotonicMs: () => MonotonicMs;
  readonly wait: (ms: DurationMs) => Promise<unknown>;
}

/** A view that is made only so often; who asks in between gets the same. */
export class Rationed<T> {
  readonly #make: () => T | Promise<T>;
  readonly #wait: RationedDependencies['wait'];
  readonly #allowance: Allowance;
  /** The one that several wait for. */
  #next: Promise<T> | null = null;

  constructor(make: () => T | Promise<T>, { monotonicMs, wait }: RationedDependencies) {
    this.#make = make;
    this.#wait = wait;
    this.#allowance = new Allowance({ perSecond: VIEWS_PER_SECOND, burst: VIEWS_AT_ONCE }, { monotonicMs });
  }

  async get(): Promise<T> {
    if (this.#next === null && this.#allowance.take()) return this.#make();
    this.#next ??= this.#later();
    return this.#next;
  }

  async #later(): Promise<T> {
    while (!this.#allowance.take()) await this.#wait(this.#allowance.waitMs());
    this.#next = null;
    return this.#make();
  }
}
