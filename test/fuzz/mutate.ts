/** Bends valid values: parts replaced, left out, doubled, nested, and texts cut and overwritten. */
import fc from 'fast-check';
import { anyText } from '../../packages/protocol/test/support/arbitraries.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One change, at the how many-th place of the value. */
interface Change {
  readonly at: number;
  readonly how: 'replace' | 'drop' | 'double' | 'nest' | 'grow';
  readonly value: Json;
}

const TOP = Number.MAX_SAFE_INTEGER;
const numbers = fc.constantFrom(
  0,
  -0,
  -1,
  1,
  0.5,
  2 ** 44,
  2 ** 44 + 1,
  2 ** 52 + 1,
  TOP - 1,
  TOP,
  2 ** 53,
  1e308,
);
const texts = fc.constantFrom(
  '',
  'saturn',
  'neptune',
  'mars',
  '__proto__',
  'constructor',
  '203.0.113.7',
  '::1',
  '\u0000',
  '\u202e\u2028',
  '\ud800',
  '漢'.repeat(600),
  '"'.repeat(128),
  'x'.repeat(70_000),
);
const values = fc.oneof(numbers, texts, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<Json>; // what JSON can say

export const changes: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    at: fc.nat(10_000),
    how: fc.constantFrom('replace', 'replace', 'replace', 'drop', 'double', 'nest', 'grow'),
    value: values,
  }),
  { maxLength: 4 },
);

/** A value with these changes; the one that is given stays as it is. */
export function bent(value: Json, all: readonly Change[]): Json {
  return all.reduce((whole, one) => {
    const count = partsOf(whole);
    return at(whole, one.at % count, (part) => changed(part, one));
  }, value);
}

function changed(part: Json, { how, value }: Change): Json | undefined {
  switch (how) {
    case 'replace':
      return value;
    case 'drop':
      return undefined;
    case 'nest':
      return [part];
    case 'double':
      return Array.isArray(part) ? [...part, ...part] : value;
    case 'grow':
      return Array.isArray(part) ? Array.from({ length: 40 }, () => part[0] ?? value) : value;
  }
}

function partsOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, part) => sum + partsOf(part), 1);
}

/** The value with its `index`th part, counted from the whole, replaced; undefined leaves it out. */
function at(value: Json, index: number, change: (part: Json) => Json | undefined): Json {
  if (index === 0 || typeof value !== 'object' || value === null) return change(value) ?? null;
  let left = index - 1;
  const entries: [string, Json][] = [];
  for (const [key, part] of Object.entries(value)) {
    const count = partsOf(part);
    const here = left >= 0 && left < count;
    const next = !here ? part : left === 0 ? change(part) : at(part, left, change);
    left -= count;
    if (next !== undefined) entries.push([key, next]);
  }
  return Array.isArray(value) ? entries.map(([, part]) => part) : Object.fromEntries(entries);
}

/** One cut or overwritten place of a text. */
export const spoils: fc.Arbitrary<
  readonly { readonly at: number; readonly cut: number; readonly put: string }[]
> = fc.array(
  fc.record({
    at: fc.nat(100_000),
    cut: fc.nat(20),
    put: fc.oneof(
      anyText(8),
      fc.constantFrom(
        '{',
        '}',
        '[',
        '"',
        ',',
        '\\u0000',
        '1e400',
        '-0',
        '"__proto__":',
        '\u0000',
        '\r\n\r\n',
      ),
    ),
  }),
  { maxLength: 3 },
);

export function spoilt(
  text: string,
  all: readonly { readonly at: number; readonly cut: number; readonly put: string }[],
): string {
  return all.reduce((whole, { at: place, cut, put }) => {
    const from = place % (whole.length + 1);
    return whole.slice(0, from) + put + whole.slice(from + cut);
  }, text);
}
