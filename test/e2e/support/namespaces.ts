/**
 * Two nodes and a cloud, each in a network namespace of its own, joined by veth pairs with addresses of their own: the
 * kernel's real TCP, real silence, real loss. The cloud is also the router between the nodes.
 */
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../../../packages/cluster/src/child.ts';
import { atExit } from '../../../packages/cluster/src/cleanup.ts';
import { LogBook } from '../../../packages/cluster/src/log-book.ts';
import { until } from '../../../packages/cluster/src/wait.ts';
import type { StatusView } from '../../../packages/protocol/src/index.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import { program } from './command.ts';
import { must } from './programs.ts';

const simulator = join(import.meta.dirname, '../../../packages/sim/dist/failtome-sim.js');

export const sharedAddress = '198.51.100.50';
export const cloudAddress = '10.90.0.1';
const cloudPort = 8_000;
const apiPort = 8_741;
const webPort = 8_080;
export const topicArn = 'arn:aws:sns:us-east-1:123456789012:failover';

export const ids = ['saturn', 'neptune'] as const;
export type Id = (typeof ids)[number];

/** The subnet between each node and the router. */
export const subnets: Readonly<Record<Id, string>> = { saturn: '10.90.1', neptune: '10.90.2' };

let made = 0;

/** Three namespaces and the links between them. They go with `close`, and with this process. */
export class Network {
  readonly #prefix: string;
  readonly #forget: () => void;

  constructor() {
    made += 1;
    this.#prefix = `failtome-${process.pid}-${made}`;
    this.#forget = atExit(() => this.#remove());
    try {
      this.#make();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The namespace's name. */
  of(place: Id | 'cloud'): string {
    return `${this.#prefix}-${place}`;
  }

  /** Runs a program in a namespace, to its end, and answers what it printed. */
  inside(place: Id | 'cloud', command: string, ...args: readonly string[]): string {
    return must('ip', 'netns', 'exec', this.of(place), findProgram(command) ?? command, ...args);
  }

  /** Takes a node's only link down, or up again: from one moment to the next nobody reaches it, and nobody says so. */
  setLink(id: Id, state: 'down' | 'up'): void {
    must('ip', '-n', this.of(id), 'link', 'set', 'uplink', state);
    if (state === 'up')
      must('ip', '-n', this.of(id), 'route', 'replace', 'default', 'via', `${subnets[id]}.1`);
  }

  /** Whether its link carries anything yet: the kernel says so up to a second after it was set up, and Node lists no address before. */
  isUp(id: Id): boolean {
    return must('ip', '-n', this.of(id), 'link', 'show', 'uplink').includes('state UP');
  }

  /**
   * Loses so many of a hundred packets that come to a node, and as many of those that come from it. The cloud's own way
   * to the web servers loses none.
   */
  lose(percent: number): void {
    for (const place of [...ids, 'cloud'] as const) {
      const rules = `table inet loss {
        chain arriving {
          type filter hook prerouting priority 0;
          iifname "lo" accept
          tcp dport ${webPort} accept
          tcp sport ${webPort} accept
          numgen random mod 100 < ${percent} counter drop
        }
      }`;
      must('ip', 'netns', 'exec', this.of(place), findProgram('nft') ?? 'nft', rules);
    }
  }

  /** From now on nothing passes between the two nodes; both reach the cloud. */
  cutBetween(): void {
    this.#rule('cloud', 'cut', 'type filter hook forward priority 0; policy drop;');
  }

  /** From now on nothing that a node sends arrives at this address. */
  hideFrom(id: Id, address: string): void {
    this.#rule(id, 'hidden', `type filter hook output priority 0; ip daddr ${address} drop`);
  }

  /** From now on nothing that a node sends to this port arrives, wherever it listens; or it does again. */
  setPort(id: Id, port: number, state: 'hidden' | 'open'): void {
    const name = `port${port}`;
    if (state === 'hidden')
      return this.#rule(id, name, `type filter hook output priority 0; tcp dport ${port} drop`);
    must('ip', 'netns', 'exec', this.of(id), findProgram('nft') ?? 'nft', 'delete', 'table', 'inet', name);
  }

  #rule(place: Id | 'cloud', name: string, rules: string): void {
    const table = `table inet ${name} {\n chain passing {\n ${rules}\n }\n}`;
    must('ip', 'netns', 'exec', this.of(place), findProgram('nft') ?? 'nft', table);
  }

  /** How many packets have been lost at a place. */
  lost(place: Id | 'cloud'): number {
    const text = this.inside(place, 'nft', 'list', 'table', 'inet', 'loss');
    return Number(/counter packets (\d+)/.exec(text)?.[1] ?? 0);
  }

  close(): void {
    this.#remove();
    this.#forget();
  }

  #make(): void {
    for (const place of [...ids, 'cloud'] as const) {
      must('ip', 'netns', 'add', this.of(place));
      must('ip', '-n', this.of(place), 'link', 'set', 'lo', 'up');
    }
    const cloud = this.of('cloud');
    for (const address of [cloudAddress, sharedAddress])
      must('ip', '-n', cloud, 'address', 'add', `${address}/32`, 'dev', 'lo');
    for (const id of ids) {
      const peer = ['peer', 'name', 'uplink', 'netns', this.of(id)];
      must('ip', '-n', cloud, 'link', 'add', `to-${id}`, 'type', 'veth', ...peer);
      must('ip', '-n', cloud, 'address', 'add', `${subnets[id]}.1/24`, 'dev', `to-${id}`);
      must('ip', '-n', cloud, 'link', 'set', `to-${id}`, 'up');
      must('ip', '-n', this.of(id), 'address', 'add', `${subnets[id]}.2/24`, 'dev', 'uplink');
      this.setLink(id, 'up');
    }
    this.inside('cloud', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
  }

  #remove(): void {
    for (const place of [...ids, 'cloud'] as const)
      spawnSync(findProgram('ip') ?? 'ip', ['netns', 'delete', this.of(place)]);
  }
}

