/** Commands that an operator signs: what is taken, what is refused, and what there is to sign. */
import { describe, expect, test } from 'vitest';
import { CLOCKS_AGREE_MS } from '../src/membership/bounded.ts';
import type { Route } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { HANDOVER_LASTS_MS } from '../src/orders/handover.ts';
import { onCommand } from '../src/orders/operator.ts';
import { handoverTerms, pauseTerms, resumeTerms } from '../src/orders/order-terms.ts';
import { orderText, withProvenOrders } from '../src/orders/orders.ts';
import { adoptPause } from '../src/orders/pause.ts';
import { statusOf } from '../src/reporting/status.ts';
import type { StepContext } from '../src/step-context.ts';
import type { Command, CommandOutcome, HandoverOrder, PauseOrder } from '../src/wire/messages.ts';
import { AT, clusterOf, envelopeOf, handoverOf, IP, PEER, SELF, WALL } from './support/fixtures.ts';
import {
  isProven,
  proofOf,
  recordOfOrder,
  ruledBy,
  signedHandover,
  signedPause,
  turnOf,
} from './support/signed-orders.ts';

describe('a command', () => {
  const ROUTES: Readonly<Record<Command['kind'], Route>> = {
    handover: '/v1/handover',
    'handover-status': '/v1/handover',
    'handover-cancel': '/v1/handover',
    pause: '/v1/pause',
    resume: '/v1/resume',
  };

  function given(state: State, command: Command, wall = WALL): { ctx: StepContext; outcome: CommandOutcome } {
    const ctx = turnOf(state, wall);
    const echo = { session: state.session, t: AT - state.startedAt };
    for (const seq of [1, 2]) {
      const payload = { version: 0, ack: 0, command };
      const parts = { from: 'operator.ann-1', session: 'operator-01', seq, payload };
      onCommand(ctx, seq, ROUTES[command.kind], envelopeOf(seq === 1 ? parts : { ...parts, echo }));
    }
    const outcome = ctx.replies.at(-1)?.outcome;
    if (outcome === undefined || outcome === null) throw new Error('there was no outcome');
    return { ctx, outcome };
  }

  const PAUSE = { kind: 'pause', forMs: null, reason: 'upgrade', owner: 'ann' } as const;
  const HANDOVER = { kind: 'handover', address: null, to: SELF, reason: '', owner: 'ann' } as const;
  const CANCEL = { kind: 'handover-cancel', id: null, address: IP, reason: '', owner: 'ann' } as const;
  const UNSIGNED: readonly Command[] = [
    PAUSE,
    { kind: 'resume', reason: '', owner: 'ann' },
    HANDOVER,
    CANCEL,
  ];

  test.each(UNSIGNED)(
    '$kind without a signature is refused where operators have keys, and says what to do',
    (command) => {
      const { ctx, outcome } = given(ruledBy('proven'), command);
      expect(outcome).toMatchObject({ state: 'failed', detail: expect.stringContaining('--identity') });
      expect([ctx.state.pause.version, ctx.state.handovers]).toEqual([0, []]);
      expect(given(ruledBy('none'), command).outcome.detail).toContain('auth.operators');
    },
  );

  test('that only asks needs no signature', () => {
    const { outcome } = given(ruledBy('none'), { kind: 'handover-status', id: 'o-1' });
    expect(outcome.detail).toBe('no such handover is known here');
  });

  const mine = (parts: Partial<Omit<PauseOrder, 'proof'>> = {}): PauseOrder =>
    signedPause({ by: SELF, ...parts });

  test('pause is taken as it was signed, under any rule', () => {
    for (const rule of ['any', 'proven'] as const) {
      const { ctx, outcome } = given(ruledBy(rule), { ...PAUSE, order: mine() });
      expect(outcome).toEqual({ state: 'working', id: '1', detail: 'stored here; spreading' });
      expect(ctx.state.pause).toEqual(mine());
    }
  });

  test('pause that follows from what is not the newest is to be signed again', () => {
    const before = given(ruledBy('proven'), { ...PAUSE, order: mine() }).ctx.state;
    const { ctx, outcome } = given({ ...before, operators: [] }, { ...PAUSE, order: mine() });
    expect(outcome).toMatchObject({ state: 'failed', again: true });
    expect(ctx.state.pause).toEqual(mine());
    const resume = {
      kind: 'resume',
      reason: '',
      owner: 'ann',
      order: mine({ signedAt: WALL, version: 9, paused: false }),
    } as const;
    expect(given({ ...before, operators: [] }, resume).outcome).toMatchObject({
      again: true,
      detail: expect.stringContaining('set the clocks'),
    });
  });

  test.each<readonly [string, PauseOrder, string]>([
    ['by a clock that is ahead', mine({ signedAt: WALL + CLOCKS_AGREE_MS + 1 }), 'set the clocks'],
    ['as a resume', mine({ paused: false }), 'signed as a resume'],
    ['for another node', mine({ by: PEER }), `signed for ${PEER}`],
    ['for a time that is over', mine({ until: WALL }), "by the operator's clock"],
    ['for longer than a pause may last', mine({ until: WALL + 400 * 86_400_000 }), 'longer than a pause may'],
    ['with words that would be cut', mine({ reason: 'x'.repeat(300) }), '256 bytes'],
  ])('pause that was signed %s is refused', (_, order, says) => {
    const { ctx, outcome } = given(ruledBy('proven'), { ...PAUSE, order });
    expect(outcome).toMatchObject({ state: 'failed', detail: expect.stringContaining(says) });
    expect(ctx.state.pause.version).toBe(0);
  });

  test('handover is taken as it was signed, and given again is the same', () => {
    const order = signedHandover();
    const { ctx, outcome } = given(ruledBy('proven'), { ...HANDOVER, order });
    expect(outcome).toEqual({ state: 'working', id: 'o-1', detail: `asked ${SELF}` });
    expect(ctx.state.handovers[0]?.record).toEqual(recordOfOrder(order));
    const again = given({ ...ctx.state, operators: [] }, { ...HANDOVER, order });
    expect([again.outcome.state, again.ctx.state.handovers.length]).toEqual(['working', 1]);
  });

  test.each<readonly [string, HandoverOrder, object]>([
    [
      'by a clock that is ahead',
      signedHandover({ ordered: WALL + CLOCKS_AGREE_MS + 1 }),
      { detail: expect.stringContaining('set the clocks') },
    ],
    [
      'when its time is over',
      signedHandover({ until: WALL }),
      { detail: expect.stringContaining('set the clocks') },
    ],
    [
      'for longer than one lasts',
      signedHandover({ until: WALL + HANDOVER_LASTS_MS + CLOCKS_AGREE_MS + 1 }),
      { detail: expect.stringContaining('set the clocks') },
    ],
    ['to nobody', signedHandover({ to: 'mars' }), { detail: 'no node is called mars' }],
    ['with an id that is none', signedHandover({ id: 'a b' }), { detail: 'its id is none' }],
  ])('handover that was signed %s is refused', (_, order, expected) => {
    const { ctx, outcome } = given(ruledBy('proven'), { ...HANDOVER, order });
    expect(outcome).toMatchObject({ state: 'failed', ...expected });
    expect(ctx.state.handovers).toEqual([]);
  });

  test('handover that was signed before the pause that is known is to be signed again', () => {
    const { state } = given(ruledBy('proven'), { ...PAUSE, order: mine({ signedAt: WALL + 1 }) }).ctx;
    const outcomeOf = (parts: Partial<Omit<HandoverOrder, 'proof'>>): CommandOutcome =>
      given({ ...state, operators: [] }, { ...HANDOVER, order: signedHandover(parts) }).outcome;
    // Whatever version of the pause it names.
    expect(outcomeOf({ ordered: WALL, pause: 2 ** 43 })).toMatchObject({ state: 'failed', again: true });
    expect(outcomeOf({ ordered: WALL + 1, pause: 0 })).toMatchObject({ state: 'working' });
  });

  test('handover is taken whichever number another one that is known has', () => {
    const { state } = given(ruledBy('proven'), { ...HANDOVER, order: signedHandover() }).ctx;
    const ended = state.handovers.map((one) => ({
      ...one,
      record: { ...one.record, state: 'done' as const },
    }));
    const later = { ...HANDOVER, order: signedHandover({ id: 'o-2', ordered: WALL - 1 }) };
    expect(given({ ...state, operators: [], handovers: ended }, later).outcome).toMatchObject({
      state: 'working',
    });
  });

  test('whose proof does not hold comes without its order', () => {
    const commands: readonly Command[] = [
      { ...PAUSE, order: { ...mine(), version: 2 } },
      { ...HANDOVER, order: { ...signedHandover(), to: PEER } },
      { ...CANCEL, proof: mine().proof },
    ];
    for (const command of commands) {
      const { payload } = withProvenOrders(
        envelopeOf({ payload: { version: 0, ack: 0, command } }),
        isProven,
      );
      expect(JSON.stringify(payload.command)).not.toContain('proof');
    }
    const order = { id: null, address: IP, owner: 'ann', reason: '' };
    const signed = { ...CANCEL, proof: proofOf(orderText('web', { kind: 'withdrawal', order })) };
    const honest = envelopeOf({ payload: { version: 0, ack: 0, command: signed } });
    expect(withProvenOrders(honest, isProven)).toBe(honest);
  });
});

