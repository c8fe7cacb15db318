/**
 * The simulated world: nodes that run the real protocol and host loop, on virtual time, network, disks and cloud.
 * Nothing in it waits for anything real, and the same seed gives the same trace.
 */

import { type AwsEvent, holderOf, setInstance, setInstanceState } from '@failtome/cloud/model';
import { counted, type Fact, type NodeId, type ProtocolConfig, statusOf } from '@failtome/protocol';
import { createClock, type NodeClock } from './clock.ts';
import { createCloud } from './cloud.ts';
import type { Details } from './details.ts';
import { createDisk, type Disk } from './disk.ts';
import { createDriver, type SimDriver } from './drivers.ts';
import type { Environment } from './environment.ts';
import type { ToldFact, World, WorldOptions } from './interface.ts';
import { createJudge } from './judge.ts';
import { createLies } from './liar/lies.ts';
import { createNetwork } from './network.ts';
import { createOperators } from './operator.ts';
import { createOutside, type Machine } from './outside.ts';
import { type SimProcess, startProcess } from './process.ts';
import { createQueue } from './queue.ts';
import { createRandom } from './random.ts';
import { landingOf, type NodeSpec, type Overrides } from './settings.ts';
import { createSignatures } from './signing.ts';
import { configOf, initialAws, newMachine, TOPIC, type WorldSpec } from './spec.ts';
import { Subscribers } from './subscribers.ts';
import { createTrace } from './trace.ts';
import type { Violation, WorldEvent, WorldView } from './watch.ts';

interface SimNode {
  readonly spec: NodeSpec;
  config: ProtocolConfig;
  overrides: Overrides;
  readonly machine: Machine;
  readonly clock: NodeClock;
  readonly disk: Disk;
  readonly driver: () => SimDriver;
  process: SimProcess | null;
  state: 'on' | 'gone' | 'frozen' | 'terminated';
  /** Started again as soon as it has stopped. */
  again: boolean;
  runs: number;
}

/** The most facts and cloud events that are kept for scenarios and checks. */
const MAX_KEPT = 200_000;

/** Told several times a second by every node: it would crowd out the rest. Who wants it watches. */
const ROUTINE: ReadonlySet<Fact['kind']> = new Set<Fact['kind']>(['probe', 'heartbeat']);

/** What holds whatever is said in anybody's name. The rest has honest messages for its evidence. */
const ALWAYS: ReadonlySet<string> = new Set(['I6', 'I19', 'I20', 'L1', 'L2', 'L6', 'codec', 'host']);

/** More events than this at one moment are no accident. */
const MAX_AT_ONE_MOMENT = 100_000;

/** Build a world with all agents off; `start` each. */
export function createWorld(spec: WorldSpec, options: WorldOptions): World {
  const queue = createQueue();
  const random = createRandom(spec.seed);
  const trace = createTrace(queue.now, { keep: options.keepTrace });
  const watchers = new Subscribers<WorldEvent>();
  const facts: ToldFact[] = [];
  const cloudEvents: AwsEvent[] = [];
  let violation: Violation | null = null;
  let sessions = 0;
  let injections = 0;
  let still = 0;
  const details: Details = new Subscribers();

  const tell = (event: WorldEvent): void => {
    if (event.kind === 'facts' && facts.length < MAX_KEPT)
      for (const fact of event.facts)
        if (!ROUTINE.has(fact.kind)) facts.push({ atMs: queue.now(), node: event.by.node, fact });
    watchers.emit?.(event);
  };
  const violate = (invariant: string, detail: string): void => {
    if (violation !== null || (lies.inAnyName() && !ALWAYS.has(invariant))) return;
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
  const outside = createOutside(queue, random.fork(), cloud.state, machines);
  const lies = createLies({
    spec,
    queue,
    network,
    aws: cloud.state,
    runs: () => world.runs(),
    speaks: (id) => nodeAt(id).state === 'on' && nodeAt(id).process?.isPaused() === false,
  });
  watchers.subscribe(lies.watch);
  const signatures = createSignatures((text) => tell({ kind: 'order-signed', text }));
  const environment: Environment = {
    queue,
    random: random.fork(),
    trace,
    network,
    outside,
    tell,
    violate,
    forged: lies.forged,
    meant: lies.meant,
    isProven: signatures.isProven,
  };
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
          time: { queue, random },
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
    return startProcess(environment, {
      config: node.config,
      machine: node.machine,
      clock: node.clock,
      disk,
      driver: node.driver(),
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

  const operators = createOperators(
    { queue, network, trace, tell, details, signatures },
    {
      signs: spec.settings.identities,
      newSession() {
        sessions += 1;
        return `o${String(sessions).padStart(10, '0')}`;
      },
      status(id) {
        const { process, clock } = nodeAt(id);
        return process === null ? null : lies.shown(id, statusOf(process.view.state(), clock.now()));
      },
      withholds: lies.withholds,
    },
  );

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
    if (still > MAX_AT_ONE_MOMENT)
      violate('host', `${counted(still, 'event')} at ${before}, and time stands still`);
    return more;
  }

  const world: World = {
    spec,
    queue,
    random,
    trace,
    network,
    cloud,
    outside,
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
    watch: (watcher) => watchers.subscribe(watcher),
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
    forge(id, lie) {
      mark(id, `forge ${lie ?? 'nothing'}`);
      lies.forge(id, lie);
    },
    lie(id, mode, manner, seed) {
      mark(id, `lie ${mode} ${seed}`);
      return lies.lie(id, mode, manner, seed);
    },
    isLiar: lies.isLiar,
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
    inject(what) {
      injections += 1;
      const fault = injections;
      trace.tell('world', 'strike', `${fault} ${what.says}`);
      details.emit?.({ kind: 'fault-began', fault, ...what });
      return () => details.emit?.({ kind: 'fault-ended', fault });
    },
    arm(fault) {
      trace.tell('world', 'arm', JSON.stringify(fault));
      return cloud.arm(fault);
    },
    order: (to, what, by) => operators.order(to, what, by),
    outcomes: operators.outcomes,
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
  const view: WorldView = {
    driver: spec.driver,
    now: queue.now,
    aws: cloud.state,
    runs: world.runs,
    isLiar: lies.isLiar,
    disksHarmed: () => [...nodes.values()].some(({ disk }) => disk.harmed()),
    rolledBack: (id) => nodeAt(id).disk.rolledBack(),
  };
  watchers.subscribe(createJudge(view, violate));
  return world;
}
