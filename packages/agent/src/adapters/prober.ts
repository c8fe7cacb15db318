/**
 * The probe: does a shared address answer over the outside path? (port `prober`)
 *
 * It connects to the address itself; `host` is only the header, and is never resolved.
 */
import type { CheckResult, Event, Ip, Ports, ProbeEffect } from '@failtome/protocol';
import type { AddressSettings } from '../config/types.ts';
import { type CheckDependencies, CheckRunner, checkTarget, type HttpCheck } from './http-check.ts';

/** What a probe needs, and who takes its result. */
export interface ProberDependencies extends CheckDependencies {
  readonly post: (event: Event) => void;
}

type ProberPort = Ports['prober'];

/** Probes the shared addresses over HTTP. */
export class Prober implements ProberPort {
  readonly #dependencies: ProberDependencies;
  readonly #runner: CheckRunner;
  #checks: ReadonlyMap<Ip, HttpCheck>;

  constructor(options: { readonly addresses: readonly AddressSettings[] }, dependencies: ProberDependencies) {
    this.#dependencies = dependencies;
    this.#runner = new CheckRunner(dependencies);
    this.#checks = checksOf(options.addresses);
  }

  /** Take over a new configuration. Probes under way end by the old one. */
  reconfigure(options: { readonly addresses: readonly AddressSettings[] }): void {
    this.#checks = checksOf(options.addresses);
  }

  /** Answers `probed` exactly once a probe, `inconclusive` for an address that is not configured. */
  probe(effect: ProbeEffect): void {
    const { post } = this.#dependencies;
    const answer = (result: CheckResult): void => post({ kind: 'probed', probeId: effect.probeId, result });
    const check = this.#checks.get(effect.address);
    if (check !== undefined) return this.#runner.run(check, answer);
    const detail = `${effect.address} is not configured`;
    queueMicrotask(() => answer({ kind: 'inconclusive', detail, durationMs: 0 }));
  }

  /** End the probes under way, as inconclusive. */
  close(): void {
    this.#runner.close();
  }
}

function checksOf(addresses: readonly AddressSettings[]): ReadonlyMap<Ip, HttpCheck> {
  return new Map(addresses.map((address) => [address.ip, probeCheckOf(address)]));
}

/** What a probe of the address asks. */
export function probeCheckOf({ ip, probe }: AddressSettings): HttpCheck {
  const { scheme, host, port, path, expect, timeoutMs } = probe;
  const target = checkTarget({ secure: scheme === 'https', connectTo: ip, port, path, host });
  return { target, expect, timeoutMs };
}
