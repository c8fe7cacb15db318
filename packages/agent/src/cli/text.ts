/** How commands write for people: tables, ages, colours where they are wanted. */
import { type DurationMs, plainText } from '@failtome/protocol';
import type { Environment } from '../config/settings.ts';
import type { Output } from './dependencies.ts';

/** How a piece of text is coloured. */
export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'faint' | 'strong';

/** A piece of a table. */
export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** A line of a table. */
export type Row = readonly (string | Cell)[];

/** Select Graphic Rendition (ECMA-48, 8.3.117). */
const CODES: Readonly<Record<Tone, string>> = {
  plain: '',
  good: '32',
  bad: '31',
  warn: '33',
  faint: '2',
  strong: '1',
};

/** Puts a tone to text, or leaves it alone where colours aren't wanted. */
export type Paint = (text: string, tone: Tone) => string;

/** Colours on a terminal only, and never under NO_COLOR (https://no-color.org). */
export function painter(output: Output, env: Environment): Paint {
  const wanted = output.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return (text, tone) => (wanted && tone !== 'plain' ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}

/** A piece of a table, in a tone. */
export function cell(text: string, tone: Tone): Cell {
  return { text, tone };
}

/** The tone of a state's usual word. */
export function toned(word: string): Cell {
  const good = ['up', 'fit', 'alive', 'served', 'ok', 'grant', 'holder'];
  const bad = ['down', 'unfit', 'dead', 'fail', 'refused', 'refuse'];
  const warn = ['suspect', 'warn', 'blind', 'unknown', 'moved', 'lost-race', 'abandoned', 'pending'];
  if (good.includes(word)) return cell(word, 'good');
  if (bad.includes(word)) return cell(word, 'bad');
  return cell(word, warn.includes(word) ? 'warn' : 'plain');
}

/**
 * What another machine sent, made safe for a terminal: nothing that moves the cursor, forges lines or
 * turns text around.
 */
export function clean(text: string): string {
  return plainText(text);
}

const GAP = '  ';

/** Columns under their headings, as wide as they need to be; an empty heading row is left out. */
export function table(headings: readonly string[], rows: readonly Row[], paint: Paint): readonly string[] {
  const cells = rows.map((row) =>
    row.map((entry) => (typeof entry === 'string' ? cell(entry, 'plain') : entry)),
  );
  const heading = headings.map((name) => cell(name.toUpperCase(), 'faint'));
  const all = headings.some((name) => name !== '') ? [heading, ...cells] : cells;
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => clean(row[column]?.text ?? '').length)),
  );
  return all.map((row) => {
    const padded = row.map(({ text, tone }, column) => {
      const safe = clean(text);
      const space = column === row.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - safe.length);
      return paint(safe, tone) + space;
    });
    return padded.join(GAP).trimEnd();
  });
}

/** `0.4 s`, `12 s`, `5 min`, `2 h`, `3 d`; a dash where it isn't known. */
export function age(ms: DurationMs | null): string {
  if (ms === null) return '-';
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} d`;
}

/** `… ago`, or `never`. */
export function ago(ms: DurationMs | null): string {
  return ms === null ? 'never' : `${age(ms)} ago`;
}

/** `2026-01-31 12:00:00Z`. */
export function moment(wallMs: number): string {
  const date = new Date(wallMs);
  if (Number.isNaN(date.getTime())) return '-';
  return date
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z');
}
