import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialState } from '../src/model/initial.ts';
import { MAX_HANDOVERS } from '../src/model/limits.ts';
import type { State } from '../src/model/state.ts';
import {
  adoptHandover,
  expireHandovers,
  HANDOVER_LASTS_MS,
  setHandoverState,
} from '../src/orders/handover.ts';
import { adoptPause, isPaused, pauseNeeds, pauseStoredBy } from '../src/orders/pause.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { decodeDocument, encodeDocument } from '../src/wire/codec.ts';
import type { HandoverRecord, HandoverState, PauseRecord } from '../src/wire/messages.ts';
import { anyDocument } from './support/arbitraries.ts';
import {
  AT,
  addressIn,
  clusterOf,
  handoverOf,
  IP,
  PAIR,
  PEER,
  recordOf,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

function turnAt(state: State, at = AT, wall = WALL): StepContext {
  return newContext(state, { at, wall });
}

describe('the durable document', () => {
  test('is read back as it was written, by the next run and by the one after', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const addresses = document.addresses.slice(0, 1).map((address) => ({ ...address, ip: IP }));
        const cluster = { ...document, cluster: PAIR.cluster, node: PAIR.node.id, addresses };
        const first = restored(initialState(PAIR), { kind: 'loaded', document: cluster }, AT);
        const present = { ...first, now: { at: AT, wall: WALL } };
        const decoded = decodeDocument(encodeDocument(documentOf(present)));
        if (decoded.kind === 'fault') throw new Error(decoded.detail);
        const second = restored(initialState(PAIR), { kind: 'loaded', document: decoded.document }, AT);
        expect(second.incarnation).toBe(document.incarnation + 2);
        expect(second).toMatchObject({
          pause: first.pause,
          outbox: first.outbox,
          serial: first.serial,
          handovers: first.handovers.map(({ record: { ttlMs: _, ...record } }) => ({ record })),
        });
        const { epoch, intent, ended, late, blockedTold, lent } = addressIn(first);
        expect(addressIn(second)).toMatchObject({ epoch, intent, ended, late, blockedTold });
        if (lent !== null) expect(addressIn(second).lent).toEqual(lent);
        expect(addressIn(second).lendFrom).toBeGreaterThanOrEqual(addressIn(first).lendFrom);
      }),
      { numRuns: 150, seed: 14 },
    );
  });

  test('that is missing, unreadable or lacks the address: nothing is lent for the longest lease', () => {
    const document = documentOf(withAddress(stateOf(), {}));
    const without = { ...document, addresses: [] };
    for (const storage of [
      { kind: 'empty' },
      { kind: 'unreadable', detail: 'not JSON' },
      { kind: 'loaded', document: without },
    ] as const)
      expect(addressIn(restored(initialState(PAIR), storage, AT)).lendFrom, storage.kind).toBe(AT + 10_000);
  });

  test('that shows no lease out: the next run lends at once', () => {
    const document = documentOf(stateOf());
    expect(addressIn(restored(initialState(PAIR), { kind: 'loaded', document }, AT)).lendFrom).toBe(AT);
  });

  test('of a voter that may not lend yet says so to the next run', () => {
    const document = documentOf(withAddress(stateOf(), { lendFrom: AT + 3_000 }));
    const again = restored(initialState(PAIR), { kind: 'loaded', document }, AT);
    expect(addressIn(again).lendFrom).toBe(AT + 10_000);
  });

  test('keeps how long ago the address changed hands, not when', () => {
    const document = documentOf(withAddress(stateOf(), { changes: [AT - 5_000, AT - 9_000] }));
    expect(document.addresses[0]?.changes).toEqual([5_000, 9_000]);
  });
});

