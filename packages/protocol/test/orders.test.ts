import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onConfigured } from '../src/lifecycle.ts';
import { CLOCKS_AGREE_MS } from '../src/membership/bounded.ts';
import { ownRecord } from '../src/membership/own-record.ts';
import { MAX_RECORD_BYTES } from '../src/membership/record.ts';
import { MAX_ADDRESSES, type OrderRule, type ProtocolConfig } from '../src/model/config.ts';
import { initialState } from '../src/model/initial.ts';
import type { Route } from '../src/model/inputs.ts';
import { MAX_HANDOVERS } from '../src/model/limits.ts';
import type { State } from '../src/model/state.ts';
import {
  adoptHandover,
  endPausedHandovers,
  expireHandovers,
  HANDOVER_LASTS_MS,
} from '../src/orders/handover.ts';
import { onCommand } from '../src/orders/operator.ts';
import { handoverTerms, pauseTerms, resumeTerms } from '../src/orders/order-terms.ts';
import {
  disprovedIn,
  type IsProven,
  orderText,
  withProvenOrders,
  withProvenState,
} from '../src/orders/orders.ts';
import { adoptPause, isPaused, pauseStoredBy } from '../src/orders/pause.ts';
import { statusOf } from '../src/reporting/status.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { decodeMessage, encodeMessage } from '../src/wire/codec.ts';
import type {
  Command,
  CommandOutcome,
  Envelope,
  HandoverOrder,
  HandoverRecord,
  PauseOrder,
  PauseRecord,
} from '../src/wire/messages.ts';
import { anyMessage } from './support/arbitraries.ts';
import {
  AT,
  CHECK,
  clusterOf,
  envelopeOf,
  handoverOf,
  heldBy,
  IP,
  PAIR,
  PEER,
  recordOf,
  SELF,
  stateOf,
  WALL,
  withPeer,
} from './support/fixtures.ts';

/** A signature of the tests: it tells what it is of. */
const proofOf = (text: string): string =>
  `ann:${[...text].map((c) => c.codePointAt(0) ?? 0).reduce((a, b) => (a * 31 + b) % 1e9, 7)}`;
const isProven: IsProven = (text, proof) => proof === proofOf(text);

function signedPause(parts: Partial<Omit<PauseOrder, 'proof'>> = {}): PauseOrder {
  const order = {
    version: 1,
    signedAt: WALL + (parts.version ?? 1),
    by: PEER,
    paused: true,
    owner: 'ann',
    reason: 'upgrade',
    until: null,
    ...parts,
  };
  return { ...order, proof: proofOf(orderText('web', { kind: 'pause', order })) };
}

function signedHandover(parts: Partial<Omit<HandoverOrder, 'proof'>> = {}): HandoverOrder {
  const order = {
    id: 'o-1',
    address: IP,
    to: SELF,
    by: 'ann',
    reason: '',
    ordered: WALL,
    pause: 0,
    until: WALL + 60_000,
    ...parts,
  };
  return { ...order, proof: proofOf(orderText('web', { kind: 'handover', order })) };
}

function recordOfOrder(order: HandoverOrder, parts: Partial<HandoverRecord> = {}): HandoverRecord {
  return { ...order, state: 'open', detail: '', ttlMs: HANDOVER_LASTS_MS, ...parts };
}

function ruledBy(orders: OrderRule, config: ProtocolConfig = PAIR): State {
  return heldBy(stateOf({ ...config, orders }), PEER);
}

function turnOf(state: State, wall = WALL, at = AT): StepContext {
  return newContext(state, { at, wall });
}

const rejections = (ctx: StepContext): readonly string[] =>
  ctx.facts.flatMap((fact) => (fact.kind === 'rejected' ? [fact.reason] : []));

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

