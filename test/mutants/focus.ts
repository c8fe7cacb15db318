/**
 * Kinds of plans in which some of the rules matter more than in the swarm: drawn like the swarm's, from a seed, with
 * the faults that the rule is there for, and an address that has a reason to move every few seconds.
 */
import { drawPlan, type Entry, LIAR, type Plan, withLiar } from '../../packages/sim/src/plan/index.ts';
import {
  createRandom,
  type Random,
  type SettingsChange,
  type WorldSpec,
} from '../../packages/sim/src/world/index.ts';

interface Focus {
  /** What may happen besides. */
  readonly actions: readonly string[];
  /** Seeds that draw something else are passed over. */
  readonly only?: (world: WorldSpec) => boolean;
  /** Applied in this order. */
  readonly changes: readonly Change[];
}

type Change = (plan: Plan, random: Random) => Plan;

const ENDS_MS = 150_000;
const FIRST_AT_MS = 8_000;

/** Every few seconds the holder's web server breaks; little damping, so that the address moves each time. */
const restless: Change = (plan, random) =>
  withReasons({ ...plan, world: calm(plan.world, { holdDownMs: 1_000, flap: { moves: 1_000 } }) }, random);

/** The same with the damping that was drawn. */
const damped: Change = (plan, random) => withReasons({ ...plan, world: calm(plan.world, {}) }, random);

function calm(world: WorldSpec, settings: SettingsChange): WorldSpec {
  const changed = { ...world.settings, ...settings } as WorldSpec['settings'];
  return {
    ...world,
    autoAddressDelayMs: 2_000,
    associationSettleMs: Math.min(world.associationSettleMs, 1_000),
    settings: {
      ...changed,
      flap: { ...world.settings.flap, ...changed.flap },
      local: world.settings.local ?? world.settings.probe,
    },
  };
}

function withReasons(plan: Plan, random: Random): Plan {
  const reasons = every(random, [3_000, 9_000], () => ({
    action: 'haproxy',
    with: { node: 'holder', state: random.pick(['dead', 'dead', 'error', 'hung'] as const) },
    forMs: random.between(2_000, 8_000),
  }));
  return withEntries({ ...plan, timeline: plan.timeline.filter(({ atMs }) => atMs < ENDS_MS) }, reasons);
}

function withEntries(plan: Plan, entries: readonly Entry[]): Plan {
  const timeline = [...plan.timeline, ...entries].sort((a, b) => a.atMs - b.atMs);
  return { ...plan, timeline, ending: { ...plan.ending, atMs: ENDS_MS } };
}

function every(
  random: Random,
  [least, most]: readonly [number, number],
  make: () => Omit<Entry, 'atMs'>,
): readonly Entry[] {
  const entries: Entry[] = [];
  for (let atMs = FIRST_AT_MS; atMs < ENDS_MS; atMs += random.between(least, most))
    entries.push({ atMs, ...make() });
  return entries;
}

/** These calls go wrong in one of these ways, again and again. */
function calls(call: string, effects: readonly string[], forMs: readonly [number, number]): Change {
  return (plan, random) =>
    withEntries(
      plan,
      every(random, [2_000, 8_000], () => ({
        action: 'cloud',
        with: {
          call,
          effect: random.pick(effects),
          node: null,
          times: random.pick([1, 2, 5, 50]),
          skip: random.pick([0, 0, 1]),
          applyAfterMs: random.between(200, 8_000),
          answerAfterMs: random.between(0, 2_000),
          lagMs: random.between(500, 8_000),
          code: 'InternalRefusal',
        },
        forMs: random.between(...forMs),
      })),
    );
}

function again(
  gapMs: readonly [number, number],
  make: (random: Random, world: WorldSpec) => Omit<Entry, 'atMs'>,
): Change {
  return (plan, random) =>
    withEntries(
      plan,
      every(random, gapMs, () => make(random, plan.world)),
    );
}

/** Nothing must come right at the end: what is broken may be beyond any agent. */
const stopped: Change = (plan) => ({ ...plan, ending: { kind: 'stop', atMs: plan.ending.atMs } });

const candidatesOf = ({ nodes }: WorldSpec) => nodes.filter(({ role }) => role === 'candidate');
const votersOf = ({ nodes }: WorldSpec) => nodes.filter(({ role }) => role !== 'member');

