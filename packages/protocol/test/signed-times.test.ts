/**
 * Which of two signed pauses stands: when they were signed decides, which no node can say. Whatever a node shows to operators
 * and keeps to itself, orders that were given later pass it.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onConfigured } from '../src/lifecycle.ts';
import { CLOCKS_AGREE_MS, FAR } from '../src/membership/bounded.ts';
import { initialState } from '../src/model/initial.ts';
import type { State } from '../src/model/state.ts';
import { pauseTerms, resumeTerms, type ShownOrders } from '../src/orders/order-terms.ts';
import { orderText, withProvenOrders } from '../src/orders/orders.ts';
import { adoptPause, isLater, isPaused } from '../src/orders/pause.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { decodeDocument, decodeMessage, encodeDocument, encodeMessage } from '../src/wire/codec.ts';
import type { PauseOrder, PauseRecord } from '../src/wire/messages.ts';
import { anyPause } from './support/arbitraries.ts';
import { AT, envelopeOf, heldBy, IP, PAIR, PEER, recordOf, SELF, stateOf, WALL } from './support/fixtures.ts';

const signedBy = (order: Omit<PauseOrder, 'proof'>): PauseOrder => ({
  ...order,
  proof: `ann:${order.signedAt}.${order.version}.${order.paused}`,
});
const pauseAt = (signedAt: number, parts: Partial<Omit<PauseOrder, 'proof'>> = {}): PauseOrder =>
  signedBy({
    version: signedAt,
    signedAt,
    by: PEER,
    paused: true,
    owner: 'ann',
    reason: '',
    until: null,
    ...parts,
  });
const PROVEN = heldBy(stateOf({ ...PAIR, orders: 'proven' }), PEER);

/** What a node makes of those that it is told, in that order, with a clock so far on. */
function told(records: readonly PauseRecord[], wall = WALL, state: State = PROVEN): StepContext {
  let ctx = newContext(state, { at: AT, wall });
  for (const [index, record] of records.entries()) {
    // Each is a write, and counts against a budget: time passes.
    ctx = newContext(ctx.state, { at: AT + index * 60_000, wall });
    adoptPause(ctx, PEER, record);
  }
  return ctx;
}

describe('of two signed pauses', () => {
  const early = pauseAt(WALL - 10);
  test.each<readonly [string, PauseOrder, PauseOrder]>([
    ['the one that was signed later', early, pauseAt(WALL - 9)],
    ['a resume that was signed later', early, pauseAt(WALL - 9, { paused: false })],
    [
      'the one that was signed later, whatever version the earlier one has',
      pauseAt(WALL - 10, { version: FAR }),
      pauseAt(WALL - 9, { version: 3 }),
    ],
    ['of one time the greater version', pauseAt(WALL, { version: 3 }), pauseAt(WALL, { version: 4 })],
    ['of one version the pause', pauseAt(WALL, { paused: false }), pauseAt(WALL)],
    ['of two alike the longer', pauseAt(WALL, { until: WALL + 1 }), pauseAt(WALL, { until: WALL + 2 })],
    ['of two as long the greater node', pauseAt(WALL, { by: 'a' }), pauseAt(WALL, { by: 'b' })],
    ['of two of one node the greater text', pauseAt(WALL), pauseAt(WALL, { reason: 'x' })],
  ])('%s stands, in either order', (_, weaker, stronger) => {
    for (const records of [
      [weaker, stronger],
      [stronger, weaker],
      [weaker, stronger, weaker, weaker],
    ])
      expect(told(records).state.pause).toEqual(stronger);
  });

  test('one of an earlier form, without a time, is none: it decodes, and no proof of it holds', () => {
    const { signedAt: _, ...earlier } = pauseAt(WALL);
    const node = recordOf(PEER, { pause: earlier });
    const message = envelopeOf({ payload: { version: 1, ack: 0, node } });
    const decoded = decodeMessage(encodeMessage(message));
    expect(decoded).toEqual({ kind: 'message', message });
    const { payload } = withProvenOrders(message, () => true);
    expect(payload.node?.pause.proof).toBeUndefined();
  });
});

test('where nothing is signed the greater version stands, as ever, and times say nothing', () => {
  const any = heldBy(stateOf(PAIR), PEER);
  const bare = (version: number, signedAt?: number): PauseRecord => ({
    ...{ version, by: PEER, paused: true, owner: 'ann', reason: '', until: null },
    ...(signedAt === undefined ? {} : { signedAt }),
  });
  expect(told([bare(4), bare(3, WALL)], WALL, any).state.pause).toEqual(bare(4));
  expect(told([bare(4), bare(5)], WALL, any).state.pause).toEqual(bare(5));
  // What people have written is cleaned on its way, and is no reason to take a pause in once more.
  expect(isLater('any', { ...bare(4), reason: 'z' }, bare(4))).toBe(false);
});

test.each(['any', 'proven', 'none'] as const)('by the rule %s it is a strict total order', (rule) => {
  fc.assert(
    fc.property(anyPause, anyPause, anyPause, (a, b, c) => {
      expect(isLater(rule, a, a)).toBe(false);
      expect(isLater(rule, a, b) && isLater(rule, b, a)).toBe(false);
      if (isLater(rule, a, b) && isLater(rule, b, c)) expect(isLater(rule, a, c)).toBe(true);
    }),
    { numRuns: 500, seed: 3 },
  );
});

