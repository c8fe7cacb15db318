/** What the proof of an order covers, and that orders with their proofs fit into a record. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { onConfigured } from '../src/lifecycle.ts';
import { ownRecord } from '../src/membership/own-record.ts';
import { MAX_RECORD_BYTES } from '../src/membership/record.ts';
import { MAX_ADDRESSES } from '../src/model/config.ts';
import { initialState } from '../src/model/initial.ts';
import { MAX_HANDOVERS } from '../src/model/limits.ts';
import { adoptHandover } from '../src/orders/handover.ts';
import { withProvenOrders, withProvenState } from '../src/orders/orders.ts';
import { adoptPause } from '../src/orders/pause.ts';
import type { StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { decodeMessage, encodeMessage } from '../src/wire/codec.ts';
import type { Envelope, HandoverRecord, PauseRecord } from '../src/wire/messages.ts';
import { anyMessage } from './support/arbitraries.ts';
import { AT, CHECK, envelopeOf, IP, PAIR, PEER, recordOf, stateOf, WALL } from './support/fixtures.ts';
import {
  isProven,
  recordOfOrder,
  ruledBy,
  signedHandover,
  signedPause,
  turnOf,
} from './support/signed-orders.ts';

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