/** What the simulator says of itself, as far as it is used here. */
interface Whereabouts {
  readonly control: string;
  readonly instances: readonly {
    readonly id: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly guard: string;
    readonly views: readonly { readonly view: { readonly host: string; readonly port: number } }[];
  }[];
}

/** What the control listener shows. */
export interface CloudView {
  readonly associationLog: readonly {
    readonly kind: string;
    readonly association: { readonly instanceId: string };
  }[];
  readonly published: readonly { readonly subject: string; readonly message: string }[];
}

interface Opened {
  readonly network: Network;
  readonly files: Readonly<Record<Id, string>>;
  readonly logs: Readonly<Record<Id, LogBook>>;
  readonly webs: Readonly<Record<Id, Child>>;
  readonly control: string;
}

/** A pair of agents in namespaces: saturn holds the address. `startNamespaced` makes one. */
export class NamespacedPair {
  readonly network: Network;
  readonly logs: Readonly<Record<Id, LogBook>>;
  readonly webs: Readonly<Record<Id, Child>>;
  readonly #opened: Opened;

  constructor(opened: Opened) {
    this.network = opened.network;
    this.logs = opened.logs;
    this.webs = opened.webs;
    this.#opened = opened;
  }

  /** Host and port of a node's API. */
  apiOf(id: Id): string {
    return `${subnets[id]}.2:${apiPort}`;
  }

  /** What has happened in the cloud so far. */
  cloud(): CloudView {
    const script = `fetch('${this.#opened.control}').then(async (a) => console.log(await a.text()))`;
    return JSON.parse(this.network.inside('cloud', process.execPath, '-e', script));
  }

  /** Who has got the address since the start, in that order. */
  takers(): readonly string[] {
    return this.cloud()
      .associationLog.filter(({ kind }) => kind === 'associated')
      .map(({ association }) => association.instanceId);
  }

  /** What a node's operator sees. */
  status(id: Id): StatusView {
    const { network, files } = this.#opened;
    return JSON.parse(network.inside(id, process.execPath, program, 'status', '--json', '-c', files[id]));
  }

  /** The newest log lines of both, for a test that failed. */
  transcript(): string {
    return ids.map((id) => `${id}\n${this.logs[id].tail(60)}`).join('\n');
  }
}

/** Settings that each node's own file has besides; or one file for both, made when the external-IP service is known. */
type Settings = Readonly<Record<string, unknown>> | ((guardUrl: string) => Promise<string>);

