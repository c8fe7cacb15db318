/**
 * The search for a smaller plan: what was reached so far, and how a simpler one is tried.
 */
import type { Plan, RunOptions } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import type { Violation } from '../world/index.ts';
import { kindOf } from './same-violation.ts';

/** Runs a plan to its end; null: nothing was violated. */
export type Run = (plan: Plan, options?: RunOptions) => Violation | null;

/** How a search runs plans, and when it has had enough. */
export interface SearchOptions {
  /** Asked before every run. */
  readonly enough: () => boolean;
  /** Told of every step that was taken. */
  readonly onStep: (what: string, search: Search) => void;
  readonly run: Run;
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
  const found = options.run(first);
  return found === null ? null : new Search(first, found, options);
}

/** Goes from plan to smaller plan, as long as they violate the same. */
export class Search {
  readonly #first: Plan;
  readonly #enough: SearchOptions['enough'];
  readonly #onStep: SearchOptions['onStep'];
  readonly #run: SearchOptions['run'];
  readonly #kind: string;
  #plan: Plan;
  #violation: Violation;
  /** Candidates that were tried in vain, whatever the pass: a round that takes nothing away costs little. */
  readonly #inVain = new Set<string>();
  #runs = 1;
  /** How many of the seeds of the present plan do, as far as known. */
  #share = 1;

  constructor(first: Plan, found: Violation, { enough, onStep, run }: SearchOptions) {
    this.#first = first;
    this.#enough = enough;
    this.#onStep = onStep;
    this.#run = run;
    this.#kind = kindOf(found, first);
    this.#plan = first;
    this.#violation = found;
  }

  /** The smallest so far that violates the same. */
  get plan(): Plan {
    return this.#plan;
  }

  get violation(): Violation {
    return this.#violation;
  }

  get runs(): number {
    return this.#runs;
  }

  get spent(): boolean {
    return this.#enough();
  }

  /**
   * Find out with how many seeds the present plan violates the same. A violation that hangs on some milliseconds comes
   * with few of them, and so would a simpler plan's: each is tried with as many more.
   */
  measure(): void {
    const most = Math.min(MAX_OTHER_SEEDS, Math.max(1, Math.floor(RARE_SEEDS_MS / this.#plan.ending.atMs)));
    let [tried, did] = [0, 0];
    while (tried < most && did < ENOUGH_FOUND && !this.#enough()) {
      tried += 1;
      if (this.#reproduced({ ...this.#plan, world: { ...this.#plan.world, seed: tried } }) !== null) did += 1;
    }
    this.#share = tried === 0 ? 1 : Math.max(1, did) / tried;
  }

  /** Go back to an earlier plan, which was smaller after all. */
  restore(earlier: Reached): void {
    this.#plan = earlier.plan;
    this.#violation = earlier.violation;
  }

  /**
   * Take this one when it violates the same, with the present seed of its world or another: what is taken away shifts
   * what chance does afterwards, and a short run can be tried with more seeds than a long one.
   *
   * @param fromSeed the first of the other seeds; above 1 those below it, and the present one, have been tried
   * @returns false when it doesn't
   */
  attempt(
    candidate: Plan,
    what: string,
    otherSeeds: number = affordable(candidate, this.#share),
    fromSeed: number = 1,
  ): boolean {
    const { world, timeline, ending } = candidate;
    const until = ending.kind === 'stop' ? 'stop' : ending;
    const tried = JSON.stringify([world, timeline, until, otherSeeds, fromSeed]);
    if (this.#inVain.has(tried)) return false;
    for (const seed of seedsFor(candidate.world.seed, otherSeeds, fromSeed)) {
      if (this.#enough()) return false;
      const seeded = { ...candidate, world: { ...candidate.world, seed } };
      const seen = this.#reproduced(seeded);
      if (seen === null) continue;
      this.#plan = endingSoonAfter(seeded, seen);
      this.#violation = seen;
      this.#onStep(what, this);
      return true;
    }
    this.#inVain.add(tried);
    return false;
  }

  #reproduced(candidate: Plan): Violation | null {
    this.#runs += 1;
    const seen = this.#run(candidate);
    return seen !== null && kindOf(seen, this.#first) === this.#kind ? seen : null;
  }
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