describe('copies of a handover', () => {
  const STATES: readonly HandoverState[] = ['open', 'expired', 'failed', 'done'];
  const copy = fc
    .record({ state: fc.constantFrom(...STATES), detail: fc.constantFrom('', 'a', 'b') })
    .map((parts) => handoverOf(parts));
  const merged = (...copies: readonly HandoverRecord[]): HandoverRecord | undefined => {
    const ctx = turnAt(stateOf());
    for (const one of copies) adoptHandover(ctx, PEER, one);
    return ctx.state.handovers[0]?.record;
  };
  const shown = (record: HandoverRecord | undefined): string =>
    record?.state === 'open' ? 'open' : `${record?.state} ${record?.detail}`;

  test('merge to the same whatever the order and however often', () => {
    fc.assert(
      fc.property(fc.array(copy, { minLength: 1, maxLength: 5 }), fc.nat(), (copies, turns) => {
        const cut = turns % copies.length;
        const rotated = [...copies.slice(cut), ...copies.slice(0, cut)];
        const expected = shown(merged(...copies));
        expect(shown(merged(...rotated))).toBe(expected);
        expect(shown(merged(...copies.toReversed()))).toBe(expected);
        expect(shown(merged(...copies, ...copies))).toBe(expected);
      }),
      { numRuns: 500, seed: 15 },
    );
  });

  test('merge to the one that got furthest', () => {
    const [open, expired, failed, done] = STATES.map((state) => handoverOf({ state, detail: state }));
    if (open === undefined || expired === undefined || failed === undefined || done === undefined)
      throw new Error('there are four states');
    expect(merged(done, failed, expired, open)?.state).toBe('done');
    expect(merged(open, expired, failed)?.state).toBe('failed');
    expect(merged(expired, open)?.state).toBe('expired');
  });

  test('a repeated record emits no facts', () => {
    const ctx = turnAt(stateOf());
    adoptHandover(ctx, PEER, handoverOf());
    const told = ctx.facts.length;
    adoptHandover(ctx, PEER, handoverOf());
    expect([told, ctx.facts.length]).toEqual([1, 1]);
  });

  test('that have run out are not taken in', () => {
    expect(merged(handoverOf({ ttlMs: 0 }))).toBeUndefined();
  });

  test('live no longer than a handover may, whatever they claim', () => {
    const ctx = turnAt(stateOf());
    adoptHandover(ctx, PEER, handoverOf({ ttlMs: 1e12 }));
    expect(ctx.state.handovers[0]?.expiresAt).toBe(AT + HANDOVER_LASTS_MS);
  });

  test('are bounded in number', () => {
    const ctx = turnAt(stateOf());
    for (let i = 0; i < MAX_HANDOVERS + 3; i += 1) adoptHandover(ctx, PEER, handoverOf({ id: `h-${i}` }));
    expect(ctx.state.handovers).toHaveLength(MAX_HANDOVERS);
  });

  test('expire, are kept for as long again, and are forgotten', () => {
    const ctx = turnAt(stateOf());
    adoptHandover(ctx, PEER, handoverOf());
    const expired = turnAt(ctx.state, AT + HANDOVER_LASTS_MS);
    expireHandovers(expired);
    expect(expired.state.handovers[0]?.record).toMatchObject({
      state: 'expired',
      detail: 'not done in time',
    });
    const later = turnAt(expired.state, AT + 2 * HANDOVER_LASTS_MS);
    expireHandovers(later);
    expect(later.state.handovers).toEqual([]);
  });

  test('that have ended do not change any more on this node', () => {
    const ctx = turnAt(stateOf());
    adoptHandover(ctx, PEER, handoverOf({ state: 'done' }));
    setHandoverState(ctx, handoverOf().id, 'failed', 'late');
    expect(ctx.state.handovers[0]?.record.state).toBe('done');
  });
});

describe('copies of a pause', () => {
  const copy: fc.Arbitrary<PauseRecord> = fc
    .record({ version: fc.nat(3), by: fc.constantFrom('mars', 'neptune', 'saturn') })
    .map(({ version, by }) => pauseOf({ version, by, owner: `${by} ${version}` }));

  test('merge to the same whatever the order and however often: the greatest version, then the greater id', () => {
    fc.assert(
      fc.property(fc.array(copy, { maxLength: 6 }), (copies) => {
        const merged = (all: readonly PauseRecord[]): PauseRecord => {
          const ctx = turnAt(stateOf());
          for (const one of all) adoptPause(ctx, PEER, one);
          return ctx.state.pause;
        };
        const greatest = copies
          .filter(({ version, by }) => version > 0 || by > '')
          .toSorted((a, b) => b.version - a.version || (a.by < b.by ? 1 : -1))[0];
        expect(merged(copies).owner).toBe(greatest?.owner ?? '');
        expect(merged(copies.toReversed())).toEqual(merged(copies));
        expect(merged([...copies, ...copies])).toEqual(merged(copies));
      }),
      { numRuns: 300, seed: 16 },
    );
  });

  test('that were ordered without knowing of each other: a pause beats a resume, and the longer the shorter', () => {
    const both = (a: PauseRecord, b: PauseRecord): readonly string[] =>
      [
        [a, b],
        [b, a],
      ].map((copies) => {
        const ctx = turnAt(stateOf());
        for (const one of copies) adoptPause(ctx, PEER, one);
        return ctx.state.pause.owner;
      });
    const ann = pauseOf({ by: 'mars', owner: 'ann', until: null });
    const bob = pauseOf({ by: 'saturn', owner: 'bob', until: WALL + 5 });
    expect(both(ann, bob)).toEqual(['ann', 'ann']);
    expect(both(ann, { ...bob, paused: false })).toEqual(['ann', 'ann']);
    expect(both(ann, { ...bob, version: 2 })).toEqual(['bob', 'bob']);
  });

  function pauseOf(parts: Partial<PauseRecord>): PauseRecord {
    return { version: 1, by: PEER, paused: true, owner: 'ann', reason: 'upgrade', until: null, ...parts };
  }

  test('expire by the wall clock alone', () => {
    const paused = (until: number | null): boolean => isPaused({ ...stateOf(), pause: pauseOf({ until }) });
    expect([paused(null), paused(WALL + 1), paused(WALL)]).toEqual([true, true, false]);
    expect(isPaused({ ...stateOf(), pause: pauseOf({ paused: false }) })).toBe(false);
  });

  test('are stored where a majority has them: the two of a pair, or the one whose other is silent', () => {
    const pause = pauseOf({});
    const state = { ...stateOf(), pause };
    expect([pauseNeeds(state), pauseNeeds(silenced(state, PEER))]).toEqual([2, 1]);
    expect(pauseNeeds(stateOf(clusterOf('mars', 'venus')))).toBe(2);
    expect(pauseStoredBy(state)).toEqual(['saturn']);
    const told = withPeer(state, PEER, { record: recordOf(PEER, { pause }) });
    expect(pauseStoredBy(told)).toEqual(['neptune', 'saturn']);
    const other = withPeer(state, PEER, { record: recordOf(PEER, { pause: { ...pause, by: 'mars' } }) });
    expect(pauseStoredBy(other)).toEqual(['saturn']);
  });
});
