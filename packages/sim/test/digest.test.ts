import { expect, test } from 'vitest';
import { Digest } from '../src/world/digest.ts';

function hashOf(...values: readonly unknown[]): string {
  const digest = new Digest();
  for (const value of values) digest.data(value);
  return digest.hex();
}

test('the same data has the same hash on every machine', () => {
  expect(hashOf({ kind: 'probe', at: 12.0625, ok: true, why: null, peers: ['a', 'b'] })).toBe(
    'fc3672b06338984b',
  );
  expect(hashOf('é'.repeat(3_000), -1, 2 ** 53)).toBe('14a0258df4da0f31');
});

test('what differs in one character, bit, place or name differs', () => {
  const long = 'x'.repeat(10_000);
  const different: readonly (readonly unknown[])[] = [
    [''],
    ['a'],
    ['b'],
    ['a', 'b'],
    ['ab'],
    [0],
    [1],
    [0.5],
    [null],
    [true],
    [false],
    [[]],
    [{}],
    [[1, 2]],
    [[2, 1]],
    [{ a: 1 }],
    [{ b: 1 }],
    [{ a: '1' }],
    [{ a: 1, b: 2 }],
    [long],
    [`${long}x`],
    [`${long.slice(1)}y`],
    [`y${long.slice(1)}`],
    [`${long.slice(0, 4_096)}y${long.slice(4_097)}`],
  ];
  expect(new Set(different.map((values) => hashOf(...values))).size).toBe(different.length);
});

test('a key without a value is as good as none, as in JSON', () => {
  expect(hashOf({ a: 1, b: undefined })).toBe(hashOf({ a: 1 }));
});
