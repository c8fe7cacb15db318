import { type ChildProcess, execFile } from 'node:child_process';
import { resolve } from 'node:path';
import type { EmbeddedCloud } from '@failtome/cloud';
import type { AgentProcess } from './agent-process.ts';
import { baseEnvironment } from './child.ts';
import { atExit } from './cleanup.ts';
import { Client, type ClientOptions } from './client.ts';
import type { TemporaryFolder } from './folder.ts';
import type { Link, LinkCondition } from './link.ts';
import { textOf } from './log-book.ts';
import type { ClusterNode } from './node.ts';
import type { ClusterOptions } from './options.ts';
import { until, type WaitOptions } from './wait.ts';

/** What a command of the agent's came to. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const commandTimeoutMs = 60_000;
/** A first start may have to wait for the longest lease. */
const takeoverReadyWithinMs = 30_000;

/** What a cluster consists of. */
export interface ClusterParts {
  readonly cloud: EmbeddedCloud;
  readonly keyFile: string;
  readonly links: readonly Link[];
  readonly nodes: readonly ClusterNode[];
  readonly temporary: TemporaryFolder;
  /** What was opened, in that order; each closes one thing. */
  readonly opened: readonly Closer[];
}

/** Closes one thing. */
export type Closer = () => Promise<void>;

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
  readonly #parts: ClusterParts;
  readonly #clients: Client[] = [];
  readonly #commands = new Set<ChildProcess>();
  #closing: Promise<void> | null = null;

  constructor(options: ClusterOptions, parts: ClusterParts, addresses: readonly string[]) {
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

/** Closes what was opened, the last first. */
export async function closeAll(opened: readonly Closer[]): Promise<void> {
  for (const close of opened.toReversed()) await close();
}