/** Every candidate but the first holder would throw another address off. */
const occupied: Change = (plan) => ({
  ...plan,
  world: {
    ...plan.world,
    settings: { ...plan.world.settings, displace: 'refuse' },
    occupied: candidatesOf(plan.world).flatMap(({ id }, index) =>
      plan.world.holders[0] === index ? [] : [id],
    ),
  },
});

/** One node's configuration leaves another node out, or a release with another wire version runs on it. */
const disagreeing: Change = (plan, random) => {
  const { nodes } = plan.world;
  const odd = random.pick(nodes).id;
  const unknown = random.pick(nodes.filter(({ id }) => id !== odd)).id;
  const overrides = random.chance(500)
    ? { wire: 1 }
    : { peers: nodes.map(({ id }) => id).filter((id) => id !== odd && id !== unknown) };
  return {
    ...plan,
    world: { ...plan.world, nodes: nodes.map((node) => (node.id === odd ? { ...node, overrides } : node)) },
  };
};

/** The holder is gone for good and one voter stays without a way out. */
const blindEnding: Change = (plan) => {
  const [first, second] = candidatesOf(plan.world);
  const blind = votersOf(plan.world).find(({ id }) => id !== first?.id && id !== second?.id);
  if (first === undefined || second === undefined || blind === undefined) return plan;
  const broken = [
    { action: 'no-way-out', with: { node: blind.id } },
    { action: 'haproxy', with: { node: first.id, state: 'dead' } },
  ];
  const local = plan.world.settings.local ?? plan.world.settings.probe;
  return {
    ...plan,
    world: { ...plan.world, settings: { ...plan.world.settings, local } },
    ending: { kind: 'recover', atMs: plan.ending.atMs, broken, goal: 'served' },
  };
};

const anyOf = (random: Random, { nodes }: WorldSpec): string => random.pick(nodes).id;

