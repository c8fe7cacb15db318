/**
 * Worlds as scenarios want them: a cluster in good health, everything quick, nothing broken yet.
 */
import type { Role } from '@failtome/protocol';
import type { ClockSpec } from './clock.ts';
import type { World } from './interface.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import type { WorldSpec } from './spec.ts';
import { createWorld } from './world.ts';

/** What a cluster differs in from a pair in good health. */
export interface ClusterOptions {
  /** `a` has the highest priority and holds the address; default: two candidates. */
  readonly nodes?: readonly { readonly id: string; readonly role?: Role; readonly priority?: number }[];
  readonly seed?: number;
  readonly settings?: Partial<Settings>;
  readonly world?: Partial<WorldSpec>;
}

/** TEST-NET-2 of RFC 5737. */
export const ADDRESS = '198.51.100.200';
/** Within this a cluster of default settings has started, met, and lends leases. */
export const SETTLED_MS = 30_000;

/** What is around the nodes where nothing is unusual: a cloud, disks and timers that are quick and do as they are told. */
export const CALM_WORLD: Pick<
  WorldSpec,
  | 'cloud'
  | 'associationSettleMs'
  | 'autoAddressDelayMs'
  | 'staleDisassociate'
  | 'diskMs'
  | 'timerLateMs'
  | 'occupied'
> = {
  cloud: { applyMs: [10, 60], answerMs: [5, 30], lostAnswerPerMille: 0 },
  associationSettleMs: 0,
  autoAddressDelayMs: 60_000,
  staleDisassociate: 'not-found',
  diskMs: [0.5, 4],
  timerLateMs: 1,
  occupied: [],
};

const TRUE_CLOCK: ClockSpec = { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 };

/** Build a cluster and run it until it has settled. */
export function settledCluster(options: ClusterOptions = {}): World {
  const world = createCluster(options);
  for (const { id } of world.spec.nodes) world.start(id);
  world.runFor(SETTLED_MS);
  return world;
}

/** Build a cluster with all of its agents off. */
export function createCluster({ nodes, seed = 1, settings, world }: ClusterOptions = {}): World {
  const specs = nodes ?? [{ id: 'a' }, { id: 'b' }];
  const spec: WorldSpec = {
    seed,
    nodes: specs.map(({ id, role = 'candidate', priority = 100 }, index) => ({
      id,
      role,
      priority,
      clock: { ...TRUE_CLOCK, offsetMs: 1_000 * (index + 1) },
      bootMs: 0,
    })),
    addresses: [ADDRESS],
    holders: [0],
    driver: 'ec2',
    settings: { ...DEFAULT_SETTINGS, ...settings },
    ...CALM_WORLD,
    ...world,
  };
  return createWorld(spec, { keepTrace: 4_000 });
}
