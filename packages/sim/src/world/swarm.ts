/**
 * One seed of a swarm: a cluster, settings, faults and their timing, all drawn from the seed. First a phase in which
 * things break, then one in which they must come right.
 */
import type { Role } from '@failtome/protocol';
import { FAULTS, type Fault, healAll, MAX_APPLY_LATE_MS, type Undo } from './faults.ts';
import { checkRecovery } from './liveness.ts';
import { createRandom, type Random } from './random.ts';
import { DEFAULT_SETTINGS, FAST_SETTINGS, type NodeSpec, type Settings } from './settings.ts';
import type { TraceLine } from './trace.ts';
import type { Violation } from './watch.ts';
import { createWorld, type World, type WorldSpec } from './world.ts';

export interface SeedOptions {
  /** How many trace lines to keep; default none. */
  readonly keepTrace?: number;
  /** Only these faults. */
  readonly faults?: readonly string[];
  /** Seen when the world is built, before anything runs. */
  readonly onWorld?: (world: World) => void;
}

export interface SeedResult {
  readonly seed: number;
  readonly violation: Violation | null;
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** Which faults struck, and how many times. */
  readonly struck: ReadonlyMap<string, number>;
  /** Facts worth counting, by kind and code. */
  readonly seen: ReadonlyMap<string, number>;
  readonly trace: readonly TraceLine[];
  readonly title: string;
}

const TOPOLOGIES: readonly {
  readonly name: string;
  readonly roles: readonly Role[];
  readonly addresses: number;
}[] = [
  { name: 'pair', roles: ['candidate', 'candidate'], addresses: 1 },
  { name: 'pair and witness', roles: ['candidate', 'candidate', 'witness'], addresses: 1 },
  { name: 'three', roles: ['candidate', 'candidate', 'candidate'], addresses: 1 },
  { name: 'five', roles: ['candidate', 'candidate', 'candidate', 'candidate', 'candidate'], addresses: 1 },
  { name: 'pair, two addresses', roles: ['candidate', 'candidate'], addresses: 2 },
  { name: 'three, two addresses', roles: ['candidate', 'candidate', 'candidate'], addresses: 2 },
  { name: 'three, witness and member', roles: ['candidate', 'candidate', 'witness', 'member'], addresses: 1 },
];

const REASONS_TO_MOVE = ['haproxy-dead', 'haproxy-hung', 'vanish', 'haproxy-blips'];

const NAMES = ['a', 'b', 'c', 'd', 'e'];

/** Run one seed to its end, or to its first violation. */
export function runSeed(seed: number, options: SeedOptions = {}): SeedResult {
  const random = createRandom(seed);
  const { spec, title } = drawWorld(random, options.keepTrace ?? 0);
  const world = createWorld(spec);
  options.onWorld?.(world);
  const struck = new Map<string, number>();
  for (const { id } of spec.nodes)
    world.queue.after(random.chance(500) ? 0 : random.between(0, 5_000), () => world.start(id));
  breakThings(world, random, drawFaults(random, options.faults), struck);
  healAll(world);
  for (const { id } of spec.nodes) world.order(id, { kind: 'resume', reason: 'healed', owner: 'swarm' });
  // What is under way in the cloud may still be applied; what nodes have borrowed and stored may still run out.
  world.runFor(MAX_APPLY_LATE_MS + 10_000);
  if (world.violation() === null) leaveSomethingBroken(world, random);
  if (world.violation() === null) checkRecovery(world, random.chance(250) ? 'converged' : 'served');
  return {
    seed,
    title,
    violation: world.violation(),
    hash: world.trace.hash(),
    events: world.queue.ran(),
    virtualMs: world.now(),
    struck,
    seen: countFacts(world),
    trace: world.trace.lines(),
  };
}

