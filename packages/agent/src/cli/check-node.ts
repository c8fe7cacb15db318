/**
 * The part of the preflight about this node itself: its user and files, its port, an agent that runs here already, and names
 * that lead to the shared address.
 */
import { isIP } from 'node:net';
import type { CheckLine } from '../adapters/preflight-fix.ts';
import { fail, ok, warn } from '../adapters/preflight-fix.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { isLoopback, isSameHost } from '../config/host.ts';
import { httpUrl } from '../config/http-url.ts';
import type { AgentConfig, Identity } from '../config/types.ts';
import { askSigned } from './check-signed.ts';
import type { CliDependencies } from './dependencies.ts';
import { readView } from './read.ts';
import { clean } from './text.ts';
import { ownOrigin } from './trust.ts';
import { type StatusRow, statusOf } from './view-rows.ts';

type NodeDependencies = Pick<CliDependencies, 'checks' | 'http' | 'now' | 'randomText'>;

/** What was found on this node. */
export interface CheckedNode {
  readonly lines: readonly CheckLine[];
  /** What the agent that runs here already says of itself; null where none does. */
  readonly running: StatusRow | null;
}

/** @param keys null where the key file can't be read, which is told elsewhere */
export async function checkNode(
  config: AgentConfig,
  identity: Identity | null,
  keys: ClusterKeys | null,
  dependencies: NodeDependencies,
): Promise<CheckedNode> {
  const [files, api, names] = await Promise.all([
    dependencies.checks.files(config),
    checkApi(config, identity, keys, dependencies),
    checkNames(config, dependencies),
  ]);
  const observe = await checkObserve(config, api.running !== null, dependencies);
  return { lines: [...files, ...api.lines, ...observe, ...names], running: api.running };
}

/** A port in use is as it should be where this very agent uses it. */
async function checkApi(
  config: AgentConfig,
  identity: Identity | null,
  keys: ClusterKeys | null,
  dependencies: NodeDependencies,
): Promise<CheckedNode> {
  const { listen } = config.api;
  const name = 'API';
  const where = `${listen.host}:${listen.port}`;
  const result = await dependencies.checks.listen(listen);
  if (result === 'free') return { lines: [ok(name, `${where} is free to listen on`)], running: null };
  if (result !== 'EADDRINUSE') {
    const fix = `Set api.listen to an address of this machine${result === 'EACCES' ? ', and a port from 1024 on' : ''}.`;
    return { lines: [fail(name, `cannot listen on ${where}: ${result}`, fix)], running: null };
  }
  const told = await readView(ownOrigin(config), '/v1/status', dependencies, keys);
  const running = told.kind === 'read' ? statusOf(told.json) : null;
  if (told.kind === 'failed' && told.untrusted === true) {
    const fix = `Let the agent read its certificate again (systemctl reload failtome), or see what listens on ${where} (ss -ltnp).`;
    return { lines: [fail(name, told.detail, fix)], running: null };
  }
  if (running === null || running.cluster === '') {
    const taken = 'another program listens there';
    const fix = `End what listens on ${where} (ss -ltnp), or set api.listen to another port, there and in peers[].url.`;
    return { lines: [fail(name, `cannot listen on ${where}: ${taken}`, fix)], running: null };
  }
  const { id } = running.self;
  if (running.cluster !== config.cluster || (identity !== null && id !== identity.id)) {
    const found = clean(`${where} is taken by the agent ${id} of the cluster ${running.cluster}`);
    return { lines: [fail(name, found, 'Stop that agent, or give this one another port.')], running: null };
  }
  const signed =
    keys === null ? null : await askSigned(ownOrigin(config), config.cluster, keys, dependencies);
  const agent = ok(name, `the agent runs here, and listens on ${where}`);
  if (signed === null || signed.kind === 'proven') return { lines: [agent], running };
  const fix = 'Let it read the file again: systemctl reload failtome.';
  const key = fail('running agent', `it has another key than the file: ${signed.detail}`, fix);
  return { lines: [agent, key], running };
}

/** In use is as it should be where the agent runs: it listens there itself. */
async function checkObserve(
  { api: { observe } }: AgentConfig,
  running: boolean,
  { checks }: NodeDependencies,
): Promise<readonly CheckLine[]> {
  if (observe === null) return [];
  const where = `${observe.host}:${observe.port}`;
  const result = await checks.listen(observe);
  if (result === 'free') return [ok('reading routes', `${where} is free to listen on`)];
  if (result === 'EADDRINUSE' && running)
    return [ok('reading routes', `something listens on ${where}, as the agent should`)];
  const fix = 'Set api.observe to an address of this machine and a port that nothing listens on (ss -ltnp).';
  return [fail('reading routes', `cannot listen on ${where}: ${result}`, fix)];
}

/** Validation sees addresses alone; a name that leads to a shared address fails as one would. */
async function checkNames(config: AgentConfig, { checks }: NodeDependencies): Promise<readonly CheckLine[]> {
  const named: readonly (readonly [path: string, url: string])[] = [
    ...config.peers.flatMap(({ url, isSought }, index) =>
      url === null || isSought ? [] : [[`peers[${index}].url`, url] as const],
    ),
    ...(config.local?.url == null ? [] : [['local.url', config.local.url] as const]),
    ...config.guard.urls.map((url) => ['guard.urls', url] as const),
  ];
  const shared = config.addresses.map(({ ip }) => ip).filter((ip) => !isLoopback(ip));
  const lines = named.map(async ([path, url]): Promise<readonly CheckLine[]> => {
    const { host } = httpUrl(url);
    if (isIP(host) !== 0) return [];
    const found = await checks.resolve(host);
    if (found.length === 0 && path.startsWith('peers')) {
      return [
        warn(path, `${host} has no address here`, `See this node's DNS, or write the address in ${path}.`),
      ];
    }
    const same = found.find((ip) => shared.some((one) => isSameHost(one, ip)));
    if (same === undefined) return [];
    const fix = `Name one machine in ${path}: ${same} leads to whichever node holds it.`;
    return [fail(path, `${host} is the shared address ${same}`, fix)];
  });
  return (await Promise.all(lines)).flat();
}
