/**
 * Now and then a plan has a liar: a witness whose key was stolen. It is drawn apart from the rest, so that all other plans are what they
 * are without it.
 */
import { createRandom, type LiarMode, type NodeSpec, type Random, type WorldSpec } from '../world/index.ts';
import type { DrawOptions } from './draw-plan.ts';
import type { Entry, Plan } from './plan.ts';

const SALT = 0x11a2;
/** In so many plans, where nothing is said. */
const LIARS_PER_MILLE = 60;
/** So many of these have a key that all share. */
const SHARED_PER_MILLE = 200;
/** What is said in others' names is over for so long before the cluster has to come right: epochs that were pushed apart follow each other step by step. */
const OVER_MS = 300_000;
const FIRST_AT_MS = [2_000, 20_000] as const;
/** The name of the action. */
export const LIAR = 'liar';

/** The plan, with a liar where chance or the options say so. */
export function withLiar(seed: number, plan: Plan, { actions }: DrawOptions): Plan {
  const random = createRandom(seed ^ SALT);
  const drawn = random.chance(LIARS_PER_MILLE);
  const wanted = actions === undefined ? drawn : actions.includes(LIAR);
  return wanted
    ? random.chance(SHARED_PER_MILLE)
      ? lyingInAnyName(plan, random)
      : lying(plan, random)
    : plan;
}

/** It lies to the end, and the rest has to come right all the same. */
function lying(plan: Plan, random: Random): Plan {
  const plain = withWitness(plan.world, random);
  // With operators' signatures it can forge orders as well; without, they have no part in what it may do.
  const world = random.chance(700) ? { ...plain, settings: { ...plain.settings, identities: true } } : plain;
  const entry = liarEntry(world, random, 'identities');
  return { ...plan, title: `${plan.title}, a liar`, world, timeline: inOrder([...plan.timeline, entry]) };
}

/** Whatever is said in any name does harm while it is said. Once the key has been changed, a dead holder is replaced. */
function lyingInAnyName(plan: Plan, random: Random): Plan {
  const entry = liarEntry(plan.world, random, 'shared-key');
  const broken = [{ action: 'vanish', with: { node: 'holder' } }];
  return {
    ...plan,
    title: `${plan.title}, a liar in any name`,
    timeline: inOrder([...plan.timeline, { ...entry, forMs: Math.max(1, plan.ending.atMs - entry.atMs) }]),
    ending:
      plan.ending.kind === 'stop'
        ? plan.ending
        : { kind: 'recover', atMs: plan.ending.atMs + OVER_MS, broken, goal: 'served' },
  };
}

function liarEntry({ nodes }: WorldSpec, random: Random, mode: LiarMode): Entry {
  const liar = nodes.find(({ role }) => role === 'witness') ?? nodes[0];
  return {
    atMs: random.between(...FIRST_AT_MS),
    action: LIAR,
    with: { node: liar?.id ?? '', mode, seed: random.below(0x1_0000_0000) },
    forMs: null,
  };
}

function inOrder(timeline: readonly Entry[]): readonly Entry[] {
  return [...timeline].sort((a, b) => a.atMs - b.atMs);
}

/** One of many candidates is a witness instead; with few of them one more node is. */
function withWitness(world: WorldSpec, random: Random): WorldSpec {
  const { holders } = world;
  // What one configuration says differently of the voters isn't meant for other voters.
  const nodes = world.nodes.map(({ overrides: _, ...node }): NodeSpec => node);
  if (nodes.some(({ role }) => role === 'witness')) return world;
  const last = nodes.length - 1;
  if (nodes.length >= 5 && !holders.includes(last))
    return { ...world, nodes: nodes.map((one, i) => (i === last ? witness(one) : one)) };
  const [like] = nodes;
  if (like === undefined) return world;
  const clock = { ...like.clock, offsetMs: random.below(1_000_000_000) };
  return { ...world, nodes: [...nodes, { ...witness(like), id: 'w', clock, bootMs: 0 }] };
}

function witness({ id, priority, clock, bootMs }: NodeSpec): NodeSpec {
  return { id, role: 'witness', priority, clock, bootMs };
}
