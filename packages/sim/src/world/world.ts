/**
 * The simulated world: nodes that run the real protocol and host loop, on virtual time, network, disks and cloud.
 * Nothing in it waits for anything real, and the same seed gives the same trace.
 */
import type { Command, CommandOutcome, Fact, Ip, NodeId, ProtocolConfig } from '@failtome/protocol';
import {
  type AddressSpec,
  type AwsEvent,
  type AwsState,
  createAws,
  type FaultSpec,
  holderOf,
  setInstance,
  setInstanceState,
} from '../aws/index.ts';
import { createChecks } from './checks/index.ts';
import { createClock, type NodeClock } from './clock.ts';
import { type Cloud, type CloudSpec, createCloud } from './cloud.ts';
import type { Details } from './details.ts';
import { createDisk, type Disk } from './disk.ts';
import { createDriver, type SimDriver } from './drivers.ts';
import { createNetwork, type Link, type Network } from './network.ts';
import { command } from './operator.ts';
import { createPremises, type HaproxyState, type Machine, type Premises } from './premises.ts';
import { type SimProcess, startProcess } from './process.ts';
import { createQueue, type EventQueue } from './queue.ts';
import { createRandom, type Random } from './random.ts';
import {
  configFor,
  instanceIdOf,
  landingOf,
  type NodeSpec,
  type Overrides,
  opsworksIdOf,
  type Settings,
} from './settings.ts';
import type { Surroundings } from './surroundings.ts';
import { createTrace, type Trace } from './trace.ts';
import type { RunView, Violation, Watcher, WorldEvent } from './watch.ts';

export interface WorldSpec {
  readonly seed: number;
  readonly nodes: readonly NodeSpec[];
  readonly addresses: readonly Ip[];
  /** Who holds each address at the start, by index of the node; null: nobody. */
  readonly holders: readonly (number | null)[];
  readonly driver: 'ec2' | 'opsworks';
  readonly settings: Settings;
  readonly cloud: CloudSpec;
  /** From an association to the first packet that follows it. */
  readonly associationSettleMs: number;
  /** Until the loser of a move has a public address again; null: never. */
  readonly autoAddressDelayMs: number | null;
  readonly staleDisassociate: 'not-found' | 'success';
  readonly diskMs: readonly [number, number];
  readonly timerLateMs: number;
  /** Nodes whose landing places carry another Elastic IP already. */
  readonly occupied: readonly NodeId[];
}

export interface WorldOptions {
  /** How many trace lines to keep for people. */
  readonly keepTrace: number;
}

export interface ToldFact {
  readonly atMs: number;
  readonly node: NodeId;
  readonly fact: Fact;
}

/** Something that is done to a world. */
export interface Strike {
  readonly name: string;
  /** A line for people. */
  readonly says: string;
  readonly nodes: readonly NodeId[];
  /** False: it happens, and is over. */
  readonly lasts: boolean;
}

export interface World {
  readonly spec: WorldSpec;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly cloud: Cloud;
  readonly premises: Premises;
  now(): number;
  /** Run until that moment, or a violation. */
  runUntil(atMs: number): void;
  /** Run for so long. */
  runFor(ms: number): void;
  /** Run until it holds, asked after every event; false when it didn't within so long. */
  runTill(holds: () => boolean, withinMs: number): boolean;
  violation(): Violation | null;
  violate(invariant: string, detail: string): void;
  watch(watcher: Watcher): void;
  /** For a recording: who wants to be told of every message, call, fault and order sets `tell`. */
  readonly details: Details;

