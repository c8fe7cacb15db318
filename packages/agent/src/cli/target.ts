/** Which agent a command speaks to: the one of a configuration file, or the one at a URL. */

import { scalarNode, shown } from '@failtome/config';
import type { NodeId } from '@failtome/protocol';
import { readFoundPeers } from '../adapters/found-peers.ts';
import type { PublicKey, SigningIdentity } from '../auth/identity.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { baseUrl } from '../config/kinds.ts';
import { faultLines, loadConfig } from '../config/load.ts';
import { locatedIn, urlsAt, withFound } from '../config/located.ts';
import type { AgentConfig } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { type CliDependencies, complain } from './dependencies.ts';
import { ownOrigin, publicTrust, type Trust, trustInFile, trustOfConfig } from './trust.ts';

/** Read where neither `--config` nor `--url` is given. */
export const DEFAULT_CONFIG_FILE = '/etc/failtome/failtome.yaml';

/** The options by which a command finds its agent and its key. */
export interface TargetOptions {
  readonly config?: string;
  readonly url?: string;
  readonly keyFile?: string;
  /** The file of an operator's key pair. */
  readonly identity?: string;
  readonly ca?: string;
  readonly json?: boolean;
}

/** The agent that a command speaks to, and with what. */
export interface Target {
  /** Scheme, host and port, without a slash at the end. */
  readonly url: string;
  /** Null where neither the configuration nor an option names one. */
  readonly keyFile: string | null;
  /** How agents are recognised over TLS. */
  readonly trust: Trust;
  /** They sign what is read, where they could be read themselves. */
  readonly readKeys: ClusterKeys | null;
  /** Null for a URL: then the cluster is what the agent says. */
  readonly cluster: string | null;
  /** Null for a URL, and where the configuration leaves it to the instance metadata. */
  readonly node: NodeId | null;
  /** The others, as configured; none for a URL. */
  readonly peers: readonly { readonly id: NodeId; readonly url: string; readonly role: string }[];
  /** Who gives commands. */
  readonly identityFile: IdentityChoice | null;
  /** Of every node that is configured; none of those that don't sign their answers. */
  readonly publicKeys: ReadonlyMap<NodeId, readonly PublicKey[]>;
}

/** The file of a key pair, and who chose it. */
export interface IdentityChoice {
  readonly path: string;
  /** It was named for this command, by an option or the environment, and isn't the node's own that the configuration names. */
  readonly named: boolean;
}

/** Where the agent's API is. Null: the faults have been printed, and the command ends with 2. */
export async function findTarget(
  options: TargetOptions,
  dependencies: CliDependencies,
): Promise<Target | null> {
  const fromEnvironment = dependencies.env.FAILTOME_KEY_FILE ?? '';
  const keyFile = options.keyFile ?? (fromEnvironment === '' ? null : fromEnvironment);
  if (options.url !== undefined) {
    const reading = baseUrl.read(scalarNode(options.url));
    if (reading.kind === 'value') {
      const trust = await trustFor(options, dependencies);
      if (trust === null) return null;
      const readKeys = await tryKeys(keyFile, dependencies);
      const identityFile = identityChoice(options, dependencies, null);
      const unknown = { cluster: null, node: null, peers: [], publicKeys: new Map() };
      return { url: reading.value, keyFile, trust, readKeys, identityFile, ...unknown };
    }
    const hint = reading.hint === '' ? '' : `; ${reading.hint}`;
    complain(dependencies, `--url: found ${reading.found}, expected ${baseUrl.expected}${hint}`);
    return null;
  }
  const loaded = await loadOrComplain(options, dependencies);
  if (loaded === null) return null;
  const config = await withLastFound(loaded, dependencies);
  const trust = await trustFor(options, dependencies, config);
  if (trust === null) return null;
  const configured = options.keyFile ?? config.auth.keyFile;
  return {
    url: ownOrigin(config),
    trust,
    keyFile: configured,
    readKeys: await tryKeys(configured, dependencies),
    cluster: config.cluster,
    node: config.node.id,
    peers: locatedIn(config.peers).filter(({ id }) => id !== config.node.id),
    identityFile: identityChoice(options, dependencies, config.auth.identity),
    publicKeys: new Map(config.peers.map(({ id, publicKeys }) => [id, publicKeys])),
  };
}