function drawWorld(random: Random, keepTrace: number): { spec: WorldSpec; title: string } {
  const topology = random.pick(TOPOLOGIES);
  const driver = topology.addresses === 1 && random.chance(150) ? 'opsworks' : 'ec2';
  const fast = random.chance(700);
  const settings = drawSettings(random, fast ? FAST_SETTINGS : DEFAULT_SETTINGS);
  const nodes = topology.roles.map((role, index): NodeSpec => drawNode(random, role, index));
  const candidates = nodes.filter(({ role }) => role === 'candidate').length;
  const spec: WorldSpec = {
    seed: random.below(0x1_0000_0000),
    nodes,
    addresses: ['198.51.100.200', '198.51.100.201'].slice(0, topology.addresses),
    holders: Array.from({ length: topology.addresses }, () =>
      random.chance(900) ? random.below(candidates) : null,
    ),
    driver,
    settings,
    cloud: {
      applyMs: random.pick([
        [10, 60],
        [1, 300],
      ] as const),
      answerMs: random.pick([
        [5, 30],
        [1, 200],
      ] as const),
      lostAnswerPerMille: random.pick([0, 300]),
    },
    associationSettleMs: random.pick([0, 1_000, 5_000]),
    autoAddressDelayMs: random.pick([2_000, 20_000, 90_000]),
    staleDisassociate: random.pick(['not-found', 'success'] as const),
    diskMs: random.pick([
      [0.25, 4],
      [1, 60],
    ] as const),
    occupied: [],
    timerLateMs: random.pick([0, 2, 20]),
    keepTrace,
  };
  return { spec, title: `${topology.name}, ${driver}, ${fast ? 'fast' : 'default'}` };
}

function drawSettings(random: Random, base: Settings): Settings {
  return {
    ...base,
    local: random.chance(850) ? base.local : null,
    agreement: { ...base.agreement, silentPeer: random.chance(850) ? 'takeover' : 'hold' },
    holdDownMs: random.pick([base.holdDownMs, 5_000]),
  };
}

function drawNode(random: Random, role: Role, index: number): NodeSpec {
  return {
    id: NAMES[index] ?? `n${index}`,
    role,
    priority: random.pick([100, 100, 50, 200]),
    clock: {
      offsetMs: random.below(1_000_000_000),
      driftPpm: random.between(-200, 200),
      wallErrorMs: random.between(-3_000, 3_000),
    },
  };
}

/** Each seed has its own few kinds of faults, so that rare ones meet without common ones in their way. */
function drawFaults(random: Random, only: readonly string[] | undefined): readonly Fault[] {
  const few = random.between(1, 8);
  const drawn = Array.from({ length: few }, () => random.pick(FAULTS));
  // Most seeds have something to take over for.
  if (random.chance(700)) drawn.push(...reasonToMove(random));
  return only === undefined ? drawn : FAULTS.filter(({ name }) => only.includes(name));
}

function reasonToMove(random: Random): readonly Fault[] {
  const wanted = random.pick(REASONS_TO_MOVE);
  return FAULTS.filter(({ name }) => name === wanted);
}

function breakThings(
  world: World,
  random: Random,
  faults: readonly Fault[],
  struck: Map<string, number>,
): void {
  const until = random.between(40_000, 200_000);
  const gapMs = random.pick([1_500, 5_000, 15_000]);
  world.runFor(random.pick([0, 5_000, 30_000]));
  while (world.now() < until && world.violation() === null) {
    const fault = random.pick(faults);
    struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
    const undo: Undo | null = fault.apply(world, random);
    const lasts = random.between(fault.lastsMs[0], fault.lastsMs[1]);
    if (undo !== null) world.queue.after(lasts, undo);
    world.runFor(random.between(1, 2 * gapMs));
  }
  // What outlasts the phase ends with it; later undoings find nothing to undo.
}

/** A core recovers although something stays broken: one machine gone, or one web server dead. */
function leaveSomethingBroken(world: World, random: Random): void {
  const { nodes, settings } = world.spec;
  const candidates = nodes.filter(({ role }) => role === 'candidate');
  const what = random.below(4);
  // Without a local check a holder is always fit, and hold-down and flap budget protect it although it is down.
  if (what === 1 && candidates.length >= 2 && settings.local !== null)
    world.haproxy(random.pick(candidates).id, 'dead');
  const voters = nodes.filter(({ role }) => role !== 'member').length;
  const spare = voters > 2 || settings.agreement.silentPeer === 'takeover';
  if (what === 2 && spare && candidates.length >= 2) world.vanish(random.pick(nodes).id);
}

function countFacts(world: World): ReadonlyMap<string, number> {
  const seen = new Map<string, number>();
  for (const { fact } of world.facts()) {
    const code =
      fact.kind === 'decided' || fact.kind === 'voted'
        ? fact.reason
        : fact.kind === 'concluded'
          ? `${fact.entry.kind} ${fact.entry.result}`
          : fact.kind === 'ballot-closed' || fact.kind === 'notified'
            ? fact.result
            : '';
    const key = code === '' ? fact.kind : `${fact.kind}: ${code}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return seen;
}
