/**
 * Where associations have no ids (OpsWorks), a read that lags shows whoever held the address before. After the word of the
 * node that has just taken it, that is no other change of holder.
 */
import { expect, test } from 'vitest';
import { isFollowedNow } from '../src/membership/bounded.ts';
import { observeTold, takeRead } from '../src/membership/hearsay.ts';
import type { Association } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { holderFrom, isStaleRead, observeHolder } from '../src/observation/holder.ts';
import { forgetReplacedSelf, noteReleased, READS_LAG_MS } from '../src/observation/replaced.ts';
import { newContext } from '../src/step-context.ts';
import { AT, addressIn, addressRecordOf, clusterOf, IP, stateOf, WALL } from './support/fixtures.ts';

const CLUSTER = clusterOf('neptune', 'pluto');

const heldIn = (node: string): Association => ({
  ...{ kind: 'associated', self: false, node, instanceId: `i-${node}`, associationId: null },
  ...{ networkInterfaceId: null, privateIp: null },
});

/** What a read that is answered then makes of the state. */
function read(state: State, node: string, afterMs: number): State {
  const now = { at: AT + afterMs, wall: WALL + afterMs };
  const ctx = newContext(state, now);
  const shown = heldIn(node);
  if (takeRead(ctx, IP, shown, now.at)) observeHolder(ctx, IP, holderFrom(ctx.state, shown, now.at), 'read');
  return ctx.state;
}

function says(state: State, from: string, holder: string, afterMs: number): State {
  const ctx = newContext(state, { at: AT + afterMs, wall: WALL + afterMs });
  const told = { node: holder, instanceId: `i-${holder}`, associationId: null, ageMs: 0 };
  observeTold(ctx, from, addressRecordOf({ holder: { kind: 'node', ...told } }));
  return ctx.state;
}

const held = (): State => read(stateOf(CLUSTER), 'neptune', 0);
const changes = (state: State): number => addressIn(state).changes.length;
const holder = (state: State): string | null => addressIn(state).holder.node;

test('one move counts once, though a read shows for a minute how it was before', () => {
  const moved = says(held(), 'pluto', 'pluto', 10_000);
  const lagging = [20_000, 40_000, 10_000 + READS_LAG_MS - 1].reduce(
    (state, afterMs) => read(state, 'neptune', afterMs),
    moved,
  );
  expect([holder(lagging), changes(lagging)]).toEqual(['pluto', 1]);
  const caughtUp = read(lagging, 'pluto', 80_000);
  expect([holder(caughtUp), changes(caughtUp)]).toEqual(['pluto', 1]);
});

test('a read that goes on showing it counts when reads lag no longer', () => {
  const state = read(says(held(), 'pluto', 'pluto', 10_000), 'neptune', 10_000 + READS_LAG_MS);
  expect(holder(state)).toBe('neptune');
});

test('another holder that is read counts at once', () => {
  expect(holder(read(says(held(), 'pluto', 'pluto', 10_000), 'saturn', 20_000))).toBe('saturn');
});

test('only the word of the new holder itself does that', () => {
  const state = read(says(held(), 'neptune', 'pluto', 10_000), 'neptune', 20_000);
  expect(holder(state)).toBe('neptune');
});

test('the word of whoever held it, that it was given back, counts at once', () => {
  const back = says(says(held(), 'pluto', 'pluto', 10_000), 'neptune', 'neptune', 20_000);
  expect(holder(read(back, 'neptune', 21_000))).toBe('neptune');
});

test('a node that asks for the address itself believes that it has it, though it held it before as well', () => {
  const self: Association = { ...heldIn('saturn'), self: true } as Association;
  const readSelf = (state: State, afterMs: number, asks: boolean): State => {
    const ctx = newContext(state, { at: AT + afterMs, wall: WALL + afterMs });
    if (asks) forgetReplacedSelf(ctx, IP);
    const seen = holderFrom(ctx.state, self, ctx.now.at);
    if (takeRead(ctx, IP, self, ctx.now.at)) observeHolder(ctx, IP, seen, 'read');
    return ctx.state;
  };
  const moved = says(readSelf(stateOf(CLUSTER), 0, false), 'pluto', 'pluto', 10_000);
  expect(holder(readSelf(moved, 20_000, false))).toBe('pluto');
  expect(holder(readSelf(moved, 20_000, true))).toBe('saturn');
});

test('whoever says it over and over, or takes it back between, hides nothing for longer', () => {
  let state = held();
  for (let afterMs = 10_000; afterMs < 2 * READS_LAG_MS; afterMs += 5_000) {
    state = says(state, 'pluto', 'pluto', afterMs);
    state = says(state, 'pluto', 'neptune', afterMs + 1_000);
    state = says(state, 'pluto', 'pluto', afterMs + 2_000);
    state = read(state, 'neptune', afterMs + 3_000);
    expect(holder(state)).toBe(afterMs + 3_000 < 10_000 + READS_LAG_MS ? 'pluto' : 'neptune');
  }
});

test('after its own release a node takes a read of the holder before the last for one that lags, for a minute, and no longer', () => {
  const fromNeptuneToPluto = read(held(), 'pluto', 10_000);
  const ctx = newContext(fromNeptuneToPluto, { at: AT + 12_000, wall: WALL + 12_000 });
  noteReleased(ctx, IP, { node: 'pluto', instanceId: 'i-pluto' });
  const { state } = ctx;
  expect(isStaleRead(state, IP, heldIn('neptune'))).toBe(true);
  expect(isStaleRead(fromNeptuneToPluto, IP, heldIn('neptune'))).toBe(false);
  const later = { ...state, now: { ...state.now, at: AT + 10_000 + READS_LAG_MS } };
  expect(isStaleRead(later, IP, heldIn('neptune'))).toBe(false);
  expect(isStaleRead(later, IP, heldIn('pluto'))).toBe(true);
});

test('a recording of an earlier version, which knows of no former holders and no epochs followed, goes on', () => {
  const { formerHolders: _, followedAt: __, ...address } = addressIn(held());
  const recorded = { ...held(), addresses: { [IP]: address } };
  expect(holder(read(recorded, 'pluto', 10_000))).toBe('pluto');
  expect(holder(says(recorded, 'pluto', 'pluto', 10_000))).toBe('pluto');
  const ctx = newContext(recorded, { at: AT, wall: WALL });
  noteReleased(ctx, IP, { node: 'neptune', instanceId: 'i-neptune' });
  forgetReplacedSelf(ctx, IP);
  expect(isStaleRead(ctx.state, IP, heldIn('pluto'))).toBe(false);
  expect(isFollowedNow(recorded, IP, 'nobody')).toBe(true);
});