describe('what an operator signs', () => {
  const shownBy = (state: State) => {
    const status = statusOf(state, { at: AT, wall: WALL });
    return { ...status, node: status.node.id };
  };
  const wish = { forMs: 60_000, owner: 'ann', reason: '', replace: false };

  test('follows from what the node shows, and from nothing that others have written', () => {
    const shown = shownBy(ruledBy('proven'));
    expect(pauseTerms(shown, wish, WALL + 0.5)).toEqual({
      version: WALL,
      signedAt: WALL,
      by: SELF,
      paused: true,
      owner: 'ann',
      reason: '',
      until: WALL + 60_000,
    });
    expect(resumeTerms(shown, wish, WALL)).toMatchObject({ signedAt: WALL, paused: false, until: null });
  });

  test('is no pause where one lasts longer, unless that is to be replaced', () => {
    const ctx = turnOf(ruledBy('proven'));
    adoptPause(ctx, PEER, signedPause({ owner: 'bob' }));
    const shown = shownBy(ctx.state);
    expect(pauseTerms(shown, wish, WALL)).toBeNull();
    expect(pauseTerms(shown, { ...wish, replace: true }, WALL)).toMatchObject({
      signedAt: WALL,
      owner: 'ann',
    });
  });

  test('of a handover names its address and target, and no number that the node shows', () => {
    const state = ruledBy('proven', clusterOf(PEER, 'mars'));
    const handovers = [
      { record: handoverOf({ ordered: WALL + 9 }), expiresAt: AT, ending: null, untold: 'nothing' as const },
    ];
    const shown = shownBy({ ...state, handovers, pause: signedPause({ version: 7 }) });
    const order = { id: 'o-1', address: null, to: null, owner: 'ann', reason: 'x', forMs: 1e9 };
    expect(handoverTerms(shown, order, WALL)).toEqual({
      kind: 'terms',
      order: {
        id: 'o-1',
        address: IP,
        to: 'mars',
        by: 'ann',
        reason: 'x',
        ordered: WALL,
        pause: WALL,
        until: WALL + HANDOVER_LASTS_MS,
      },
    });
    expect(handoverTerms(shown, { ...order, address: '203.0.113.9' }, WALL)).toMatchObject({
      kind: 'refused',
    });
    expect(handoverTerms({ ...shown, addresses: [{ ip: IP, next: null }] }, order, WALL)).toEqual({
      kind: 'refused',
      detail: 'no other candidate is heard and fit',
    });
  });
});
