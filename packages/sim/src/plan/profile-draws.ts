/** Worlds and arguments that suit single profiles. */
import { DEFAULT_SETTINGS, type NodeSpec, type Random, type WorldSpec } from '../world/index.ts';
import { anyNode } from './action.ts';
import type { Arguments } from './parameters.ts';

/** What there is to take over for. */
export const REASONS_TO_MOVE = ['haproxy', 'haproxy-blips', 'vanish'] as const;

/** A slow cloud, whose calls still end in time, and an address that may move again soon. */
export function restless(random: Random, world: WorldSpec): WorldSpec {
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
export function slowCalls(_random: Random, world: WorldSpec): WorldSpec {
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
export function holderDies(): Arguments {
  return { node: 'holder', state: 'dead', slowMs: 1_000 };
}

/** Two that wait long for each other. */
export function patientPair(_random: Random, world: WorldSpec): WorldSpec {
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
export function unheard(random: Random, world: WorldSpec): Arguments {
  const to = random.chance(500) ? 'holder' : anyNode(random, world);
  return {
    from: 'standby',
    to,
    state: random.pick(['closed', 'closed', 'no-connections', 'reject'] as const),
  };
}

/** In the middle of the takeover of a node that is likely to have one. */
export function inItsMove(random: Random, world: WorldSpec): Arguments {
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
export function oddNodes(random: Random, world: WorldSpec): WorldSpec {
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
