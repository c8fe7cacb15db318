/**
 * The simulated world: nodes that run the real protocol and host loop, on virtual time, network, disks and cloud.
 * Nothing in it waits for anything real, and the same seed gives the same trace.
 */

import { type AwsState, holderOf } from '@failtome/cloud/model';
import type { NodeId } from '@failtome/protocol';
import { type Cloud, SimulatedCloud } from './cloud.ts';
import type { Environment } from './environment.ts';
import type { World, WorldOptions } from './interface.ts';
import { createJudge, type WatchedView } from './judge.ts';
import { Lies } from './liar/lies.ts';
import { Network } from './network.ts';
import { createMachineActions, createProcessActions } from './node-actions.ts';
import { Nodes, type SimNode } from './nodes.ts';
import { createOperators, type Operators } from './operator.ts';
import { Outside } from './outside.ts';
import { Packets } from './packets.ts';
import { createQueue, type EventQueue } from './queue.ts';
import { createRandom, type Random } from './random.ts';
import { createSignatures } from './signing.ts';
import { SimulatedStore } from './simulated-store.ts';
import { initialAws, newMachine, type WorldSpec } from './spec.ts';
import { OUTAGE, type Violate, type WorldEvent } from './watch.ts';
import { WorldLog } from './world-log.ts';
import { createWorldTime } from './world-time.ts';

/** What holds whatever is said in anybody's name. The rest has honest messages for its evidence. */
const ALWAYS: ReadonlySet<string> = new Set(['I6', 'I19', 'I20', 'L1', 'L2', 'L6', 'codec', 'host', OUTAGE]);

/** What a world consists of. */
interface Parts {
  readonly spec: WorldSpec;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly log: WorldLog;
  readonly network: Network;
  readonly cloud: Cloud;
  readonly outside: Outside;
  readonly packets: Packets | null;
  readonly store: SimulatedStore | null;
  readonly lies: Lies;
  readonly nodes: Nodes;
  readonly violate: Violate;
  readonly operators: Operators;
}

/** Build a world with all agents off; `start` each. */
export function createWorld(spec: WorldSpec, options: WorldOptions): World {
  const parts = createParts(spec, options);
  const { queue, random, log, network, cloud, outside, packets, store, nodes, violate, operators } = parts;
  const { trace, details, facts, cloudEvents } = log;
  const mark = (id: NodeId, what: string): SimNode => {
    trace.log('world', what, id);
    return nodes.at(id);
  };
  const world: World = {
    spec,
    queue,
    random,
    trace,
    network,
    cloud,
    outside,
    packets,
    store,
    details,
    ...createWorldTime(queue, () => log.violation(), violate),
    ...createProcessActions(nodes, spec, mark),
    ...createMachineActions(nodes, cloud, mark),
    ...createLinkActions(parts),
    ...createFaultActions(parts, mark),
    ...createLooks(parts),
    violation: () => log.violation(),
    violate,
    watch: (watcher) => log.watch(watcher),
    order: (to, what, by) => operators.order(to, what, by),
    facts: () => facts,
    cloudEvents: () => cloudEvents,
  };
  if (options.judged !== false) watchWithJudge(parts);
  return world;
}

/** The order in which the parts take their generators from the world's is part of what a seed means. */
function createParts(spec: WorldSpec, { keepTrace, recorderOf }: WorldOptions): Parts {
  const queue = createQueue();
  const random = createRandom(spec.seed);
  const log = new WorldLog(queue, keepTrace);
  const { trace, details } = log;
  const cloud = createCloud(spec, queue, random, log);
  const aws = (): AwsState => cloud.state();
  const logNetwork = (what: string, detail: string): void => trace.log('network', what, detail);
  // Only where there is one: what the others draw stays as it is.
  const packets = spec.packets === undefined ? null : new Packets(spec.packets, queue, random.fork());
  const network = new Network(queue, random.fork(), logNetwork, details, packets, spec.link);
  const machines = spec.nodes.map(({ id }, index) => newMachine(id, index));
  const outside = new Outside(queue, random.fork(), aws, machines, packets);
  const speaks = (id: NodeId): boolean =>
    nodes.at(id).state === 'on' && nodes.at(id).process?.isPaused() === false;
  const lies = new Lies({ spec, queue, network, aws, runs: () => nodes.runs(), speaks });
  log.watch(lies.watch);
  const emit = (event: WorldEvent): void => log.emit(event);
  const violate: Violate = (invariant, detail) => {
    if (!lies.inAnyName() || ALWAYS.has(invariant)) log.violate(invariant, detail);
  };
  const signatures = createSignatures((text) => emit({ kind: 'order-signed', text }));
  const environment: Environment = {
    queue,
    store: spec.settings.store === true ? new SimulatedStore(queue, random.fork()) : null,
    random: random.fork(),
    trace,
    network,
    outside,
    emit,
    violate,
    forged: (from, message) => lies.forged(from, message),
    meant: (to, message) => lies.meant(to, message),
    isProven: signatures.isProven,
    recorderOf: recorderOf ?? null,
  };
  const nodes = new Nodes({ spec, environment, cloud, machines, random });
  const operators = createOperators(
    { queue, network, trace, emit, details, signatures },
    operatorsView(spec, nodes, lies),
  );
  return {
    spec,
    queue,
    random,
    log,
    network,
    cloud,
    outside,
    packets,
    store: environment.store,
    lies,
    nodes,
    violate,
    operators,
  };
}

