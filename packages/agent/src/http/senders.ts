/**
 * How much each sender that has shown a key may have done at once.
 *
 * A key that was stolen must not buy more of a node than an honest sender ever uses. What comes beyond it isn't refused: it
 * waits for its turn with what strangers send (`intake.ts`), so that a mistake in these numbers costs time and no message.
 */
import { MAX_REQUESTS_PER_SECOND, type MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';

/** Twice what a node ever sends to one other (invariant I19), so that a delay that ends, and what it held up, is no excess. */
export const REQUESTS_PER_SECOND: number = 2 * MAX_REQUESTS_PER_SECOND;

/**
 * What OpenSSL reads of one sender at once, in KiB a second: of full-rate gossip so many requests of 8 KiB, where a heartbeat has
 * less than one. In the smallest records that carry nothing it is the fifth of a core.
 */
export const SECURE_KIB_PER_SECOND: number = 8 * MAX_REQUESTS_PER_SECOND;

/** Senders whose allowances are known at once. Peers and operators are far fewer. */
const MAX_SENDERS = 256;

/** What one sender may still have done at once. */
export interface SenderAllowances {
  readonly requests: Allowance;
  readonly secureKib: Allowance;
}

/** The same for every sender; at once after a rest as much as in a second. */
export interface SendersOptions {
  readonly requestsPerSecond: number;
  readonly secureKibPerSecond: number;
}

/** The allowances of all senders, by what they have proven of themselves. */
export class Senders {
  readonly #options: SendersOptions;
  readonly #monotonicMs: () => MonotonicMs;
  /** The one that was asked for longest ago comes first. */
  readonly #known = new Map<string, SenderAllowances>();

  constructor(options: SendersOptions, { monotonicMs }: { readonly monotonicMs: () => MonotonicMs }) {
    this.#options = options;
    this.#monotonicMs = monotonicMs;
  }

  /** @param sender what it has proven of itself, in one word: all its connections share what it may do */
  of(sender: string): SenderAllowances {
    const known = this.#known.get(sender) ?? {
      requests: this.#allow(this.#options.requestsPerSecond),
      secureKib: this.#allow(this.#options.secureKibPerSecond),
    };
    this.#known.delete(sender);
    this.#known.set(sender, known);
    if (this.#known.size > MAX_SENDERS) this.#forgetOldest();
    return known;
  }

  #forgetOldest(): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #allow(perSecond: number): Allowance {
    return new Allowance({ perSecond, burst: perSecond }, { monotonicMs: this.#monotonicMs });
  }
}
