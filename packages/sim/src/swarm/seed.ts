/**
 * One seed of a swarm: its plan run to the end or to its first violation, and what was seen on the way.
 */

import { createCoverageCounter, PairCounter, type Sightings } from '../coverage/index.ts';
import type { DrawOptions, Plan, RunResult } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { World } from '../world/index.ts';
import { planOf } from './draw.ts';
import { Outlook } from './failovers.ts';
import { addTallies, NO_TALLY, type Tally } from './tally.ts';

/** Something that must not be. */
export interface Finding {
  readonly seed: number;
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
  /** The hash of everything that happened; empty after an exception. */
  readonly hash: string;
  readonly tally: Tally;
  readonly finding: Finding | null;
}

/** When something was wrong, in the world's time. */
type Span = readonly [fromMs: number, untilMs: number];

/** Run one seed. Whatever is thrown is a finding too. */
export function runSeed(seed: number, options: DrawOptions): SeedResult {
  return runSeedPlan(seed, planOf(seed, options));
}

/** Run a plan as the one of a seed. */
export function runSeedPlan(seed: number, plan: Plan): SeedResult {
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
    });
    counter.ran(result);
    return resultOf(seed, result, outlook, { coverage: counter.seen(), pairs: pairs.seen() });
  } catch (error) {
    return thrown(seed, error, world);
  }
}

/** What a seed came to that could not be run to its end. */
export function thrown(seed: number, error: unknown, world: World | null): SeedResult {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const [atMs, step] = world === null ? [0, 0] : [world.now(), world.queue.ran()];
  const tally: Tally = { ...NO_TALLY, seeds: 1, events: step, virtualMs: Math.round(atMs) };
  return { seed, hash: '', tally, finding: { seed, invariant: 'exception', detail, atMs, step } };
}

function resultOf(
  seed: number,
  result: RunResult,
  outlook: Outlook | null,
  seen: { readonly coverage: Sightings; readonly pairs: Sightings },
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
  return { seed, hash, tally, finding: violation === null ? null : { seed, ...violation } };
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
