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

/** Estimate the chance that a run reaches the score of `REACHED`. */
export function split(
  simulate: Simulate,
  random: Random,
  { runs, least }: SplittingOptions,
): SplittingResult {
  const seed = (): number => random.below(0x1_0000_0000);
  const kept = Array.from({ length: runs }, () => simulate([{ atMs: 0, seed: seed() }]));
  let simulated = runs;
  let chance = 1;
  for (;;) {
    const worst = Math.min(...kept.map(bestOf));
    if (worst >= REACHED) return { chance, isLess: false, nearest: chance, simulated };
    const [left, better] = [
      kept.filter((run) => bestOf(run) <= worst),
      kept.filter((run) => bestOf(run) > worst),
    ];
    if (better.length === 0) return { chance: 0, isLess: false, nearest: chance, simulated };
    chance *= better.length / runs;
    if (chance < least) return { chance: least, isLess: true, nearest: chance, simulated };
    for (const run of left) {
      const parent = random.pick(better);
      kept[kept.indexOf(run)] = simulate(branchOff(parent, worst, seed()));
      simulated += 1;
    }
  }
}

/** The parent's way up to where it got above that score, and from there on another. */
function branchOff({ branches, records }: Trajectory, above: number, seed: number): readonly Branch[] {
  const atMs = records.find(({ score }) => score > above)?.atMs ?? 0;
  return [...branches.filter((branch) => branch.atMs <= atMs), { atMs, seed }];
}

function bestOf({ records }: Trajectory): number {
  return records.at(-1)?.score ?? 0;
}
