/** How a handover ends, how long its end is remembered, and which are remembered at all. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownRecord } from '../src/membership/own-record.ts';
import { initialState } from '../src/model/initial.ts';
import { MAX_HANDOVERS } from '../src/model/limits.ts';
import type { Handover, State } from '../src/model/state.ts';
import type { Move, MovePhase } from '../src/move/phases.ts';
import {
  addHandover,
  adoptHandover,
  endPausedHandovers,
  expireHandovers,
  HANDOVER_LASTS_MS,
  nextInOrder,
  setHandoverState,
  standingOf,
  withdrawHandover,
} from '../src/orders/handover.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import type { DurableHandover } from '../src/storage/durable.ts';
import { handoverToSelf } from '../src/takeover/view.ts';
import { decodeDocument, decodeMessage, encodeDocument, encodeMessage } from '../src/wire/codec.ts';
import type { HandoverRecord } from '../src/wire/messages.ts';
import {
  AT,
  envelopeOf,
  handoverOf,
  IP,
  PAIR,
  PEER,
  recordOf,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

const ORDER = handoverOf();
const PAUSE = { version: 4, by: PEER, paused: true, owner: 'bob', reason: 'switch', until: null };

function turnAt(state: State, at = AT, wall = WALL): StepContext {
  return newContext(state, { at, wall });
}

function withOrder(record: HandoverRecord = ORDER, state = stateOf()): StepContext {
  const ctx = turnAt(state);
  addHandover(ctx, record);
  return ctx;
}

function known(ctx: StepContext, id = ORDER.id): Handover {
  const found = ctx.state.handovers.find(({ record }) => record.id === id);
  if (found === undefined) throw new Error(`${id} is not known`);
  return found;
}

function movingFor(id: string, stage: MovePhase, duty = false): State {
  const move: Move = {
    epoch: 5,
    mode: 'handover',
    handoverId: id,
    startedAt: AT,
    leaseUntil: AT + 9_000,
    callTimeoutMs: 1_000,
    consent: true,
    duty,
    stage,
    delayMs: 0,
    steps: [],
    requestIds: [],
  };
  return withAddress(stateOf(), { move });
}

const TAKING: MovePhase = { kind: 'taking', callId: 9, at: AT, reassociate: true };

describe('a handover that is taken back', () => {
  test('is not acted upon any more, and says by whom', () => {
    const ctx = withOrder();
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    expect(handoverToSelf(ctx.state, IP)).toBeNull();
    expect(standingOf(known(ctx).record)).toBe('withdrawn');
    expect(ctx.facts.at(-1)).toMatchObject({
      kind: 'handover',
      state: 'withdrawn',
      by: 'operator',
      reason: 'maintenance',
    });
    expect([ctx.writeId > 0, ctx.outgoing.has(PEER)]).toEqual([true, true]);
  });

  test('is one that failed for an earlier version, which reads its record without the word', () => {
    const ctx = withOrder();
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    const said = ownRecord(ctx.state).handovers[0];
    expect(said).toMatchObject({ state: 'failed', withdrawnBy: 'ann', detail: 'taken back by ann' });
    const message = envelopeOf({
      payload: { version: 1, ack: 0, node: recordOf(PEER, { handovers: said === undefined ? [] : [said] }) },
    });
    expect(decodeMessage(encodeMessage(message))).toEqual({ kind: 'message', message });
  });

  test.each<readonly [string, MovePhase, boolean]>([
    [
      'its release is on its way',
      {
        kind: 'releasing',
        callId: 9,
        at: AT,
        associationId: 'eipassoc-1',
        instanceId: `i-${PEER}`,
        node: PEER,
      },
      false,
    ],
    ['its take is on its way', TAKING, false],
    [
      'nobody holds the address by its doing',
      { kind: 'resting', until: AT + 500, next: { call: 'take', reassociate: false } },
      true,
    ],
    ['the cloud has accepted it', { kind: 'verifying', acceptedAt: AT, by: 'answer' }, false],
  ])('stays open on its target while %s, and then tells what became of it', (_, stage, duty) => {
    const ctx = withOrder(ORDER, movingFor(ORDER.id, stage, duty));
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    expect([known(ctx).record.state, handoverToSelf(ctx.state, IP)]).toEqual(['open', null]);
    expect(ownRecord(ctx.state).handovers).toMatchObject([{ state: 'open' }]);
    setHandoverState(ctx, ORDER.id, 'done', 'verified');
    expect(known(ctx)).toMatchObject({ record: { state: 'done' }, ending: null });
  });

  test('whose move comes to nothing is withdrawn then', () => {
    const ctx = withOrder(ORDER, movingFor(ORDER.id, TAKING));
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    const over = turnAt(withAddress(ctx.state, { move: null }));
    expireHandovers(over);
    expect(standingOf(known(over).record)).toBe('withdrawn');
  });

  test.each<readonly [string, MovePhase]>([
    ['reads who holds it', { kind: 'reading', callId: 9, at: AT, purpose: 'start' }],
    ['waits for its first call', { kind: 'resting', until: AT, next: { call: 'take', reassociate: true } }],
  ])('is over at once on a target that only %s', (_, stage) => {
    const ctx = withOrder(ORDER, movingFor(ORDER.id, stage));
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    expect(standingOf(known(ctx).record)).toBe('withdrawn');
  });

  test('is remembered as taken back by the next run, in the middle of a move as well', () => {
    const ctx = withOrder(ORDER, movingFor(ORDER.id, TAKING));
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    const [kept] = restored(
      { ...initialState(PAIR), now: { at: AT, wall: WALL } },
      { kind: 'loaded', document: documentOf(ctx.state) },
      AT,
    ).handovers;
    expect(kept === undefined ? null : standingOf(kept.record)).toBe('withdrawn');
  });

  test('does not come back by a peer that has not heard', () => {
    const ctx = withOrder();
    withdrawHandover(ctx, known(ctx), 'ann', 'taken back by ann');
    adoptHandover(ctx, PEER, ORDER);
    expect(standingOf(known(ctx).record)).toBe('withdrawn');
  });

  test('is known as taken back by a node that had not heard of it at all', () => {
    const ctx = turnAt(stateOf());
    adoptHandover(ctx, PEER, { ...ORDER, state: 'failed', withdrawnBy: 'ann', detail: 'taken back by ann' });
    adoptHandover(ctx, PEER, ORDER);
    expect(handoverToSelf(ctx.state, IP)).toBeNull();
  });
});

describe('copies of a handover that was taken back', () => {
  const copy = fc
    .record({
      state: fc.constantFrom('open', 'expired', 'failed', 'done', 'withdrawn'),
      detail: fc.constantFrom('', 'a', 'b'),
    })
    .map(({ state, detail }) =>
      state === 'withdrawn'
        ? handoverOf({ state: 'failed', detail, withdrawnBy: 'ann' })
        : handoverOf({ state, detail }),
    );

  test('merge to the same whatever the order', () => {
    const merged = (copies: readonly HandoverRecord[]): string => {
      const ctx = turnAt(stateOf());
      for (const one of copies) adoptHandover(ctx, PEER, one);
      const { record } = known(ctx);
      return record.state === 'open' ? 'open' : `${standingOf(record)} ${record.detail}`;
    };
    fc.assert(
      fc.property(fc.array(copy, { minLength: 1, maxLength: 6 }), (copies) => {
        expect(merged(copies.toReversed())).toBe(merged(copies));
        expect(merged([...copies, ...copies])).toBe(merged(copies));
      }),
      { numRuns: 500, seed: 21 },
    );
  });

  test('what its target says of it stands before what was decided elsewhere', () => {
    const ctx = withOrder({ ...ORDER, state: 'failed', withdrawnBy: 'ann' });
    adoptHandover(ctx, PEER, { ...ORDER, state: 'failed', detail: 'moved, but not seen to answer' });
    expect(known(ctx).record.withdrawnBy).toBeUndefined();
    adoptHandover(ctx, PEER, { ...ORDER, state: 'done' });
    expect(known(ctx).record.state).toBe('done');
  });
});

describe('a pause', () => {
  const paused = (record: HandoverRecord, state: Partial<State> = {}): StepContext => {
    const ctx = withOrder(record, stateOf(PAIR, { pause: PAUSE, ...state }));
    endPausedHandovers(ctx);
    return ctx;
  };

  test('ends a handover that was ordered before it', () => {
    const { record } = known(paused({ ...ORDER, pause: 3 }));
    expect([standingOf(record), record.withdrawnBy, record.detail]).toEqual([
      'withdrawn',
      'bob',
      'ended by the pause of bob: switch',
    ]);
  });

  test.each<readonly [string, HandoverRecord, Partial<State>]>([
    ['one that was ordered while it lasts', { ...ORDER, pause: 4 }, {}],
    ['one of an earlier version, which does not say when it was ordered', ORDER, {}],
    ['any once it has been resumed', { ...ORDER, pause: 3 }, { pause: { ...PAUSE, paused: false } }],
  ])('does not end %s', (_, record, state) => {
    expect(known(paused(record, state)).record.state).toBe('open');
  });
});

describe('after a restart', () => {
  const restart = (handovers: readonly DurableHandover[], wall: number): State => {
    const document = { ...documentOf(stateOf()), handovers };
    const decoded = decodeDocument(encodeDocument(document));
    if (decoded.kind === 'fault') throw new Error(decoded.detail);
    const fresh = { ...initialState(PAIR), now: { at: AT, wall } };
    return { ...restored(fresh, { kind: 'loaded', document: decoded.document }, AT), phase: 'running' };
  };
  const left = (state: State): number => (state.handovers[0]?.expiresAt ?? Number.NaN) - AT;

  test('a handover has what is left of its time by the wall clock, and never more than it had', () => {
    const written = documentOf(withOrder().state).handovers;
    expect(written).toMatchObject([{ untilWall: WALL + 120_000 }]);
    expect(left(restart(written, WALL + 30_000))).toBe(90_000);
    expect(left(restart(written, WALL - 86_400_000))).toBe(120_000);
  });

  test('a handover whose time has passed meanwhile has ended, and is told as ended', () => {
    const state = restart(documentOf(withOrder().state).handovers, WALL + 3_600_000);
    expect(handoverToSelf(state, IP)).toBeNull();
    const ctx = turnAt(state);
    expireHandovers(ctx);
    expect(known(ctx).record.state).toBe('expired');
  });

  test('an open one that an earlier version wrote is left to the peers; one that had ended is kept', () => {
    expect(restart([ORDER], WALL).handovers).toEqual([]);
    expect(restart([{ ...ORDER, state: 'done' }], WALL).handovers).toHaveLength(1);
  });
});

describe('the handovers that are remembered', () => {
  const order = (n: number, parts: Partial<HandoverRecord> = {}): HandoverRecord =>
    handoverOf({ id: `h-${n}`, ordered: n, state: 'done', ...parts });

  test('are ordered one after another, whatever the clocks of those who ordered them', () => {
    const ctx = withOrder({ ...ORDER, ordered: WALL + 5_000 });
    expect([nextInOrder(stateOf()), nextInOrder(ctx.state)]).toEqual([WALL, WALL + 5_001]);
    const last = withOrder({ ...ORDER, ordered: Number.MAX_SAFE_INTEGER });
    expect(nextInOrder(last.state)).toBe(Number.MAX_SAFE_INTEGER);
  });

  test('when there is no room: the ended one that was ordered first gives way, and an open one never', () => {
    const ctx = turnAt(stateOf());
    addHandover(ctx, order(1, { state: 'open' }));
    for (let n = 2; n <= MAX_HANDOVERS + 1; n += 1) addHandover(ctx, order(n));
    const ids = ctx.state.handovers.map(({ record }) => record.ordered);
    expect([ids.length, ids.includes(1), ids.includes(2), ids.includes(MAX_HANDOVERS + 1)]).toEqual([
      MAX_HANDOVERS,
      true,
      false,
      true,
    ]);
    expect(addHandover(ctx, order(2))).toBe(false);
  });

  test('are the same on nodes that tell each other all they know, which comes to an end', () => {
    const orders = fc.array(
      fc.tuple(
        fc.nat({ max: 40 }),
        fc.constantFrom<HandoverRecord['state']>('done', 'failed', 'expired', 'open'),
      ),
      { minLength: 20, maxLength: 60 },
    );
    fc.assert(
      fc.property(orders, fc.infiniteStream(fc.boolean()), (given, where) => {
        const nodes: readonly [StepContext, StepContext] = [turnAt(stateOf()), turnAt(stateOf())];
        const places = where[Symbol.iterator]();
        for (const [n, state] of given)
          adoptHandover(places.next().value === true ? nodes[0] : nodes[1], PEER, order(n, { state }));
        let rounds = 0;
        for (let news = true; news; rounds += 1) {
          const before = nodes.map(({ facts }) => facts.length);
          for (const { record } of nodes[0].state.handovers) adoptHandover(nodes[1], PEER, record);
          for (const { record } of nodes[1].state.handovers) adoptHandover(nodes[0], PEER, record);
          news = nodes.some(({ facts }, i) => facts.length > (before[i] ?? 0));
          if (rounds > 50) throw new Error('they tell each other without end');
        }
      }),
      { numRuns: 300, seed: 22 },
    );
  });

  test('expire once on every node, though the order of their ends differs', () => {
    const ctx = withOrder();
    expireHandovers(ctx);
    const later = turnAt(ctx.state, AT + HANDOVER_LASTS_MS);
    expireHandovers(later);
    adoptHandover(later, PEER, { ...ORDER, state: 'expired', detail: 'not done in time' });
    expect(later.facts.filter(({ kind }) => kind === 'handover')).toHaveLength(1);
  });
});
