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
import { type ActionKind, anyNode } from './action.ts';
import { ACTIONS } from './actions/index.ts';
import type { Ending, Entry, Plan } from './plan.ts';
import { drawProfile, type Profile } from './profiles.ts';

/** What a plan may be drawn from. */
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

const DRIVER_SALT = 0xd21e;
/** So many of the clusters with Elastic IPs have private addresses instead, and so many routes: both without ids of associations. */
const PRIVATE_PER_MILLE = 100;
const ROUTES_PER_MILLE = 50;

const NAMES = ['a', 'b', 'c', 'd', 'e'];

const DRAWN = [...ACTIONS.values()].filter(({ draw }) => draw !== undefined);

/** What there is to take over for. */
const REASONS_TO_MOVE = DRAWN.filter(({ name }) => ['haproxy', 'vanish', 'haproxy-blips'].includes(name));

/** The plan of a seed; the same on every machine. */
export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  const random = createRandom(seed);
  const profile = drawProfile(random);
  const { world: plain, title } = drawWorld(random);
  const world = withDriver(seed, profile.world?.(random, plain) ?? plain);
  const kinds = drawKinds(random, options.actions ?? profile.actions);
  const [timeline, endsMs] = drawTimeline(random, world, kinds, profile);
  return {
    title: `seed ${seed}: ${profile.name}, ${title}, ${world.driver}`,
    world,
    timeline,
    ending: drawEnding(random, world, endsMs),
  };
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
  return { world, title: `${topology.name}, ${fast ? 'fast' : 'default'}` };
}

/** Some of those with Elastic IPs have private addresses or routes instead. It is drawn apart from the rest, so that all others are what they are without it. */
function withDriver(seed: number, world: WorldSpec): WorldSpec {
  if (world.driver !== 'ec2') return world;
  const drawn = createRandom(seed ^ DRIVER_SALT).below(1_000);
  if (drawn < PRIVATE_PER_MILLE) return { ...world, driver: 'ec2-private-ip' };
  return drawn < PRIVATE_PER_MILLE + ROUTES_PER_MILLE ? { ...world, driver: 'ec2-route' } : world;
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

/** Where nothing is said, a seed has its own few kinds of faults, so that rare ones meet without common ones in their way. */
function drawKinds(random: Random, only: readonly string[] | null): readonly ActionKind[] {
  if (only !== null) return only.flatMap((one) => DRAWN.filter(({ name }) => name === one));
  const drawn = Array.from({ length: random.between(1, 8) }, () => random.pick(DRAWN));
  // Most seeds have something to take over for.
  return random.chance(700) ? [...drawn, random.pick(REASONS_TO_MOVE)] : drawn;
}

function drawTimeline(
  random: Random,
  world: WorldSpec,
  kinds: readonly ActionKind[],
  profile: Profile,
): readonly [timeline: readonly Entry[], endsMs: number] {
  const endsMs = random.between(40_000, 200_000);
  const gapMs = random.pick(profile.gapsMs);
  const timeline: Entry[] = [];
  let atMs = random.pick([0, 5_000, 30_000]);
  while (atMs < endsMs && kinds.length > 0) {
    const kind = random.pick(kinds);
    const lastsMs = profile.lastsMs?.[kind.name] ?? kind.lastsMs;
    timeline.push({
      atMs,
      action: kind.name,
      with: (profile.draws?.[kind.name] ?? kind.draw)?.(random, world) ?? {},
      forMs: lastsMs === null ? null : random.between(lastsMs[0], lastsMs[1]),
    });
    atMs += random.between(1, 2 * gapMs);
  }
  return [timeline, endsMs];
}

type Broken = Omit<Entry, 'atMs' | 'forMs'>;

/** What may stay broken on a node: for itself, or for everybody who relies on it. */
const BREAKAGES = ['vanish', 'isolate', 'pause', 'freeze', 'no-way-out', 'disk-fails', 'haproxy'] as const;

/** A disk that takes longer leaves too little of a lease for the calls. */
const QUICK_DISK_MS = 100;

/** A core is healed, and what is outside of it stays broken; whether it must recover then the world's state says. */
function drawEnding(random: Random, world: WorldSpec, atMs: number): Ending {
  if (world.diskMs[1] > QUICK_DISK_MS) return { kind: 'stop', atMs };
  if (random.chance(30))
    return { kind: 'recover', atMs, broken: hopelessHandover(random, world), goal: 'converged' };
  const goal = random.chance(120) ? 'converged' : 'served';
  return { kind: 'recover', atMs, broken: drawBroken(random, world), goal };
}

function drawBroken(random: Random, world: WorldSpec): readonly Broken[] {
  const { nodes, settings } = world;
  const voters = nodes.filter(({ role }) => role !== 'member');
  const candidates = nodes.filter(({ role }) => role === 'candidate');
  switch (random.below(10)) {
    case 0:
    case 1:
      return [];
    case 2:
      return [
        { action: 'pause-order', with: { node: anyNode(random, world), expiresMs: null } },
        breakage(random, settings, 'holder'),
      ];
    case 3:
      return candidates.map(({ id }) => breakage(random, settings, id));
    case 4:
    case 5:
    case 6:
      return [breakage(random, settings, 'holder')];
    default: {
      const core = random.between(1, Math.floor(voters.length / 2) + 1);
      const outside = shuffled(random, nodes).slice(core);
      const broken = outside.flatMap(({ id }) =>
        random.chance(700) ? [breakage(random, settings, id)] : [],
      );
      return [...broken, ...cuts(random, outside)];
    }
  }
}

/** An order that can't be carried out: whom it is for has no way out. */
function hopelessHandover(random: Random, world: WorldSpec): readonly Broken[] {
  const [address] = world.addresses;
  return address === undefined
    ? []
    : [
        { action: 'no-way-out', with: { node: 'standby' } },
        { action: 'handover-order', with: { node: anyNode(random, world), address, to: 'standby' } },
      ];
}

function breakage(random: Random, { local }: Settings, node: string): Broken {
  // Without a local check a node is always fit, and hold-down and flap budget protect it although it is down.
  const action = random.pick(local === null ? BREAKAGES.filter((one) => one !== 'haproxy') : BREAKAGES);
  if (action === 'haproxy') return { action, with: { node, state: 'dead' } };
  return { action, with: action === 'disk-fails' ? { node, code: 'EIO' } : { node } };
}

/** Some of the links among nodes that don't belong to the core. */
function cuts(random: Random, outside: readonly NodeSpec[]): readonly Broken[] {
  return outside.flatMap(({ id: from }, index) =>
    outside
      .slice(index + 1)
      .flatMap(({ id: to }) => (random.chance(300) ? [{ action: 'cut', with: { from, to } }] : [])),
  );
}

function shuffled<T>(random: Random, list: readonly T[]): readonly T[] {
  const left = [...list];
  return list.map(() => left.splice(random.below(left.length), 1)[0] as T); // one is taken for each there was
}
