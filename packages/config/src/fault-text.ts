/** How a fault of a file shows what was written, and guesses what was meant. */

/** The most characters of a value that a message repeats. */
const MAX_SHOWN_CHARACTERS = 60;

/** A value as a message shows it: text in quotation marks and without a URL's password, long text cut. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(withoutPassword(value)) : String(value);
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`;
}

/**
 * A URL's user and password are nobody's business, least of all the log's. Up to the last `@`, because a URL that is
 * refused may be so for a `/` or an `@` in its password.
 */
export function withoutPassword(text: string): string {
  return text.replace(/\/\/.*@/s, '//…@');
}

/** `did you mean …?`, or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const meant = nearest(written, known);
  return meant === null ? '' : `did you mean ${meant}?`;
}

/**
 * The candidate nearest to what was written, or null where none is near enough to have been meant:
 * at most a third of its letters differ, two at least.
 */
export function nearest(written: string, candidates: readonly string[]): string | null {
  const wanted = written.toLowerCase();
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Longer words are cut before they are compared. */
const MAX_COMPARED_CHARACTERS = 64;

/** Insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966). */
function editDistance(from: string, to: string): number {
  const [a, b] = [from.slice(0, MAX_COMPARED_CHARACTERS), to.slice(0, MAX_COMPARED_CHARACTERS)];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, at(row, j) + 1, at(next, j - 1) + 1));
    }
    row = next;
  }
  return at(row, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
