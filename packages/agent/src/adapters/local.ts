/**
 * The local check: is this node's own HAProxy fit to serve? (port `local`)
 *
 * By a page of the operator's choice, HAProxy's runtime socket, a program, or several of them: all must say so, or any. The
 * page is checked like the probe. It has no `expect`: 200 to 399 is fit, as with HAProxy's `httpchk`. User name and
 * password in the URL are sent as basic authentication.
 */
import type { CheckLocalEffect, CheckResult, Event, Ports } from '@failtome/protocol';
import { type HttpUrl, httpUrl } from '../config/http-url.ts';
import type { LocalConfig, StatusRange } from '../config/types.ts';
import { type CheckDependencies, CheckRunner, checkTarget, type HttpCheck } from './http-check.ts';
import { askProgram, askSocket } from './local-asks.ts';

/** What a fit HAProxy answers. */
export const LOCAL_EXPECT: readonly StatusRange[] = [{ from: 200, to: 399 }];

/** What a check of the own HAProxy needs, and who takes its result. */
export interface LocalCheckDependencies extends CheckDependencies {
  readonly post: (event: Event) => void;
}

type LocalPort = Ports['local'];

/** Checks this node's own HAProxy. */
export class LocalCheck implements LocalPort {
  readonly #dependencies: LocalCheckDependencies;
  readonly #runner: CheckRunner;
  #asks: readonly Ask[];
  #need: LocalConfig['need'] = 'all';
  readonly #stops = new Set<() => void>();

  /** @throws TypeError for a URL that is none; the configuration has been checked before. */
  constructor(options: { readonly local: LocalConfig | null }, dependencies: LocalCheckDependencies) {
    this.#dependencies = dependencies;
    this.#runner = new CheckRunner(dependencies);
    this.#asks = [];
    this.reconfigure(options);
  }

  /** Take over a new configuration. A check under way ends by the old one. */
  reconfigure({ local }: { readonly local: LocalConfig | null }): void {
    this.#asks = local === null ? [] : this.#asksOf(local);
    this.#need = local?.need ?? 'all';
  }

  /** Answers `local-checked` exactly once a check, `inconclusive` where none is configured. */
  check(effect: CheckLocalEffect): void {
    const { post } = this.#dependencies;
    const answer = (result: CheckResult): void =>
      post({ kind: 'local-checked', checkId: effect.checkId, result });
    const asks = this.#asks;
    if (asks.length === 0) {
      queueMicrotask(() =>
        answer({ kind: 'inconclusive', detail: 'no local check is configured', durationMs: 0 }),
      );
      return;
    }
    const need = this.#need;
    const results: CheckResult[] = [];
    let left = asks.length;
    for (const [index, ask] of asks.entries())
      ask((result) => {
        results[index] = result;
        left -= 1;
        if (left === 0) answer(togetherOf(results, need));
      });
  }

  /** End the check under way, as inconclusive. */
  close(): void {
    this.#runner.close();
    for (const stop of [...this.#stops]) stop();
  }

  #asksOf(local: LocalConfig): readonly Ask[] {
    const { socket, command, timeoutMs } = local;
    const page = localCheckOf(local);
    return [
      ...(page === null ? [] : [(done: Done) => this.#runner.run(page, done)]),
      ...(socket === null
        ? []
        : [(done: Done) => this.#begin((end) => askSocket(socket, timeoutMs, end), done)]),
      ...(command === null
        ? []
        : [(done: Done) => this.#begin((end) => askProgram(command, timeoutMs, end), done)]),
    ];
  }

  /** What is ended by `close` is inconclusive. */
  #begin(start: (end: Done) => () => void, done: Done): void {
    const finish = (result: CheckResult): void => {
      if (this.#stops.delete(stop)) done(result);
    };
    const end = start(finish);
    const stop = (): void => {
      end();
      finish({ kind: 'inconclusive', detail: 'stopped', durationMs: 0 });
    };
    this.#stops.add(stop);
  }
}

type Done = (result: CheckResult) => void;
/** Calls back once, never before it has returned. */
type Ask = (done: Done) => void;

/** What several checks come to: a definite no of one that is needed, or a definite yes where one is enough, outweighs what isn't known. */
export function togetherOf(results: readonly CheckResult[], need: LocalConfig['need']): CheckResult {
  const durationMs = Math.max(...results.map((one) => one.durationMs));
  const deciding = results.find(({ kind }) => kind === (need === 'all' ? 'failed' : 'ok'));
  const unknown = results.find(({ kind }) => kind === 'inconclusive');
  const [first] = results;
  if (first === undefined) throw new Error('there is no result');
  return { ...(deciding ?? unknown ?? first), durationMs };
}

/** What a local check asks of a page; null where none is configured. */
export function localCheckOf(local: LocalConfig | null): HttpCheck | null {
  if (local === null || local.url === null) return null;
  const url = httpUrl(local.url);
  const target = checkTarget({
    secure: url.secure,
    connectTo: url.host,
    port: url.port,
    path: url.path,
    host: url.authority,
    headers: authorization(url),
  });
  return { target, expect: LOCAL_EXPECT, timeoutMs: local.timeoutMs };
}

/** RFC 7617. */
function authorization({ user }: HttpUrl): Readonly<Record<string, string>> {
  if (user === null) return {};
  const pair = `${user.name}:${user.password}`;
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}
