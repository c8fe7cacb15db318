/**
 * What a running agent can take over from a changed configuration, and what it can't.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NodeId, State } from '@failtome/protocol';
import { readSecrets, type Secrets } from './auth/secrets.ts';
import { isOnAws } from './config/driver-kinds.ts';
import { identityFaults } from './config/electorate.ts';
import type { Fault } from './config/fault.ts';
import { faultLines, type LoadResult, warningLines } from './config/load.ts';
import type { AgentConfig } from './config/types.ts';
import { type Certificate, isSameCertificate, validityOf } from './tls/certificate.ts';
import { type CertificateLoad, invalidFault, loadCertificate } from './tls/certificate-load.ts';

/** What a changed configuration comes to. */
export type Reload =
  | {
      readonly kind: 'accepted';
      readonly config: AgentConfig;
      readonly secrets: Secrets;
      readonly certificate: Certificate | null;
      /** What is risky in it, one line each. */
      readonly warnings: readonly string[];
    }
  /** One line a reason. */
  | { readonly kind: 'refused'; readonly lines: readonly string[] };

/** What a changed configuration is held against. */
export interface Present {
  readonly config: AgentConfig;
  readonly id: NodeId;
  readonly file: string;
  readonly state: () => Pick<State, 'addresses'>;
  readonly certificate: Certificate | null;
}

/** Judge what was read anew. All of it counts, or none. */
export async function judgeReload(result: LoadResult, present: Present): Promise<Reload> {
  if (result.kind === 'faulty') return { kind: 'refused', lines: faultLines(result.faults, present.file) };
  const { config } = result;
  const [read, loaded] = await Promise.all([readSecrets(config), loadCertificate(config, result.settings)]);
  const lines = [
    ...restartFaults(present.config, config),
    ...faultLines(identityFaults(config, present.id), present.file),
    ...movingFaults(config, present.state().addresses),
    ...(read.kind === 'faulty' ? read.faults.map(({ path, error }) => `${path}: ${error.message}`) : []),
    ...faultLines(certificateFaults(loaded, present.certificate), present.file),
  ];
  if (read.kind === 'faulty' || loaded.kind === 'faulty' || lines.length > 0)
    return { kind: 'refused', lines };
  const warnings = [...warningLines(result.warnings), ...loaded.warnings];
  return { kind: 'accepted', config, secrets: read.secrets, certificate: loaded.certificate, warnings };
}

/** A new certificate that isn't valid is refused. One that runs out while it is in use keeps nothing else from changing. */
function certificateFaults(loaded: CertificateLoad, present: Certificate | null): readonly Fault[] {
  if (loaded.kind === 'faulty') return loaded.faults;
  const { certificate } = loaded;
  if (certificate === null || (present !== null && isSameCertificate(certificate, present))) return [];
  const validity = validityOf(certificate, Date.now());
  if (validity === 'valid' || validity === 'ends-soon') return [];
  return [invalidFault(certificate, loaded.settings)];
}

/** An address that is being moved to this node, and that nobody may hold just now, is not forgotten. */
function movingFaults(config: AgentConfig, addresses: State['addresses']): readonly string[] {
  const kept = new Set(config.addresses.map(({ ip }) => ip));
  return Object.values(addresses)
    .filter(({ ip, move }) => move !== null && !kept.has(ip))
    .map(({ ip }) => `addresses: ${ip} is being moved to this node; send the signal again when that is over`);
}

/** What decides who this node is and where its state and its API are: only a restart changes it. */
const FIXED: readonly (readonly [path: string, value: (config: AgentConfig) => unknown])[] = [
  ['cluster', (config) => config.cluster],
  ['node.id', (config) => config.node.id],
  ['node.role', (config) => config.node.role],
  ['peers.from', ({ discovery }) => (discovery === null ? 'absent' : 'there')],
  ['api.listen', ({ api }) => `${api.listen.host}:${api.listen.port}`],
  ['api.tls', ({ api: { tls } }) => (tls === null ? 'absent' : 'there')],
  ['api.tls.clientAuth', ({ api: { tls } }) => tls?.clientAuth ?? null],
  ['api.tls.observe', ({ api: { tls } }) => tls?.observe ?? null],
  ['api.observe', ({ api: { observe } }) => (observe === null ? null : `${observe.host}:${observe.port}`)],
  ['stateDir', (config) => config.stateDir],
  ['recorder', ({ recorder }) => (recorder === null ? 'off' : 'on')],
  ['store', ({ store }) => store],
  ['driver.kind', (config) => config.driver?.kind ?? null],
  ['driver.region', (config) => awsSetting(config, 'region')],
  ['driver.instanceId', (config) => awsSetting(config, 'instanceId')],
  ['driver.assumeRole', (config) => awsSetting(config, 'assumeRole')],
];

/** One sentence for each change that needs a restart; none where `next` can be taken over as it is. */
function restartFaults(present: AgentConfig, next: AgentConfig): readonly string[] {
  return FIXED.filter(([, value]) => !isDeepStrictEqual(value(present), value(next))).map(
    ([path, value]) =>
      `${path}: changed from ${shown(value(present))} to ${shown(value(next))}, which takes effect only after a restart`,
  );
}

function awsSetting({ driver }: AgentConfig, key: 'region' | 'instanceId' | 'assumeRole'): string | null {
  return isOnAws(driver) ? driver[key] : null;
}

function shown(value: unknown): string {
  return value === null ? 'the default' : JSON.stringify(value);
}
