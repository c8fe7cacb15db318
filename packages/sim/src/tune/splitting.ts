/**
 * Chances too small to be seen: adaptive multilevel splitting.
 *
 * Sources: Cérou, Guyader, "Adaptive multilevel splitting for rare event analysis", Stochastic Analysis and Applications
 * 2007; Bréhier, Gazeau, Goudenège, Lelièvre, Rousset, "Unbiasedness of some generalized adaptive multilevel splitting
 * algorithms", Annals of Applied Probability 2016 (runs of the same score are given up together).
 */
import type { Random } from '../world/index.ts';

/** The score of what is waited for. */
export const REACHED = 1;

/** From that moment on everything is drawn by that seed. */
export interface Branch {
  readonly atMs: number;
  readonly seed: number;
}

/** One run: where it branched off, and when it got nearer than before. */
export interface Trajectory {
  readonly branches: readonly Branch[];
  /** Rising in both. */
  readonly records: readonly Mark[];
}

/** How near a run was at some moment: 0 to `REACHED`. */
export interface Mark {
  readonly atMs: number;
  readonly score: number;
}

/** Runs from the start, branching as it is told; the same branches give the same run. */
export type Simulate = (branches: readonly Branch[]) => Trajectory;

/** How much work an estimate is. */
export interface SplittingOptions {
  /** Runs that are kept at the same time. */
  readonly runs: number;
  /** Smaller chances are none. */
  readonly least: number;
}

/** What came of it. */
export interface SplittingResult {
  /** The chance that a run gets there: an unbiased estimate, 0 where no run got nearer than some point. */
  readonly chance: number;
  /** It is smaller than `least`, which stands in `chance`. */
  readonly isLess: boolean;
  /** The chance to get as near as any run did. */
  readonly nearest: number;
  /** How many runs that took. */
  readonly simulated: number;
}

/** Of runs that are all equally near, so many are looked for that get nearer, in at most so many tries for each that is kept. */
const NEARER = 4;
const MOST_TRIES = 8;

/** Estimate the chance that a run reaches the score of `REACHED`. */
export function split(
  simulate: Simulate,
  random: Random,
  { runs, least }: SplittingOptions,
): SplittingResult {
  let simulated = 0;
  const run = (branches: readonly Branch[]): Trajectory => {
    simulated += 1;
    return simulate(branches);
  };
  const seed = (): number => random.below(0x1_0000_0000);
  let kept: readonly Trajectory[] = Array.from({ length: runs }, () => run([{ atMs: 0, seed: seed() }]));
  let chance = 1;
  for (;;) {
    const worst = Math.min(...kept.map(bestOf));
    if (worst >= REACHED) return { chance, isLess: false, nearest: chance, simulated };
    const better = kept.filter((one) => bestOf(one) > worst);
    if (better.length > 0) {
      chance *= better.length / runs;
      kept = kept.map((one) =>
        bestOf(one) > worst ? one : run(branchOff(random.pick(better), worst, seed())),
      );
    } else {
      const from = kept;
      const found = lookForNearer(worst, runs * MOST_TRIES, () => run(goneOn(random.pick(from), seed())));
      if (found.chance === 0) return { chance: 0, isLess: false, nearest: chance, simulated };
      chance *= found.chance;
      kept = kept.map(() => random.pick(found.nearer));
    }
    if (chance < least) return { chance: least, isLess: true, nearest: chance, simulated };
  }
}

/**
 * Where none is nearer than the others: runs that go on from where these are, until enough of them get nearer. That is
 * splitting with a fixed number of successes, unbiased too (Amrein and Künsch, "A variant of importance splitting for rare
 * event estimation", ACM TOMACS 2011).
 */
function lookForNearer(
  than: number,
  mostTries: number,
  run: () => Trajectory,
): { readonly chance: number; readonly nearer: readonly Trajectory[] } {
  const nearer: Trajectory[] = [];
  let tries = 0;
  while (nearer.length < NEARER && tries < mostTries) {
    const one = run();
    tries += 1;
    if (bestOf(one) > than) nearer.push(one);
  }
  const isEnough = nearer.length === NEARER && tries > 1;
  return { chance: isEnough ? (NEARER - 1) / (tries - 1) : nearer.length / tries, nearer };
}

/** The parent's way up to where it was nearest, and from there on another. */
function goneOn({ branches, records }: Trajectory, seed: number): readonly Branch[] {
  const atMs = records.at(-1)?.atMs ?? 0;
  return [...branches.filter((branch) => branch.atMs <= atMs), { atMs, seed }];
}

/** The parent's way up to where it got above that score, and from there on another. */
function branchOff({ branches, records }: Trajectory, above: number, seed: number): readonly Branch[] {
  const atMs = records.find(({ score }) => score > above)?.atMs ?? 0;
  return [...branches.filter((branch) => branch.atMs <= atMs), { atMs, seed }];
}

function bestOf({ records }: Trajectory): number {
  return records.at(-1)?.score ?? 0;
}
