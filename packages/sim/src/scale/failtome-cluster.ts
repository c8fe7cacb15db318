/** Failtome's own nodes, in the world that scenarios and the swarm run them in. */
import type { NodeId, State } from '@failtome/protocol';
import {
  ADDRESS,
  CALM_WORLD,
  createWorld,
  DEFAULT_SETTINGS,
  type NodeSpec,
  type World,
} from '../world/index.ts';
import { Subscribers } from '../world/subscribers.ts';
import {
  type ClusterOptions,
  createByteCount,
  createRunTill,
  type MeasuredCluster,
  memberName,
  type Verdict,
} from './measured-cluster.ts';

/** Two candidates and a witness; all others are members, which neither vote nor take. */
const VOTERS = 3;
/** Clocks that show different times, as those of machines do. */
const CLOCKS_APART_MS = 1_000;

/** Begin a cluster of default settings, with one address that its first node holds. */
export function startFailtome({ members: count, seed, lossPerMille }: ClusterOptions): MeasuredCluster {
  const specs = Array.from({ length: count }, (_, index) => nodeSpec(index));
  const world = createWorld(
    {
      seed,
      nodes: specs,
      addresses: [ADDRESS],
      holders: [0],
      driver: 'ec2',
      settings: DEFAULT_SETTINGS,
      ...CALM_WORLD,
      link: { lossPerMille },
    },
    { keepTrace: 0, judged: false },
  );
  const members = specs.map(({ id }) => id);
  const bytes = createByteCount(members);
  world.details.subscribe((detail) => {
    if (detail.kind === 'sent') bytes.add(detail.from, detail.bytes.length);
  });
  const watchers = new Subscribers<Verdict>();
  world.watch((event) => {
    if (event.kind !== 'facts') return;
    for (const fact of event.facts)
      if (fact.kind === 'peer' && fact.to !== 'unknown')
        watchers.emit?.({ atMs: world.now(), by: event.by.node, of: fact.peer, to: fact.to });
  });
  // Not all at one moment: their rounds would be together for ever.
  for (const id of members)
    world.queue.at(world.random.below(DEFAULT_SETTINGS.gossip.intervalMs), () => world.start(id));
  return {
    members,
    ...createTime(world),
    ...createActions(world),
    bytesOf: bytes.bytesOf,
    messagesOf: bytes.messagesOf,
    onVerdict: (watch) => watchers.subscribe(watch),
  };
}

function nodeSpec(index: number): NodeSpec {
  return {
    id: memberName(index),
    role: index >= VOTERS ? 'member' : index === VOTERS - 1 ? 'witness' : 'candidate',
    priority: 100,
    clock: { offsetMs: CLOCKS_APART_MS * (index + 1), driftPpm: 0, wallErrorMs: 0 },
    bootMs: 0,
  };
}

function createActions(
  world: World,
): Pick<MeasuredCluster, 'pause' | 'resume' | 'vanish' | 'tell' | 'knows' | 'saysOf'> {
  const stateOf = (id: NodeId): State | undefined => world.process(id)?.host.state();
  return {
    pause: (id) => world.pause(id),
    resume: (id) => world.resume(id),
    vanish: (id) => world.vanish(id),
    tell: (id) => world.order(id, { kind: 'pause', forMs: null, reason: 'news', owner: 'scale' }),
    knows: (id) => stateOf(id)?.pause.paused === true,
    saysOf: (by, of) => stateOf(by)?.peers[of]?.state ?? 'unknown',
  };
}

function createTime(world: World): Pick<MeasuredCluster, 'now' | 'runFor' | 'runTill' | 'at'> {
  const run = (ms: number): void => {
    world.runFor(ms);
    const broken = world.violation();
    if (broken !== null) throw new Error(`${broken.invariant}: ${broken.detail}`);
  };
  return {
    now: () => world.now(),
    at: (atMs, work) => world.queue.at(atMs, work),
    runFor: run,
    runTill: createRunTill(() => world.now(), run),
  };
}
