import { type ChildProcess, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type EmbeddedCloud, startCloud } from '@failtome/cloud';
import { stringify } from 'yaml';
import {
  apiPort,
  configurationOf,
  Places,
  sharedAddresses,
  topicArn,
  webPort,
} from './agent-configuration.ts';
import { AgentProcess } from './agent-process.ts';
import { atExit } from './cleanup.ts';
import { Client, type ClientOptions } from './client.ts';
import { makeFolder, type TemporaryFolder } from './folder.ts';
import { Link, type LinkCondition } from './link.ts';
import { textOf } from './log-book.ts';
import { claimLoopback } from './loopback.ts';
import { ClusterNode } from './node.ts';
import type { ClusterOptions, NodeSpec } from './options.ts';
import { until, type WaitOptions } from './wait.ts';
import { installedWebServer, WebServer } from './web-server.ts';

/** What a command of the agent's came to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const commandTimeoutMs = 60_000;
/** A first start may have to wait for the longest lease. */
const takeoverReadyWithinMs = 30_000;

interface Parts {
  readonly cloud: EmbeddedCloud;
  readonly keyFile: string;
  readonly links: readonly Link[];
  readonly nodes: readonly ClusterNode[];
  readonly temporary: TemporaryFolder;
  /** What was opened, in that order; each closes one thing. */
  readonly opened: readonly Closer[];
}

type Closer = () => Promise<void>;

/** A cluster of real processes against an embedded cloud. `startCluster` makes one; `close` frees everything. */
export class Cluster {
  readonly cloud: EmbeddedCloud;
  readonly nodes: readonly ClusterNode[];
  /** The shared addresses, in the order of the options. */
  readonly addresses: readonly string[];
  /** Configurations, states and logs of all nodes. */
  readonly folder: string;
  readonly keyFile: string;
  readonly links: readonly Link[];
  readonly #options: ClusterOptions;
  readonly #parts: Parts;
  readonly #clients: Client[] = [];
  readonly #commands = new Set<ChildProcess>();
  #closing: Promise<void> | null = null;

  constructor(options: ClusterOptions, parts: Parts, addresses: readonly string[]) {
    this.#options = options;
    this.#parts = parts;
    this.cloud = parts.cloud;
    this.nodes = parts.nodes;
    this.addresses = addresses;
    this.folder = parts.temporary.path;
    this.keyFile = parts.keyFile;
    this.links = parts.links;
  }

  /** The only address, or the first. */
  get address(): string {
    const [first] = this.addresses;
    if (first === undefined) throw new Error('This cluster shares no address.');
    return first;
  }