describe('proofs', () => {
  const message = (pause: PauseRecord, handovers: readonly HandoverRecord[] = []): Envelope =>
    envelopeOf({ payload: { version: 1, ack: 0, node: recordOf(PEER, { pause, handovers }) } });
  const told = ({ payload }: Envelope): readonly unknown[] => [
    payload.node?.pause.proof,
    payload.node?.handovers[0]?.proof,
  ];

  test('that hold stay where they are, and the message is the same', () => {
    const honest = message(signedPause(), [recordOfOrder(signedHandover())]);
    expect(withProvenOrders(honest, isProven)).toBe(honest);
  });

  test('of another order, of another cluster or of changed words are taken away', () => {
    const order = recordOfOrder(signedHandover());
    const { proof } = signedPause();
    const changes: readonly Partial<PauseRecord>[] = [
      { signedAt: WALL },
      { version: 2 },
      { by: 'mars' },
      { paused: false },
      { owner: 'bob' },
      { reason: 'x' },
      { until: WALL },
    ];
    for (const change of changes)
      expect(told(withProvenOrders(message({ ...signedPause(), ...change, proof }), isProven))).toEqual([
        undefined,
        undefined,
      ]);
    const others: readonly Partial<HandoverRecord>[] = [
      { id: 'o-2' },
      { address: '203.0.113.8' },
      { to: PEER },
      { by: 'bob' },
      { reason: 'x' },
      { ordered: 1 },
      { pause: 1 },
      { until: WALL },
    ];
    for (const change of others)
      expect(told(withProvenOrders(message(signedPause(), [{ ...order, ...change }]), isProven))).toEqual([
        proof,
        undefined,
      ]);
    const abroad = { ...message(signedPause()), cluster: 'mail' };
    expect(told(withProvenOrders(abroad, isProven))).toEqual([undefined, undefined]);
  });

  test('cover nothing that may change on its way', () => {
    const later = recordOfOrder(signedHandover(), {
      state: 'failed',
      detail: 'no',
      ttlMs: 1,
      withdrawnBy: 'bob',
    });
    const honest = message(signedPause(), [later]);
    expect(withProvenOrders(honest, isProven)).toBe(honest);
  });

  test('of words that a node would change on their way are none', () => {
    for (const reason of ['a\u0007b', 'é'.repeat(129), 'x'.repeat(257)])
      expect(told(withProvenOrders(message(signedPause({ reason })), isProven))).toEqual([
        undefined,
        undefined,
      ]);
    expect(
      told(withProvenOrders(message(signedPause({ reason: 'é'.repeat(128) })), isProven))[0],
    ).toBeDefined();
  });

  test('whatever decodes has its proofs judged without an error, and still decodes', () => {
    fc.assert(
      fc.property(anyMessage, fc.boolean(), (any, holds) => {
        const judged = withProvenOrders(any, () => holds);
        expect(decodeMessage(encodeMessage(judged))).toEqual({ kind: 'message', message: judged });
        if (!holds) expect(JSON.stringify(judged)).not.toContain('"proof"');
      }),
      { numRuns: 200, seed: 9 },
    );
  });

  test('no two orders have one text', () => {
    const a = signedPause({ owner: 'a', reason: 'b","c' });
    const b = signedPause({ owner: 'a","b', reason: 'c' });
    expect(a.proof).not.toBe(b.proof);
  });

  test('on a disk are judged by the next run, and what has none counts for nothing there but its number', () => {
    const { state } = ((ctx: StepContext) => {
      adoptPause(ctx, PEER, signedPause({ version: 4 }));
      adoptHandover(ctx, PEER, recordOfOrder(signedHandover()));
      return ctx;
    })(turnOf(ruledBy('proven')));
    const document = documentOf(state);
    expect(withProvenState(document, isProven)).toEqual(document);
    const forged = withProvenState(document, () => false);
    const ctx = turnOf({
      ...restored(initialState(state.config), { kind: 'loaded', document: forged }, AT),
    });
    onConfigured(ctx, state.config, []);
    expect(ctx.state.pause).toMatchObject({ version: 4, paused: false });
    expect(ctx.state.handovers).toEqual([]);
    expect(ownRecord(ctx.state).pause.version).toBe(0);
  });
});

test('as many signed orders as a node remembers fit into its record, with their proofs, beside as many addresses as there may be', () => {
  const addresses = Array.from({ length: MAX_ADDRESSES }, (_, i) => ({
    ...PAIR.addresses[0],
    ip: `2001:db8:0:0:0:0:0:${i}`,
    probe: CHECK,
    expects: 'x',
  }));
  const state = stateOf({ ...PAIR, orders: 'proven', addresses });
  const pause = {
    ...signedPause({ owner: '"'.repeat(128), reason: '"'.repeat(256) }),
    proof: 'x'.repeat(192),
  };
  const handovers = Array.from({ length: MAX_HANDOVERS }, (_, i) => {
    const order = signedHandover({
      id: `${i}`.padStart(64, 'o'),
      address: addresses[i]?.ip ?? IP,
      to: 'n'.repeat(64),
      by: '"'.repeat(128),
      reason: '"'.repeat(256),
    });
    const record = recordOfOrder({ ...order, proof: 'x'.repeat(192) }, { detail: '"'.repeat(256) });
    return { record, expiresAt: AT + 60_000, ending: null, untold: 'nothing' as const };
  });
  const record = ownRecord({ ...state, pause, handovers });
  expect(new TextEncoder().encode(JSON.stringify(record)).length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  const { owner, reason } = record.pause;
  expect([owner.length, reason.length]).toEqual([128, 256]);
  for (const { by, reason: why, proof } of record.handovers)
    expect([by.length, why.length, proof?.length]).toEqual([128, 256, 192]);
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
