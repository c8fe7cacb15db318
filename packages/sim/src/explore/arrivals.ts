/**
 * What reaches a node in one quantum.
 */
import { QUANTUM_MS } from './bounds.ts';
import type { Called } from './call-orders.ts';
import { nodeWith } from './copies.ts';
import type { NodeEvent, SimNode, Wire } from './explored-data.ts';
import { booted, eventOf, startOf, wireWith } from './explored-node.ts';
import { type Global, isClosed, isGone, resultsFor } from './explored-world.ts';
import { hashOf } from './hash.ts';

/** What a node takes in at a moment, and whether it goes on after a pause. */
export interface Ready {
  readonly node: SimNode;
  readonly events: readonly NodeEvent[];
  readonly resumes: boolean;
}

/** The node as the quantum finds it, and what reaches it; null: nothing does. */
export function prepared(
  g: Global,
  node: SimNode,
  answers: Called['answers'],
  writeFails: boolean,
): Ready | null {
  const { life, disk } = node;
  if (life.kind === 'down') {
    if (life.until === null || life.until > g.t) return null;
    const up = booted(node);
    return { node: up, events: [startOf(up)], resumes: false };
  }
  const mine = answers.filter((answer) => answer.node === node.index).map(({ event }) => event);
  if (life.kind === 'paused' && life.until > g.t) {
    const arrived = [...received(g, node), ...mine];
    return arrived.length === 0
      ? null
      : {
          node: nodeWith(node, { life: { ...life, arrived: [...life.arrived, ...arrived] } }),
          events: [],
          resumes: false,
        };
  }
  const events = eventsFor(g, node, mine);
  const { writing } = disk;
  if (writing === null || writing.doneAt > g.t)
    return events.length === 0 && life.kind === 'up'
      ? null
      : { node, events, resumes: life.kind === 'paused' };
  const { writeId, text } = writing;
  const wrote = writeFails
    ? eventOf({ kind: 'persist-failed', writeId, code: 'EIO' }, 0)
    : eventOf({ kind: 'persisted', writeId }, 0);
  const synced = writeFails ? disk.synced : text;
  const stored = nodeWith(node, { disk: { synced, writing: null } });
  return { node: stored, events: inOrder([...events, wrote]), resumes: life.kind === 'paused' };
}

/** What reaches a running node now, its disk left out, in an order that depends on content alone. */
export function eventsFor(g: Global, node: SimNode, answers: readonly NodeEvent[]): readonly NodeEvent[] {
  if (node.life.kind === 'down') return [];
  const heard = received(g, node);
  const answered = new Set([...heard, ...answers].map(({ ends }) => ends));
  const results = resultsFor(g, node).filter(({ ends }) => !answered.has(ends));
  const ticks = isDue(node, g.t) ? [eventOf({ kind: 'tick' }, 0)] : [];
  return inOrder([...heard, ...answers, ...results, ...ticks]);
}

function received(g: Global, node: SimNode): readonly NodeEvent[] {
  return g.wire.flatMap((wire) => {
    if (wire.to !== node.id || wire.arrivesAt > g.t || isClosed(g, wire.from, wire.to)) return [];
    const event = deliveryOf(node, wire, g.t);
    return event === null ? [] : [event];
  });
}

function deliveryOf(
  node: SimNode,
  { kind, from, route, message, duplicated, sentAt }: Wire,
  t: number,
): NodeEvent | null {
  // A request can be told by its content, so that all of them may have one name.
  if (kind === 'request')
    return eventOf({ kind: 'received', requestId: 1, route, message }, 0, duplicated, t - sentAt);
  const { state } = node.core;
  const re = kind === 'refused' ? { session: message.session, seq: message.seq } : message.re;
  if (re?.session !== state.session) return null;
  const waiting = node.pending.find((one) => one.kind === 'send' && one.to === from && one.seq === re.seq);
  if (kind === 'refused')
    return waiting === undefined
      ? null
      : eventOf({ kind: 'send-failed', sendId: waiting.id, reason: 'refused' }, waiting.id);
  // A late answer, after its time-out, is told as well.
  const known = state.pendingSends.find((send) => send.seq === re.seq && send.to === from);
  return known === undefined
    ? null
    : eventOf({ kind: 'answered', sendId: known.sendId, message }, waiting?.id ?? 0);
}

/** What stays on its way, and what comes back where nobody listens. */
export function stillOnTheWay(g: Global): readonly Wire[] {
  return g.wire.flatMap((wire) => {
    if (wire.arrivesAt > g.t) return [wire];
    const to = g.nodes.find(({ id }) => id === wire.to);
    const refuses =
      wire.kind === 'request' &&
      to?.life.kind === 'down' &&
      (to.life.until === null || to.life.until > g.t) &&
      !isGone(g, to.index) &&
      !isClosed(g, wire.from, wire.to);
    if (!refuses) return [];
    const { from, to: at, route, message } = wire;
    const arrivesAt = g.t + QUANTUM_MS;
    return [
      wireWith({
        kind: 'refused',
        from: at,
        to: from,
        route,
        message,
        sentAt: g.t,
        arrivesAt,
        duplicated: false,
      }),
    ];
  });
}

/** Talk by sender and age, then the checks, then the rest. */
function inOrder(events: readonly NodeEvent[]): readonly NodeEvent[] {
  const keyed = events.map((event) => ({ event, key: placeOf(event) }));
  keyed.sort(
    (a, b) => a.key - b.key || versionOf(a.event) - versionOf(b.event) || a.event.hash - b.event.hash,
  );
  return keyed.map(({ event }) => event);
}

const AFTER_HEARTBEATS = 2 ** 53;

function placeOf({ orderClass, hash }: NodeEvent): number {
  switch (orderClass.kind) {
    case 'heartbeat':
      return hashOf(orderClass.from);
    case 'ballot':
      return AFTER_HEARTBEATS * 2 + hashOf(orderClass.from);
    case 'light':
      return AFTER_HEARTBEATS;
    case 'weighty':
      return AFTER_HEARTBEATS * 4 + hash;
  }
}

function versionOf({ orderClass }: NodeEvent): number {
  return 'version' in orderClass ? orderClass.version : 0;
}

function isDue({ core }: SimNode, t: number): boolean {
  return core.state.phase !== 'new' && core.state.due <= t;
}