  start(id: NodeId): void;
  stop(id: NodeId): void;
  crash(id: NodeId): void;
  pause(id: NodeId): void;
  resume(id: NodeId): void;
  /** The whole machine is gone from the network and from service, with everything on it. */
  vanish(id: NodeId): void;
  /** It is back: booted, with its disk. */
  comeBack(id: NodeId): void;
  /** The whole machine stands still, and goes on later. */
  freeze(id: NodeId): void;
  thaw(id: NodeId): void;
  haproxy(id: NodeId, state: HaproxyState): void;
  wayOut(id: NodeId, state: 'open' | 'broken'): void;
  /** Both directions between two nodes. */
  link(a: NodeId, b: NodeId, parts: Partial<Link>): void;
  oneWay(from: NodeId, to: NodeId, parts: Partial<Link>): void;
  /** Deliver a recorded request again within so long, so often to somebody else. */
  replayWithin(ms: number, strayPerMille: number): void;
  /** The instance is gone for good, and its addresses are free. */
  terminate(id: NodeId): void;
  overridesOf(id: NodeId): Overrides;
  /** The node reads its configuration again; a wire version changes only with `upgrade`. */
  reload(id: NodeId, overrides: Overrides): void;
  /** The agent is stopped in good order, and started again with another wire version. */
  upgrade(id: NodeId, wire: number): void;
  /** Say that something is done to the world; what it returns says that it is over. */
  strike(what: Strike): () => void;
  arm(fault: FaultSpec): number;
  order(to: NodeId, what: Command): void;
  outcomes(): readonly (CommandOutcome | null)[];
  /** A second process with this node's id and a copy of its disk, on another machine. */
  clone(id: NodeId): SimProcess;

  /** Whether its disk was lost, rolled back or unreadable at a start. */
  lostDisk(id: NodeId): boolean;
  process(id: NodeId): SimProcess | null;
  disk(id: NodeId): Disk;
  clock(id: NodeId): NodeClock;
  config(id: NodeId): ProtocolConfig;
  machine(id: NodeId): Machine;
  instanceOf(id: NodeId): string;
  nodeOf(instanceId: string | null): NodeId | null;
  holder(ip: Ip): NodeId | null;
  runs(): readonly RunView[];
  /** What was told in all, but for `ROUTINE`. */
  facts(): readonly ToldFact[];
  cloudEvents(): readonly AwsEvent[];
}

interface SimNode {
  readonly spec: NodeSpec;
  config: ProtocolConfig;
  overrides: Overrides;
  readonly machine: Machine;
  readonly clock: NodeClock;
  readonly disk: Disk;
  readonly driver: SimDriver;
  process: SimProcess | null;
  state: 'on' | 'gone' | 'frozen' | 'terminated';
  /** Started again as soon as it has stopped. */
  again: boolean;
  runs: number;
}

const TOPIC = 'arn:aws:sns:us-east-1:123456789012:failover';
/** The most facts and cloud events that are kept for scenarios and checks. */
const MAX_KEPT = 200_000;

/** Told several times a second by every node: it would crowd out the rest. Who wants it watches. */
const ROUTINE: ReadonlySet<Fact['kind']> = new Set<Fact['kind']>(['probe', 'heartbeat']);

/** More events than this at one moment are no accident. */
const MAX_AT_ONE_MOMENT = 100_000;

