import { expect, test } from 'vitest';
import type { Effect } from '../src/effects.ts';
import type { State } from '../src/state.ts';
import { step } from '../src/step.ts';
import {
  AT,
  addressIn,
  clusterOf,
  heldBy,
  PAIR,
  SELF,
  seenUp,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

/** A holder that read the cloud a while ago, and needn't again for most of a minute. */
function holderThatRead(readAgoMs: number, ended: readonly string[]): State {
  const state = seenUp(heldBy(stateOf(clusterOf('neptune', 'pluto')), SELF));
  const { survey } = addressIn(state);
  return withAddress(state, {
    ended,
    survey: { ...survey, readingAt: AT - readAgoMs, nextReadAt: AT + 50_000, nextPermitAt: AT + 50_000 },
  });
}

function reads(state: State, at: number): readonly Effect[] {
  const { effects } = step(state, { kind: 'tick', at, wall: WALL });
  return effects.filter((effect) => effect.kind === 'drive' && effect.operation.op === 'read');
}

test('a holder whose association has ended, by the word of others, asks the cloud who holds the address now', () => {
  expect(reads(holderThatRead(10_000, ['eipassoc-1']), AT)).toHaveLength(1);
});

test('it does so 5 s after it last did, however often it is told', () => {
  expect(reads(holderThatRead(4_000, ['eipassoc-1']), AT)).toEqual([]);
  expect(reads(holderThatRead(4_000, ['eipassoc-1']), AT + 1_000)).toHaveLength(1);
});

test('the end of an earlier association is no reason to ask', () => {
  expect(reads(holderThatRead(10_000, ['eipassoc-0']), AT)).toEqual([]);
  expect(reads(seenUp(heldBy(stateOf(PAIR), SELF)), AT)).toHaveLength(1);
});
