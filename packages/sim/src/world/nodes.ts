/** The nodes of a world: each a machine with a clock, a disk and a driver, on which processes of the agent run. */
import { type NodeId, type ProtocolConfig, type StatusView, statusOf } from '@failtome/protocol';
import { createClock, type NodeClock } from './clock.ts';
import type { Cloud } from './cloud.ts';
import { Disk } from './disk.ts';
import { createDriver, type SimDriver } from './drivers.ts';
import type { Environment } from './environment.ts';
import type { Machine } from './outside.ts';
import { SimProcess } from './process.ts';
import type { Random } from './random.ts';
import { landingOf, type NodeSpec, type Overrides } from './settings.ts';
import { configOf, TOPIC, type WorldSpec } from './spec.ts';
import type { RunView } from './watch.ts';

/** A machine of the cluster, and what runs on it. */
export interface SimNode {
  readonly spec: NodeSpec;
  config: ProtocolConfig;
  overrides: Overrides;
  readonly machine: Machine;
  readonly clock: NodeClock;
  readonly disk: Disk;
  /** A new one for every run. */
  readonly driver: () => SimDriver;
  process: SimProcess | null;
  state: 'on' | 'gone' | 'frozen' | 'terminated';
  /** Started again as soon as it has stopped. */
  again: boolean;
  runs: number;
}

/** What the nodes are made from. */
export interface NodesDependencies {
  readonly spec: WorldSpec;
  readonly environment: Environment;
  readonly cloud: Cloud;
  readonly machines: readonly Machine[];
  /** The world's own generator. */
  readonly random: Random;
}

/** All nodes of a world. */
export class Nodes {
  readonly #world: NodesDependencies;
  readonly #nodes = new Map<NodeId, SimNode>();
  #sessions = 0;

  constructor(dependencies: NodesDependencies) {
    this.#world = dependencies;
    for (const [index, machine] of dependencies.machines.entries()) {
      const spec = dependencies.spec.nodes[index];
      if (spec !== undefined) this.#nodes.set(spec.id, this.#make(spec, machine, index));
    }
  }

  /** @throws Error when no node is called so */
  at(id: NodeId): SimNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`no node is called ${id}`);
    return node;
  }

  /** What runs on them at this moment. */
  runs(): readonly RunView[] {
    return [...this.#nodes.values()].flatMap(({ process }) => (process === null ? [] : [process.view]));
  }

  areDisksHarmed(): boolean {
    return [...this.#nodes.values()].some(({ disk }) => disk.harmed());
  }

  idOf(instanceId: string | null): NodeId | null {
    return this.#world.machines.find((machine) => machine.instanceId === instanceId)?.id ?? null;
  }

  /** What a node shows; null: it doesn't run. */
  statusOf(id: NodeId): StatusView | null {
    const { process, clock } = this.at(id);
    return process === null ? null : statusOf(process.view.state(), clock.now());
  }

  /** An id of eleven characters that no session of this world has had. */
  newSession(prefix: 's' | 'o'): string {
    this.#sessions += 1;
    return `${prefix}${String(this.#sessions).padStart(10, '0')}`;
  }

  /** Start the agent, where it doesn't run and its machine is there. */
  start(id: NodeId): void {
    const node = this.at(id);
    if (node.process !== null || node.state === 'gone' || node.state === 'terminated') return;
    node.runs += 1;
    node.process = this.#launch(node, node.disk, `${id}#${node.runs}`, () => {
      node.process = null;
      if (node.again) this.#world.environment.queue.after(0, () => this.start(id));
      node.again = false;
    });
    if (!node.process.isAlive()) node.process = null;
  }

  /** A second process with this node's id and a copy of its disk, on another machine. */
  clone(id: NodeId): SimProcess {
    const node = this.at(id);
    const disk = this.#newDisk();
    const content = node.disk.content();
    if (content !== null) disk.restore(content);
    node.runs += 1;
    const run = `${id}#${node.runs}`;
    return this.#launch(node, disk, run, () => this.#world.environment.trace.log(id, 'clone ended', run));
  }

  #launch(node: SimNode, disk: Disk, run: string, onEnd: () => void): SimProcess {
    const { environment, random, spec } = this.#world;
    const { config, machine, clock, overrides } = node;
    const session = this.newSession('s');
    environment.trace.log(node.spec.id, 'launched', run);
    return new SimProcess(environment, {
      config,
      machine,
      clock,
      disk,
      driver: node.driver(),
      run,
      session,
      seed: random.between(1, 2_147_483_646),
      timerLateMs: spec.timerLateMs,
      wire: overrides.wire ?? 0,
      onEnd,
    });
  }

  #make(node: NodeSpec, machine: Machine, index: number): SimNode {
    const { spec, environment, cloud, random } = this.#world;
    const made: SimNode = {
      spec: node,
      overrides: node.overrides ?? {},
      config: configOf(spec, node, node.overrides ?? {}),
      machine,
      clock: createClock(environment.queue.now, node.clock),
      disk: this.#newDisk(),
      driver: () =>
        createDriver(cloud, {
          kind: spec.driver,
          instanceId: machine.instanceId,
          addresses: spec.addresses.map((ip, i) => ({
            ip,
            allocationId: null,
            privateIp: landingOf(index, i),
          })),
          topicArn: TOPIC,
          time: { queue: environment.queue, random },
        }),
      process: null,
      state: 'on',
      again: false,
      runs: 0,
    };
    const document = spec.documents?.[node.id];
    if (document !== undefined) made.disk.restore(document);
    environment.network.listen(node.id, {
      state: () => (made.state !== 'on' ? 'gone' : made.process === null ? 'refused' : 'listening'),
      receive: (request) => made.process?.receive(request),
    });
    return made;
  }

  #newDisk(): Disk {
    const { environment, random, spec } = this.#world;
    return new Disk(environment.queue, random.fork(), { writeMs: spec.diskMs });
  }
}
