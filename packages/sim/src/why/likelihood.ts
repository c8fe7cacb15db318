/**
 * How likely an outage was, moment by moment: branches are run from moments along a run, and where the chance jumps from one
 * moment to the next, moments between them are looked at, until the jump is narrow.
 *
 * Source of the intervals: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
 */
import type { BranchCount } from './branch.ts';

/** The chance at one moment, with its 95 % interval. */
export interface Likelihood extends Share {
  readonly atMs: number;
}

/** A share of the branches, with its 95 % interval. */
export interface Share {
  readonly outages: number;
  readonly of: number;
  readonly chance: number;
  readonly low: number;
  readonly high: number;
}

/** Between two moments that follow each other the chance rose or fell, by more than chance explains. */
export interface Jump {
  readonly before: Likelihood;
  readonly after: Likelihood;
}

/**
 * Runs the branches of those moments with these numbers, from the first on up to the second; in the order of the moments. Null: there
 * was no time for them.
 */
export type CountAt = (
  moments: readonly number[],
  from: number,
  to: number,
) => Promise<readonly (BranchCount | null)[]>;

/** How closely is looked. */
export interface LikelihoodOptions {
  /** The first moments. */
  readonly moments: readonly number[];
  /** Moments at which something was done, in order: where a jump is looked into, these come before the middle. */
  readonly telling: readonly number[];
  /** Branches a moment. */
  readonly branches: number;
  /** A jump isn't made narrower than this. */
  readonly resolutionMs: number;
  /** The moments that are looked at in all. */
  readonly most: number;
}

/** So many branches first, and the others where these don't all end alike. */
const FEW = 8;
const Z_95 = 1.96;
/** A smaller difference is no jump, however sure. */
const LEAST_JUMP = 0.2;

/** A share that was counted, with its 95 % interval. */
export function shareOf(outages: number, of: number): Share {
  const share = outages / of;
  const z2 = Z_95 ** 2;
  const middle = (share + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z_95 / (1 + z2 / of)) * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of ** 2));
  // At the ends the formula gives exactly 0 and 1, but for rounding.
  const low = outages === 0 ? 0 : Math.max(0, middle - half);
  const high = outages === of ? 1 : Math.min(1, middle + half);
  return { outages, of, chance: share, low, high };
}

/** Estimate it. The same counts give the same result. */
export async function likelihoodOver(
  countAt: CountAt,
  { moments, telling, branches, resolutionMs, most }: LikelihoodOptions,
): Promise<readonly Likelihood[]> {
  const few = Math.min(FEW, branches);
  const look = async (
    atMs: readonly number[],
    known: readonly Likelihood[],
  ): Promise<readonly Likelihood[]> => {
    const roughly = joined(known, atMs, await countAt(atMs, 0, few));
    // Where all branches and those beside them end alike, more of them tell nothing new.
    const open = roughly
      .filter((one, index) => one.of < branches && isOpen(roughly, index))
      .map((one) => one.atMs);
    return joined(roughly, open, await countAt(open, few, branches));
  };
  let known: readonly Likelihood[] = [];
  let wanted: readonly number[] = [...new Set(moments)].slice(0, most);
  while (wanted.length > 0) {
    const more = await look(wanted, known);
    // There was no time for any of them.
    if (more.length === known.length) break;
    known = more;
    wanted = jumpsIn(known)
      .flatMap((jump) => middleOf(known, jump, telling, resolutionMs) ?? [])
      .slice(0, Math.max(0, most - known.length));
  }
  return known;
}

/** With more branches of some moments, in the order of time. */
function joined(
  known: readonly Likelihood[],
  moments: readonly number[],
  counts: readonly (BranchCount | null)[],
): readonly Likelihood[] {
  const all = new Map(known.map((one) => [one.atMs, one]));
  for (const [index, atMs] of moments.entries()) {
    const count = counts[index] ?? null;
    if (count === null) continue;
    const before = all.get(atMs);
    const of = count.of + (before?.of ?? 0);
    all.set(atMs, { atMs, ...shareOf(count.outages + (before?.outages ?? 0), of) });
  }
  return [...all.values()].sort((a, b) => a.atMs - b.atMs);
}

function isOpen(known: readonly Likelihood[], index: number): boolean {
  const one = known[index];
  const beside = [known[index - 1], known[index + 1]];
  return (
    beside.some((other) => other !== undefined && other.chance !== one?.chance) ||
    (one !== undefined && one.chance > 0 && one.chance < 1)
  );
}

/**
 * Where it jumps, in the order of time. A jump lies between two moments that follow each other, or, where the chance rises
 * little by little, between two that don't.
 */
export function jumpsIn(known: readonly Likelihood[]): readonly Jump[] {
  const jumps: Jump[] = [];
  let from = 0;
  for (const [index, after] of known.entries()) {
    const before = known.slice(from, index).findLast((one) => isJump(one, after));
    if (before === undefined) continue;
    jumps.push({ before, after });
    from = index;
  }
  return jumps;
}

/** Where to look in the longest span between known moments of a jump; null: none is longer than the resolution. */
function middleOf(
  known: readonly Likelihood[],
  { before, after }: Jump,
  telling: readonly number[],
  resolutionMs: number,
): number | null {
  const inside = known
    .filter(({ atMs }) => atMs >= before.atMs && atMs <= after.atMs)
    .map(({ atMs }) => atMs);
  const spans = inside.slice(1).map((toMs, index) => ({ fromMs: inside[index] ?? toMs, toMs }));
  const { fromMs, toMs } = spans.reduce((a, b) => (b.toMs - b.fromMs > a.toMs - a.fromMs ? b : a));
  if (toMs - fromMs <= resolutionMs) return null;
  const done = telling.filter((atMs) => atMs > fromMs && atMs < toMs);
  return done[done.length >> 1] ?? Math.round((fromMs + toMs) / 2);
}

function isJump(a: Share, b: Share): boolean {
  return isLess(a, b) || isLess(b, a);
}

/** Whether one share is less than the other by enough, and by more than chance explains (the interval of a difference, Newcombe 1998). */
export function isLess(less: Share, more: Share): boolean {
  const by = more.chance - less.chance;
  return by >= LEAST_JUMP && by > Math.hypot(more.chance - more.low, less.high - less.chance);
}
