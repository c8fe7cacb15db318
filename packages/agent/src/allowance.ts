/** A token bucket: so many a second, and so many at once after a rest. */
import type { DurationMs, MonotonicMs } from '@failtome/protocol';

const ONE = 1_000;

/** How much is allowed, on average and at once. */
export interface AllowanceOptions {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket. */
export class Allowance {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #monotonicMs: () => MonotonicMs;
  /** In thousandths, so that whole milliseconds earn whole ones. */
  #left: number;
  #countedAt: MonotonicMs;

  constructor(
    { perSecond, burst }: AllowanceOptions,
    { monotonicMs }: { readonly monotonicMs: () => MonotonicMs },
  ) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#monotonicMs = monotonicMs;
    this.#left = burst * ONE;
    this.#countedAt = monotonicMs();
  }

  /**
   * Whether there was one to take.
   *
   * @param cost of more than one, what is missing is owed: nothing more is taken until it has been earned
   */
  take(cost = 1): boolean {
    if (this.waitMs() > 0) return false;
    this.#left -= cost * ONE;
    return true;
  }

  /** Until there is one to take, in whole milliseconds; 0: there is. */
  waitMs(): DurationMs {
    const now = this.#monotonicMs();
    this.#left = Math.min(this.#burst * ONE, this.#left + (now - this.#countedAt) * this.#perSecond);
    this.#countedAt = now;
    return this.#left >= ONE ? 0 : Math.ceil((ONE - this.#left) / this.#perSecond);
  }
}
