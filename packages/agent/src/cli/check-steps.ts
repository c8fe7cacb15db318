/** What the preflight asks of the world through the agent's own adapters, so that it sees what the agent would see. */

import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import {
  ballotElectorate,
  type CheckResult,
  type Event,
  type ExternalIpResult,
  type Ip,
  initialState,
} from '@failtome/protocol';
import { createClock } from '../adapters/clock.ts';
import { ExternalIp } from '../adapters/external-ip.ts';
import { LocalCheck } from '../adapters/local.ts';
import { Names } from '../adapters/names.ts';
import { type CheckLine, preflightCloud } from '../adapters/preflight.ts';
import { type Discovered, preflightDiscovery } from '../adapters/preflight-discovery.ts';
import { preflightFiles, tryListening } from '../adapters/preflight-host.ts';
import { preflightReceivers } from '../adapters/preflight-receivers.ts';
import { preflightShutdown } from '../adapters/preflight-shutdown.ts';
import { preflightStore } from '../adapters/preflight-store.ts';
import { Prober } from '../adapters/prober.ts';
import type { Environment } from '../config/settings.ts';
import { toProtocolConfig } from '../config/to-protocol.ts';
import type { AddressSettings, AgentConfig, Identity, LocalConfig } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { findIdentity } from '../find-identity.ts';
import { clientsFor } from '../ports.ts';

/** What the external-IP services said, for one family of addresses. */
export interface FamilyResult {
  readonly family: 4 | 6;
  readonly result: ExternalIpResult;
}

/** What `failtome check` tries, one thing at a time. */
export interface CheckSteps {
  /** The user, and whether the files are open to the service's. */
  files(config: AgentConfig): Promise<readonly CheckLine[]>;
  /** `free`, or the errno. */
  listen(endpoint: AgentConfig['api']['listen']): Promise<string>;
  /** The addresses of a name; none where it has none. */
  resolve(host: string): Promise<readonly Ip[]>;
  /** @throws AgentError where it cannot be found out */
  identity(config: AgentConfig, env: Environment): Promise<Identity>;
  /** The digest of the voters, as this node's ballots would carry it. */
  electorate(config: AgentConfig, identity: Identity): string;
  probe(address: AddressSettings): Promise<CheckResult>;
  local(local: LocalConfig): Promise<CheckResult>;
  /** Once for each family that an address has. */
  externalIp(config: AgentConfig): Promise<readonly FamilyResult[]>;
  /** @throws AgentError */
  cloud(config: AgentConfig, identity: Identity, env: Environment): Promise<readonly CheckLine[]>;
  /** Web hooks and the program, which are told nothing. */
  receivers(config: AgentConfig, env: Environment): Promise<readonly CheckLine[]>;
  /** Where the peers are whose URLs are left out. */
  discovery(config: AgentConfig, identity: Identity): Promise<Discovered>;
  /** The store, as the relay would use it. @throws AgentError */
  store(config: AgentConfig, identity: Identity): Promise<readonly CheckLine[]>;
  /** What happens to what this node holds when its machine goes down. */
  shutdown(config: AgentConfig, identity: Identity): Promise<readonly CheckLine[]>;
}

/** The real steps. Each opens what it needs and closes it again. */
export function createCheckSteps(version: string): CheckSteps {
  const clock = createClock();
  const names = new Names({ monotonicMs: () => clock.monotonicMs() });

  return {
    files: (config) => preflightFiles(config),
    listen: tryListening,
    resolve: addressesOf,
    identity: (config, env) => identify(config, env, names),
    electorate: (config, identity) =>
      ballotElectorate(initialState(toProtocolConfig(config, identity, version))),
    probe: (address) =>
      once(
        (post) => {
          const prober = new Prober({ addresses: [address] }, { clock, names, post });
          const start = (): void => prober.probe({ kind: 'probe', probeId: 0, address: address.ip });
          return { start, close: () => prober.close() };
        },
        (event) => (event.kind === 'probed' ? event.result : null),
      ),
    local: (local) =>
      once(
        (post) => {
          const check = new LocalCheck({ local }, { clock, names, post });
          const start = (): void => check.check({ kind: 'check-local', checkId: 0 });
          return { start, close: () => check.close() };
        },
        (event) => (event.kind === 'local-checked' ? event.result : null),
      ),
    externalIp: ({ guard, addresses }) =>
      Promise.all(
        familiesOf(addresses).map(async ({ family, ip }) => {
          const result = await once(
            (post) => {
              const asker = new ExternalIp(guard, { clock, names, post });
              const { timeoutMs } = guard;
              const start = (): void =>
                asker.ask({ kind: 'ask-external-ip', askId: 0, purpose: 'way-out', address: ip, timeoutMs });
              return { start, close: () => asker.close() };
            },
            (event) => (event.kind === 'external-ip' ? event.result : null),
          );
          return { family, result };
        }),
      ),
    receivers: preflightReceivers,
    discovery: preflightDiscovery,
    store: preflightStore,
    shutdown: (config, identity) =>
      preflightShutdown(config, toProtocolConfig(config, identity, version).orders),
    async cloud(config, identity) {
      const clients = clientsFor(config, identity);
      try {
        return await preflightCloud(config, identity, clients);
      } finally {
        clients?.close();
      }
    },
  };
}

/** One effect through one adapter. */
function once<R>(
  open: (post: (event: Event) => void) => { readonly start: () => void; readonly close: () => void },
  pick: (event: Event) => R | null,
): Promise<R> {
  return new Promise((resolve) => {
    const adapter = open((event) => {
      const result = pick(event);
      if (result === null) return;
      adapter.close();
      resolve(result);
    });
    adapter.start();
  });
}

async function addressesOf(host: string): Promise<readonly Ip[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return []; // The question that uses the name tells why.
  }
}

/** The agent goes on looking for as long as it takes; the check is content with the first reason why not. */
async function identify(config: AgentConfig, env: Environment, names: Names): Promise<Identity> {
  const search = new AbortController();
  let missing = 'it is not known who this node is';
  const onMissing = (reason: string): void => {
    missing = reason;
    search.abort();
  };
  const found = await findIdentity(config, { env, names, signal: search.signal, onMissing });
  if (found === null) throw new AgentError('IDENTITY_UNKNOWN', missing, 'retryable');
  found.clients?.close();
  return found;
}

/** One address of each family stands for all of it. */
function familiesOf(
  addresses: readonly AddressSettings[],
): readonly { readonly family: 4 | 6; readonly ip: Ip }[] {
  const v4 = addresses.find(({ ip }) => isIPv4(ip));
  const v6 = addresses.find(({ ip }) => !isIPv4(ip));
  return [
    ...(v4 === undefined ? [] : [{ family: 4 as const, ip: v4.ip }]),
    ...(v6 === undefined ? [] : [{ family: 6 as const, ip: v6.ip }]),
  ];
}
