/** Orders as operators sign them, and nodes that judge them. */
import type { OrderRule, ProtocolConfig } from '../../src/model/config.ts';
import type { State } from '../../src/model/state.ts';
import { HANDOVER_LASTS_MS } from '../../src/orders/handover.ts';
import { type IsProven, orderText } from '../../src/orders/orders.ts';
import { newContext, type StepContext } from '../../src/step-context.ts';
import type { HandoverOrder, HandoverRecord, PauseOrder } from '../../src/wire/messages.ts';
import { AT, heldBy, IP, PAIR, PEER, SELF, stateOf, WALL } from './fixtures.ts';

/** A signature of the tests: it tells what it is of. */
export const proofOf = (text: string): string =>
  `ann:${[...text].map((c) => c.codePointAt(0) ?? 0).reduce((a, b) => (a * 31 + b) % 1e9, 7)}`;

/** Whether a proof is one of `proofOf`. */
export const isProven: IsProven = (text, proof) => proof === proofOf(text);

/** A pause that ann has signed. */
export function signedPause(parts: Partial<Omit<PauseOrder, 'proof'>> = {}): PauseOrder {
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

/** A handover that ann has signed, to the node of the tests. */
export function signedHandover(parts: Partial<Omit<HandoverOrder, 'proof'>> = {}): HandoverOrder {
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

/** As a node tells of it. */
export function recordOfOrder(order: HandoverOrder, parts: Partial<HandoverRecord> = {}): HandoverRecord {
  return { ...order, state: 'open', detail: '', ttlMs: HANDOVER_LASTS_MS, ...parts };
}

/** A node whose peer holds the address, and that believes orders by this rule. */
export function ruledBy(orders: OrderRule, config: ProtocolConfig = PAIR): State {
  return heldBy(stateOf({ ...config, orders }), PEER);
}

/** The step of a node that is at this state. */
export function turnOf(state: State, wall = WALL, at = AT): StepContext {
  return newContext(state, { at, wall });
}

/** Why the step has rejected what it was told. */
export const rejections = (ctx: StepContext): readonly string[] =>
  ctx.facts.flatMap((fact) => (fact.kind === 'rejected' ? [fact.reason] : []));
