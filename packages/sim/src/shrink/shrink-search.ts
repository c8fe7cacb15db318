/**
 * The search for a smaller plan: what was reached so far, and how a simpler one is tried.
 */
import type { Plan, RunOptions } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { Violation } from '../world/index.ts';
import { kindOf } from './same-violation.ts';

/** Runs a plan to its end; null: nothing was violated. */
export type Run = (plan: Plan, options?: RunOptions) => Violation | null;

export interface SearchOptions {
  /** Asked before every run. */
  readonly enough: () => boolean;
  /** Told of every step that was taken. */
  readonly onStep: (what: string, search: Search) => void;
  readonly run: Run;
}

export interface Search {
  /** The smallest so far that violates the same. */
  readonly plan: Plan;
  readonly violation: Violation;
  readonly runs: number;
  readonly spent: boolean;
  /**
   * Take this one when it violates the same, with the present seed of its world or another: what is taken away shifts
   * what chance does afterwards, and a short run can be tried with more seeds than a long one.
   *
   * @param fromSeed the first of the other seeds; above 1 those below it, and the present one, have been tried
   * @returns false when it doesn't
   */
  attempt(candidate: Plan, what: string, otherSeeds?: number, fromSeed?: number): boolean;
  /**
   * Find out with how many seeds the present plan violates the same. A violation that hangs on some milliseconds comes
   * with few of them, and so would a simpler plan's: each is tried with as many more.
   */
  measure(): void;
  /** Go back to an earlier plan, which was smaller after all. */
  restore(earlier: Reached): void;
}

/** What was reached at some time. */
export type Reached = Pick<Search, 'plan' | 'violation'>;

/** A candidate may need longer than the plan that it came from, by a quarter, within these bounds. */
const MARGIN_MS = [3_000, 20_000] as const;
/** Of the world's time, that is spent on the seeds of one candidate: usually, and where few seeds do. */
const SEEDS_MS = 300_000;
const RARE_SEEDS_MS = 1_800_000;
const USUAL_SEEDS = 5;
const MAX_OTHER_SEEDS = 60;
/** So many seeds of a plan that violate the same tell how frequent they are. */
const ENOUGH_FOUND = 3;
/** With so many times as many seeds as one needs in the mean, a candidate is seldom missed. */
const CONFIDENCE = 3;

/** The world of a run, its violations and what it throws. */
export function runChecked(plan: Plan, options: RunOptions = {}): Violation | null {
  try {
    return runPlan(plan, options).violation;
  } catch (error) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { invariant: 'exception', detail, atMs: 0, step: 0 };
  }
}

/** @returns null when the plan violates nothing */
export function createSearch(first: Plan, options: SearchOptions): Search | null {
  const { enough, onStep, run } = options;
  const found = run(first);
  if (found === null) return null;
  const kind = kindOf(found, first);
  let plan = first;
  let violation = found;
  /** Candidates that were tried in vain, whatever the pass: a round that takes nothing away costs little. */
  const inVain = new Set<string>();
  let runs = 1;
  /** How many of the seeds of the present plan do, as far as known. */
  let share = 1;

  function reproduced(candidate: Plan): Violation | null {
    runs += 1;
    const seen = run(candidate);
    return seen !== null && kindOf(seen, first) === kind ? seen : null;
  }

  const search: Search = {
    get plan() {
      return plan;
    },
    get violation() {
      return violation;
    },
    get runs() {
      return runs;
    },
    get spent() {
      return enough();
    },
    measure() {
      const most = Math.min(MAX_OTHER_SEEDS, Math.max(1, Math.floor(RARE_SEEDS_MS / plan.ending.atMs)));
      let [tried, did] = [0, 0];
      while (tried < most && did < ENOUGH_FOUND && !enough()) {
        tried += 1;
        if (reproduced({ ...plan, world: { ...plan.world, seed: tried } }) !== null) did += 1;
      }
      share = tried === 0 ? 1 : Math.max(1, did) / tried;
    },
    restore(earlier) {
      plan = earlier.plan;
      violation = earlier.violation;
    },
    attempt(candidate, what, otherSeeds = affordable(candidate, share), fromSeed = 1) {
      const { world, timeline, ending } = candidate;
      const until = ending.kind === 'stop' ? 'stop' : ending;
      const tried = JSON.stringify([world, timeline, until, otherSeeds, fromSeed]);
      if (inVain.has(tried)) return false;
      for (const seed of seedsFor(candidate.world.seed, otherSeeds, fromSeed)) {
        if (enough()) return false;
        const seeded = { ...candidate, world: { ...candidate.world, seed } };
        const seen = reproduced(seeded);
        if (seen === null) continue;
        plan = endingSoonAfter(seeded, seen);
        violation = seen;
        onStep(what, search);
        return true;
      }
      inVain.add(tried);
      return false;
    },
  };
  return search;
}

function affordable({ ending }: Plan, share: number): number {
  const usual = Math.min(USUAL_SEEDS, Math.max(1, Math.floor(SEEDS_MS / ending.atMs)));
  const needed = Math.min(MAX_OTHER_SEEDS, Math.ceil(CONFIDENCE / share));
  return Math.max(usual, Math.min(needed, Math.floor(RARE_SEEDS_MS / ending.atMs)));
}

/** The seed that it has, and then small ones. */
function seedsFor(present: number, others: number, from: number): readonly number[] {
  const small = Array.from({ length: others }, (_, index) => index + from);
  return from > 1 ? small : [present, ...small.filter((seed) => seed !== present)];
}

/** What is violated while things break needs no ending but to stop; the next candidate has a little longer. */
function endingSoonAfter(plan: Plan, { atMs }: Violation): Plan {
  const { ending } = plan;
  if (ending.kind === 'recover') return plan;
  const marginMs = Math.min(MARGIN_MS[1], Math.max(MARGIN_MS[0], Math.ceil(atMs / 4)));
  return { ...plan, ending: { kind: 'stop', atMs: Math.min(ending.atMs, Math.ceil(atMs) + marginMs) } };
}
