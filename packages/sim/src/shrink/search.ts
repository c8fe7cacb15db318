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
  /** How many other seeds of the world are tried, since what is taken away shifts what chance does afterwards. */
  readonly otherSeeds: number;
}

export interface Search {
  /** The smallest so far that violates the same. */
  readonly plan: Plan;
  readonly violation: Violation;
  readonly runs: number;
  readonly spent: boolean;
  /** Take this one when it violates the same, with the present seed of its world or another; false when it doesn't. */
  attempt(candidate: Plan, what: string, otherSeeds?: number): boolean;
  /** Whether it violates the same, without taking it. */
  violates(candidate: Plan): boolean;
}

/** A candidate may need longer than the plan that it came from, by so much. */
const MARGIN_MS = 20_000;

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
    attempt(candidate, what, otherSeeds = options.otherSeeds) {
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
      return false;
    },
    violates: (candidate) => !enough() && reproduced(candidate) !== null,
  };
  return search;
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
