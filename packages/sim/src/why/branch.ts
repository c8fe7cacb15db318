/**
 * A branch of a run: the same run up to a moment, and from there on other draws of chance, with nothing more being done to
 * the world. What was begun before that moment ends when it was to end.
 */
import type { Plan } from '../plan/index.ts';
import type { World } from '../world/index.ts';
import { type OutageRule, runToOutage } from './outage.ts';

/** Branches of one moment: plain data, so that a worker can run them. */
export interface BranchTask {
  readonly plan: Plan;
  readonly rule: OutageRule;
  /** Null: other draws from the beginning, with everything that is done to the world. */
  readonly atMs: number | null;
  /** One branch each. */
  readonly seeds: readonly number[];
}

/** How many of the branches had an outage. */
export interface BranchCount {
  readonly outages: number;
  readonly of: number;
}

/** Run the branches of one moment. */
export function countOutages({ plan, rule, atMs, seeds }: BranchTask): BranchCount {
  const cut = atMs === null ? plan : upTo(plan, atMs);
  const branch = (seed: number) => (world: World) =>
    world.queue.at(atMs ?? 0, () => world.random.reseed(seed));
  const outages = seeds.filter((seed) => runToOutage(cut, rule, { onWorld: branch(seed) }) !== null);
  return { outages: outages.length, of: seeds.length };
}

/** What is done to the world before that moment; what is done at that very moment isn't. */
function upTo(plan: Plan, atMs: number): Plan {
  return { ...plan, timeline: plan.timeline.filter((entry) => entry.atMs < atMs) };
}

/**
 * The plan, as long as it has to be run: what comes after the outage by more than the bound doesn't matter. One whose outage
 * is that it doesn't recover runs to its end.
 *
 * @param outageMs when it was an outage
 */
export function endedAfter(plan: Plan, outageMs: number, { unansweredMs }: OutageRule): Plan {
  if (plan.ending.kind === 'recover' && outageMs > plan.ending.atMs) return plan;
  const atMs = Math.min(plan.ending.atMs, Math.ceil(outageMs + Math.max(unansweredMs, LEAST_AFTER_MS)));
  return { ...plan, ending: { kind: 'stop', atMs } };
}

const LEAST_AFTER_MS = 10_000;
