/**
 * Resolves names for checks, and remembers the answers.
 *
 * `getaddrinfo` cannot be cancelled, and a lost query costs it five seconds, which is longer than any
 * check here may take. So a name is looked up once at a time, and while a new answer is under way the
 * last one serves (RFC 8767). It runs on libuv's thread pool, of which libuv gives slow calls such
 * as this at most a half; writing to disk is not held up.
 */
import { type LookupAddress, type LookupAllOptions, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { DurationMs } from '@failtome/protocol';

/** An answer this old is asked for again; the old one serves meanwhile. */
export const FRESH_MS: DurationMs = 60_000;

/** An answer this old is not used any more. */
export const STALE_MS: DurationMs = 24 * 3_600_000;

/** The most names remembered; they come from the configuration. */
const MAX_NAMES = 256;

/** The most checks that wait for one name. */
const MAX_WAITERS = 256;

type Callback = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void;

/** The clock and the resolver behind remembered names. */
export interface NamesDependencies {
  readonly monotonicMs: () => number;
  /** `dns.lookup`, unless a test has its own. */
  readonly resolve?: (
    name: string,
    options: LookupAllOptions,
    callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
  ) => void;
}

/** Host names, resolved once for all who ask at the same time, and remembered for a while. */
export class Names {
  readonly #dependencies: NamesDependencies;
  readonly #known = new Map<string, { readonly addresses: readonly LookupAddress[]; readonly at: number }>();
  readonly #waiting = new Map<string, Callback[]>();

  constructor(dependencies: NamesDependencies) {
    this.#dependencies = dependencies;
  }

  /** A lookup for `net.connect`. Where a name has several addresses, each attempt begins with another one. */
  forAttempt(index: number): LookupFunction {
    return (name, options, callback) => {
      const family = options.family === 4 || options.family === 6 ? options.family : 0;
      this.#find(name, family, (error, addresses) => {
        const turned = rotate(addresses, index);
        const [first] = turned;
        if (error !== null || first === undefined) return callback(error ?? notFound(name), '', 0);
        if (options.all === true) return callback(null, turned);
        callback(null, first.address, first.family);
      });
    };
  }

  #find(name: string, family: 0 | 4 | 6, callback: Callback): void {
    const key = `${family} ${name}`;
    const known = this.#known.get(key);
    const ageMs =
      known === undefined ? Number.POSITIVE_INFINITY : this.#dependencies.monotonicMs() - known.at;
    if (known !== undefined && ageMs < STALE_MS) {
      if (ageMs >= FRESH_MS) this.#ask(key, name, family);
      process.nextTick(callback, null, known.addresses);
      return;
    }
    this.#ask(key, name, family, callback);
  }

  #ask(key: string, name: string, family: 0 | 4 | 6, callback?: Callback): void {
    const present = this.#waiting.get(key);
    const waiters = present ?? [];
    if (callback !== undefined) {
      if (waiters.length >= MAX_WAITERS) return callback(tooMany(name), []);
      waiters.push(callback);
    }
    if (present !== undefined) return;
    this.#waiting.set(key, waiters);
    const resolve = this.#dependencies.resolve ?? systemLookup;
    resolve(name, { all: true, family }, (error, addresses) => {
      this.#waiting.delete(key);
      if (error === null && addresses.length > 0) this.#remember(key, addresses);
      for (const waiter of waiters) waiter(error, addresses);
    });
  }

  #remember(key: string, addresses: readonly LookupAddress[]): void {
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= MAX_NAMES) this.#known.delete(oldest);
    this.#known.set(key, { addresses, at: this.#dependencies.monotonicMs() });
  }
}

function rotate(addresses: readonly LookupAddress[] | undefined, by: number): LookupAddress[] {
  if (addresses === undefined || addresses.length === 0) return [];
  const start = by % addresses.length;
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${name} has no address of this family`), { code: 'ENOTFOUND' });
}

function tooMany(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`too many checks wait for the address of ${name}`), { code: 'EAI_AGAIN' });
}
