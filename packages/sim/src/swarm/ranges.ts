/**
 * Sets of seeds, as ranges: what was asked for, and what is done.
 */

/** From the first to the last, both included. */
export type SeedRange = readonly [first: number, last: number];

/** What a seed can be: whole, not negative, and small enough that its low 32 bits are all of it. */
export const MAX_SEED = 0xffff_ffff;

/**
 * Read `A..B`, `A..` (to the end) or `A`.
 *
 * @returns null when it is none of these, or empty
 */
export function parseRange(text: string): SeedRange | null {
  const [, from = '', dots, to = ''] = /^(\d{1,10})(\.\.)?(\d{1,10})?$/.exec(text) ?? [];
  if (from === '' || (dots === undefined && to !== '')) return null;
  const first = Number(from);
  const last = dots === undefined ? first : to === '' ? MAX_SEED : Number(to);
  return first <= last && last <= MAX_SEED ? [first, last] : null;
}

/** An odd number with bits all over: 2^32 over the golden ratio. */
const SPREAD = 0x9e37_79b1;
/** At least so many seeds follow the one that a clock gives. */
const ROOM = 0x0100_0000;

/**
 * Seeds that nobody has chosen, from one that the clock gives on. Moments that lie close together give seeds far apart,
 * so that runs one after the other don't meet the same seeds.
 *
 * @param wallMs milliseconds since 1970
 */
export function rangeFromClock(wallMs: number): SeedRange {
  const low = Math.floor(wallMs) >>> 0;
  return [(Math.imul(low, SPREAD) >>> 0) % (MAX_SEED - ROOM), MAX_SEED];
}

/** Ranges of seeds as text. */
export function describeRanges(ranges: readonly SeedRange[]): string {
  return (
    ranges.map(([first, last]) => (first === last ? `${first}` : `${first}..${last}`)).join(', ') || 'none'
  );
}

/** The two together: in order, and without gaps or overlaps between ranges that could be one. */
export function union(a: readonly SeedRange[], b: readonly SeedRange[]): readonly SeedRange[] {
  const joined: [number, number][] = [];
  for (const [first, last] of [...a, ...b].sort((x, y) => x[0] - y[0])) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** The first range of seeds that are in both; null: there are none. */
export function overlap(a: readonly SeedRange[], b: readonly SeedRange[]): SeedRange | null {
  for (const [firstA, lastA] of a) {
    for (const [firstB, lastB] of b) {
      const [first, last] = [Math.max(firstA, firstB), Math.min(lastA, lastB)];
      if (first <= last) return [first, last];
    }
  }
  return null;
}

/** How many seeds they are. */
export function countSeeds(ranges: readonly SeedRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** The seeds of a range that aren't done yet, in order. */
export function* seedsLeft([first, last]: SeedRange, done: readonly SeedRange[]): Generator<number, void> {
  for (let seed = first; seed <= last; seed += 1) {
    const over = done.find(([from, to]) => from <= seed && seed <= to);
    if (over === undefined) yield seed;
    else seed = over[1];
  }
}
