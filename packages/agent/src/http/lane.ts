/** Connections of strangers that wait for their turn: each address in its turn, each of its connections in its turn. */
import type { DurationMs } from '@failtome/protocol';
import type { Allowance } from '../allowance.ts';

/** Those who wait for their turn, fairly by address, on one allowance. */
export class Lane<T> {
  readonly #allowance: Allowance;
  /** In the order of their turns. */
  readonly #byAddress = new Map<string, Set<T>>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  /** Wait for a turn. One that waits already keeps its place. */
  add(address: string, item: T): void {
    const waiting = this.#byAddress.get(address);
    if (waiting === undefined) this.#byAddress.set(address, new Set([item]));
    else waiting.add(item);
  }

  remove(address: string, item: T): void {
    const waiting = this.#byAddress.get(address);
    waiting?.delete(item);
    if (waiting?.size === 0) this.#byAddress.delete(address);
  }

  /** The one whose turn it is; null: nobody waits, or the allowance is used up. */
  take(): T | null {
    for (const [address, waiting] of this.#byAddress) {
      for (const item of waiting) {
        if (!this.#allowance.take()) return null;
        waiting.delete(item);
        this.#byAddress.delete(address);
        if (waiting.size > 0) this.#byAddress.set(address, waiting);
        return item;
      }
    }
    return null;
  }

  /** Until the next turn; infinite where nobody waits. */
  waitMs(): DurationMs {
    return this.#byAddress.size === 0 ? Number.POSITIVE_INFINITY : this.#allowance.waitMs();
  }
}
