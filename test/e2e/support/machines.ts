/** Machines at the documents' own addresses, and the cloud that they fail over in. */
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from '../../../packages/cluster/src/child.ts';
import { until } from '../../../packages/cluster/src/wait.ts';
import type { StatusView } from '../../../packages/protocol/src/index.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import { type Machine, startMachine } from './machine.ts';
import { cloudAddress, Subnet, sharedAddress } from './machine-network.ts';
import type { Block } from './page-commands.ts';
import { must } from './programs.ts';

const simulator = join(import.meta.dirname, '../../../packages/sim/dist/failtome-sim.js');
const topicArn = 'arn:aws:sns:us-east-1:123456789012:failover';

/** The two that may take the address. */
export const pair: readonly string[] = ['saturn', 'neptune'];

/** Where each machine of the documents is. */
const addresses: Readonly<Record<string, string>> = {
  saturn: '10.0.1.12',
  neptune: '10.0.1.11',
  pluto: '10.0.1.13',
};

/** What the cloud says of itself, as far as it is used here. */
interface Whereabouts {
  readonly control: string;
  readonly instances: readonly {
    readonly id: string;
    readonly environment: Readonly<Record<string, string>>;
  }[];
}

/** What has happened in the cloud. */
interface CloudView {
  readonly associationLog: readonly {
    readonly kind: string;
    readonly association: { readonly instanceId: string };
  }[];
  readonly published: readonly { readonly subject: string; readonly message: string }[];
}

/** A cloud, and machines that are added to it. The instance of a machine is `i-` and its id; saturn's holds the address. */
export class Machines {
  readonly #subnet = new Subnet();
  readonly #machines = new Map<string, Machine>();
  #cloud: Child | null = null;
  #folder = '';
  #where: Whereabouts = { control: '', instances: [] };

  async openCloud(): Promise<void> {
    this.#folder = await mkdtemp(join(tmpdir(), 'failtome-cloud-'));
    const instances = Object.entries(addresses).map(([id, address]) => `i-${id}@${address}:80`);
    const cloud = new Child({
      command: findProgram('ip') ?? 'ip',
      args: [
        ...['netns', 'exec', this.#subnet.of('cloud'), process.execPath, simulator, 'cloud', '--json'],
        // The first of its ports is that of the external-IP service, where the default configuration looks for it.
        ...['--listen', `${cloudAddress}:8000`, '--ports', '80', '--instances', instances.join(',')],
        // Two minutes by default, as on EC2: until then the loser of a move can't be given the address again.
        ...['--new-public-address', '5s'],
        ...['--addresses', `${sharedAddress}:80=i-saturn`, '--topics', topicArn],
      ],
      env: { PATH: process.env.PATH ?? '', HOME: this.#folder },
      cwd: this.#folder,
    });
    this.#cloud = cloud;
    let said = '';
    for (const stream of [cloud.stdout, cloud.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said = `${said}${text}`.slice(0, 1e6);
      });
    await until('the cloud', () => said.includes('\n'), { seen: () => said });
    this.#where = JSON.parse(said.split('\n')[0] ?? ''); // as the cloud prints it
  }

  /** A new machine with nothing on it but its root; one of that name is gone. */
  async add(id: string, root: string): Promise<Machine> {
    await this.remove(id);
    const address = addresses[id] ?? '';
    const { environment = {} } = this.#where.instances.find((each) => each.id === `i-${id}`) ?? {};
    this.#subnet.join(id, address);
    const namespace = this.#subnet.of(id);
    const machine = await startMachine({ id, address, namespace, root, environment });
    this.#machines.set(id, machine);
    return machine;
  }

  async remove(id: string): Promise<void> {
    const machine = this.#machines.get(id);
    if (machine === undefined) return;
    this.#machines.delete(id);
    await machine.close();
    this.#subnet.leave(id);
  }

  of(id: string): Machine {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`There is no machine ${id}.`);
    return machine;
  }

  /** One command on one machine, which has to succeed, with what it does on others over ssh. */
  async command(id: string, command: string): Promise<string> {
    const output = await this.of(id).must(command);
    for (const other of this.#machines.values()) {
      const order = this.of(id).path(`/run/ssh.${other.address}`);
      if ((await stat(order).catch(() => null)) === null) continue;
      await copyFile(`${order}.input`, other.path('/run/ssh.input'));
      const remote = await readFile(order, 'utf8');
      await rm(order);
      await other.must(`{ ${remote.trim()}\n} </run/ssh.input`);
    }
    return output;
  }

  /** The blocks of a page, one command after the other; `both` is both nodes of a pair, and others go by their names. */
  async follow(blocks: readonly Block[]): Promise<Readonly<Record<string, number>>> {
    const counted: Record<string, number> = {};
    for (const { on, commands } of blocks)
      for (const command of commands)
        for (const id of on === 'both' ? pair : on.split(' ')) {
          await this.command(id, command);
          counted[id] = (counted[id] ?? 0) + 1;
          // The cloud's public addresses are of those that no router knows.
          if (command.startsWith('failtome init'))
            await this.of(id).must("echo 'guard: { allowPrivate: true }' >>/etc/failtome/failtome.yaml");
        }
    return counted;
  }

  /** What has happened in the cloud so far. */
  cloud(): CloudView {
    const script = `fetch('${this.#where.control}').then(async (a) => console.log(await a.text()))`;
    return JSON.parse(this.#inCloud(process.execPath, '-e', script)); // as the control listener writes it
  }

  /** Who has got the address since the start, in that order. */
  takers(): readonly string[] {
    return this.cloud()
      .associationLog.filter(({ kind }) => kind === 'associated')
      .map(({ association }) => association.instanceId.replace(/^i-/, ''));
  }

  /** What a client out in the world gets from the address: the name of the node that serves. */
  asClient(): string {
    const script = `fetch('http://${sharedAddress}/', { signal: AbortSignal.timeout(1000) })
      .then(async (a) => console.log(await a.text()), () => console.log('nothing'))`;
    return this.#inCloud(process.execPath, '-e', script).trim();
  }

  async status(id: string): Promise<StatusView> {
    return JSON.parse(await this.of(id).must('failtome status --json')); // as the agent writes it
  }

  /** These hear each other, know the holder, lend their votes, and would take over if they had to. */
  async settled(...ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      let seen = '';
      const look = async (): Promise<boolean> => {
        const { node, addresses: shared, peers } = await this.status(id);
        seen = JSON.stringify({ node, shared, peers });
        const knows = shared.every(({ holder, lendsInMs }) => holder.kind === 'node' && lendsInMs === 0);
        const hears = peers.every((peer) => !ids.includes(peer.id) || peer.state === 'alive');
        return knows && hears && (node.ready || node.role !== 'candidate');
      };
      // An idle node asks for its way out only once in a while.
      await until(`${id} to be settled`, look, { withinMs: 180_000, seen: () => seen });
    }
  }

  /** A client gets its answers from this node. */
  async served(by: string): Promise<void> {
    await until(`a client to be served by ${by}`, () => this.asClient() === by, { withinMs: 60_000 });
  }

  async close(): Promise<void> {
    for (const id of [...this.#machines.keys()]) await this.remove(id);
    await this.#cloud?.kill();
    this.#subnet.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #inCloud(command: string, ...args: readonly string[]): string {
    return must('ip', 'netns', 'exec', this.#subnet.of('cloud'), command, ...args);
  }
}
