import { describe, expect, test } from 'vitest';
import {
  adoptRecord,
  detect,
  onAsked,
  onNewSession,
  onRumours,
  suspects,
  takeRumours,
} from '../src/membership/membership.ts';
import { knownIncarnation, onKnown } from '../src/membership/rolled-back.ts';
import { MAX_RUMOURS } from '../src/model/limits.ts';
import type { State } from '../src/model/state.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { Rumour } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  clusterOf,
  heldBy,
  PEER,
  recordOf,
  SELF,
  stateOf,
  WALL,
  withPeer,
} from './support/fixtures.ts';

function turnOf(state: State): StepContext {
  return newContext(state, { at: AT, wall: WALL });
}

function peerIn(ctx: StepContext, id = PEER) {
  const peer = ctx.state.peers[id];
  if (peer === undefined) throw new Error(`${id} is not configured`);
  return peer;
}

describe('a rumour of this node itself', () => {
  const rows: readonly (readonly [string, Rumour['state'], number, number])[] = [
    ['that it is suspect is refuted by a higher incarnation', 'suspect', 1, 2],
    ['that it is dead in a later life is refuted by one higher still', 'dead', 7, 8],
    ['of an earlier life needs no answer', 'dead', 0, 1],
    ['that it is alive needs no answer', 'alive', 9, 1],
  ];
  test.each(rows)('%s', (_, state, incarnation, expected) => {
    const ctx = turnOf(stateOf());
    onRumours(ctx, PEER, [{ id: SELF, incarnation, state }]);
    expect(ctx.state.incarnation).toBe(expected);
    expect([ctx.writeId > 0, ctx.outgoing.size > 0]).toEqual([expected > 1, expected > 1]);
  });
});

describe('a rumour of a peer', () => {
  test('that it is dead is remembered, and the peer is asked', () => {
    const ctx = turnOf(stateOf());
    onRumours(ctx, PEER, [{ id: PEER, incarnation: 1, state: 'dead' }]);
    expect(peerIn(ctx).rumoured).toBe('dead');
    expect(ctx.outgoing.has(PEER)).toBe(true);
  });

  test('that it is alive vouches for it, and ends the talk of its death', () => {
    const ctx = turnOf(withPeer(stateOf(), PEER, { rumoured: 'dead' }));
    onRumours(ctx, PEER, [{ id: PEER, incarnation: 1, state: 'alive' }]);
    expect(peerIn(ctx)).toMatchObject({ rumoured: null, vouchedAt: AT });
  });

  test('from an earlier life of the peer is worth nothing', () => {
    const ctx = turnOf(withPeer(stateOf(), PEER, { record: recordOf(PEER, { incarnation: 5 }) }));
    onRumours(ctx, PEER, [{ id: PEER, incarnation: 4, state: 'dead' }]);
    expect(peerIn(ctx).rumoured).toBeNull();
  });

  test('of a node that is not configured is worth nothing', () => {
    const ctx = turnOf(stateOf());
    onRumours(ctx, PEER, [{ id: 'mars', incarnation: 4, state: 'dead' }]);
    expect(ctx.state.peers.mars).toBeUndefined();
  });

  test('is told a bounded number of times, a few in a message', () => {
    const names = Array.from(
      { length: 9 },
      (_, i) => ({ id: `m${i}`, role: 'member', priority: 1 }) as const,
    );
    let state = stateOf(clusterOf(...names));
    for (const { id } of names) state = withPeer(state, id, { heardAt: AT - 60_000 });
    const ctx = turnOf(state);
    detect(ctx);
    let told = 0;
    for (let message = 0; message < 200; message += 1) {
      const rumours = takeRumours(ctx);
      expect(rumours.length).toBeLessThanOrEqual(MAX_RUMOURS);
      told += rumours.length;
    }
    expect(told).toBe(9 * 3 * 4);
    expect(takeRumours(ctx)).toEqual([]);
  });
});

describe('a second opinion', () => {
  test('is asked for about peers that are suspect', () => {
    const ctx = turnOf(withPeer(stateOf(), PEER, { heardAt: AT - 2_000 }));
    detect(ctx);
    expect(suspects(ctx.state)).toEqual([PEER]);
  });

  test('is given about a peer that was heard lately, and not about another', () => {
    const about = (heardAt: number | null): readonly Rumour[] => {
      const ctx = turnOf(withPeer(stateOf(), PEER, { heardAt }));
      onAsked(ctx, [PEER, 'mars']);
      return takeRumours(ctx);
    };
    expect(about(AT - 100)).toEqual([{ id: PEER, incarnation: 1, state: 'alive' }]);
    expect([about(AT - 2_000), about(null)]).toEqual([[], []]);
  });
});

