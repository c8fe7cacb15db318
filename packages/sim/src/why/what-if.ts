/** What a plan comes to by several draws of chance: the incident as it was, and under other rules. */
import type { Plan } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { World } from '../world/index.ts';
import { type Share, shareOf } from './likelihood.ts';
import { type Answers, lengthOf, type OutageRule, watchAnswers } from './outage.ts';

/** Runs of one plan: plain data. */
export interface OutcomeTask {
  readonly plan: Plan;
  readonly rule: OutageRule;
  /** By which chance is drawn; null: by the plan's own. */
  readonly seeds: readonly (number | null)[];
}

/** What a run came to. */
export interface RunOutcome {
  /** The longest span in which an address wasn't answered. */
  readonly unansweredMs: number;
  /** Who was given an address by an agent, in order. */
  readonly takers: readonly string[];
  /** Null: no invariant was broken. */
  readonly broken: string | null;
  readonly outage: boolean;
}

/** What several runs came to. */
export interface Compared {
  readonly name: string;
  readonly outages: Share;
  /** Of the longest span without an answer in each run. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** Who took an address, in most of the runs, and in how many that was so. */
  readonly takers: readonly string[];
  readonly alike: number;
  /** In how many an invariant was broken. */
  readonly broken: number;
  /** With the plan's own draws. */
  readonly own: RunOutcome;
}

/** Run them. */
export function outcomesOf({ plan, rule, seeds }: OutcomeTask): readonly RunOutcome[] {
  return seeds.map((seed) => outcomeOf(plan, rule, seed));
}

function outcomeOf(plan: Plan, rule: OutageRule, seed: number | null): RunOutcome {
  const watches: Answers[] = [];
  const { violation, world } = runPlan(plan, {
    onWorld(made) {
      watches.push(watchAnswers(made, null));
      if (seed !== null) made.queue.at(0, () => made.random.reseed(seed));
    },
  });
  const longest = watches[0]?.longest() ?? null;
  const unansweredMs = longest === null ? 0 : lengthOf(longest);
  return {
    unansweredMs,
    takers: takersIn(world),
    broken: violation?.invariant ?? null,
    outage: violation !== null || unansweredMs > rule.unansweredMs,
  };
}

/** Who was given an address by an agent, in order. */
export function takersIn(world: World): readonly string[] {
  return world.cloudEvents().flatMap((event) => {
    if (event.kind !== 'associated' || event.by.kind !== 'instance') return [];
    if (!world.spec.addresses.includes(event.publicIp)) return [];
    const { instanceId } = event.association;
    return [world.nodeOf(instanceId) ?? instanceId];
  });
}

/** Put the outcomes of one plan together; the first is by its own draws. */
export function compared(name: string, outcomes: readonly RunOutcome[]): Compared {
  const [own] = outcomes;
  if (own === undefined) throw new Error('nothing was run');
  const lengths = outcomes.map(({ unansweredMs }) => unansweredMs).sort((a, b) => a - b);
  const counts = new Map<string, number>();
  for (const { takers } of outcomes) counts.set(takers.join(), (counts.get(takers.join()) ?? 0) + 1);
  const [most = ['', 0] as const] = [...counts].sort((a, b) => b[1] - a[1]);
  return {
    name,
    outages: shareOf(outcomes.filter(({ outage }) => outage).length, outcomes.length),
    medianMs: lengths[Math.floor(lengths.length / 2)] ?? 0,
    worstMs: lengths.at(-1) ?? 0,
    takers: most[0] === '' ? [] : most[0].split(','),
    alike: most[1],
    broken: outcomes.filter(({ broken }) => broken !== null).length,
    own,
  };
}
