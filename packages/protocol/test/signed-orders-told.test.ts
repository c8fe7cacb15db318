/** Orders that a peer tells of count by their rule and their proof, also under a new configuration. */
import { describe, expect, test } from 'vitest';
import { onConfigured } from '../src/lifecycle.ts';
import { CLOCKS_AGREE_MS } from '../src/membership/bounded.ts';
import { ownRecord } from '../src/membership/own-record.ts';
import type { OrderRule } from '../src/model/config.ts';
import { initialState } from '../src/model/initial.ts';
import type { State } from '../src/model/state.ts';
import {
  adoptHandover,
  endPausedHandovers,
  expireHandovers,
  HANDOVER_LASTS_MS,
} from '../src/orders/handover.ts';
import { disprovedIn } from '../src/orders/orders.ts';
import { adoptPause, isPaused, pauseStoredBy } from '../src/orders/pause.ts';
import type { StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import type { HandoverRecord, PauseRecord } from '../src/wire/messages.ts';
import { AT, handoverOf, PAIR, PEER, recordOf, WALL, withPeer } from './support/fixtures.ts';
import {
  isProven,
  recordOfOrder,
  rejections,
  ruledBy,
  signedHandover,
  signedPause,
  turnOf,
} from './support/signed-orders.ts';

describe('a pause that a peer tells of', () => {
  const adopted = (state: State, told: PauseRecord): StepContext => {
    const ctx = turnOf(state);
    adoptPause(ctx, PEER, told);
    return ctx;
  };
  const { proof: _, ...unsigned } = signedPause();

  test.each<readonly [OrderRule, PauseRecord, boolean]>([
    ['any', unsigned, true],
    ['any', signedPause(), true],
    ['proven', unsigned, false],
    ['proven', signedPause(), true],
    ['none', unsigned, false],
    ['none', signedPause(), false],
  ])('counts by the rule %s and its proof', (rule, told, counts) => {
    const ctx = adopted(ruledBy(rule), told);
    expect(isPaused(ctx.state)).toBe(counts);
    expect(rejections(ctx)).toEqual(counts ? [] : ['unproven']);
  });

  test('keeps its proof in the state, in the record of this node and on the disk', () => {
    const { state } = adopted(ruledBy('proven'), signedPause());
    expect(ownRecord(state).pause).toEqual(signedPause());
    expect(documentOf(state).pause).toEqual(signedPause());
    const again = restored(initialState(state.config), { kind: 'loaded', document: documentOf(state) }, AT);
    expect(again.pause).toEqual(signedPause());
  });

  test('that is older than the known one changes nothing, however well it is signed', () => {
    const { state } = adopted(ruledBy('proven'), signedPause({ version: 3, paused: false }));
    const ctx = adopted(state, signedPause({ version: 2 }));
    expect([isPaused(ctx.state), rejections(ctx)]).toEqual([false, []]);
  });

  test('is stored by a voter only with its proof', () => {
    const { state } = adopted(ruledBy('proven'), signedPause());
    const told = (pause: PauseRecord): readonly string[] =>
      pauseStoredBy(withPeer(state, PEER, { record: recordOf(PEER, { pause }) }));
    expect(told(signedPause())).toContain(PEER);
    expect(told(unsigned)).not.toContain(PEER);
  });
});

describe('a handover that a peer tells of', () => {
  const adopted = (state: State, told: HandoverRecord, wall = WALL): StepContext => {
    const ctx = turnOf(state, wall);
    adoptHandover(ctx, PEER, told);
    return ctx;
  };

  test.each<readonly [OrderRule, HandoverRecord, boolean]>([
    ['any', handoverOf(), true],
    ['proven', handoverOf(), false],
    ['proven', recordOfOrder(signedHandover()), true],
    ['none', recordOfOrder(signedHandover()), false],
  ])('counts by the rule %s and its proof', (rule, told, counts) => {
    const ctx = adopted(ruledBy(rule), told);
    expect(ctx.state.handovers).toHaveLength(counts ? 1 : 0);
    expect(rejections(ctx)).toEqual(counts ? [] : ['unproven']);
  });

  test('ends without a proof where it is known, and is not remembered where it is not', () => {
    const { proof: _, ...end } = recordOfOrder(signedHandover(), { state: 'failed', detail: 'no' });
    const known = adopted(ruledBy('proven'), recordOfOrder(signedHandover())).state;
    const [ended] = adopted(known, end).state.handovers;
    expect(ended?.record).toEqual({ ...recordOfOrder(signedHandover(), { state: 'failed', detail: 'no' }) });
    const ctx = adopted(ruledBy('proven'), end);
    expect([ctx.state.handovers, rejections(ctx)]).toEqual([[], []]);
  });

  test('lasts until the moment that was signed, whatever is said to be left of its time', () => {
    const ctx = adopted(ruledBy('proven'), recordOfOrder(signedHandover({ until: WALL + 5_000 })));
    expect(ctx.state.handovers[0]?.expiresAt).toBe(AT + 5_000);
  });

  test('is not begun when its time is over, nor when it was signed for a time far ahead', () => {
    const order = signedHandover();
    expect(adopted(ruledBy('proven'), recordOfOrder(order), order.until).state.handovers).toEqual([]);
    const far = signedHandover({ until: WALL + HANDOVER_LASTS_MS + CLOCKS_AGREE_MS + 1 });
    const ctx = adopted(ruledBy('proven'), recordOfOrder(far));
    expect([ctx.state.handovers, rejections(ctx)]).toEqual([[], ['implausible']]);
  });

  test('is not begun when it was signed later than now', () => {
    const early = signedHandover({ ordered: WALL + CLOCKS_AGREE_MS + 1 });
    const ctx = adopted(ruledBy('proven'), recordOfOrder(early));
    expect([ctx.state.handovers, rejections(ctx)]).toEqual([[], ['implausible']]);
  });

  test.each([
    ['before the pause', WALL + 3, 2 ** 43, 'failed'],
    ['after the pause', WALL + 4, 0, 'open'],
  ])(
    'that was signed %s is ended by it or goes on, whatever version it names',
    (_, ordered, pause, state) => {
      const known = adopted(ruledBy('proven'), recordOfOrder(signedHandover({ ordered, pause }))).state;
      const ctx = turnOf(known);
      adoptPause(ctx, PEER, signedPause({ signedAt: WALL + 4 }));
      endPausedHandovers(ctx);
      expect(ctx.state.handovers[0]?.record.state).toBe(state);
    },
  );

  test('is remembered until its signature counts no more, so that it is not begun twice', () => {
    const order = signedHandover({ until: WALL + HANDOVER_LASTS_MS + CLOCKS_AGREE_MS });
    const done = recordOfOrder(order, { state: 'done', detail: 'served', ttlMs: 1 });
    const state = {
      ...ruledBy('proven'),
      handovers: [{ record: done, expiresAt: AT, ending: null, untold: 'nothing' as const }],
    };
    const later = (ms: number): StepContext => {
      const ctx = turnOf(state, WALL + ms, AT + ms);
      expireHandovers(ctx);
      adoptHandover(ctx, PEER, recordOfOrder(order));
      return ctx;
    };
    for (const ms of [HANDOVER_LASTS_MS + 1, HANDOVER_LASTS_MS + CLOCKS_AGREE_MS - 1])
      expect(later(ms).state.handovers.map(({ record }) => record.state)).toEqual(['done']);
    expect(later(HANDOVER_LASTS_MS + CLOCKS_AGREE_MS).state.handovers).toEqual([]);
  });
});

describe('a new configuration', () => {
  function paused(): State {
    const ctx = turnOf(ruledBy('proven'));
    adoptPause(ctx, PEER, signedPause({ version: 6 }));
    adoptHandover(ctx, PEER, recordOfOrder(signedHandover({ ordered: WALL + 6 })));
    return ctx.state;
  }

  test('that takes an operator away ends his orders, and keeps the number of his pause', () => {
    const state = paused();
    const ctx = turnOf(state);
    onConfigured(
      ctx,
      state.config,
      disprovedIn(state, () => false),
    );
    expect(ctx.state.pause).toMatchObject({ version: 6, paused: false });
    expect(ctx.state.handovers).toEqual([]);
    expect(ctx.facts).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'pause', paused: false }),
        expect.objectContaining({ kind: 'handover', state: 'failed' }),
      ]),
    );
    adoptPause(ctx, PEER, signedPause({ version: 5 }));
    expect(isPaused(ctx.state)).toBe(false);
  });

  test('under which the proofs still hold leaves the orders as they are', () => {
    const state = paused();
    const ctx = turnOf(state);
    onConfigured(ctx, state.config, disprovedIn(state, isProven));
    expect([isPaused(ctx.state), ctx.state.handovers]).toEqual([true, state.handovers]);
  });

  test('that knows of operators has peers tell their orders once more, by its own judgement', () => {
    const state = withPeer(ruledBy('any'), PEER, { recordVersion: 9, ordersDue: true });
    const asked = (orders: OrderRule): object | undefined => {
      const ctx = turnOf(state);
      onConfigured(ctx, { ...PAIR, orders }, []);
      return ctx.state.peers[PEER];
    };
    expect(asked('proven')).toMatchObject({ recordVersion: 0, ordersDue: false });
    expect(asked('any')).toMatchObject({ recordVersion: 9, ordersDue: true });
  });

  test('with the first operators ends what nobody has signed', () => {
    const ctx = turnOf(ruledBy('any'));
    adoptPause(ctx, PEER, { version: 2, by: PEER, paused: true, owner: 'ann', reason: '', until: null });
    adoptHandover(ctx, PEER, handoverOf());
    onConfigured(ctx, { ...PAIR, orders: 'proven' }, []);
    expect([isPaused(ctx.state), ctx.state.pause.version, ctx.state.handovers]).toEqual([false, 2, []]);
  });
});
