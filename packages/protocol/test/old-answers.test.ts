/** Answers that lay there while this node stood still: what they show is as old as their questions. */
import { expect, test } from 'vitest';
import type { MovePhase } from '../src/move/phases.ts';
import { follow, MOVE_TABLE } from '../src/move/table.ts';
import { answeredAt } from '../src/observation/holder.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { AT, addressIn, heldBy, IP, PEER, stateOf, WALL, withAddress } from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';

const ASKED_AT = AT - 20_000;
const STOOD_STILL_UNTIL = AT - 1;

/** A move that waits for an answer, since before this node stood still. */
function waiting(phase: MovePhase): StepContext {
  const before = { intent: INTENT, move: movingIn(phase), late: null };
  const state = withAddress(heldBy(stateOf(), PEER), before);
  return newContext({ ...state, observedFrom: STOOD_STILL_UNTIL }, { at: AT, wall: WALL });
}

const holder = ({ state }: StepContext): unknown => {
  const { node, at } = addressIn(state).holder;
  return { node, at };
};

test('a read that settles an unknown take: nobody held the address when it went out', () => {
  const times = { since: ASKED_AT, seenAt: ASKED_AT, nextAt: ASKED_AT };
  const phase = {
    kind: 'settling',
    of: 'take',
    associationId: null,
    callId: 1,
    seen: null,
    ...times,
  } as const;
  const ctx = waiting({ ...phase, readAt: ASKED_AT + 5 });
  follow(MOVE_TABLE.settling, ctx, IP, { ...phase, readAt: ASKED_AT + 5 }, { kind: 'nobody' });
  expect(holder(ctx)).toEqual({ node: null, at: ASKED_AT + 5 });
});

test('a release that was applied: nobody held the address then', () => {
  const phase = {
    kind: 'releasing',
    callId: 1,
    at: ASKED_AT,
    associationId: 'eipassoc-1',
    instanceId: `i-${PEER}`,
    node: PEER,
  } as const;
  const ctx = waiting(phase);
  follow(MOVE_TABLE.releasing, ctx, IP, phase, { kind: 'released' });
  expect(holder(ctx)).toEqual({ node: null, at: ASKED_AT });
});

test('a take that was accepted: this node held the address then', () => {
  const phase = { kind: 'taking', callId: 1, at: ASKED_AT, reassociate: false } as const;
  const ctx = waiting(phase);
  follow(MOVE_TABLE.taking, ctx, IP, phase, { kind: 'taken', associationId: 'eipassoc-2' });
  expect(holder(ctx)).toEqual({ node: 'saturn', at: ASKED_AT });
});

test('an answer to a call that went out since is as new as it is', () => {
  expect(answeredAt({ ...stateOf(), observedFrom: AT - 9 }, AT - 9)).toBe(AT);
});