  node(id: string): ClusterNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`There is no node ${id}.`);
    return found;
  }

  /** The node that holds an address by EC2's book; null: none, or no node of this cluster. */
  holder(address: string = this.address): ClusterNode | null {
    const instanceId = this.cloud.holderOf(address);
    return this.nodes.find((node) => node.instanceId === instanceId) ?? null;
  }

  // Waiting.

  /** Looks again and again until there is something to see. Rejects with a WaitError. */
  until: typeof until = until;

  /** Every running agent answers `/readyz`. */
  async ready(withinMs?: number): Promise<void> {
    const running = this.nodes.filter(({ agent }) => agent.running);
    await Promise.all(running.map(({ agent }) => agent.ready(withinMs)));
  }

  /**
   * Every running agent is ready, hears its running peers, knows the holders and would take over if it had to; and no
   * voter is still keeping its vote to itself after its first start.
   */
  async settled(withinMs: number = takeoverReadyWithinMs): Promise<void> {
    await this.ready(withinMs);
    const running = this.nodes.filter(({ agent }) => agent.running);
    await Promise.all(
      running.map(({ id, agent }) => {
        let seen = '';
        const look = async (): Promise<boolean> => {
          const problem = problemOf(await agent.api.status(), running);
          seen = problem ?? '';
          return problem === null;
        };
        return until(`${id} to be settled`, look, { withinMs, seen: () => seen });
      }),
    );
  }

  /** A node holds the address by EC2's book. */
  async held(by: string, { withinMs }: WaitOptions = {}, address: string = this.address): Promise<void> {
    const { instanceId } = this.node(by);
    await this.cloud.waitFor(
      `${by} to hold ${address}`,
      () => this.cloud.holderOf(address) === instanceId,
      withinMs,
    );
  }

  /** How often the address has changed its holder since the start. */
  moves(address: string = this.address): number {
    return this.cloud.associationLog.filter(
      (event) => event.kind === 'associated' && event.publicIp === address,
    ).length;
  }

  // What happens between the nodes.

  link(from: string, to: string): Link {
    const found = this.links.find((link) => link.from === from && link.to === to);
    if (found === undefined) throw new Error(`There is no way from ${from} to ${to}.`);
    return found;
  }

  /** The way between two nodes, both directions. */
  between(one: string, other: string, condition: LinkCondition): void {
    this.link(one, other).set(condition);
    this.link(other, one).set(condition);
  }

  /** Every way between a node of these and one of the others. */
  partition(ids: readonly string[], condition: LinkCondition = { kind: 'drop' }): void {
    for (const link of this.links) {
      if (ids.includes(link.from) !== ids.includes(link.to)) link.set(condition);
    }
  }

  /** Every way is open again. */
  heal(): void {
    for (const link of this.links) link.set({ kind: 'open' });
  }

  // Who uses it.

  /** A client out in the world that asks for the address from now on, and measures. It ends with the cluster. */
  client(options: Omit<ClientOptions, 'endpoint'> & { readonly address?: string } = {}): Client {
    const { address = this.address, ...rest } = options;
    const client = new Client({ ...rest, endpoint: () => this.cloud.viewOf(null, address) });
    this.#clients.push(client);
    client.start();
    return client;
  }

  /** Runs a command of the agent's program: `cli('status', '--url', node.agent.api.url)`. */
  cli(...args: readonly string[]): Promise<CommandResult> {
    const options = { env: baseEnvironment(this.folder), timeout: commandTimeoutMs, cwd: this.folder };
    return new Promise((done) => {
      const child = execFile(
        process.execPath,
        [resolve(this.#options.agentFile), ...args],
        options,
        (failure, stdout, stderr) => {
          const code = failure === null ? 0 : typeof failure.code === 'number' ? failure.code : -1;
          forget();
          this.#commands.delete(child);
          done({ code, stdout, stderr });
        },
      );
      this.#commands.add(child);
      const { pid } = child;
      const kill = (): void => void child.kill('SIGKILL');
      const forget = atExit(kill, ...(pid === undefined ? [] : [{ kind: 'process' as const, pid }]));
    });
  }

  /** Every agent's newest log lines in the order of time, for a test that failed. */
  transcript(lines = 200): string {
    const all = this.nodes.flatMap(({ id, agent }) => agent.log.lines.map((line) => ({ id, line })));
    const newest = all.toSorted((a, b) => a.line.atMs - b.line.atMs).slice(-lines);
    return newest.map(({ id, line }) => `${id.padEnd(8)} ${textOf(line)}`).join('\n');
  }

  /** The folder stays, for whoever wants to know what went wrong. */
  keepFolder(): void {
    this.#parts.temporary.keep();
  }

  /** Ends every process, frees every port, removes the folder unless it is to be kept. Can be called again. */
  close(): Promise<void> {
    for (const client of this.#clients) client.stop();
    for (const command of this.#commands) command.kill('SIGKILL');
    this.#closing ??= closeAll(this.#parts.opened);
    return this.#closing;
  }
}

/**
 * Starts a cluster: an embedded cloud, and for each node a web server and an agent, each a process of its own.
 * Resolves when the web servers serve and the agents run; `settled` says when they would fail over.
 *
 * @example
 * const cluster = await startCluster({
 *   agentFile: 'packages/agent/dist/failtome.js',
 *   nodes: [{ id: 'saturn' }, { id: 'neptune' }],
 *   settings: { agreement: { lease: '2s' } },
 *   probe: { interval: '200ms', fastInterval: '100ms', timeout: '300ms' },
 * });
 * try {
 *   await cluster.settled();
 *   const client = cluster.client();
 *   await client.served('saturn');
 *   const sinceMs = Date.now();
 *   await cluster.node('saturn').web.kill();
 *   await cluster.held('neptune');
 *   const { outageMs } = await client.outage({ sinceMs, by: 'neptune' });
 *   await cluster.node('neptune').agent.log.waitFor('notified');
 * } finally {
 *   await cluster.close();
 * }
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const opened: Closer[] = [];
  try {
    const cluster = await openCluster(options, opened);
    const starting = options.nodes
      .filter(({ start = 'now' }) => start === 'now')
      .map(({ id }) => cluster.node(id));
    await Promise.all(starting.map(({ web }) => web.start()));
    for (const { agent } of starting) agent.start();
    return cluster;
  } catch (cause) {
    await closeAll(opened);
    throw cause;
  }
}

async function openCluster(options: ClusterOptions, opened: Closer[]): Promise<Cluster> {
  if (!existsSync(options.agentFile))
    throw new Error(`There is no agent at ${options.agentFile}: build it first.`);
  const block = await claimLoopback();
  opened.push(() => block.release());
  const temporary = await makeFolder(options.parentFolder);
  if (options.folder === 'keep') temporary.keep();
  opened.push(() => temporary.remove());
  const folder = temporary.path;
  const places = new Places(block, options.nodes);
  const shared = sharedAddresses(options);
  const cloud = await startCloud(cloudOptions(options, places));
  opened.push(() => cloud.close());
  const links = await openLinks(options.nodes, places);
  opened.push(async () => void (await Promise.all(links.map((link) => link.close()))));
  const keyFile = join(folder, 'cluster.key');
  await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const nodes = await Promise.all(
    options.nodes.map((spec) => createNode(spec, options, { places, cloud, links, folder, keyFile })),
  );
  opened.push(
    async () => void (await Promise.all(nodes.flatMap(({ agent, web }) => [agent.close(), web.kill()]))),
  );
  const parts = { cloud, temporary, keyFile, links, nodes, opened };
  return new Cluster(
    options,
    parts,
    shared.map((_, index) => places.sharedIp(index)),
  );
}

async function closeAll(opened: readonly Closer[]): Promise<void> {
  for (const close of opened.toReversed()) await close();
}

function cloudOptions(options: ClusterOptions, places: Places): Parameters<typeof startCloud>[0] {
  return {
    ...options.cloud,
    host: places.cloudHost,
    topics: [topicArn],
    instances: options.nodes.map(({ id, instance }) => ({
      hostname: id,
      ...instance,
      id: places.instanceId(id),
      backend: { host: places.host(id), port: webPort },
    })),
    addresses: sharedAddresses(options).map(({ holder, landing, ...address }, index) => {
      const privateIp = holder === undefined ? undefined : landing?.[holder];
      return {
        ...address,
        publicIp: places.sharedIp(index),
        ...(holder === undefined ? {} : { holder: places.instanceId(holder) }),
        ...(privateIp === undefined ? {} : { privateIp }),
      };
    }),
  };
}

async function openLinks(nodes: readonly NodeSpec[], places: Places): Promise<readonly Link[]> {
  const ids = nodes.map(({ id }) => id);
  const links = ids.flatMap((from) =>
    ids
      .filter((to) => to !== from)
      .map((to) => {
        const target = { host: places.host(to), port: apiPort };
        return new Link({ from, to, listen: places.link(from, to), target });
      }),
  );
  await Promise.all(links.map((link) => link.open()));
  return links;
}

interface Surroundings {
  readonly places: Places;
  readonly cloud: EmbeddedCloud;
  readonly links: readonly Link[];
  readonly folder: string;
  readonly keyFile: string;
}

async function createNode(
  spec: NodeSpec,
  options: ClusterOptions,
  { places, cloud, links, folder: parent, keyFile }: Surroundings,
): Promise<ClusterNode> {
  const { id } = spec;
  const folder = join(parent, id);
  const stateDir = join(folder, 'state');
  await mkdir(stateDir, { recursive: true });
  const configFile = join(folder, 'failtome.yaml');
  const files = { keyFile, stateDir };
  await writeFile(configFile, stringify(configurationOf(spec, options, { places, cloud, files })));
  const inbound = links.filter(({ to }) => to === id);
  const outbound = links.filter(({ from }) => from === id);
  const instanceId = places.instanceId(id);
  const host = places.host(id);
  const agent = new AgentProcess(
    {
      agentFile: resolve(options.agentFile),
      configFile,
      logFile: join(folder, 'agent.log'),
      folder,
      url: `${options.scheme ?? 'http'}://${host}:${apiPort}`,
      env: { ...baseEnvironment(folder), ...cloud.environmentFor(instanceId), ...spec.env },
    },
    {
      onListening: (listening) => {
        for (const link of inbound) link.setListening(listening);
      },
    },
  );
  const kind = options.webServer ?? installedWebServer();
  const web = new WebServer({ kind, name: id, endpoint: { host, port: webPort }, folder });
  return new ClusterNode({ id, instanceId, folder }, { cloud, agent, web, inbound, outbound });
}

/** Nothing of this machine's own: no credentials, no configuration of the AWS SDK. */
function baseEnvironment(home: string): Readonly<Record<string, string>> {
  return { PATH: process.env.PATH ?? '', HOME: home, NO_COLOR: '1' };
}

type Status = Awaited<ReturnType<AgentProcess['api']['status']>>;

/** What still keeps a node from doing its part; null: nothing. */
function problemOf(status: Status, running: readonly ClusterNode[]): string | null {
  const { node, addresses, peers } = status;
  if (node.role === 'candidate' && !node.ready) return node.problems.join('; ');
  const unknown = addresses.find(({ holder }) => holder.kind === 'unknown');
  if (unknown !== undefined) return `the holder of ${unknown.ip} is unknown`;
  const silent = peers.find(({ id, state }) => running.some((each) => each.id === id) && state !== 'alive');
  if (silent !== undefined) return `${silent.id} is ${silent.state}`;
  const keeping = addresses.find(({ lendsInMs }) => lendsInMs > 0);
  if (keeping !== undefined)
    return `it lends nothing for another ${keeping.lendsInMs} ms, having just started`;
  return null;
}