/** Runs a test on a pair in namespaces, with one more program beside the cloud where it is given, and removes everything after it. */
export async function withNamespacedPair(
  folder: string,
  settings: Settings,
  run: (pair: NamespacedPair) => Promise<void>,
  beside?: readonly [command: string, ...args: string[]],
): Promise<void> {
  const network = new Network();
  const children: Child[] = [];
  const logs = {
    saturn: new LogBook(join(folder, 'saturn.log')),
    neptune: new LogBook(join(folder, 'neptune.log')),
  };
  try {
    await until('the links to be up', () => ids.every((id) => network.isUp(id)), { withinMs: 10_000 });
    const start = (place: Id | 'cloud', args: readonly string[], env = {}): Child => {
      const child = new Child({
        command: findProgram('ip') ?? 'ip',
        args: ['netns', 'exec', network.of(place), process.execPath, ...args],
        env: { PATH: process.env.PATH ?? '', HOME: folder, ...env },
        cwd: folder,
      });
      children.push(child);
      return child;
    };
    if (beside !== undefined) children.push(startBeside(network, folder, beside));
    const where = await startCloud(start);
    const webs = { saturn: startWeb(start, 'saturn'), neptune: startWeb(start, 'neptune') };
    const files = { saturn: join(folder, 'saturn.yaml'), neptune: join(folder, 'neptune.yaml') };
    for (const id of ids) {
      const instance = where.instances.find((each) => each.id === `i-${id}`);
      if (instance === undefined) throw new Error(`The cloud has no instance of ${id}.`);
      if (typeof settings === 'function') files[id] = await settings(new URL('/', instance.guard).href);
      else await writeFile(files[id], JSON.stringify(configOf(id, folder, instance, settings)));
      const env = { ...instance.environment, FAILTOME_STATE_DIR: join(folder, id) };
      logs[id].read(start(id, [program, 'run', '-c', files[id]], env));
    }
    const pair = new NamespacedPair({ network, files, logs, webs, control: where.control });
    try {
      await run(pair);
    } catch (error) {
      process.stderr.write(`${pair.transcript()}\n`);
      throw error;
    }
  } finally {
    await Promise.all(children.map((child) => child.kill()));
    await Promise.all(ids.map((id) => logs[id].close()));
    network.close();
  }
}

type Start = (place: Id | 'cloud', args: readonly string[]) => Child;

async function startCloud(start: Start): Promise<Whereabouts> {
  const child = start('cloud', [
    simulator,
    'cloud',
    '--json',
    '--listen',
    `${cloudAddress}:${cloudPort}`,
    '--instances',
    ids.map((id) => `i-${id}@${subnets[id]}.2:${webPort}`).join(','),
    '--addresses',
    `${sharedAddress}:80=i-saturn`,
    '--topics',
    topicArn,
  ]);
  child.stderr.resume();
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const [first] = String(chunk).split('\n');
    child.stdout.resume();
    return JSON.parse(first ?? '');
  }
  throw new Error('The cloud ended before it said where it is.');
}

function startBeside(
  network: Network,
  folder: string,
  [command, ...args]: readonly [command: string, ...args: string[]],
): Child {
  const child = new Child({
    command: findProgram('ip') ?? 'ip',
    args: ['netns', 'exec', network.of('cloud'), findProgram(command) ?? command, ...args],
    env: { PATH: process.env.PATH ?? '', HOME: folder },
    cwd: folder,
  });
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

function startWeb(start: Start, id: Id): Child {
  const server = `for (const [port, host] of [[${webPort}, '${subnets[id]}.2'], [80, '127.0.0.1']])
    require('node:http').createServer((_, answer) => answer.end('${id}')).listen(port, host)`;
  const child = start(id, ['-e', server]);
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

function configOf(
  id: Id,
  folder: string,
  { guard, views }: Whereabouts['instances'][number],
  settings: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return {
    cluster: 'web',
    node: { id },
    api: { listen: `${subnets[id]}.2:${apiPort}` },
    peers: ids.map((peer) => ({ id: peer, url: `http://${subnets[peer]}.2:${apiPort}` })),
    auth: { keyFile: join(folder, 'cluster.key') },
    addresses: [
      { ip: sharedAddress, probe: { port: views[0]?.view.port, interval: '500ms', fastInterval: '250ms' } },
    ],
    local: { url: `http://${subnets[id]}.2:${webPort}/` },
    guard: { urls: [guard] },
    driver: { kind: 'ec2' },
    notify: { sns: { topicArn } },
    stateDir: join(folder, id),
    ...settings,
  };
}
