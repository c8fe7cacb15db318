/** I29: what the store accepts for the arbiter of a pair, and what of it breaks the rule. */
import { type ArbiterItem, encodeArbiterItem } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { ADDRESS, type Moment, newStage, play } from './checked-stage.ts';

const LENT: ArbiterItem = {
  founded: 'b.1',
  electorate: '1:x',
  leaseMs: 4_000,
  candidate: 'b',
  run: 'the run of b',
  epoch: 3,
  over: false,
};

function swapped(atMs: number, by: 'a' | 'b', parts: Partial<ArbiterItem> = {}): Moment {
  const text = encodeArbiterItem({ ...LENT, ...parts });
  return [atMs, (stage) => stage.tell({ kind: 'swapped', by: stage[by], address: ADDRESS, text })];
}

const TO_A = { candidate: 'a', run: 'the run of a', epoch: 4 };

test.each([
  ['lends what another run has', [swapped(0, 'b'), swapped(3_900, 'a', TO_A)]],
  [
    'lends another run of the same node what the first has',
    [swapped(0, 'b'), swapped(3_900, 'b', { run: 'the next', epoch: 4 })],
  ],
  ['lends one epoch twice', [swapped(0, 'b'), swapped(5_000, 'a', { ...TO_A, epoch: 3 })]],
  [
    'was made anew and lends what it had lent before',
    [swapped(0, 'b'), swapped(1_000, 'a', { ...TO_A, founded: 'a.9' })],
  ],
  ['has a lease ended by another while it lasts', [swapped(0, 'b'), swapped(1_000, 'a', { over: true })]],
  [
    'is written what nobody can read',
    [[0, (stage) => stage.tell({ kind: 'swapped', by: stage.a, address: ADDRESS, text: '{' })]],
  ],
] satisfies [string, Moment[]][])('an arbiter that %s breaks I29', (_, moments) => {
  expect(play(moments)).toEqual(['I29']);
});

test.each([
  ['lends the same run again', [swapped(0, 'b'), swapped(1_000, 'b', { epoch: 4 })]],
  ['lends another what is over', [swapped(0, 'b'), swapped(4_000, 'a', TO_A)]],
  [
    'has a lease ended that has stood still',
    [swapped(0, 'b'), swapped(4_080, 'a', { over: true }), swapped(4_100, 'a', TO_A)],
  ],
  [
    'was made anew, and has an epoch come again',
    [swapped(0, 'b'), swapped(9_000, 'a', { ...TO_A, epoch: 2, founded: 'a.9' })],
  ],
] satisfies [string, Moment[]][])('an arbiter that %s breaks nothing', (_, moments) => {
  expect(play(moments)).toEqual([]);
});

test('who was lent it may give it back, and then it is free', () => {
  const stage = newStage();
  const own = stage.b.state().session;
  const moments = [
    swapped(0, 'b', { run: own }),
    swapped(500, 'b', { run: own, over: true }),
    swapped(600, 'a', TO_A),
  ];
  expect(play(moments, stage)).toEqual([]);
});

test('a store that lies may have lent to anybody', () => {
  const stage = newStage();
  stage.storeLied = true;
  expect(play([swapped(0, 'b'), swapped(100, 'a', TO_A)], stage)).toEqual([]);
});
