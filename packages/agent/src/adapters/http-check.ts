/**
 * One check of an HTTP service: HAProxy's `httpchk`, hardened against single lost packets.
 *
 * - Up to three attempts, at 0, 30 and 60 % of `timeoutMs`, which runs from connect to the last byte.
 *   It is ok with the first whole answer whose status is expected.
 * - It fails at once when refused, and, as in HAProxy, when a whole answer has another status: both are
 *   the service's own word, not a loss on the way. Otherwise it fails when time is up, or when all three
 *   attempts have failed before (reset, for instance), because then nothing more can come.
 * - A redirect is not followed; `expect` judges its status like any other.
 * - The body is read up to `MAX_BODY_BYTES`. A longer one counts as whole there: the service serves.
 * - With `https` the certificate is not verified (HAProxy's `check-ssl verify none`). The question is
 *   whether the service answers; all nodes of a cluster serve the same certificate, and its expiry is
 *   no reason to move an address.
 * - Where this machine could not run an attempt (no descriptors left), the check is inconclusive unless
 *   another attempt brought the service's own word.
 */
import { isIP, isIPv6 } from 'node:net';
import { checkResultOf, isDefinite, runAttempts, type StatusRange } from '@failtome/ports';
import type { CheckResult, DurationMs } from '@failtome/protocol';
import type { Clock } from './clock.ts';
import {
  type Exchange,
  type ExchangeEnd,
  type ExchangeTarget,
  exchange,
  UNFINISHED,
} from './http-exchange.ts';
import type { Names } from './names.ts';
import { afterReads } from './timers.ts';

/** How much of an answer's body is read. */
export const MAX_BODY_BYTES = 65_536;

/** The most checks under way at once in one runner; further ones are inconclusive. */
export const MAX_CHECKS = 256;

/** What is asked, which answers are good, and for how long. */
export interface HttpCheck {
  readonly target: ExchangeTarget;
  readonly expect: readonly StatusRange[];
  readonly timeoutMs: DurationMs;
}

/** The clock and the resolver of a check. */
export interface CheckDependencies {
  readonly clock: Pick<Clock, 'now' | 'monotonicMs'>;
  readonly names: Names;
}

/** Where and how to ask, from the parts that a configuration has. */
export function checkTarget(parts: {
  readonly secure: boolean;
  /** Where to connect. */
  readonly connectTo: string;
  readonly port: number;
  readonly path: string;
  /** The `Host` header, as the operator wrote it: no port is added to it. */
  readonly host: string;
  readonly headers?: Readonly<Record<string, string>>;
}): ExchangeTarget {
  return {
    host: parts.connectTo,
    port: parts.port,
    family: 0,
    tls: parts.secure ? { servername: serverName(parts.host), verify: false } : null,
    method: 'GET',
    path: parts.path,
    headers: { Host: hostHeader(parts.host), 'User-Agent': 'failtome', Accept: '*/*', ...parts.headers },
    maxBodyBytes: MAX_BODY_BYTES,
    keepBody: false,
  };
}

/** An IPv6 address stands in brackets there (RFC 9110, 7.2 and RFC 3986, 3.2.2). */
function hostHeader(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

/** The name without a port; empty for an address, which TLS does not send (RFC 6066, 3). */
function serverName(host: string): string {
  const name = isIPv6(host) ? host : host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return isIP(name) === 0 ? name : '';
}

/** Runs checks, and ends those under way when it is closed. */
export class CheckRunner {
  readonly #dependencies: CheckDependencies;
  readonly #stops = new Set<() => void>();
  #closed = false;

  constructor(dependencies: CheckDependencies) {
    this.#dependencies = dependencies;
  }

  /** Run one check. `done` is called exactly once, never before this has returned. */
  run(check: HttpCheck, done: (result: CheckResult) => void): void {
    if (this.#closed || this.#stops.size >= MAX_CHECKS) {
      const detail = this.#closed ? 'stopped' : `${MAX_CHECKS} checks are under way already`;
      queueMicrotask(() => done({ kind: 'inconclusive', detail, durationMs: 0 }));
      return;
    }
    const { clock, names } = this.#dependencies;
    const begunAt = clock.monotonicMs();
    const exchanges: Exchange[] = [];
    const durationMs = (): DurationMs => clock.monotonicMs() - begunAt;
    const finish = (result: CheckResult): void => {
      this.#stops.delete(stop);
      done(result);
    };
    const { expect, timeoutMs } = check;
    const stopAttempts = runAttempts<ExchangeEnd>(
      timeoutMs,
      {
        start: (index, ended) => {
          const attempt = exchange(check.target, names.forAttempt(index), ended);
          exchanges.push(attempt);
          return attempt.destroy;
        },
        settles: isDefinite,
        after: afterReads,
      },
      (settled, ends) => {
        const late = (): ExchangeEnd => timedOut(ends, exchanges, timeoutMs);
        finish(checkResultOf(settled, ends, late, { expect, durationMs: durationMs() }));
      },
    );
    const stop = (): void => {
      stopAttempts();
      finish({ kind: 'inconclusive', detail: 'stopped', durationMs: durationMs() });
    };
    this.#stops.add(stop);
  }

  /** End what is under way, as inconclusive. Later checks are inconclusive too. */
  close(): void {
    this.#closed = true;
    for (const stop of [...this.#stops]) stop();
  }
}

const STAGES = ['name', 'connect', 'tls', 'answer', 'body'] as const;

/** Told by the attempt that came furthest. A name that nobody resolved is a failure of names, not of the service. */
export function timedOut(
  ends: readonly ExchangeEnd[],
  exchanges: readonly Exchange[],
  timeoutMs: DurationMs,
): { readonly kind: 'failed'; readonly reason: 'timeout' | 'name'; readonly detail: string } {
  const reached = exchanges.map((one) => STAGES.indexOf(one.stage()));
  const furthest = STAGES[Math.max(0, ...reached)] ?? 'connect';
  const earlier = ends.flatMap((end) => (end.kind === 'failed' ? [end.detail] : []));
  const before = earlier.length === 0 ? '' : ` (before: ${earlier.join('; ')})`;
  const detail = `${UNFINISHED[furthest]} within ${timeoutMs} ms${before}`;
  return { kind: 'failed', reason: furthest === 'name' ? 'name' : 'timeout', detail };
}
