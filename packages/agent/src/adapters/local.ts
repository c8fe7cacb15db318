/**
 * The local check: is this node's own HAProxy fit to serve? (port `local`)
 *
 * A check like the probe, of a URL of the operator's choice. It has no `expect`: 200 to 399 is fit, as
 * with HAProxy's `httpchk`. User name and password in the URL are sent as basic authentication.
 */
import type { CheckLocalEffect, CheckResult, Event, Ports } from '@failtome/protocol';
import { type HttpUrl, httpUrl } from '../config/http-url.ts';
import type { LocalConfig, StatusRange } from '../config/types.ts';
import { type CheckDependencies, CheckRunner, checkTarget, type HttpCheck } from './http-check.ts';

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
  #check: HttpCheck | null;

  /** @throws TypeError for a URL that is none; the configuration has been checked before. */
  constructor(options: { readonly local: LocalConfig | null }, dependencies: LocalCheckDependencies) {
    this.#dependencies = dependencies;
    this.#runner = new CheckRunner(dependencies);
    this.#check = localCheckOf(options.local);
  }

  /** Take over a new configuration. A check under way ends by the old one. */
  reconfigure(options: { readonly local: LocalConfig | null }): void {
    this.#check = localCheckOf(options.local);
  }

  /** Answers `local-checked` exactly once a check, `inconclusive` where none is configured. */
  check(effect: CheckLocalEffect): void {
    const { post } = this.#dependencies;
    const answer = (result: CheckResult): void =>
      post({ kind: 'local-checked', checkId: effect.checkId, result });
    if (this.#check !== null) return this.#runner.run(this.#check, answer);
    queueMicrotask(() =>
      answer({ kind: 'inconclusive', detail: 'no local check is configured', durationMs: 0 }),
    );
  }

  /** End the check under way, as inconclusive. */
  close(): void {
    this.#runner.close();
  }
}

/** What a local check asks; null where none is configured. */
export function localCheckOf(local: LocalConfig | null): HttpCheck | null {
  if (local === null) return null;
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
