/**
 * The search for a smaller plan: what was reached so far, and how a simpler one is tried.
 */
import type { Plan, RunOptions } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { Violation } from '../world/index.ts';
import { kindOf } from './same.ts';

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
   * @returns false when it doesn't
   */
  attempt(candidate: Plan, what: string, otherSeeds?: number): boolean;
}

/** A candidate may need longer than the plan that it came from, by so much. */
const MARGIN_MS = 20_000;
/** Of the world's time, that is spent on the seeds of one candidate. */
const SEEDS_MS = 300_000;
const MAX_OTHER_SEEDS = 5;

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
    attempt(candidate, what, otherSeeds = affordable(candidate)) {
      const { world, timeline, ending } = candidate;
      const until = ending.kind === 'stop' ? 'stop' : ending;
      const tried = JSON.stringify([world, timeline, until, otherSeeds]);
      if (inVain.has(tried)) return false;
      for (const seed of seedsFor(candidate.world.seed, otherSeeds)) {
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

function affordable({ ending }: Plan): number {
  return Math.min(MAX_OTHER_SEEDS, Math.max(1, Math.floor(SEEDS_MS / ending.atMs)));
}

/** The seed that it has, and then small ones. */
function seedsFor(present: number, others: number): readonly number[] {
  const small = Array.from({ length: others }, (_, index) => index + 1);
  return [present, ...small.filter((seed) => seed !== present)];
}

/** What is violated while things break needs no ending but to stop; the next candidate has a little longer. */
function endingSoonAfter(plan: Plan, { atMs }: Violation): Plan {
  const { ending } = plan;
  if (ending.kind === 'recover') return plan;
  return { ...plan, ending: { kind: 'stop', atMs: Math.min(ending.atMs, Math.ceil(atMs) + MARGIN_MS) } };
}
