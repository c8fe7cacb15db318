/**
 * One seed of a swarm: its plan run to the end or to its first violation, and what was seen on the way.
 */

import { createCoverageCounter, faultPair, PairCounter, type Sightings } from '../coverage/index.ts';
import type { DrawOptions, Plan, RunResult } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { World } from '../world/index.ts';
import { planOf } from './draw.ts';
import { Outlook } from './failovers.ts';
import { type Focus, focusText } from './focus.ts';
import { inOrder, steeredPlanOf } from './steered-plan.ts';
import { Striker } from './striker.ts';
import { addTallies, NO_TALLY, type Tally } from './tally.ts';

/** Something that must not be. */
export interface Finding {
  readonly seed: number;
  /** What the seed was wished to bring about, as `focusText` writes it; null: nothing. */
  readonly focus: string | null;
  /** The broken invariant, or `exception`. */
  readonly invariant: string;
  /** The evidence; of an exception its stack. */
  readonly detail: string;
  readonly atMs: number;
  readonly step: number;
}

/** What one seed came to. */
export interface SeedResult {
  readonly seed: number;
  /** As a finding's. */
  readonly focus: string | null;
  /** The hash of everything that happened; empty after an exception. */
  readonly hash: string;
  readonly tally: Tally;
  readonly finding: Finding | null;
}

/** When something was wrong, in the world's time. */
type Span = readonly [fromMs: number, untilMs: number];

/** A seed, and what it is wished to bring about. Both together decide the run. */
export interface SeedTask {
  readonly seed: number;
  /** Null: the seed alone decides. */
  readonly focus: Focus | null;
}

/** Run one seed. Whatever is thrown is a finding too. */
export function runSeed({ seed, focus }: SeedTask, options: DrawOptions): SeedResult {
  return runSeedPlan(seed, focus === null ? planOf(seed, options) : steeredPlanOf(seed, focus), focus);
}

/**
 * The plan of a seed with all that a steered run did to its world, and when: as it is, it makes the same run.
 */
export function wholePlanOf({ seed, focus }: SeedTask, options: DrawOptions): Plan {
  if (focus === null) return planOf(seed, options);
  const plan = steeredPlanOf(seed, focus);
  const striker = new Striker(seed, focus, plan.ending.atMs);
  try {
    runPlan(plan, { onStrike: striker.begin });
  } catch {
    // Whoever runs the plan meets it again.
  }
  return { ...plan, timeline: inOrder([...plan.timeline, ...striker.struck]) };
}

/** Run a plan as the one of a seed. */
export function runSeedPlan(seed: number, plan: Plan, focus: Focus | null = null): SeedResult {
  const striker = focus === null ? null : new Striker(seed, focus, plan.ending.atMs);
  const counter = createCoverageCounter();
  const pairs = new PairCounter();
  let outlook: Outlook | null = null;
  let world: World | null = null;
  try {
    const result = runPlan(plan, {
      onWorld(made) {
        world = made;
        outlook = new Outlook(made, seed);
        made.watch(counter.watcher());
        made.watch(pairs.watch);
      },
      onFault: pairs.onFault,
      ...(striker === null ? {} : { onStrike: striker.begin }),
    });
    counter.ran(result);
    const seen = { coverage: counter.seen(), pairs: pairs.seen(), wished: wishedIn(focus) };
    return resultOf({ seed, focus }, result, outlook, seen);
  } catch (error) {
    return thrown({ seed, focus }, error, world);
  }
}

/** What a seed came to that could not be run to its end. */
export function thrown({ seed, focus }: SeedTask, error: unknown, world: World | null): SeedResult {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const [atMs, step] = world === null ? [0, 0] : [world.now(), world.queue.ran()];
  const tally: Tally = { ...NO_TALLY, seeds: 1, events: step, virtualMs: Math.round(atMs) };
  const told = { seed, focus: textOf(focus) };
  return { ...told, hash: '', tally, finding: { ...told, invariant: 'exception', detail, atMs, step } };
}

function resultOf(
  { seed, focus }: SeedTask,
  result: RunResult,
  outlook: Outlook | null,
  seen: Pick<Tally, 'coverage' | 'pairs' | 'wished'>,
): SeedResult {
  const { hash, events, violation } = result;
  outlook?.end();
  const own: Tally = {
    ...NO_TALLY,
    ...moves(result),
    seeds: 1,
    events,
    virtualMs: Math.round(result.virtualMs),
    outages: outlook?.counts ?? NO_TALLY.outages,
    ...seen,
    digest: hash,
    slowest: outlook?.failovers ?? [],
    worst: outlook?.failovers ?? [],
  };
  // Added to nothing, so that its tops are sorted and cut.
  const tally = addTallies(NO_TALLY, own);
  const told = { seed, focus: textOf(focus) };
  return { ...told, hash, tally, finding: violation === null ? null : { ...told, ...violation } };
}

function textOf(focus: Focus | null): string | null {
  return focus === null ? null : focusText(focus);
}

function wishedIn(focus: Focus | null): Sightings {
  return Object.fromEntries((focus ?? []).map(({ fault, phase }) => [faultPair(fault, phase), 1]));
}

function moves({
  plan,
  world,
}: RunResult): Pick<Tally, 'takeovers' | 'faultedTakeovers' | 'attempts' | 'handovers'> {
  const wrong = faultSpans(plan);
  const counts = { takeovers: 0, faultedTakeovers: 0, attempts: 0, handovers: 0 };
  for (const { fact, atMs } of world.facts()) {
    if (fact.kind !== 'concluded') continue;
    const { kind, result, steps } = fact.entry;
    const moved = result === 'served' || result === 'moved';
    if (kind === 'handover' && moved) counts.handovers += 1;
    if (kind !== 'takeover') continue;
    if (!moved) {
      counts.attempts += 1;
      continue;
    }
    counts.takeovers += 1;
    const beganMs = atMs - steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
    if (wrong.some(([from, until]) => from <= atMs && until >= beganMs)) counts.faultedTakeovers += 1;
  }
  return counts;
}

function faultSpans({ timeline, ending }: Plan): readonly Span[] {
  const spans = timeline.map(({ atMs, forMs }): Span => [atMs, forMs === null ? atMs : atMs + forMs]);
  const stays = ending.kind === 'recover' && ending.broken.length > 0;
  return stays ? [...spans, [ending.atMs, Number.POSITIVE_INFINITY]] : spans;
}
