/**
 * What a seed is about: each has a weather of its own, so that rare faults meet each other without common ones in
 * their way, and a short swarm meets everything.
 */
import { DEFAULT_SETTINGS, type NodeSpec, type Random, type WorldSpec } from '../world/index.ts';
import { anyNode, likelyHolder } from './action.ts';
import { fittingFault } from './call-faults.ts';
import type { Arguments } from './parameters.ts';

export interface Profile {
  readonly name: string;
  /** How often, in relation to the others. */
  readonly weight: number;
  /** The actions, one more often than another by being named more often; null: a few kinds by chance. */
  readonly actions: readonly string[] | null;
  /** From one action to the next, on average. */
  readonly gapsMs: readonly number[];
  readonly world?: (random: Random, world: WorldSpec) => WorldSpec;
  /** Arguments that suit it better than the action's own. */
  readonly draws?: Readonly<Record<string, (random: Random, world: WorldSpec) => Arguments>>;
  /** How long its actions last, where that isn't what they say themselves. */
  readonly lastsMs?: Readonly<Record<string, readonly [number, number]>>;
}

/** What there is to take over for. */
const REASONS_TO_MOVE = ['haproxy', 'haproxy-blips', 'vanish'] as const;

/** A slow cloud, whose calls still end in time, and an address that may move again soon. */
function restless(random: Random, world: WorldSpec): WorldSpec {
  const applyMs = random.pick([
    [1, 300],
    [100, 500],
  ] as const);
  const lively = random.chance(500);
  return {
    ...world,
    driver: world.addresses.length === 1 && random.chance(250) ? 'opsworks' : world.driver,
    cloud: { ...world.cloud, applyMs },
    settings: lively
      ? { ...world.settings, holdDownMs: 1_000, flap: { ...world.settings.flap, moves: 12 } }
      : world.settings,
  };
}

/** Calls that take a second or two and end in time: much can happen meanwhile. */
function slowCalls(_random: Random, world: WorldSpec): WorldSpec {
  return {
    ...world,
    driver: 'ec2',
    cloud: { ...world.cloud, applyMs: [400, 1_300], answerMs: [50, 500] },
    settings: {
      ...DEFAULT_SETTINGS,
      agreement: { ...DEFAULT_SETTINGS.agreement, silentPeer: world.settings.agreement.silentPeer },
      holdDownMs: 1_000,
      flap: { ...DEFAULT_SETTINGS.flap, moves: 30 },
    },
  };
}

/** The holder's web server dies: the fast path, and a release. */
function holderDies(): Arguments {
  return { node: 'holder', state: 'dead', slowMs: 1_000 };
}

/** Two that wait long for each other. */
function patientPair(_random: Random, world: WorldSpec): WorldSpec {
  const { nodes, addresses, holders, settings } = world;
  const { probe, local, gossip, agreement } = DEFAULT_SETTINGS;
  return {
    ...world,
    nodes: nodes.slice(0, 2),
    addresses: addresses.slice(0, 1),
    holders: holders.slice(0, 1).map((holder) => (holder === null ? null : holder % 2)),
    settings: {
      ...settings,
      probe,
      local,
      gossip,
      agreement: { ...agreement, silentPeer: settings.agreement.silentPeer },
      holdDownMs: 1_000,
    },
  };
}

/** A candidate hears the voters, and they don't hear it: its ballots stay open. */
function unheard(random: Random, world: WorldSpec): Arguments {
  const to = random.chance(500) ? 'holder' : anyNode(random, world);
  return {
    from: 'standby',
    to,
    state: random.pick(['closed', 'closed', 'no-connections', 'reject'] as const),
  };
}

/** In the middle of the takeover of a node that is likely to have one. */
function inItsMove(random: Random, world: WorldSpec): Arguments {
  return {
    node: random.chance(600) ? 'standby' : anyNode(random, world),
    stage: random.pick([
      'campaign',
      'campaign',
      'guard',
      'guard',
      'reading',
      'releasing',
      'releasing',
      'taking',
      'taking',
      'settling',
      'settling',
      'settling',
      'verifying',
    ] as const),
    afterMs: random.pick([0, 0, 5, 50]),
  };
}

/** One node knows another electorate, or lands where another address is, or goes out through a gateway. */
function oddNodes(random: Random, world: WorldSpec): WorldSpec {
  const odd = random.pick(world.nodes).id;
  const oddly = (change: (node: NodeSpec) => NodeSpec): WorldSpec => ({
    ...world,
    nodes: world.nodes.map((node) => (node.id === odd ? change(node) : node)),
  });
  switch (random.below(3)) {
    case 0: {
      const others = world.nodes.filter(({ id }) => id !== odd).map(({ id }) => id);
      const forgotten = random.pick(others);
      return oddly((node) => ({ ...node, overrides: { peers: others.filter((id) => id !== forgotten) } }));
    }
    case 1: {
      const holder = world.holders[0];
      const free = world.nodes.filter(({ role }, index) => role === 'candidate' && index !== holder);
      const displace = random.chance(600) ? 'allow' : 'refuse';
      return {
        ...world,
        occupied: free.length === 0 ? [] : [random.pick(free).id],
        settings: { ...world.settings, displace },
      };
    }
    default:
      return oddly((node) => ({ ...node, nat: '203.0.113.222' }));
  }
}