const FOCUSES = {
  web: { actions: ['vanish', 'haproxy-blips'], changes: [restless] },
  stalls: {
    actions: ['pause', 'freeze', 'pause-in-move', 'pause-between-effects'],
    changes: [restless],
  },
  crashes: { actions: ['crash', 'crash-in-move', 'crash-between-effects', 'stop'], changes: [restless] },
  disks: {
    actions: ['disk-fails', 'disk-rolled-back', 'disk-gone', 'disk-corrupt', 'crash-in-move'],
    changes: [restless],
  },
  network: {
    actions: ['bad-links', 'cut', 'one-way', 'isolate', 'dead-kept-connections'],
    changes: [restless],
  },
  replays: { actions: ['replay', 'bad-links', 'crash'], changes: [restless] },
  cloud: { actions: ['cloud'], changes: [restless] },
  'stale-reads': {
    actions: ['console'],
    changes: [restless, calls('ec2:DescribeAddresses', ['stale', 'non-monotonic'], [2_000, 20_000])],
  },
  'refused-takes': {
    actions: ['pause', 'crash-in-move'],
    changes: [
      restless,
      calls('ec2:AssociateAddress', ['refuse', 'throttle', 'server-error', 'hang'], [2_000, 20_000]),
    ],
  },
  'late-takes': {
    actions: ['pause', 'crash-in-move'],
    changes: [
      restless,
      calls('ec2:AssociateAddress', ['apply-late', 'apply-then-hang', 'hang'], [2_000, 20_000]),
    ],
  },
  'slow-votes': {
    actions: ['cloud'],
    changes: [
      restless,
      again([4_000, 8_000], (random) => ({
        action: 'bad-links',
        with: {
          lossPerMille: 50,
          latePerMille: 700,
          tailMs: random.between(500, 4_000),
          duplicatePerMille: 0,
        },
        forMs: 4_000,
      })),
      calls('ec2:*', ['slow'], [2_000, 20_000]),
    ],
  },
  sight: { actions: ['no-way-out', 'path-blocked', 'outside-loss', 'ip-service'], changes: [restless] },
  operators: {
    actions: ['pause-order', 'resume-order', 'handover-order', 'console', 'crash'],
    changes: [restless],
  },
  permissions: { actions: ['revoke', 'cloud'], changes: [restless] },
  notifications: {
    actions: ['disk-fails', 'crash'],
    changes: [restless, calls('sns:Publish', ['server-error', 'hang', 'throttle'], [2_000, 20_000])],
  },
  clones: { actions: ['clone', 'bad-links'], changes: [restless] },
  flapping: { actions: ['crash', 'isolate'], changes: [damped] },
  'slow-association': {
    actions: [],
    changes: [
      restless,
      (plan) => ({
        ...plan,
        world: { ...plan.world, associationSettleMs: 8_000, autoAddressDelayMs: 1_000 },
      }),
    ],
  },
  occupied: {
    actions: ['cloud'],
    only: ({ driver }) => driver === 'ec2',
    changes: [restless, occupied, stopped],
  },
  'no-local': {
    actions: ['vanish'],
    changes: [
      restless,
      (plan) => ({ ...plan, world: { ...plan.world, settings: { ...plan.world.settings, local: null } } }),
    ],
  },
  'two-unfit': {
    actions: ['vanish'],
    changes: [
      restless,
      again([2_000, 6_000], (random, world) => ({
        action: 'haproxy',
        with: { node: anyOf(random, world), state: 'dead' },
        forMs: 10_000,
      })),
    ],
  },
  members: {
    actions: ['isolate', 'vanish'],
    only: ({ nodes }) => nodes.some(({ role }) => role === 'member'),
    changes: [restless],
  },
  hold: {
    actions: ['cut', 'isolate', 'vanish'],
    only: (world) => votersOf(world).length === 2 && world.settings.agreement.silentPeer === 'hold',
    changes: [restless],
  },
  electorates: { actions: ['isolate'], changes: [restless, disagreeing, stopped] },
  'blind-ending': { actions: [], only: (world) => votersOf(world).length === 3, changes: [blindEnding] },
  'two-addresses': {
    actions: ['vanish'],
    only: ({ addresses }) => addresses.length === 2,
    changes: [
      restless,
      again([3_000, 9_000], (random, world) => ({
        action: 'haproxy',
        with: { node: anyOf(random, world), state: 'dead' },
        forMs: 4_000,
      })),
    ],
  },
  opsworks: {
    actions: ['isolate', 'cut', 'pause-in-move'],
    only: ({ driver }) => driver === 'opsworks',
    changes: [restless],
  },
  'many-handovers': {
    actions: [],
    changes: [
      again([500, 3_000], (random, { nodes, addresses }) => ({
        action: 'handover-order',
        with: { node: random.pick(nodes).id, address: random.pick(addresses), to: null },
        forMs: null,
      })),
    ],
  },
  'endless-duty': {
    actions: [],
    changes: [
      restless,
      (plan) =>
        withEntries(plan, [
          {
            atMs: 5_000,
            action: 'cloud',
            with: { call: 'ec2:AssociateAddress', effect: 'refuse', times: 1_000 },
            forMs: 140_000,
          },
          { atMs: 140_000, action: 'crash', with: { node: 'standby' }, forMs: 1_000 },
        ]),
    ],
  },
  liar: {
    actions: ['vanish', 'isolate', 'path-blocked'],
    changes: [restless, (plan, random) => withLiar(random.below(0x1_0000_0000), plan, { actions: [LIAR] })],
  },
  stopping: {
    actions: [],
    changes: [
      restless,
      calls('ec2:AssociateAddress', ['refuse', 'throttle', 'slow'], [2_000, 10_000]),
      again([500, 3_000], (random, world) => ({
        action: 'stop',
        with: { node: anyOf(random, world) },
        forMs: 6_000,
      })),
    ],
  },
} as const satisfies Readonly<Record<string, Focus>>;

export type FocusName = keyof typeof FOCUSES;

/** Keeps what is drawn here apart from what a plan draws from the same seed. */
const SALT = 0x0f0c;
/** Seeds are tried until one draws a cluster of the wanted kind. */
const MAX_TRIES = 200;

export const FOCUS_NAMES: readonly FocusName[] = Object.keys(FOCUSES) as FocusName[]; // its own keys

/** The plan of a seed under a focus; the same on every machine. */
export function focusedPlan(name: FocusName, seed: number): Plan {
  const focus: Focus = FOCUSES[name];
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    const drawn = seed + attempt * 1_000_003;
    const plan = drawPlan(drawn, { actions: focus.actions });
    if (focus.only?.(plan.world) === false) continue;
    const random = createRandom(drawn ^ SALT);
    const changed = focus.changes.reduce((before, change) => change(before, random), plan);
    return { ...changed, title: `${name}, ${plan.title}` };
  }
  throw new Error(`no seed draws what ${name} is about`);
}
