/**
 * How many new connections strangers have taken in a second. A connection costs this node an accept, a socket and a parser
 * before a byte of it is read, and whoever opens thousands a second has nothing to say: beyond the budget it is closed as soon
 * as it is there. Addresses of peers have no such budget, so that no peer waits behind strangers.
 */
import type { Socket } from 'node:net';
import type { MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';
import { addressOf } from './sender.ts';

/** Of one address. */
export const ARRIVALS_PER_SECOND = 100;
/** Of all of them. */
export const ALL_ARRIVALS_PER_SECOND = 500;

/** Addresses whose arrivals are counted; who came longest ago is forgotten. */
const MAX_ADDRESSES = 1_024;

/** The budget of strangers: of each address, and of all of them. */
export interface ArrivalsOptions {
  readonly arrivalsPerSecond: number;
  readonly allArrivalsPerSecond: number;
  /** So many after a rest, of either. */
  readonly arrivalsAtOnce: number;
}

/** Who is let in without a budget, and who hears of those that aren't. */
export interface ArrivalsDependencies {
  readonly monotonicMs: () => MonotonicMs;
  readonly isPeerAddress: (address: string) => boolean;
  /** A connection was closed unread. */
  readonly onCut: (reason: 'overloaded', socket: Socket) => void;
}

/** The arrivals at one listener. */
export class Arrivals {
  readonly #options: ArrivalsOptions;
  readonly #dependencies: ArrivalsDependencies;
  readonly #all: Allowance;
  readonly #byAddress = new Map<string, Allowance>();

  constructor(options: ArrivalsOptions, dependencies: ArrivalsDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#all = this.#allow(options.allArrivalsPerSecond);
  }

  /** Whether it is taken in; else it has been closed. */
  take(socket: Socket): boolean {
    const { isPeerAddress, onCut } = this.#dependencies;
    const address = addressOf(socket);
    if (isPeerAddress(address) || (this.#of(address).take() && this.#all.take())) return true;
    onCut('overloaded', socket);
    socket.on('error', () => undefined); // it is gone either way
    socket.destroy();
    return false;
  }

  #of(address: string): Allowance {
    const known = this.#byAddress.get(address) ?? this.#allow(this.#options.arrivalsPerSecond);
    this.#byAddress.delete(address);
    this.#byAddress.set(address, known);
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest);
    return known;
  }

  #allow(perSecond: number): Allowance {
    const { monotonicMs } = this.#dependencies;
    return new Allowance({ perSecond, burst: this.#options.arrivalsAtOnce }, { monotonicMs });
  }
}
