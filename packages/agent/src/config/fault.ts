/**
 * What is wrong with a configuration, said in one line a fault: where, what was found, what was
 * expected, and what was probably meant.
 */
import { plainText } from '@failtome/protocol';

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'file'; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'default' };

export interface Fault {
  /** The key as it is written in the reference, with positions: `addresses[0].probe.interval`; or the file's name. */
  readonly path: string;
  /** What stands there, as it was written. */
  readonly found: string;
  readonly expected: string;
  /** What was probably meant, or why it is refused; empty when there is nothing to add. */
  readonly hint: string;
  /** Null where the fault is of the whole file. */
  readonly origin: Origin | null;
}

/** Something legal that an operator may regret. */
export interface Warning {
  readonly path: string;
  readonly text: string;
}

/** The most characters of a value that a message repeats. */
const MAX_SHOWN_CHARACTERS = 60;

/**
 * One line: `path: found X, expected Y; hint (file:line)`.
 *
 * @param file the file's name as the user gave it
 */
export function formatFault(fault: Fault, file: string): string {
  const hint = fault.hint === '' ? '' : `; ${fault.hint}`;
  return plainText(
    `${fault.path}: found ${fault.found}, expected ${fault.expected}${hint}${place(fault.origin, file)}`,
  );
}

function place(origin: Origin | null, file: string): string {
  if (origin === null) return '';
  switch (origin.kind) {
    case 'file':
      return ` (${file}:${origin.line})`;
    case 'environment':
      return ` (environment variable ${origin.variable})`;
    case 'default':
      return ' (the default)';
  }
}

export function formatWarning(warning: Warning): string {
  return plainText(`${warning.path}: ${warning.text}`);
}

/** A value as a message shows it: text in quotation marks, long text cut. */
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

/** Insertions, deletions and substitutions that turn one text into the other (Levenshtein 1966), of texts up to 64 characters. */
function editDistance(from: string, to: string): number {
  const [a, b] = [from.slice(0, 64), to.slice(0, 64)];
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
