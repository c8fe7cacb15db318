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

/** How what is printed has to look. */
export interface Look {
  readonly paint: Paint;
  /** Columns of the terminal. */
  readonly width: number;
}

/** Where nobody says how wide the terminal is. */
const USUAL_WIDTH = 100;
/** Narrower than this nothing can be read, however it is folded. */
const LEAST_WIDTH = 40;

/** As wide as the terminal is, or as COLUMNS says. */
export function lookOf({ stdout, env }: { readonly stdout: Output; readonly env: Environment }): Look {
  const told = (stdout.isTTY ? stdout.columns : undefined) ?? Number(env.COLUMNS ?? '');
  const width = Number.isSafeInteger(told) && told > 0 ? Math.max(LEAST_WIDTH, told) : USUAL_WIDTH;
  return { paint: painter(stdout, env), width };
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

/** `430 ms`, `2.1 s`, `12 s`, `5 min`, `2 h`, `3 d`; a dash where it isn't known. */
export function age(ms: DurationMs | null): string {
  if (ms === null) return '-';
  if (Math.round(ms) < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000 && ms !== 3_600_000) return `${Math.round(ms / 60_000)} min`;
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
