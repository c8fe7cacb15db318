/**
 * The guard's question: which address does this node's traffic come from? (port `externalIp`)
 *
 * All services are asked side by side over the contested address's own family, each by up to three
 * attempts on fresh connections (`@failtome/ports`). A service's whole answer is its word: status 200 and
 * nothing but one IP address of that family, or it counts as failed, without another attempt.
 *
 * One valid answer is needed, and all valid ones must agree. After the first, the others get as long
 * again as it took, within `MIN_GRACE_MS` and `MAX_GRACE_MS`: services that work answer in about the
 * same time, and one that hangs must not hold a failover up. Certificates are verified here, because
 * the answer is evidence.
 *
 * An address that the internet does not route (RFC 1918, carrier-grade NAT, loopback and others) proves no way out when a
 * service on the internet tells it. It counts where the contested address is none of the internet's either, or where the
 * service is configured by such an address, as one of the own network, or with `guard.allowPrivate`.
 */
import { isIP, isIPv4 } from 'node:net';
import { ATTEMPT_STARTS, isDefinite, runAttempts } from '@failtome/ports';
import type {
  AskExternalIpEffect,
  DurationMs,
  Event,
  ExternalIpFailure,
  ExternalIpResult,
  Ip,
  Ports,
} from '@failtome/protocol';
import { canonicalIp } from '../config/host.ts';
import { type HttpUrl, httpUrl } from '../config/http-url.ts';
import { isPublic } from '../config/public-address.ts';
import { type CheckDependencies, timedOut } from './http-check.ts';
import { type Exchange, type ExchangeEnd, type ExchangeTarget, exchange } from './http-exchange.ts';
import { afterReads } from './timers.ts';

/** An IPv6 address has at most 45 characters; the rest is white space. */
export const MAX_ANSWER_BYTES = 256;

/** The least time that the other services get once one has answered. */
export const MIN_GRACE_MS: DurationMs = 25;
/** The most time that they get. */
export const MAX_GRACE_MS: DurationMs = 250;

/** The most questions under way at once; each has three sockets a service at most. */
export const MAX_ASKS = 64;

/** The services that tell a node its external IP. */
export interface ExternalIpOptions {
  readonly urls: readonly string[];
  /** False where it is left out. */
  readonly allowPrivate?: boolean;
}

/** What asking for the external IP needs, and who takes the answer. */
export interface ExternalIpDependencies extends CheckDependencies {
  readonly post: (event: Event) => void;
}

type ServiceEnd =
  | { readonly kind: 'address'; readonly ip: Ip }
  | { readonly kind: 'failed'; readonly reason: ExternalIpFailure; readonly detail: string };

/** A service, and whether an address counts that the internet does not route. */
type Question = ExchangeTarget & { readonly admitsPrivate: boolean };

type ExternalIpPort = Ports['externalIp'];

/** Asks several services, side by side, from which address this node is seen. */
export class ExternalIp implements ExternalIpPort {
  readonly #dependencies: ExternalIpDependencies;
  readonly #stops = new Set<() => void>();
  #urls: readonly HttpUrl[] = [];
  #allowPrivate = false;
  #closed = false;

  /** @throws TypeError for a URL that is none; the configuration has been checked before. */
  constructor(options: ExternalIpOptions, dependencies: ExternalIpDependencies) {
    this.#dependencies = dependencies;
    this.reconfigure(options);
  }

  /** Take over a new configuration. A question under way ends by the old one. */
  reconfigure({ urls, allowPrivate = false }: ExternalIpOptions): void {
    this.#urls = urls.map(httpUrl);
    this.#allowPrivate = allowPrivate;
  }

