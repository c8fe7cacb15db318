import { get } from 'node:http';
import type { Endpoint } from '@failtome/cloud';
import { defaultWaitMs, waitError } from './wait.ts';

/** Whom a client asks, and how often. */
export interface ClientOptions {
  /** Looked up for each request. */
  readonly endpoint: () => Endpoint;
  /** Between the starts of two requests, in milliseconds. */
  readonly everyMs?: number;
  /** From connect to the last byte, in milliseconds. */
  readonly timeoutMs?: number;
}

/** One request. Times are in milliseconds since 1970. */
export interface Request {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Who answered; null: nobody did. */
  readonly servedBy: string | null;
  /** Why nobody did; empty when somebody did. */
  readonly failure: string;
}

/** An interruption as this client saw it. */
export interface Outage {
  /** When the first request that failed began. */
  readonly firstFailureAt: number;
  /** When the first answer after it had come. */
  readonly recoveredAt: number;
  readonly outageMs: number;
  readonly failed: number;
  /** Who answered last before, and first after it. */
  readonly from: string | null;
  readonly to: string;
  readonly failures: readonly string[];
}

/** Between the starts of two requests, unless told otherwise. */
export const clientIntervalMs = 20;
/** How long a request may take, unless told otherwise. */
export const clientTimeoutMs = 250;
/** Half an hour of requests. */
const requestBound = 100_000;

/** Someone who uses the address: a request every 20 ms, each on a connection of its own, none waiting for another. */
export class Client {
  readonly #endpoint: () => Endpoint;
  readonly #everyMs: number;
  readonly #timeoutMs: number;
  readonly #requests: Request[] = [];
  readonly #listeners = new Set<(request: Request) => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor({ endpoint, everyMs = clientIntervalMs, timeoutMs = clientTimeoutMs }: ClientOptions) {
    this.#endpoint = endpoint;
    this.#everyMs = everyMs;
    this.#timeoutMs = timeoutMs;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#ask(), this.#everyMs);
    this.#ask();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** In the order in which they began; those under way are missing. */
  get requests(): readonly Request[] {
    return this.#requests.toSorted((a, b) => a.startedAt - b.startedAt);
  }

  /** Hears of every request that is over, until the returned function is called. */
  subscribe(listener: (request: Request) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The newest answer's server; null: nobody has answered yet. */
  get servedBy(): string | null {
    return this.#requests.findLast(({ servedBy }) => servedBy !== null)?.servedBy ?? null;
  }

  /** The longest time without an answer since a moment (milliseconds since 1970), up to now. */
  longestGapMs(sinceMs = 0): number {
    const ends = this.#requests
      .filter(({ servedBy, endedAt }) => servedBy !== null && endedAt >= sinceMs)
      .map(({ endedAt }) => endedAt);
    const moments = [...(sinceMs > 0 ? [sinceMs] : []), ...ends.toSorted((a, b) => a - b), Date.now()];
    return moments.slice(1).reduce((gap, at, index) => Math.max(gap, at - (moments[index] ?? at)), 0);
  }

  /** The first interruption since a moment that somebody (`by`, if given) has ended. */
  outageSince(sinceMs: number, by?: string): Outage | null {
    const requests = this.requests;
    const first = requests.find(({ servedBy, endedAt }) => servedBy === null && endedAt >= sinceMs);
    if (first === undefined) return null;
    const later = requests.filter(({ startedAt }) => startedAt >= first.startedAt);
    const answers = later.filter(
      ({ servedBy }) => servedBy !== null && (by === undefined || servedBy === by),
    );
    const [recovery] = answers.toSorted((a, b) => a.endedAt - b.endedAt);
    if (recovery?.servedBy == null) return null;
    const before = requests.findLast(
      ({ servedBy, endedAt }) => servedBy !== null && endedAt <= first.endedAt,
    );
    const failed = later.filter(
      ({ servedBy, startedAt }) => servedBy === null && startedAt <= recovery.endedAt,
    );
    return {
      firstFailureAt: first.startedAt,
      recoveredAt: recovery.endedAt,
      outageMs: recovery.endedAt - first.startedAt,
      failed: failed.length,
      from: before?.servedBy ?? null,
      to: recovery.servedBy,
      failures: [...new Set(failed.map(({ failure }) => failure))],
    };
  }

  /** Waits for an interruption to have begun after a moment and to be over. Rejects with a WaitError. */
  outage({
    sinceMs,
    by,
    withinMs = defaultWaitMs,
  }: {
    readonly sinceMs: number;
    readonly by?: string;
    readonly withinMs?: number;
  }): Promise<Outage> {
    const what = `the client to see an outage and its end${by === undefined ? '' : ` by ${by}`}`;
    return this.#waitFor(what, () => this.outageSince(sinceMs, by), withinMs);
  }

  /** Waits for the next answers to come from this node. Rejects with a WaitError. */
  async served(by: string, withinMs: number = defaultWaitMs): Promise<void> {
    const since = this.#requests.length;
    await this.#waitFor(
      `an answer by ${by}`,
      () => this.#requests.slice(since).find(({ servedBy }) => servedBy === by) ?? null,
      withinMs,
    );
  }

  #waitFor<T>(what: string, look: () => T | null, withinMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const now = look();
      if (now !== null) {
        resolve(now);
        return;
      }
      const listener = (): void => {
        const found = look();
        if (found === null) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        const last = this.#requests.at(-1);
        const seen = last === undefined ? 'no request' : (last.servedBy ?? last.failure);
        reject(waitError(what, withinMs, undefined, () => seen));
      }, withinMs);
      this.#listeners.add(listener);
    });
  }

  #ask(): void {
    const startedAt = Date.now();
    let told = false;
    const tell = (servedBy: string | null, failure: string): void => {
      if (told) return;
      told = true;
      clearTimeout(timer);
      if (this.#requests.length >= requestBound) this.#requests.shift();
      const over: Request = { startedAt, endedAt: Date.now(), servedBy, failure };
      this.#requests.push(over);
      for (const listener of [...this.#listeners]) listener(over);
    };
    const { host, port } = this.#endpoint();
    const request = get({ host, port, path: '/', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', (error) => tell(null, error.message));
      response.on('end', () => {
        if (response.statusCode === 200) tell(body.trim(), '');
        else tell(null, `status ${response.statusCode}`);
      });
    });
    const timer = setTimeout(() => {
      tell(null, 'time-out');
      request.destroy();
    }, this.#timeoutMs);
    request.on('error', (error: NodeJS.ErrnoException) => tell(null, error.code ?? error.message));
  }
}