test('signed pauses merge to the same in whichever order and however often they are told', () => {
  const order = fc
    .record({
      signedAt: fc.integer({ min: WALL - 2, max: WALL }),
      version: fc.integer({ min: 0, max: 2 }),
      paused: fc.boolean(),
      until: fc.constantFrom(null, WALL + 1_000),
      by: fc.constantFrom(SELF, PEER),
      reason: fc.constantFrom('', 'x'),
    })
    .map(({ signedAt, ...parts }) => pauseAt(signedAt, parts));
  const orders = fc.array(order, { minLength: 1, maxLength: 5 });
  const shuffled = orders.chain((known) =>
    fc.tuple(fc.constant(known), fc.shuffledSubarray([...known, ...known], { minLength: 2 * known.length })),
  );
  fc.assert(
    fc.property(shuffled, ([known, again]) => {
      const once = told(known).state.pause;
      expect(told(again).state.pause).toEqual(once);
      expect(told([...known, once, ...known]).state.pause).toEqual(once);
    }),
    { numRuns: 200, seed: 5 },
  );
});

test('whatever a node shows to an operator, what he signs later passes it', () => {
  const shown: fc.Arbitrary<ShownOrders> = fc.record({
    node: fc.constant(PEER),
    addresses: fc.constant([{ ip: IP, next: PEER }]),
    pause: fc.record({
      paused: fc.boolean(),
      until: fc.option(fc.nat({ max: Number.MAX_SAFE_INTEGER })),
      version: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      signedAt: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    }),
  });
  const wish = { forMs: null, owner: 'ann', reason: '', replace: true };
  fc.assert(
    fc.property(
      shown,
      shown,
      fc.integer({ min: 1, max: 1e9 }),
      fc.boolean(),
      (lie, truth, laterMs, pauses) => {
        const withheld = pauseTerms(lie, wish, WALL);
        if (withheld === null) throw new Error('a pause that replaces whatever there is was not signed');
        const later = pauses
          ? pauseTerms(truth, wish, WALL + laterMs)
          : resumeTerms(truth, wish, WALL + laterMs);
        if (later === null) throw new Error('a pause that replaces whatever there is was not signed');
        const wall = WALL + laterMs;
        const { pause } = told([signedBy(later), signedBy(withheld)], wall).state;
        expect(pause).toEqual(signedBy(later));
        expect(told([signedBy(withheld), signedBy(later)], wall).state.pause).toEqual(pause);
      },
    ),
    { numRuns: 200, seed: 7 },
  );
});

describe('a time ahead of the own clock', () => {
  const ahead = pauseAt(WALL + CLOCKS_AGREE_MS + 1);

  test('by more than clocks differ waits until the clock is there, and is told once', () => {
    const ctx = told([ahead]);
    expect([isPaused(ctx.state), ctx.facts]).toMatchObject([
      false,
      [{ kind: 'rejected', reason: 'implausible' }],
    ]);
    expect(adoptPause(newContext(ctx.state, ctx.now), PEER, ahead)).toBe(false);
    const later = newContext(ctx.state, { at: AT + 1, wall: WALL + 1 });
    expect(adoptPause(later, PEER, ahead)).toBe(true);
    expect(isPaused(later.state)).toBe(true);
  });

  test('by less counts', () => {
    expect(isPaused(told([pauseAt(WALL + CLOCKS_AGREE_MS)]).state)).toBe(true);
  });

  test('outlives a restart, and of one that counts no more only as much is kept as any order may be ahead', () => {
    const paused = told([pauseAt(WALL)]).state;
    const document = documentOf(paused);
    expect(decodeDocument(encodeDocument(document))).toEqual({ kind: 'document', document });
    const next = restored(initialState(paused.config), { kind: 'loaded', document }, AT);
    expect(next.pause).toEqual(pauseAt(WALL));
    const forgotten = (pause: PauseRecord): PauseRecord => {
      const ctx = newContext({ ...paused, pause }, { at: AT, wall: WALL });
      onConfigured(ctx, paused.config, pause.proof === undefined ? [] : [pause.proof]);
      return ctx.state.pause;
    };
    expect(forgotten(pauseAt(WALL))).toMatchObject({ paused: false, signedAt: WALL, version: WALL });
    expect(forgotten(pauseAt(8.64e15))).toMatchObject({ paused: false, signedAt: WALL + CLOCKS_AGREE_MS });
    const ctx = newContext({ ...paused, pause: forgotten(pauseAt(WALL)) }, { at: AT, wall: WALL });
    adoptPause(ctx, PEER, pauseAt(WALL - 1));
    expect(isPaused(ctx.state)).toBe(false);
  });
});

test('the text that is signed has the time in it', () => {
  const text = (signedAt: number): string =>
    orderText('web', { kind: 'pause', order: pauseAt(signedAt, { version: 1 }) });
  expect(text(WALL)).not.toBe(text(WALL + 1));
});
