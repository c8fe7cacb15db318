/** One change of holder counts once, whoever tells of it and when (invariant I15). */
import { describe, expect, test } from 'vitest';
import { MAX_FLAP_MOVES } from '../src/model/config.ts';
import { initialState } from '../src/model/initial.ts';
import { type Changes, changesKept, nameOfChange, withChange, withTold } from '../src/observation/changes.ts';
import { observeHolder } from '../src/observation/holder.ts';
import { newContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { dampingOf } from '../src/takeover/damping.ts';
import { decodeDocument, encodeDocument } from '../src/wire/codec.ts';
import { AT, addressIn, heldBy, IP, PAIR, PEER, stateOf, WALL, withAddress } from './support/fixtures.ts';

const NONE: Changes = { changes: [], changedTo: [] };
const KEPT = 32;

function told(known: Changes, ...more: readonly (readonly [at: number, to: string])[]): Changes {
  return withTold(
    known,
    more.map(([at]) => at),
    more.map(([, to]) => to),
    KEPT,
  );
}

const ROWS: readonly (readonly [
  says: string,
  known: readonly (readonly [number, string])[],
  changes: number[],
])[] = [
  [
    'an association that is learnt of much later is the same change, at the earlier time',
    [
      [90_000, 'x'],
      [30_000, 'x'],
    ],
    [30_000],
  ],
  [
    'the same, when the later word comes last',
    [
      [30_000, 'x'],
      [90_000, 'x'],
    ],
    [30_000],
  ],
  [
    'two associations are two changes',
    [
      [30_000, 'x'],
      [90_000, 'y'],
    ],
    [90_000, 30_000],
  ],
  [
    'two associations close together are two changes as well',
    [
      [30_000, 'x'],
      [32_000, 'y'],
    ],
    [32_000, 30_000],
  ],
  [
    'holders without an association id, close together, count as one',
    [
      [30_000, '=a'],
      [32_000, '=b'],
    ],
    [30_000],
  ],
  [
    'so do an association and a holder without one',
    [
      [30_000, 'x'],
      [32_000, '=b'],
    ],
    [30_000],
  ],
  [
    'without a name, changes close together are one',
    [
      [30_000, ''],
      [32_000, ''],
    ],
    [30_000],
  ],
  [
    'without a name, changes far apart are two',
    [
      [30_000, ''],
      [34_000, ''],
    ],
    [34_000, 30_000],
  ],
  [
    'a change without a name is the one with a name close by, and takes its name',
    [
      [30_000, ''],
      [31_000, 'x'],
      [70_000, 'x'],
    ],
    [30_000],
  ],
  [
    'a holder without an association id, told of again, is the same change',
    [
      [30_000, '=a'],
      [70_000, '=a'],
    ],
    [30_000],
  ],
  [
    'a holder that comes back after another is another change',
    [
      [30_000, '=a'],
      [50_000, '=b'],
      [70_000, '=a'],
    ],
    [70_000, 50_000, 30_000],
  ],
];

test.each(ROWS)('%s', (_says, known, changes) => {
  expect(told(NONE, ...known).changes).toEqual(changes);
});

test('a holder that has it back within seconds has moved twice: a word of the first move is about that one', () => {
  const first = withChange(NONE, 10_000, '=x', KEPT);
  const back = withChange(withChange(first, 68_000, '=y', KEPT), 70_000, '=x', KEPT);
  expect(back.changes).toEqual([70_000, 10_000]);
  expect(told(back, [10_500, '=x']).changes).toEqual([70_000, 10_000]);
  expect(told(back, [9_500, '=x']).changes).toEqual([70_000, 9_500]);
  expect(told(back, [75_000, '=x']).changes).toEqual([70_000, 10_000]);
});

test('a change that a node sees itself, close after another, takes its place', () => {
  const known = told(NONE, [30_000, '=a']);
  expect(withChange(known, 32_000, '=b', KEPT)).toEqual({ changes: [32_000], changedTo: ['=b'] });
  expect(withChange(known, 32_000, '=a', KEPT)).toEqual(known);
});

test('two associations are two changes, however late the first was learnt', () => {
  const known = told(NONE, [30_000, 'x']);
  expect(withChange(known, 32_000, 'y', KEPT)).toEqual({ changes: [32_000, 30_000], changedTo: ['y', 'x'] });
  expect(withChange(known, 32_000, 'x', KEPT)).toEqual(known);
});

test('an association that was there before comes into view by an old word: it is no other change', () => {
  const known = told(NONE, [30_000, 'x'], [40_000, 'y']);
  expect(withChange(known, 41_000, 'x', KEPT)).toEqual(known);
  const ctx = newContext(heldBy(stateOf(), PEER), { at: AT, wall: WALL });
  const { holder } = addressIn(ctx.state);
  const nobody = { ...holder, kind: 'none', node: null, instanceId: null, associationId: null } as const;
  observeHolder(ctx, IP, { ...nobody, at: AT - 20 }, 'read');
  observeHolder(ctx, IP, { ...holder, at: AT - 10 }, 'gossip');
  expect(addressIn(ctx.state)).toMatchObject({ holder: { node: PEER }, changes: [] });
  observeHolder(ctx, IP, { ...nobody, at: AT - 5 }, 'read');
  observeHolder(ctx, IP, { ...holder, associationId: 'eipassoc-2', at: AT }, 'read');
  expect(addressIn(ctx.state).changes).toEqual([AT]);
  observeHolder(ctx, IP, { ...holder, at: AT + 1 }, 'gossip');
  expect(addressIn(ctx.state)).toMatchObject({
    holder: { associationId: holder.associationId },
    changes: [AT],
  });
});

test('names tell associations apart, and without them holders', () => {
  const { holder } = addressIn(heldBy(stateOf(), PEER));
  const other = { ...holder, associationId: 'eipassoc-2' };
  expect(nameOfChange(holder)).toMatch(/^[0-9a-f]{8}$/);
  expect(nameOfChange(holder)).not.toBe(nameOfChange(other));
  const unnamed = { ...holder, associationId: null };
  expect(nameOfChange(unnamed)).not.toBe(nameOfChange({ ...unnamed, instanceId: 'i-pluto' }));
});

describe('a large budget', () => {
  const config = { ...PAIR, holdDownMs: 0, flap: { moves: MAX_FLAP_MOVES, withinMs: 24 * 60 * 60_000 } };
  const times = Array.from({ length: MAX_FLAP_MOVES }, (_, n) => AT - 1_000 - n * 60);
  const names = times.map((_, n) => `eipassoc${n}`);

  test('is remembered as a whole, by a node and on its disk', () => {
    const kept = changesKept(config);
    const changes = withTold(NONE, times.slice(0, 1), names, kept);
    expect(changes.changes).toHaveLength(1);
    const state = withAddress(stateOf(config), { changes: times, changedTo: names });
    const decoded = decodeDocument(encodeDocument(documentOf(state)));
    if (decoded.kind === 'fault') throw new Error(decoded.detail);
    const after = restored(initialState(config), { kind: 'loaded', document: decoded.document }, AT);
    expect(addressIn(after).oldChanges).toHaveLength(MAX_FLAP_MOVES);
  });

  test('is used up by so many changes, and not before', () => {
    const state = heldBy(stateOf(config), PEER);
    const used = withAddress(state, { changes: times, changedTo: names, served: true });
    expect(dampingOf(used, addressIn(used))).toMatchObject({ kind: 'damped', reason: 'flapping' });
    const left = withAddress(state, { changes: times.slice(1), changedTo: names.slice(1), served: true });
    expect(dampingOf(left, addressIn(left)).kind).toBe('free');
  });
});
