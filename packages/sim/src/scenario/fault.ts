/**
 * What is wrong with a file, in one line a fault: where, what was found, what was expected, and what was probably meant.
 */
import { plainText } from '@failtome/protocol';

/** Where something stands: in a file, or in what the command line says instead of it. */
export interface Spot {
  readonly source: string;
  /** From 1; 0: the source as a whole. */
  readonly line: number;
  readonly column: number;
}

export interface Fault {
  readonly spot: Spot;
  /** Where in the file's tree: `timeline[0].at`; empty: all of it. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  /** What was probably meant, or why it is refused; empty when there is nothing to add. */
  readonly hint: string;
}

/** A file that can't be run: every fault of it. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(formatFault).join('\n'));
    this.faults = faults;
  }
}

/** `file:line:column: path: found X, expected Y; hint`. */
export function formatFault({ spot, path, found, expected, hint }: Fault): string {
  const place = spot.line === 0 ? spot.source : `${spot.source}:${spot.line}:${spot.column}`;
  const where = path === '' ? place : `${place}: ${path}`;
  return oneLine(`${where}: found ${found}, expected ${expected}${hint === '' ? '' : `; ${hint}`}`);
}

/** In the order in which they stand. */
export function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return [...faults].sort((a, b) => a.spot.line - b.spot.line || a.spot.column - b.spot.column);
}

/** The most characters of a value that a message repeats. */
const MAX_SHOWN_CHARACTERS = 60;

/** A value as a message shows it: text in quotation marks, long text cut. */
export function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length <= MAX_SHOWN_CHARACTERS ? text : `${text.slice(0, MAX_SHOWN_CHARACTERS)}…`;
}

/** `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Line breaks and other control characters of a file must not forge lines of output. */
function oneLine(text: string): string {
  return plainText(text);
}

/** `did you mean …?`, or nothing. */
export function didYouMean(written: string, known: readonly string[]): string {
  const meant = nearest(written, known);
  return meant === null ? '' : `did you mean ${meant}?`;
}

/** The word that differs least, in at most a third of its letters, two at least; null: none is near enough. */
function nearest(written: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestEdits = Math.max(2, Math.floor(written.length / 3)) + 1;
  for (const word of known) {
    const count = edits(written.toLowerCase(), word.toLowerCase());
    if (count < bestEdits && count < word.length) {
      best = word;
      bestEdits = count;
    }
  }
  return best;
}

/** Words longer than this are cut before they are compared. */
const MAX_COMPARED_CHARACTERS = 64;

/** How many letters have to be put in, taken out or replaced (Levenshtein 1966). */
function edits(from: string, to: string): number {
  const [a, b] = [from.slice(0, MAX_COMPARED_CHARACTERS), to.slice(0, MAX_COMPARED_CHARACTERS)];
  let before = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    before = row;
  }
  return before[b.length] ?? 0;
}