/** With where the agent last found the peers whose URLs are left out, where this user may read it. */
async function withLastFound(
  config: AgentConfig,
  { readFile }: Pick<CliDependencies, 'readFile'>,
): Promise<AgentConfig> {
  const { discovery, stateDir, cluster } = config;
  if (discovery === null) return config;
  const addresses = await readFoundPeers({ stateDir, cluster, tag: discovery.tag }, readFile);
  return withFound(config, urlsAt(addresses, discovery));
}

function identityChoice(
  { identity }: TargetOptions,
  { env }: CliDependencies,
  configured: string | null,
): IdentityChoice | null {
  const named = identity ?? env.FAILTOME_IDENTITY ?? '';
  if (named !== '') return { path: named, named: true };
  return configured === null ? null : { path: configured, named: false };
}

/** The configuration, or null when its faults have been printed. */
export async function loadOrComplain(
  options: TargetOptions,
  dependencies: CliDependencies,
): Promise<AgentConfig | null> {
  const file = options.config ?? DEFAULT_CONFIG_FILE;
  const result = await loadConfig(file, dependencies.env, dependencies.readFile);
  if (result.kind === 'loaded') return result.config;
  complain(dependencies, ...faultLines(result.faults, file));
  return null;
}

/** Of a verb that looks at this machine's own configuration. True: the fault has been printed. */
export function refusesUrl({ url }: TargetOptions, dependencies: Pick<CliDependencies, 'stderr'>): boolean {
  if (url === undefined) return false;
  const expected = '--config FILE, because this is about a configuration and not about a running agent';
  complain(dependencies, `--url: found ${shown(url)}, expected ${expected}`);
  return true;
}

/** `--ca`, or else the configuration that is spoken of. Null: the reason has been printed. */
async function trustFor(
  { ca, config: file }: TargetOptions,
  dependencies: CliDependencies,
  config: AgentConfig | null = null,
): Promise<Trust | null> {
  if (ca !== undefined) {
    try {
      return await trustInFile(ca);
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'it holds no certificate';
      complain(dependencies, `--ca: found ${shown(ca)} (${why}), expected a PEM file of certificates`);
      return null;
    }
  }
  if (config !== null) return trustOfConfig(config);
  if (file === undefined) return publicTrust();
  const named = await loadOrComplain({ config: file }, dependencies);
  return named === null ? null : trustOfConfig(named);
}

/** Requests of a command go to agents that its target says how to recognise. */
export function trusting<D extends Pick<CliDependencies, 'http'>>(
  dependencies: D,
  { trust }: { readonly trust: Trust },
): D {
  return { ...dependencies, http: (request) => dependencies.http({ ...request, trust }) };
}

/** Null where they can't be read: most agents show what they see to anyone, and the others say what is missing. */
async function tryKeys(keyFile: string | null, { readKeys }: CliDependencies): Promise<ClusterKeys | null> {
  if (keyFile === null) return null;
  try {
    return (await readKeys(keyFile)).keys;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return null;
  }
}

/** The cluster's keys, or null when the reason has been printed. */
export async function loadKeys(target: Target, dependencies: CliDependencies): Promise<ClusterKeys | null> {
  if (target.keyFile === null) {
    complain(
      dependencies,
      '--key-file: found nothing, expected the path of the cluster key, because this changes something',
    );
    return null;
  }
  try {
    return (await dependencies.readKeys(target.keyFile)).keys;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    complain(dependencies, error.message);
    return null;
  }
}

/** What a command signs with; null where it has none; undefined where it should, and the reason has been printed. */
export async function loadIdentity(
  { identityFile }: Pick<Target, 'identityFile'>,
  dependencies: CliDependencies,
): Promise<SigningIdentity | null | undefined> {
  if (identityFile === null) return null;
  try {
    return (await dependencies.readIdentity(identityFile.path)).identity;
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // A node's own is for its service to read; an agent that wants an operator's says so.
    if (!identityFile.named) return null;
    complain(dependencies, error.message);
    return undefined;
  }
}
