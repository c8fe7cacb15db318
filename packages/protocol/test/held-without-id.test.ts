/**
 * Where associations have no ids: what makes a node forget that it was told that it holds the address, so that a read that
 * shows it again is a take that has landed since, and is told.
 */
import { expect, test } from 'vitest';
import { observeTold } from '../src/membership/hearsay.ts';
import type { Holder } from '../src/model/address-state.ts';
import { UNKNOWN_HOLDER } from '../src/model/initial.ts';
import { WITHOUT_ID } from '../src/model/units.ts';
import { nameOfChange } from '../src/observation/changes.ts';
import { observeHolder } from '../src/observation/holder.ts';
import { newContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  heldBy,
  IP,
  PEER,
  SELF,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';

function holderOf(node: string | null, parts: Partial<Holder> = {}): Holder {
  const { holder } = addressIn(heldBy(stateOf(), node));
  return { ...holder, associationId: null, at: AT, ...parts };
}

const BY_WORD = { toldBy: PEER, firsthand: false };

/** Whether it still counts as told that this node holds the address, after another holder was seen. */
function isStillTold(before: Holder, seen: Holder, replaced: string | null = null): boolean {
  const { kind, node, instanceId } = holderOf(replaced);
  const state = withAddress(stateOf(), {
    holder: { ...before, at: AT - 5_000 },
    late: { intent: INTENT, takes: 1, until: AT + 60_000, held: WITHOUT_ID },
    replaced: replaced === null ? null : { kind, node, instanceId, until: AT + 1, toldBy: null },
  });
  const ctx = newContext(state, { at: AT, wall: WALL });
  observeHolder(ctx, IP, seen, seen.firsthand ? 'read' : 'gossip');
  return addressIn(ctx.state).late?.held === WITHOUT_ID;
}

test.each([
  ['a read shows a peer', holderOf(SELF), holderOf(PEER), null, false],
  ['a peer says that it holds it', holderOf(SELF), holderOf(PEER, BY_WORD), null, false],
  ['a peer says that nobody does', holderOf(SELF), holderOf(null, BY_WORD), null, false],
  ['this run has not known yet that it holds it', UNKNOWN_HOLDER, holderOf(PEER, BY_WORD), null, true],
  ['it shows nobody to a run that has not known yet', UNKNOWN_HOLDER, holderOf(null), null, false],
  [
    'a peer names the holder whom this node has replaced',
    holderOf(SELF),
    holderOf(PEER, BY_WORD),
    PEER,
    true,
  ],
  ['a peer names another', holderOf(SELF), holderOf(null, BY_WORD), PEER, false],
  ['a read shows this node again', holderOf(SELF), holderOf(SELF), null, true],
])('%s', (_when, before, seen, replaced, expected) => {
  expect(isStillTold(before, seen, replaced)).toBe(expected);
});

test.each([
  ['a read, in the middle of a move', true, 'read', PEER],
  ['the answer to its take', true, 'taken', PEER],
  ['a read, when it has asked for nothing', false, 'read', null],
] as const)(
  '%s shows this node: reads may go on showing whom it has replaced',
  (_when, asks, source, expected) => {
    const phase = { kind: 'taking', callId: 1, at: AT - 500, reassociate: true } as const;
    const move = asks ? movingIn(phase) : null;
    const state = withAddress(stateOf(), { holder: holderOf(PEER, { at: AT - 5_000 }), move, late: null });
    const ctx = newContext(state, { at: AT, wall: WALL });
    observeHolder(ctx, IP, holderOf(SELF), source);
    expect(addressIn(ctx.state).replaced?.node ?? null).toBe(expected);
  },
);

/** The peer tells of its own last take of the address, so long ago; this node's own was ten seconds ago, and replaced that peer. */
function isToldAfterTake(ageMs: number, of: string): boolean {
  const { kind, node, instanceId } = holderOf(PEER);
  const state = withAddress(stateOf(), {
    holder: holderOf(SELF, { at: AT - 10_000 }),
    changes: [AT - 10_000],
    late: { intent: INTENT, takes: 1, until: AT + 60_000, held: WITHOUT_ID },
    replaced: { kind, node, instanceId, until: AT + 1, toldBy: null },
  });
  const ctx = newContext(state, { at: AT, wall: WALL });
  const told = { kind: 'node', node: PEER, instanceId: `i-${PEER}`, associationId: null, ageMs: 0 } as const;
  const changedTo = [nameOfChange({ associationId: null, instanceId: `i-${of}`, node: of })];
  observeTold(ctx, PEER, addressRecordOf({ holder: told, changes: [ageMs], changedTo }));
  return addressIn(ctx.state).late?.held === WITHOUT_ID;
}

test('the peer that was replaced has taken it again since', () =>
  expect(isToldAfterTake(1_000, PEER)).toBe(false));
test('the peer that was replaced tells of its take before', () =>
  expect(isToldAfterTake(20_000, PEER)).toBe(true));
test("a peer tells when it learnt of another's take", () =>
  expect(isToldAfterTake(1_000, 'pluto')).toBe(true));
