/**
 * A plan by chance: topology, settings, faults and their timing, all drawn from one seed.
 */
import type { Role } from '@failtome/protocol';
import {
  createRandom,
  DEFAULT_SETTINGS,
  FAST_SETTINGS,
  type NodeSpec,
  type Random,
  type Settings,
  type WorldSpec,
} from '../world/index.ts';
import type { ActionKind } from './action.ts';
import { ACTIONS } from './actions/index.ts';
import type { Ending, Entry, Plan } from './plan.ts';

export interface DrawOptions {
  /** Only these actions. */
  readonly actions?: readonly string[];
}

/** The clusters that are drawn. */
export const TOPOLOGIES: readonly {
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

const NAMES = ['a', 'b', 'c', 'd', 'e'];

const DRAWN = [...ACTIONS.values()].filter(({ draw }) => draw !== undefined);

/** What there is to take over for. */
const REASONS_TO_MOVE = DRAWN.filter(({ name }) => ['haproxy', 'vanish', 'haproxy-blips'].includes(name));

/** The plan of a seed; the same on every machine. */
export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  const random = createRandom(seed);
  const { world, title } = drawWorld(random);
  const [timeline, endsMs] = drawTimeline(random, world, drawKinds(random, options.actions));
  return { title: `seed ${seed}: ${title}`, world, timeline, ending: drawEnding(random, world, endsMs) };
}

function drawWorld(random: Random): { world: WorldSpec; title: string } {
  const topology = random.pick(TOPOLOGIES);
  const driver = topology.addresses === 1 && random.chance(150) ? 'opsworks' : 'ec2';
  const fast = random.chance(700);
  const settings = drawSettings(random, fast ? FAST_SETTINGS : DEFAULT_SETTINGS);
  const nodes = topology.roles.map((role, index): NodeSpec => drawNode(random, role, index));
  const candidates = nodes.filter(({ role }) => role === 'candidate').length;
  const world: WorldSpec = {
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
  };
  return { world, title: `${topology.name}, ${driver}, ${fast ? 'fast' : 'default'}` };
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
    bootMs: random.chance(500) ? 0 : random.between(0, 5_000),
  };
}

/** Each seed has its own few kinds of faults, so that rare ones meet without common ones in their way. */
function drawKinds(random: Random, only: readonly string[] | undefined): readonly ActionKind[] {
  if (only !== undefined) return DRAWN.filter(({ name }) => only.includes(name));
  const drawn = Array.from({ length: random.between(1, 8) }, () => random.pick(DRAWN));
  // Most seeds have something to take over for.
  return random.chance(700) ? [...drawn, random.pick(REASONS_TO_MOVE)] : drawn;
}

function drawTimeline(
  random: Random,
  world: WorldSpec,
  kinds: readonly ActionKind[],
): readonly [timeline: readonly Entry[], endsMs: number] {
  const endsMs = random.between(40_000, 200_000);
  const gapMs = random.pick([1_500, 5_000, 15_000]);
  const timeline: Entry[] = [];
  let atMs = random.pick([0, 5_000, 30_000]);
  while (atMs < endsMs && kinds.length > 0) {
    const kind = random.pick(kinds);
    const { lastsMs } = kind;
    timeline.push({
      atMs,
      action: kind.name,
      with: kind.draw?.(random, world) ?? {},
      forMs: lastsMs === null ? null : random.between(lastsMs[0], lastsMs[1]),
    });
    atMs += random.between(1, 2 * gapMs);
  }
  return [timeline, endsMs];
}

/** A core recovers although something stays broken: one machine gone, or one web server dead. */
function drawEnding(random: Random, { nodes, settings }: WorldSpec, atMs: number): Ending {
  const goal = random.chance(250) ? 'converged' : 'served';
  const candidates = nodes.filter(({ role }) => role === 'candidate');
  const what = random.below(4);
  const broken: Omit<Entry, 'atMs' | 'forMs'>[] = [];
  // Without a local check a holder is always fit, and hold-down and flap budget protect it although it is down.
  if (what === 1 && candidates.length >= 2 && settings.local !== null)
    broken.push({
      action: 'haproxy',
      with: { node: random.pick(candidates).id, state: 'dead', slowMs: 1_000 },
    });
  const voters = nodes.filter(({ role }) => role !== 'member').length;
  const spare = voters > 2 || settings.agreement.silentPeer === 'takeover';
  if (what === 2 && spare && candidates.length >= 2)
    broken.push({ action: 'vanish', with: { node: random.pick(nodes).id } });
  return { kind: 'recover', atMs, broken, goal };
}