describe('a disk that was rolled back', () => {
  test('is noticed by a peer that knew a later life, and told', () => {
    const ctx = turnOf(withPeer(stateOf(), PEER, { record: recordOf(PEER, { incarnation: 9 }) }));
    onNewSession(ctx, peerIn(ctx));
    adoptRecord(ctx, peerIn(ctx), recordOf(PEER, { incarnation: 3 }), 1);
    expect(knownIncarnation(peerIn(ctx))).toBe(9);
    adoptRecord(ctx, peerIn(ctx), recordOf(PEER, { incarnation: 10 }), 2);
    expect(knownIncarnation(peerIn(ctx))).toBeUndefined();
  });

  test.each<readonly [string, number, number | undefined, number | undefined]>([
    ['that a later run knows less of its leases than it was told', 4, 3, 4],
    ['an honest restart', 4, 4, undefined],
    ['an earlier version, which tells nothing of them', 4, undefined, undefined],
    ['the same run', 3, 3, undefined],
  ])('is noticed, or not, by a peer that sees %s', (_what, incarnation, lentEpoch, told) => {
    const lives = (life: number, epoch: number | undefined) =>
      recordOf(PEER, {
        incarnation: life,
        addresses: [addressRecordOf(epoch === undefined ? {} : { lentEpoch: epoch })],
      });
    const ctx = turnOf(withPeer(stateOf(), PEER, { record: lives(3, 4) }));
    if (incarnation !== 3) onNewSession(ctx, peerIn(ctx));
    adoptRecord(ctx, peerIn(ctx), lives(incarnation, lentEpoch), 1);
    expect(knownIncarnation(peerIn(ctx))).toBe(told);
  });

  test('makes its node lend nothing for the longest lease', () => {
    const ctx = turnOf({ ...stateOf(), startedAt: AT - 1_000 });
    onKnown(ctx, PEER, 9);
    expect([ctx.state.incarnation, addressIn(ctx.state).lendFrom]).toEqual([10, AT + 9_000]);
    expect(ctx.writeId).toBeGreaterThan(0);
  });

  test('keeps a node that has run for longer than a lease from nothing, whenever a peer says so', () => {
    const ctx = turnOf({ ...stateOf(), startedAt: AT - 10_000 });
    onKnown(ctx, PEER, 9);
    expect(addressIn(ctx.state).lendFrom).toBe(AT);
  });

  test('is not believed of a life that this node knows itself', () => {
    const ctx = turnOf({ ...stateOf(), incarnation: 9 });
    onKnown(ctx, PEER, 8);
    expect([ctx.state.incarnation, addressIn(ctx.state).lendFrom]).toEqual([9, 0]);
  });
});

describe("a peer's record", () => {
  const told = (state: State, parts: Parameters<typeof recordOf>[1]): StepContext => {
    const ctx = turnOf(state);
    adoptRecord(ctx, peerIn(ctx), recordOf(PEER, parts), 2);
    return ctx;
  };
  const probes = (ctx: StepContext): number => ctx.effects.filter(({ kind }) => kind === 'probe').length;
  const held = heldBy(stateOf(), PEER);

  test('of new trouble makes this node look at once, and only then', () => {
    const trouble = { addresses: [addressRecordOf({ trouble: true })] };
    const first = told(held, trouble);
    expect(probes(first)).toBe(1);
    expect(probes(told({ ...first.state, addresses: held.addresses }, trouble))).toBe(0);
    expect(probes(told(held, { addresses: [addressRecordOf()] }))).toBe(0);
  });

  test('of a holder newly unfit makes this node look at once, from when it was heard', () => {
    const ctx = told(held, { fit: 'unfit', addresses: [addressRecordOf()] });
    expect([probes(ctx), peerIn(ctx).unfitSince]).toEqual([1, AT]);
    const later = newContext(ctx.state, { at: AT + 900, wall: WALL });
    adoptRecord(later, peerIn(later), recordOf(PEER, { fit: 'unfit' }), 3);
    expect(peerIn(later).unfitSince).toBe(AT);
    adoptRecord(later, peerIn(later), recordOf(PEER, { fit: 'unfit', incarnation: 2 }), 4);
    expect(peerIn(later).unfitSince).toBe(AT + 900);
    adoptRecord(later, peerIn(later), recordOf(PEER, { fit: 'fit', incarnation: 2 }), 5);
    expect(peerIn(later).unfitSince).toBeNull();
  });

  test('in the name of another node is not taken in', () => {
    const ctx = turnOf(stateOf());
    adoptRecord(ctx, peerIn(ctx), recordOf('mars', { fit: 'unfit' }), 2);
    expect(peerIn(ctx).record?.id).toBe(PEER);
  });

  test('of a higher epoch is learned from', () => {
    expect(addressIn(told(held, { addresses: [addressRecordOf({ epoch: 12 })] }).state).epoch).toBe(12);
  });
});