export const PROFILES: readonly Profile[] = [
  { name: 'mixed', weight: 3, actions: null, gapsMs: [1_500, 5_000, 15_000] },
  {
    name: 'cloud weather',
    weight: 9,
    actions: [
      ...REASONS_TO_MOVE,
      'haproxy',
      'haproxy',
      'haproxy',
      'haproxy',
      'console',
      'cloud',
      'cloud',
      'cloud',
      'cloud',
      'cloud',
      'bad-links',
    ],
    gapsMs: [500, 1_200, 2_500],
    world: restless,
    draws: { cloud: fittingFault, haproxy: holderDies },
    // What is armed waits for its call.
    lastsMs: { cloud: [5_000, 60_000], haproxy: [3_000, 15_000] },
  },
  {
    name: 'slow calls',
    weight: 5,
    actions: [
      'haproxy',
      'haproxy',
      'haproxy',
      'haproxy',
      'console',
      'console',
      'handover-order',
      'handover-order',
      'stop-in-move',
      'stop-in-move',
      'crash-in-move',
      'crash-in-move',
      'pause-in-move',
      'pause-in-move',
      'pause-order',
      'pause-order',
      'handover-order',
      'handover-cancel',
      'handover-cancel',
      'bad-links',
    ],
    gapsMs: [600, 1_200, 2_500],
    world: slowCalls,
    draws: {
      haproxy: holderDies,
      'crash-in-move': inItsMove,
      'pause-in-move': inItsMove,
      'stop-in-move': inItsMove,
    },
    lastsMs: { haproxy: [4_000, 15_000], 'pause-in-move': [1_000, 15_000], 'crash-in-move': [3_000, 15_000] },
  },
  {
    name: 'network weather',
    weight: 3,
    actions: [
      ...REASONS_TO_MOVE,
      'cut',
      'one-way',
      'isolate',
      'bad-links',
      'dead-kept-connections',
      'replay',
      'no-way-out',
      'outside-loss',
      'outside-loss',
      'path-blocked',
      'page-gone',
      'page-gone',
      'ip-service',
      'ip-service',
      'haproxy',
    ],
    gapsMs: [1_500, 4_000, 10_000],
  },
  {
    name: 'half deaf',
    weight: 6,
    actions: [
      'one-way',
      'one-way',
      'one-way',
      'haproxy',
      'haproxy',
      'haproxy-blips',
      'handover-order',
      'handover-cancel',
      'pause-order',
    ],
    gapsMs: [500, 1_000, 3_000],
    world: patientPair,
    draws: { 'one-way': unheard, haproxy: holderDies },
    lastsMs: { 'one-way': [10_000, 20_000], haproxy: [8_000, 20_000] },
  },
  {
    name: 'operators',
    weight: 4,
    actions: [
      ...REASONS_TO_MOVE,
      'pause-order',
      'pause-order',
      'handover-order',
      'handover-order',
      'handover-order',
      'handover-cancel',
      'handover-cancel',
      'disk-fails',
      'console',
      'cloud',
      'isolate',
      'cut',
      'haproxy',
    ],
    gapsMs: [300, 800, 2_000],
    world: restless,
    draws: { cloud: fittingFault },
  },
  {
    name: 'restart storm',
    weight: 6,
    actions: [
      'haproxy',
      'haproxy',
      'console',
      'crash',
      'crash-in-move',
      'crash-in-move',
      'crash-in-move',
      'crash-in-move',
      'pause-in-move',
      'pause-in-move',
      'pause-in-move',
      'pause-in-move',
      'stop-in-move',
      'stop-in-move',
      'stop',
      'crash-between-effects',
      'pause-between-effects',
      'handover-order',
      'handover-order',
      'upgrade',
      'cloud',
      'cloud',
      'cloud',
      'vanish',
    ],
    gapsMs: [700, 1_500, 4_000],
    world: restless,
    draws: {
      cloud: fittingFault,
      haproxy: holderDies,
      'crash-in-move': inItsMove,
      'pause-in-move': inItsMove,
      'stop-in-move': inItsMove,
    },
    lastsMs: { haproxy: [3_000, 15_000], 'crash-in-move': [5_000, 30_000], 'pause-in-move': [3_000, 30_000] },
  },
  {
    name: 'disk trouble',
    weight: 3,
    actions: [
      'haproxy',
      'haproxy',
      'haproxy-blips',
      'disk-fails',
      'disk-fails',
      'disk-rolled-back',
      'disk-gone',
      'disk-foreign',
      'disk-corrupt',
      'clone',
      'crash',
      'wall-clock-step',
    ],
    gapsMs: [1_500, 4_000, 10_000],
    world: (random, world) => ({
      ...world,
      diskMs: random.pick([
        [1, 60],
        [50, 800],
        [1_200, 1_900],
        [1_000, 3_000],
      ] as const),
    }),
    draws: { haproxy: holderDies },
    lastsMs: { 'disk-fails': [5_000, 20_000], haproxy: [3_000, 15_000] },
  },
  {
    name: 'configuration trouble',
    weight: 5,
    actions: [
      'haproxy',
      'haproxy-blips',
      'vanish',
      'reload',
      'upgrade',
      'revoke',
      'revoke',
      'handover-order',
      'stop',
    ],
    gapsMs: [1_500, 4_000, 10_000],
    world: oddNodes,
    draws: {
      upgrade: (random, world) => ({ node: anyNode(random, world), wire: random.pick([0, 1, -1] as const) }),
      stop: (random, world) => ({ node: likelyHolder(random, world) }),
      haproxy: holderDies,
    },
  },
];

/** One of them by its weight. */
export function drawProfile(random: Random): Profile {
  return random.pick(PROFILES.flatMap((profile) => Array.from({ length: profile.weight }, () => profile)));
}
