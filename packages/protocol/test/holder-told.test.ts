import { expect, test } from 'vitest';
import { observeTold } from '../src/membership/hearsay.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { HolderRecord } from '../src/wire/messages.ts';
import { AT, addressIn, addressRecordOf, clusterOf, stateOf, WALL } from './support/fixtures.ts';

const CLUSTER = clusterOf('neptune', 'pluto');

/** A node that knows nothing of the holder yet, at some milliseconds after `AT`. */
function turnAt(afterMs: number, before?: StepContext): StepContext {
  return newContext(before?.state ?? stateOf(CLUSTER), { at: AT + afterMs, wall: WALL + afterMs });
}

function told(node: string | null, ageMs: number): HolderRecord {
  const holder = { node, instanceId: node === null ? null : `i-${node}`, ageMs };
  return node === null
    ? { ...holder, kind: 'none', associationId: null }
    : { ...holder, kind: 'node', associationId: `eipassoc-${node}` };
}

/** What is believed after these words, each with who says it and how long after `AT` it arrives. */
function believedAfter(
  ...words: readonly (readonly [from: string, arrivesMs: number, holder: HolderRecord])[]
): string | null {
  const last = words.reduce<StepContext | undefined>((before, [from, arrivesMs, holder]) => {
    const ctx = turnAt(arrivesMs, before);
    observeTold(ctx, from, addressRecordOf({ holder }));
    return ctx;
  }, undefined);
  if (last === undefined) throw new Error('nothing was said');
  return addressIn(last.state).holder.node;
}

test('a peer that says first that nobody holds it, in a message that is late, and then who, is believed', () => {
  // Released at 0 and said so at once, which took 500 ms; taken at 250, and said so at 300, which took 20 ms.
  expect(believedAfter(['neptune', 500, told(null, 0)], ['neptune', 520, told('neptune', 270)])).toBe(
    'neptune',
  );
});

test("another peer's older word changes nothing", () => {
  expect(believedAfter(['neptune', 500, told('neptune', 0)], ['pluto', 520, told('saturn', 270)])).toBe(
    'neptune',
  );
});

test("another peer's newer word is believed", () => {
  expect(believedAfter(['neptune', 500, told('neptune', 0)], ['pluto', 900, told('pluto', 270)])).toBe(
    'pluto',
  );
});

test('a peer whose word was overtaken by a newer one of another has no right to correct that one', () => {
  expect(
    believedAfter(
      ['neptune', 500, told('neptune', 0)],
      ['pluto', 900, told('pluto', 100)],
      ['neptune', 950, told('neptune', 450)],
    ),
  ).toBe('pluto');
});

/** How long ago the changes were, after these words. */
function changesAfter(
  ...words: readonly (readonly [arrivesMs: number, holder: HolderRecord])[]
): readonly number[] {
  const last = words.reduce<StepContext | undefined>((before, [arrivesMs, holder]) => {
    const ctx = turnAt(arrivesMs, before);
    observeTold(ctx, 'neptune', addressRecordOf({ holder }));
    return ctx;
  }, undefined);
  if (last === undefined) throw new Error('nothing was said');
  return addressIn(last.state).changes.map((at) => at - AT);
}

test('two changes close together, without association ids, are one, and the later one counts', () => {
  const first = [0, told('neptune', 0)] as const;
  const without = (node: string): HolderRecord => ({ ...told(node, 0), associationId: null });
  expect(changesAfter(first, [10_000, without('pluto')], [10_700, without('mars')])).toEqual([10_700]);
  expect(changesAfter(first, [10_000, without('pluto')], [14_000, without('mars')])).toEqual([
    14_000, 10_000,
  ]);
  expect(changesAfter(first, [10_000, told('pluto', 0)], [10_700, told('mars', 0)])).toEqual([
    10_700, 10_000,
  ]);
});

test('an association that is called by its instance first and by its node later has not moved', () => {
  const stranger: HolderRecord = { ...told('pluto', 0), kind: 'other', node: null };
  expect(changesAfter([0, stranger], [10_000, told('pluto', 0)], [20_000, stranger])).toEqual([]);
});