function operatorsView(
  { settings }: WorldSpec,
  nodes: Nodes,
  lies: Lies,
): Parameters<typeof createOperators>[1] {
  return {
    signs: settings.identities,
    newSession: () => nodes.newSession('o'),
    status(id) {
      const status = nodes.statusOf(id);
      return status === null ? null : lies.shown(id, status);
    },
    withholds: (id, command) => lies.withholds(id, command),
  };
}

function createCloud(spec: WorldSpec, queue: EventQueue, random: Random, log: WorldLog): SimulatedCloud {
  return new SimulatedCloud(
    queue,
    random.fork(),
    initialAws(spec),
    spec.cloud,
    {
      onEvent: (event) => log.emitCloud(event),
      onFault: (action, dryRun, effect) => log.emit({ kind: 'faulted', action, dryRun, effect }),
    },
    log.details,
  );
}

function createLinkActions({
  spec,
  queue,
  random,
  log: { trace },
  network,
}: Parts): Pick<World, 'link' | 'oneWay' | 'replayWithin'> {
  return {
    link(a, b, parts) {
      trace.log('world', 'link', `${a} ${b} ${JSON.stringify(parts)}`);
      Object.assign(network.link(a, b), parts);
      Object.assign(network.link(b, a), parts);
    },
    oneWay(from, to, parts) {
      trace.log('world', 'one-way', `${from} ${to} ${JSON.stringify(parts)}`);
      Object.assign(network.link(from, to), parts);
    },
    replayWithin(ms, strayPerMille) {
      const to = random.chance(strayPerMille) ? random.pick(spec.nodes).id : undefined;
      queue.after(random.between(0, ms), () => network.replay(to));
    },
  };
}

function createFaultActions(
  { log: { trace, details }, cloud, lies }: Parts,
  mark: (id: NodeId, what: string) => void,
): Pick<World, 'forge' | 'lie' | 'isLiar' | 'inject' | 'arm'> {
  let injections = 0;
  return {
    forge(id, lie) {
      mark(id, `forge ${lie ?? 'nothing'}`);
      lies.forge(id, lie);
    },
    lie(id, mode, manner, seed) {
      mark(id, `lie ${mode} ${seed}`);
      return lies.lie(id, mode, manner, seed);
    },
    isLiar: (id) => lies.isLiar(id),
    inject(what) {
      injections += 1;
      const fault = injections;
      trace.log('world', 'strike', `${fault} ${what.says}`);
      details.emit?.({ kind: 'fault-began', fault, ...what });
      return () => details.emit?.({ kind: 'fault-ended', fault });
    },
    arm(fault) {
      trace.log('world', 'arm', JSON.stringify(fault));
      return cloud.arm(fault);
    },
  };
}

/** What there is to see of a node. */
function createLooks({
  nodes,
  cloud,
}: Parts): Pick<
  World,
  | 'overridesOf'
  | 'lostDisk'
  | 'process'
  | 'disk'
  | 'clock'
  | 'config'
  | 'machine'
  | 'instanceOf'
  | 'nodeOf'
  | 'holder'
  | 'runs'
> {
  return {
    overridesOf: (id) => nodes.at(id).overrides,
    lostDisk: (id) => nodes.at(id).disk.harmed(),
    process: (id) => nodes.at(id).process,
    disk: (id) => nodes.at(id).disk,
    clock: (id) => nodes.at(id).clock,
    config: (id) => nodes.at(id).config,
    machine: (id) => nodes.at(id).machine,
    instanceOf: (id) => nodes.at(id).machine.instanceId,
    nodeOf: (instanceId) => nodes.idOf(instanceId),
    holder: (ip) => nodes.idOf(holderOf(cloud.state(), ip)),
    runs: () => nodes.runs(),
  };
}

function watchWithJudge({ spec, queue, log, cloud, store, lies, nodes, violate }: Parts): void {
  const view: WatchedView = {
    driver: spec.driver,
    now: queue.now,
    aws: () => cloud.state(),
    runs: () => nodes.runs(),
    isLiar: (id) => lies.isLiar(id),
    disksHarmed: () => nodes.areDisksHarmed(),
    rolledBack: (id) => nodes.at(id).disk.rolledBack(),
    storeLied: () => store?.hasLied() === true,
  };
  log.watch(createJudge(view, violate));
}
