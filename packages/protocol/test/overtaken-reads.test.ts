/** A slow read that another didn't wait for: what it shows counts, as of when it went out. */
import { expect, test } from 'vitest';
import type { Association } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { step } from '../src/step.ts';
import { AT, addressIn, heldBy, PEER, SELF, stateOf, WALL, withAddress } from './support/fixtures.ts';

const SLOW = { callId: 8, at: AT - 2_000 };

const shows = (node: string, associationId: string): Association => ({
  ...{ kind: 'associated', associationId, instanceId: `i-${node}`, node: null, self: node === SELF },
});

/** The answer to the slow read, when the holder was last seen at `knownAt`. */
function answered(knownAt: number, association: Association): State {
  const state = heldBy(stateOf(), PEER);
  const { holder, idle } = addressIn(state);
  const before = withAddress(state, {
    holder: { ...holder, at: knownAt },
    idle: {
      ...idle,
      reading: 9,
      readingAt: AT - 500,
      overtaken: SLOW,
      nextReadAt: AT + 50_000,
      nextPermitAt: AT + 50_000,
    },
  });
  const result = { answer: { kind: 'read', association, displaces: null }, requests: [] } as const;
  const input = {
    kind: 'driven',
    at: AT,
    wall: WALL,
    callId: SLOW.callId,
    purpose: 'idle-read',
    result,
  } as const;
  return step(before, input).state;
}

test('it shows this node, which was given the address: that is known', () => {
  const { holder, idle } = addressIn(answered(AT - 3_000, shows(SELF, 'eipassoc-2')));
  expect([holder.node, holder.at]).toEqual([SELF, SLOW.at]);
  expect(idle.overtaken).toBe(null);
  expect(idle.reading).toBe(9);
});

test('it shows how it was before what is known: that changes nothing', () => {
  const { holder } = addressIn(answered(AT - 1_000, shows(SELF, 'eipassoc-2')));
  expect(holder.node).toBe(PEER);
});