/** Build a world with all agents off; `start` each. */
export function createWorld(spec: WorldSpec, options: WorldOptions): World {
  const queue = createQueue();
  const random = createRandom(spec.seed);
  const trace = createTrace(queue.now, { keep: options.keepTrace });
  const watchers: Watcher[] = [];
  const facts: ToldFact[] = [];
  const cloudEvents: AwsEvent[] = [];
  const outcomes: (CommandOutcome | null)[] = [];
  let violation: Violation | null = null;
  let sessions = 0;
  let strikes = 0;
  let still = 0;
  const details: Details = { tell: null };

  const tell = (event: WorldEvent): void => {
    if (event.kind === 'facts' && facts.length < MAX_KEPT)
      for (const fact of event.facts)
        if (!ROUTINE.has(fact.kind)) facts.push({ atMs: queue.now(), node: event.by.node, fact });
    for (const watcher of watchers) watcher(event);
  };
  const violate = (invariant: string, detail: string): void => {
    if (violation !== null) return;
    violation = { invariant, detail, atMs: queue.now(), step: queue.ran() };
    trace.tell('world', 'violation', `${invariant}: ${detail}`);
  };
  const onCloud = (event: AwsEvent): void => {
    if (cloudEvents.length < MAX_KEPT) cloudEvents.push(event);
    trace.tell('cloud', event.kind, JSON.stringify(event));
    tell({ kind: 'cloud', event });
  };

  const cloud = createCloud(
    queue,
    random.fork(),
    initialAws(spec),
    spec.cloud,
    {
      onEvent: onCloud,
      onFault: (action, dryRun, effect) => tell({ kind: 'faulted', action, dryRun, effect }),
    },
    details,
  );
  const network = createNetwork(
    queue,
    random.fork(),
    (what, detail) => trace.tell('network', what, detail),
    details,
  );
  const machines = spec.nodes.map(({ id }, index) => newMachine(id, index));
  const premises = createPremises(queue, random.fork(), cloud.state, machines);
  const around: Surroundings = { queue, random: random.fork(), trace, network, premises, tell, violate };
  const nodes = new Map<NodeId, SimNode>();
  for (const [index, node] of spec.nodes.entries()) nodes.set(node.id, makeNode(node, index));

  function makeNode(node: NodeSpec, index: number): SimNode {
    const machine = machines[index];
    if (machine === undefined) throw new Error(`no machine for ${node.id}`);
    const made: SimNode = {
      spec: node,
      overrides: node.overrides ?? {},
      config: configOf(spec, node, node.overrides ?? {}),
      machine,
      clock: createClock(queue.now, node.clock),
      disk: createDisk(queue, random.fork(), { writeMs: spec.diskMs }),
      driver: createDriver(cloud, {
        kind: spec.driver,
        instanceId: machine.instanceId,
        landing: new Map(spec.addresses.map((ip, i) => [ip, landingOf(index, i)])),
        topicArn: TOPIC,
      }),
      process: null,
      state: 'on',
      again: false,
      runs: 0,
    };
    network.listen(node.id, {
      state: () => (made.state !== 'on' ? 'gone' : made.process === null ? 'refused' : 'listening'),
      receive: (request) => made.process?.receive(request),
    });
    return made;
  }

  function nodeAt(id: NodeId): SimNode {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`no node is called ${id}`);
    return node;
  }

  function launch(node: SimNode, disk: Disk, run: string, onEnd: () => void): SimProcess {
    sessions += 1;
    trace.tell(node.spec.id, 'launched', run);
    return startProcess(around, {
      config: node.config,
      machine: node.machine,
      clock: node.clock,
      disk,
      driver: node.driver,
      run,
      session: `s${String(sessions).padStart(10, '0')}`,
      seed: random.between(1, 2_147_483_646),
      timerLateMs: spec.timerLateMs,
      wire: node.overrides.wire ?? 0,
      onEnd,
    });
  }

  function start(id: NodeId): void {
    const node = nodeAt(id);
    if (node.process !== null || node.state === 'gone' || node.state === 'terminated') return;
    node.runs += 1;
    node.process = launch(node, node.disk, `${id}#${node.runs}`, () => {
      node.process = null;
      if (node.again) queue.after(0, () => start(id));
      node.again = false;
    });
    if (!node.process.isAlive()) node.process = null;
  }

  function setNetwork(node: SimNode, to: 'attached' | 'gone'): void {
    cloud.change((state, atMs) => setInstance(state, node.machine.instanceId, { network: to }, atMs));
  }

  function mark(id: NodeId, what: string): SimNode {
    trace.tell('world', what, id);
    return nodeAt(id);
  }

  /** Time must go on: a node that wants to be woken again and again at one moment is stuck. */
  function runNext(untilMs: number): boolean {
    const before = queue.now();
    const more = queue.runNext(untilMs);
    still = queue.now() > before ? 0 : still + 1;
    if (still > MAX_AT_ONE_MOMENT) violate('host', `${still} events at ${before}, and time stands still`);
    return more;
  }

  const world: World = {
    spec,
    queue,
    random,
    trace,
    network,
    cloud,
    premises,
    now: queue.now,
    runUntil(atMs) {
      while (violation === null && runNext(atMs));
    },
    runFor(ms) {
      world.runUntil(queue.now() + ms);
    },
    runTill(holds, withinMs) {
      const until = queue.now() + withinMs;
      while (!holds()) if (violation !== null || !runNext(until)) return holds();
      return true;
    },
    violation: () => violation,
    violate,
    watch: (watcher) => void watchers.push(watcher),
    details,

    start,
    stop: (id) => mark(id, 'stop').process?.post({ kind: 'stop' }),
    crash: (id) => mark(id, 'crash').process?.kill(),
    pause: (id) => mark(id, 'pause').process?.pause(),
    resume: (id) => mark(id, 'resume').process?.resume(),
    vanish(id) {
      const node = mark(id, 'vanish');
      if (node.state === 'terminated') return;
      node.process?.kill();
      node.state = 'gone';
      node.machine.frozen = true;
      setNetwork(node, 'gone');
    },
    comeBack(id) {
      const node = mark(id, 'come back');
      if (node.state === 'terminated') return;
      node.state = 'on';
      node.machine.frozen = false;
      setNetwork(node, 'attached');
      start(id);
    },
    freeze(id) {
      const node = mark(id, 'freeze');
      if (node.state !== 'on') return;
      node.state = 'frozen';
      node.machine.frozen = true;
      node.process?.pause();
      setNetwork(node, 'gone');
    },
    thaw(id) {
      const node = mark(id, 'thaw');
      if (node.state !== 'frozen') return;
      node.state = 'on';
      node.machine.frozen = false;
      setNetwork(node, 'attached');
      node.process?.resume();
    },
    haproxy(id, state) {
      mark(id, `haproxy ${state}`).machine.haproxy = state;
    },
    wayOut(id, state) {
      const { machine } = mark(id, `way out ${state}`);
      cloud.change((aws, atMs) => setInstance(aws, machine.instanceId, { wayOut: state }, atMs));
    },
    link(a, b, parts) {
      trace.tell('world', 'link', `${a} ${b} ${JSON.stringify(parts)}`);
      Object.assign(network.link(a, b), parts);
      Object.assign(network.link(b, a), parts);
    },
    oneWay(from, to, parts) {
      trace.tell('world', 'one-way', `${from} ${to} ${JSON.stringify(parts)}`);
      Object.assign(network.link(from, to), parts);
    },
    replayWithin(ms, strayPerMille) {
      const to = random.chance(strayPerMille) ? random.pick(spec.nodes).id : undefined;
      queue.after(random.between(0, ms), () => network.replay(to));
    },
    terminate(id) {
      world.vanish(id);
      const node = nodeAt(id);
      node.state = 'terminated';
      const by = { kind: 'operator', name: 'console' } as const;
      cloud.change((aws, atMs) => setInstanceState(aws, node.machine.instanceId, 'terminated', by, atMs));
    },
    overridesOf: (id) => nodeAt(id).overrides,
    reload(id, overrides) {
      const node = mark(id, 'reload');
      node.overrides = { ...overrides, wire: node.overrides.wire ?? 0 };
      node.config = configOf(spec, node.spec, node.overrides);
      node.process?.post({ kind: 'configured', config: node.config });
    },
    upgrade(id, wire) {
      const node = mark(id, `upgrade ${wire}`);
      node.overrides = { ...node.overrides, wire: Math.max(0, (node.overrides.wire ?? 0) + wire) };
      if (node.process === null) return;
      node.again = true;
      node.process.post({ kind: 'stop' });
    },
    strike(what) {
      strikes += 1;
      const fault = strikes;
      trace.tell('world', 'strike', `${fault} ${what.says}`);
      details.tell?.({ kind: 'fault-began', fault, ...what });
      return () => details.tell?.({ kind: 'fault-ended', fault });
    },
    arm(fault) {
      trace.tell('world', 'arm', JSON.stringify(fault));
      return cloud.arm(fault);
    },
    order(to, what) {
      trace.tell('world', 'order', `${to} ${JSON.stringify(what)}`);
      sessions += 1;
      const session = `o${String(sessions).padStart(10, '0')}`;
      const index = outcomes.push(null) - 1;
      details.tell?.({ kind: 'ordered', order: index, to, command: what });
      command(queue, network, { cluster: 'web', session }, to, what, (outcome) => {
        trace.tell('world', 'outcome', JSON.stringify(outcome));
        outcomes[index] = outcome;
        details.tell?.({ kind: 'order-answered', order: index, outcome });
      });
    },
    outcomes: () => outcomes,
    clone(id) {
      const node = mark(id, 'clone');
      const disk = createDisk(queue, random.fork(), { writeMs: spec.diskMs });
      const content = node.disk.content();
      if (content !== null) disk.restore(content);
      node.runs += 1;
      const run = `${id}#${node.runs}`;
      return launch(node, disk, run, () => trace.tell(id, 'clone ended', run));
    },

    lostDisk: (id) => nodeAt(id).disk.harmed(),
    process: (id) => nodeAt(id).process,
    disk: (id) => nodeAt(id).disk,
    clock: (id) => nodeAt(id).clock,
    config: (id) => nodeAt(id).config,
    machine: (id) => nodeAt(id).machine,
    instanceOf: (id) => nodeAt(id).machine.instanceId,
    nodeOf: (instanceId) => machines.find((machine) => machine.instanceId === instanceId)?.id ?? null,
    holder: (ip) => world.nodeOf(holderOf(cloud.state(), ip)),
    runs: () => [...nodes.values()].flatMap(({ process }) => (process === null ? [] : [process.view])),
    facts: () => facts,
    cloudEvents: () => cloudEvents,
  };
  for (const watcher of createChecks(
    {
      now: queue.now,
      aws: cloud.state,
      runs: world.runs,
      disksHarmed: () => [...nodes.values()].some(({ disk }) => disk.harmed()),
      rolledBack: (id) => nodeAt(id).disk.rolledBack(),
    },
    spec,
    violate,
  ))
    watchers.push(watcher);
  return world;
}

