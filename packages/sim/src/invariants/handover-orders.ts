/**
 * I22: a handover that has ended moves nothing. Whether it has ended is judged by what operators were answered, by the true
 * time since it was ordered, and by what the run that moves has itself told of it and of a later pause. Which is later where
 * operators sign is judged by when they really did.
 */
import type { HandoverRecord } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type Judged, type RunView } from './events.ts';
import { addressOf, firstCallOf } from './run-history.ts';
import { handoverSignedAt, pauseSignedAt, type SignedTimes, withSigned } from './signed-times.ts';

const HANDOVER_LASTS_MS = 120_000;
/** What drifting clocks may make of two minutes. */
const TOLERANCE_MS = 100;

interface Order {
  /** When it was first told of, and by which run. */
  readonly orderedMs: number;
  readonly run: string;
  /** Since when an operator has known that it won't happen; null: nobody was told so. */
  readonly promisedMs: number | null;
}

interface HandoverOrders {
  readonly orders: Readonly<Record<string, Order>>;
  /** By run and handover: how it ended as far as that run has told. */
  readonly ended: Readonly<Record<string, string>>;
  readonly signed: SignedTimes;
}

/** The rules of operators' handovers. */
export const HANDOVER_ORDERS: ClusterRules<HandoverOrders> = {
  start: { orders: {}, ended: {}, signed: {} },
  events: ['drive', 'order-answered', 'order-signed'],
  facts: ['handover', 'pause'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'fact':
        return [withFact(history, event, view.now())];
      case 'order-signed':
        return [{ ...history, signed: withSigned(history.signed, event.text, view.now()) }];
      case 'drive':
        return [history, ...checkCall(history, event, view)];
      case 'order-answered': {
        const { command, outcome } = event;
        if (command.kind !== 'handover-cancel' || outcome?.state !== 'done') return [history];
        return onPromise(history, outcome.id, view);
      }
      default:
        return [history];
    }
  },
};

function withFact(history: HandoverOrders, { by, fact }: EventOf<'fact'>, nowMs: number): HandoverOrders {
  if (fact.kind === 'handover') {
    if (fact.state !== 'open') return withEnd(history, by, fact.id, `it told that it is ${fact.state}`);
    const order: Order = { orderedMs: nowMs, run: by.run, promisedMs: null };
    const orders = { [fact.id]: order, ...history.orders };
    return withPaused({ ...history, orders }, by);
  }
  return fact.kind === 'pause' ? withPaused(history, by) : history;
}

/** The run knows of a pause and of what that may end, whichever of them has just come. */
function withPaused(history: HandoverOrders, by: RunView): HandoverOrders {
  const { pause, handovers } = by.state();
  if (!pause.paused) return history;
  let after = history;
  for (const { record } of handovers)
    if (record.state === 'open' && isBeforePause(history, by, record))
      after = withEnd(after, by, record.id, `it knows of the pause of ${pause.owner}, which came later`);
  return after;
}

function isBeforePause({ signed }: HandoverOrders, by: RunView, record: HandoverRecord): boolean {
  const { pause, config } = by.state();
  if (config.orders !== 'proven') return record.pause !== undefined && record.pause < pause.version;
  const ordered = handoverSignedAt(signed, config.cluster, record);
  const paused = pauseSignedAt(signed, config.cluster, pause);
  return ordered !== null && paused !== null && ordered < paused;
}

function withEnd(history: HandoverOrders, by: RunView, id: string, why: string): HandoverOrders {
  return { ...history, ended: { ...history.ended, [`${by.run} ${id}`]: why } };
}

function checkCall(history: HandoverOrders, event: EventOf<'drive'>, view: ClusterView): readonly Broken[] {
  const { by, effect } = event;
  const { address: ip, operation } = effect;
  const move = by.state().addresses[ip]?.move;
  if (firstCallOf(view.historyOf(by), event) === null || move == null) return [];
  if (move.mode !== 'handover' || move.handoverId === null) return [];
  const why = whyEnded(history, by, move.handoverId, view);
  if (why === null) return [];
  return [
    broken('I22', `${by.run} calls ${operation.op} of ${ip} for the handover ${move.handoverId}: ${why}`),
  ];
}

/** An operator has been told that it won't happen: then its target isn't in the middle of it. */
function onPromise(history: HandoverOrders, id: string, view: ClusterView): Judged<HandoverOrders> {
  const order = history.orders[id];
  const promised: Order | undefined = order && { ...order, promisedMs: order.promisedMs ?? view.now() };
  const after: HandoverOrders =
    promised === undefined ? history : { ...history, orders: { ...history.orders, [id]: promised } };
  const found = view.runs().flatMap((by) =>
    Object.values(by.state().addresses)
      .filter(
        ({ ip, move }) => move?.handoverId === id && addressOf(view.historyOf(by), ip).begun === move.epoch,
      )
      .map(({ ip }) =>
        broken(
          'I22',
          `an operator was told that the handover ${id} will not happen, while ${by.run} moves ${ip} for it`,
        ),
      ),
  );
  return [after, ...found];
}

function whyEnded(
  { ended, orders }: HandoverOrders,
  by: RunView,
  id: string,
  view: ClusterView,
): string | null {
  const own = ended[`${by.run} ${id}`];
  if (own !== undefined) return own;
  const order = orders[id];
  if (order === undefined) return null;
  // A copied disk, or one that was put back, remembers orders that its node had seen to end.
  const forgot = view.duplicates.copied.includes(by.node) || view.rolledBack(by.node);
  // What was decided before a standstill goes out after it.
  const decidedMs = by.worldTimeOf(by.state().now.at);
  if (order.promisedMs !== null && decidedMs > order.promisedMs && !forgot)
    return `an operator was told at ${order.promisedMs} that it will not happen`;
  const late = decidedMs - order.orderedMs - HANDOVER_LASTS_MS;
  return late > TOLERANCE_MS && order.run === by.run ? `it was ordered at ${order.orderedMs}` : null;
}
