/**
 * Fault profiles. Each seed picks one, so that rare faults are not drowned out by common ones and a short swarm meets them
 * all.
 */
import type { Random, WorldSpec } from '../world/index.ts';
import { anyNode, likelyHolder } from './action.ts';
import { fittingFault } from './call-faults.ts';
import type { Arguments } from './parameters.ts';
import {
  holderDies,
  inItsMove,
  oddNodes,
  patientPair,
  REASONS_TO_MOVE,
  restless,
  slowCalls,
  unheard,
} from './profile-draws.ts';

/** What the plans of some seeds have in common. */
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

/** All of them. */
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
