import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deltaOf, type Json, patched } from '../src/delta.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const asText = (value: Json): string => JSON.stringify(value);
/** As a line holds it. */
const written = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test('what is patched has the JSON of what was there, its names in the same order', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      const known: Json = JSON.parse(asText(before));
      expect(asText(patched(known, written(deltaOf(before, after))))).toBe(asText(after));
    }),
  );
});

test('a part that changes leaves the others out, and a number says by how much', () => {
  const before = { kind: 'answered', message: { seq: 7, t: 1_000, to: 'a', echo: null }, durationMs: 1.5 };
  const after = { kind: 'answered', message: { seq: 9, t: 1_490, to: 'a', echo: null }, durationMs: 2.25 };
  expect(deltaOf(before, after)).toEqual({ message: { seq: 2, t: 490 }, durationMs: [2.25] });
  expect(deltaOf(before, before)).toEqual({});
});

test.each<[what: string, before: Json, after: Json]>([
  ['another order of names', { a: 1, b: 2 }, { b: 2, a: 1 }],
  ['a name that is gone', { a: 1, b: 2 }, { a: 1 }],
  ['a map in the place of a list', [1], { 0: 1 }],
  ['a node called __proto__', JSON.parse('{"__proto__":{"n":1}}'), JSON.parse('{"__proto__":{"n":2}}')],
  ['numbers too large to be added', Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER],
  ['null and a map', null, {}],
])('%s comes back as it was', (_, before, after) => {
  expect(asText(patched(before, written(deltaOf(before, after))))).toBe(asText(after));
});

test('a part that is undefined is left out, as JSON leaves it out', () => {
  const after = { a: 1, b: undefined } as unknown as Json;
  expect(asText(patched({ a: 1, b: 1 }, written(deltaOf({ a: 1, b: 1 }, after))))).toBe('{"a":1}');
});

test.each([
  ['a number for what is none', 'text', 1],
  ['a list of two', 1, [1, 2]],
  ['a text', 1, 'text'],
  ['nothing', 1, null],
  ['parts of a number', 1, { a: 1 }],
  ['nothing changed of nothing', undefined, {}],
  ['a part that is not there', { a: 1 }, { b: [1] }],
  ['a nesting without an end', nested(40, 1), nested(40, 1)],
] as const)('a difference is refused: %s', (_, before, delta) => {
  expect(() => patched(before as Json, delta)).toThrow();
});

function nested(depth: number, leaf: Json): Json {
  let value = leaf;
  for (let count = 0; count < depth; count += 1) value = { in: value };
  return value;
}
