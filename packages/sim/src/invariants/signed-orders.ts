/**
 * I24: where operators have keys, an order counts only if an operator has given it, and none after one that was given later.
 * Judged by what operators have really signed and when, whatever proofs and numbers the messages carried: a pause or a resume
 * that a run takes over, a handover that it takes up, and what it moves for one.
 */
import type { ClusterRules } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type FactOf, type Judged, type RunView } from './events.ts';
import { handoverSignedAt, pauseSignedAt, type SignedTimes, withSigned } from './signed-times.ts';

interface SignedOrders {
  readonly signed: SignedTimes;
  /** By run: when the newest pause or resume that it has told was signed. */
  readonly newest: Readonly<Record<string, number>>;
}

/** The rules of signed orders. */
export const SIGNED_ORDERS: ClusterRules<SignedOrders> = {
  start: { signed: {}, newest: {} },
  events: ['order-signed', 'drive'],
  facts: ['pause', 'handover'],
  judge(history, event, view) {
    if (event.kind === 'order-signed')
      return [{ ...history, signed: withSigned(history.signed, event.text, view.now()) }];
    if (!('by' in event) || event.by.config.orders === 'any') return [history];
    if (event.kind === 'drive') return [history, ...checkCall(history, event)];
    if (event.kind !== 'fact') return [history];
    const { by, fact } = event;
    if (fact.kind === 'pause') return onPause(history, by);
    return [history, ...(fact.kind === 'handover' ? checkHandover(history, by, fact) : [])];
  },
};

function onPause(history: SignedOrders, by: RunView): Judged<SignedOrders> {
  const { pause, config } = by.state();
  const { version, by: node, paused, owner } = pause;
  // Nothing is in force: what was didn't count any more.
  if (!paused && node === '') return [history];
  const takes = `${by.run} takes over the ${paused ? 'pause' : 'resume'} ${version} of ${owner}`;
  const at = pauseSignedAt(history.signed, config.cluster, pause);
  if (at === null) return [history, broken('I24', `${takes}, which no operator has signed`)];
  const before = history.newest[by.run] ?? 0;
  const after = { ...history, newest: { ...history.newest, [by.run]: at } };
  if (at >= before) return [after];
  return [after, broken('I24', `${takes}, signed at ${at}, and has known one signed at ${before}`)];
}

function checkHandover(
  history: SignedOrders,
  by: RunView,
  { id, state: told }: FactOf<'handover'>,
): readonly Broken[] {
  if (told !== 'open') return [];
  const { handovers, now } = by.state();
  const record = handovers.find((one) => one.record.id === id)?.record;
  if (record === undefined) return [];
  const why = whyNoOrder(history, by, id);
  if (why !== null) return [broken('I24', `${by.run} takes up the handover ${id}, ${why}`)];
  if (record.until === undefined || record.until > now.wall) return [];
  return [broken('I24', `${by.run} takes up the handover ${id}, whose time ended at ${record.until}`)];
}

function checkCall(history: SignedOrders, { by, effect }: EventOf<'drive'>): readonly Broken[] {
  const move = by.state().addresses[effect.address]?.move;
  if (move?.handoverId == null) return [];
  const why = whyNoOrder(history, by, move.handoverId);
  return why === null
    ? []
    : [broken('I24', `${by.run} moves ${effect.address} for ${move.handoverId}, ${why}`)];
}

/** Null: an operator has signed it, or it is known no more. */
function whyNoOrder({ signed }: SignedOrders, by: RunView, id: string): string | null {
  const { handovers, config } = by.state();
  const record = handovers.find((one) => one.record.id === id)?.record;
  if (record === undefined) return null;
  return handoverSignedAt(signed, config.cluster, record) === null ? 'which no operator has signed' : null;
}