  /** Answers `external-ip` exactly once an ask, shortly after `timeoutMs` at the latest. */
  ask(effect: AskExternalIpEffect): void {
    const { clock, post } = this.#dependencies;
    const begunAt = clock.monotonicMs();
    const done = (end: ServiceEnd): void => {
      const result: ExternalIpResult = { ...end, durationMs: clock.monotonicMs() - begunAt };
      post({ kind: 'external-ip', askId: effect.askId, purpose: effect.purpose, result });
    };
    if (this.#closed || this.#stops.size >= MAX_ASKS) {
      const detail = this.#closed ? 'stopped' : `${MAX_ASKS} questions are under way already`;
      queueMicrotask(() => done({ kind: 'failed', reason: 'unreachable', detail }));
      return;
    }
    const family = isIPv4(effect.address) ? 4 : 6;
    const inside = this.#allowPrivate || !isPublic(effect.address);
    const targets = this.#urls.map((url) => ({
      ...externalIpTarget(url, family),
      admitsPrivate: inside || (isIP(url.host) !== 0 && !isPublic(url.host)),
    }));
    const stop = askAll(targets, effect.timeoutMs, this.#dependencies, (end) => {
      this.#stops.delete(stop);
      done(end);
    });
    this.#stops.add(stop);
  }

  /** End the questions under way, as failed. */
  close(): void {
    this.#closed = true;
    for (const stop of [...this.#stops]) stop();
  }
}

/** Ask all services; `done` is called once. Answers how to end it early, which calls `done` too. */
function askAll(
  targets: readonly Question[],
  timeoutMs: DurationMs,
  dependencies: CheckDependencies,
  done: (end: ServiceEnd) => void,
): () => void {
  const begunAt = dependencies.clock.monotonicMs();
  const ends = new Map<number, ServiceEnd>();
  let grace: (() => void) | undefined;
  let over = false;

  const finish = (end: ServiceEnd): void => {
    if (over) return;
    over = true;
    grace?.();
    for (const stop of stops) stop();
    done(end);
  };
  const conclude = (): void => finish(agreed(targets, ends));
  const stops = targets.map((target, index) =>
    askOne(target, timeoutMs, dependencies, (end) => {
      ends.set(index, end);
      if (ends.size === targets.length) return conclude();
      if (end.kind !== 'address' || grace !== undefined) return;
      const tookMs = dependencies.clock.monotonicMs() - begunAt;
      grace = afterReads(Math.min(MAX_GRACE_MS, Math.max(MIN_GRACE_MS, tookMs)), conclude);
    }),
  );
  return () => finish({ kind: 'failed', reason: 'unreachable', detail: 'stopped' });
}

function askOne(
  target: Question,
  timeoutMs: DurationMs,
  { names }: CheckDependencies,
  done: (end: ServiceEnd) => void,
): () => void {
  const exchanges: Exchange[] = [];
  return runAttempts<ExchangeEnd>(
    timeoutMs,
    {
      start: (index, ended) => {
        const attempt = exchange(target, names.forAttempt(index), ended);
        exchanges.push(attempt);
        return attempt.destroy;
      },
      settles: isDefinite,
      after: afterReads,
    },
    (settled, ends) => {
      const last = ends.length === ATTEMPT_STARTS.length ? ends.at(-1) : undefined;
      const end = settled ?? last;
      const late = (): ServiceEnd => failed('timeout', target, timedOut(ends, exchanges, timeoutMs).detail);
      done(end === undefined ? late() : judge(end, target));
    },
  );
}

function judge(end: ExchangeEnd, target: Question): ServiceEnd {
  if (end.kind === 'inconclusive') return failed('unreachable', target, end.detail);
  if (end.kind === 'failed') {
    const reason = end.reason === 'refused' || end.reason === 'timeout' ? end.reason : 'unreachable';
    return failed(reason, target, end.detail);
  }
  const { status } = end;
  if (status >= 300 && status < 400) return failed('redirect', target, `redirects with status ${status}`);
  if (status !== 200) return failed('status', target, `answered with status ${status}`);
  const text = end.body.toString('latin1').trim();
  // A zone id (RFC 4007) names an interface of one machine; no service sees one.
  const family = end.truncated || text.includes('%') ? 0 : isIP(text);
  if (family === 0) return failed('not-an-address', target, `answered ${JSON.stringify(text.slice(0, 40))}`);
  if (family !== target.family) return failed('wrong-family', target, `answered ${text}`);
  if (!target.admitsPrivate && !isPublic(text)) return failed('not-public', target, `answered ${text}`);
  return { kind: 'address', ip: canonicalIp(text) };
}

function failed(reason: ExternalIpFailure, target: ExchangeTarget, detail: string): ServiceEnd {
  return { kind: 'failed', reason, detail: `${target.host}: ${detail}` };
}

function distinct(ends: ReadonlyMap<number, ServiceEnd>): ReadonlySet<Ip> {
  return new Set([...ends.values()].flatMap((end) => (end.kind === 'address' ? [end.ip] : [])));
}

/** What the services' answers come to. Where all failed, the first configured gives the reason, and all the detail. */
function agreed(targets: readonly ExchangeTarget[], ends: ReadonlyMap<number, ServiceEnd>): ServiceEnd {
  const [ip, ...others] = distinct(ends);
  if (ip !== undefined && others.length === 0) return { kind: 'address', ip };
  if (ip !== undefined) {
    const told = targets.flatMap((target, index) => {
      const end = ends.get(index);
      return end?.kind === 'address' ? [`${target.host} says ${end.ip}`] : [];
    });
    return { kind: 'failed', reason: 'disagree', detail: told.join(', ') };
  }
  const failures = [...ends]
    .sort(([a], [b]) => a - b)
    .flatMap(([, end]) => (end.kind === 'failed' ? [end] : []));
  const detail = failures.map((end) => end.detail).join('; ');
  return { kind: 'failed', reason: failures[0]?.reason ?? 'unreachable', detail };
}

/** What is asked of a service that answers with the caller's address. */
export function externalIpTarget(url: HttpUrl, family: 4 | 6): ExchangeTarget {
  const { host, port, path, secure, authority } = url;
  return {
    host,
    port,
    family,
    tls: secure ? { servername: isIP(host) === 0 ? host : '', verify: true } : null,
    method: 'GET',
    path,
    headers: { Host: authority, 'User-Agent': 'failtome', Accept: 'text/plain' },
    maxBodyBytes: MAX_ANSWER_BYTES,
    keepBody: true,
  };
}
