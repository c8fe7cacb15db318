/**
 * Values by chance of whatever form the codec lets through, so that a field that is added to a message is lied about by itself.
 * Biased to what is interesting: what is in force, one more than that, and both ends.
 */
import type { Form } from '@failtome/protocol';
import type { Random } from '../random.ts';

/** What a liar knows, to choose from. */
export interface Interesting {
  /** Values of the patterns that the codec names. */
  readonly matching: Readonly<Record<string, readonly string[]>>;
  readonly texts: readonly string[];
  readonly numbers: readonly number[];
}

/** Near the ends of the numbers, and where bounds lie. */
const HEIGHTS: readonly number[] = [
  0,
  1,
  2 ** 16,
  2 ** 44 - 1,
  2 ** 44,
  2 ** 44 + 2 ** 16,
  2 ** 52,
  Number.MAX_SAFE_INTEGER - 1,
  Number.MAX_SAFE_INTEGER,
];
const LENGTHS_MS: readonly number[] = [0, 1, 0.5, 300, 1_000, 10_000, 60_000, 3_600_000, ...HEIGHTS];
/** So often an optional field is there, and a list is as long as it may be. */
const THERE_PER_MILLE = 350;
const FULL_PER_MILLE = 60;
const MAX_USUAL_LENGTH = 3;
/** In UTF-8 and JSON one character of it takes six bytes at most. */
const LONG = '"\u0001漢x';

/** @throws Error when the codec names a pattern that `known` has no values of */
export function madeUp(form: Form, random: Random, known: Interesting): unknown {
  switch (form.kind) {
    case 'text':
      return textOf(form.most, random, known);
    case 'matching': {
      const values = known.matching[form.what];
      if (values === undefined) throw new Error(`a liar knows no ${form.what}`);
      return random.pick(values);
    }
    case 'whole':
      return wholeOf(form.least, form.most, random, known);
    case 'duration':
      return random.pick(LENGTHS_MS);
    case 'flag':
      return random.chance(500);
    case 'one-of':
      return random.pick(form.values);
    case 'nullable':
      return random.chance(300) ? null : madeUp(form.of, random, known);
    case 'list': {
      const length = random.chance(FULL_PER_MILLE)
        ? form.most
        : random.between(0, Math.min(form.most, MAX_USUAL_LENGTH));
      return Array.from({ length }, () => madeUp(form.of, random, known));
    }
    case 'object': {
      const optional = Object.entries(form.optional).filter(() => random.chance(THERE_PER_MILLE));
      const all = [...Object.entries(form.required), ...optional];
      return Object.fromEntries(all.map(([name, of]) => [name, madeUp(of, random, known)]));
    }
    case 'union':
      return madeUp(random.pick(Object.values(form.of)), random, known);
  }
}

/** The value with parts of it replaced by others of the same form, each so often. */
export function bentValue(
  form: Form,
  value: unknown,
  perMille: number,
  random: Random,
  known: Interesting,
): unknown {
  if (random.chance(perMille)) return madeUp(form, random, known);
  if (form.kind === 'nullable')
    return value === null ? null : bentValue(form.of, value, perMille, random, known);
  if (form.kind === 'list' && Array.isArray(value))
    return value.map((one) => bentValue(form.of, one, perMille, random, known));
  if (form.kind !== 'object' || typeof value !== 'object' || value === null) return value;
  const forms = { ...form.required, ...form.optional };
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => {
      const of = forms[name];
      return [name, of === undefined ? part : bentValue(of, part, perMille, random, known)];
    }),
  );
}

function textOf(most: number, random: Random, { texts }: Interesting): string {
  if (random.chance(FULL_PER_MILLE)) return LONG.repeat(Math.ceil(most / LONG.length)).slice(0, most);
  return random.chance(200) ? '' : random.pick(texts).slice(0, most);
}

function wholeOf(least: number, most: number, random: Random, { numbers }: Interesting): number {
  const near = random.pick(numbers) + random.between(-1, 2);
  const drawn = random.chance(600) ? near : random.pick(HEIGHTS);
  return Math.min(most, Math.max(least, drawn));
}