function newMachine(id: NodeId, index: number): Machine {
  return {
    id,
    instanceId: instanceIdOf(index),
    haproxy: 'up',
    slowMs: 0,
    frozen: false,
    blockedPaths: new Set(),
    outsideLossPerMille: 0,
  };
}

function configOf(spec: WorldSpec, node: NodeSpec, overrides: Overrides): ProtocolConfig {
  return configFor(node, spec.nodes, spec.addresses, spec.driver, spec.settings, overrides);
}

function initialAws(spec: WorldSpec): AwsState {
  return createAws({
    instances: spec.nodes.map(({ id, nat }, index) => {
      const [first, ...others] = spec.addresses.map((_, i) => landingOf(index, i));
      const primary = first ?? landingOf(index, 0);
      return {
        id: instanceIdOf(index),
        opsworksId: opsworksIdOf(index),
        hostname: id,
        privateIps: [[primary, ...others]],
        ...(nat === undefined ? {} : { ...(nat === null ? {} : { nat }), autoAddress: null }),
      };
    }),
    addresses: [...contested(spec), ...occupants(spec)],
    topics: [TOPIC],
    config: {
      associationSettleMs: spec.associationSettleMs,
      autoAddressDelayMs: spec.autoAddressDelayMs ?? Number.POSITIVE_INFINITY,
      staleDisassociate: spec.staleDisassociate,
    },
  });
}

function contested(spec: WorldSpec): readonly AddressSpec[] {
  return spec.addresses.map((publicIp, index) => {
    const holder = spec.holders[index] ?? null;
    return holder === null
      ? { publicIp }
      : { publicIp, holder: instanceIdOf(holder), privateIp: landingOf(holder, index) };
  });
}

function occupants(spec: WorldSpec): readonly AddressSpec[] {
  return spec.occupied.map((id, index) => {
    const place = spec.nodes.findIndex((node) => node.id === id);
    return { publicIp: `192.0.2.${index + 1}`, holder: instanceIdOf(place), privateIp: landingOf(place, 0) };
  });
}
