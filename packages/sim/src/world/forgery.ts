/**
 * A node that has the key and says what isn't so: its messages are bent after its own process has written them, in ways
 * that the codec lets through. Its own checks see what it meant to say.
 */
import type { AddressRecord, Envelope, Ip, NodeId, NodeRecord, Payload } from '@failtome/protocol';
import { createOrdersForger, FORGED_ORDERS, type ForgedOrders, type OrdersForger } from './forged-orders.ts';
import type { WithheldOrders } from './withheld-orders.ts';

/** The lies that a node's messages can be bent by. */
export const LIES = [
  'numbers',
  'lives',
  'ended',
  'holder',
  'ballots',
  'news',
  'handovers',
  'pauses',
  'new-pauses',
  'new-resumes',
  'new-handovers',
  'old-orders',
  'withheld-orders',
] as const;
/** One of them. */
export type Lie = (typeof LIES)[number];

/** The greatest number that the codec reads. */
const TOP = Number.MAX_SAFE_INTEGER;
/** Lives that nobody can have had: at first as many as are believed at once of whoever has had few, then ever so many. */
const LIVES = [2 ** 44, 2 ** 50] as const;
/** Versions above all that the node has really told. */
const VERSIONS_FROM = 1_000_000;
const LONG = '"\u0001漢'.repeat(40);

/** @param record what the node last told of itself */
export type Forger = (message: Envelope, record: NodeRecord | undefined) => Envelope;

/**
 * @param association what an address is really associated by now
 * @param withheld what operators have given it, and nobody else has had
 */
export function createForger(
  lie: Lie,
  association: (ip: Ip) => string | null,
  withheld: WithheldOrders,
): Forger {
  const counts = new Map<NodeId, number>();
  const orders: OrdersForger | null = isForgedOrders(lie) ? createOrdersForger(lie, withheld) : null;
  return (message, record) => {
    const count = (counts.get(message.to) ?? 0) + 1;
    counts.set(message.to, count);
    if (record === undefined || message.payload.refused !== undefined) return message;
    const version = VERSIONS_FROM + message.seq;
    const payload = { ...message.payload, version, node: record };
    if (orders !== null)
      return { ...message, payload: { ...payload, node: { ...record, ...orders(message, record) } } };
    return { ...message, payload: bent(lie, message, count, payload, association) };
  };
}

function isForgedOrders(lie: Lie): lie is ForgedOrders {
  return FORGED_ORDERS.some((one) => one === lie);
}

type Told = Payload & { readonly node: NodeRecord };

function bent(
  lie: Lie,
  { from, to, seq }: Envelope,
  count: number,
  payload: Told,
  association: (ip: Ip) => string | null,
): Payload {
  switch (lie) {
    case 'numbers':
      return withNumbers(payload, to);
    case 'lives':
      return { ...payload, known: LIVES[count === 1 ? 0 : 1] };
    case 'ended':
      return withAddresses(payload, (one) => ({ ...one, ended: [association(one.ip) ?? 'none'] }));
    case 'holder':
      return withAddresses(payload, (one) => ({ ...one, holder: heldBy(to, seq) }));
    case 'ballots':
      return { ...payload, ballots: payload.node.addresses.map((one) => ballotOf(payload, one, from, seq)) };
    case 'news':
      return withAddresses(payload, (one) => ({ ...one, trouble: count % 2 === 0 }), {
        fit: count % 2 === 0 ? 'unfit' : 'fit',
      });
    case 'pauses':
      return { ...payload, node: { ...payload.node, pause: resumed(payload, seq) } };
    case 'handovers':
      return { ...payload, node: { ...payload.node, handovers: handovers(payload, from, to, seq) } };
    case 'new-pauses':
    case 'new-resumes':
    case 'new-handovers':
    case 'old-orders':
    case 'withheld-orders':
      return payload;
  }
}

function withAddresses(
  payload: Told,
  change: (one: AddressRecord) => AddressRecord,
  parts: Partial<NodeRecord> = {},
): Payload {
  const { node } = payload;
  return { ...payload, node: { ...node, ...parts, addresses: node.addresses.map(change) } };
}

/** A newer word on the pause each time, which says that there is none. */
function resumed({ node }: Told, seq: number): NodeRecord['pause'] {
  return {
    version: node.pause.version + seq,
    by: node.id,
    paused: false,
    owner: 'eve',
    reason: LONG,
    until: null,
  };
}

function withNumbers(payload: Told, to: NodeId): Payload {
  const pause = { ...payload.node.pause, version: TOP };
  return {
    ...withAddresses(
      payload,
      (one) => ({
        ...one,
        epoch: TOP,
        changes: one.changes.map(() => TOP),
        holder: one.holder === null ? null : { ...one.holder, ageMs: TOP },
      }),
      { incarnation: TOP, pause },
    ),
    known: TOP,
    rumours: [{ id: to, incarnation: TOP, state: 'dead' }],
    ...(payload.answers === undefined
      ? {}
      : { answers: payload.answers.map((one) => ({ ...one, highest: TOP })) }),
  };
}

function heldBy(node: NodeId, seq: number): NonNullable<AddressRecord['holder']> {
  return { kind: 'node', node, instanceId: null, associationId: `eipassoc-forged-${seq}`, ageMs: 0 };
}

function ballotOf(
  { node }: Told,
  { ip, epoch }: AddressRecord,
  candidate: NodeId,
  seq: number,
): NonNullable<Payload['ballots']>[number] {
  const mode = seq % 2 === 0 ? 'handover' : 'takeover';
  return {
    address: ip,
    epoch: epoch + 1 + (seq % 3),
    candidate,
    mode,
    electorate: node.electorate,
    ask: 0,
    fit: true,
  };
}

function handovers({ node }: Told, from: NodeId, to: NodeId, seq: number): NodeRecord['handovers'] {
  return Array.from({ length: 5 }, (_, i) => ({
    id: `${from}-9-${(seq * 5 + i) % 16}`,
    address: node.addresses[0]?.ip ?? '',
    to,
    by: LONG.slice(0, 128),
    reason: LONG.repeat(4).slice(0, 512),
    state: 'failed' as const,
    detail: LONG.repeat(16).slice(0, 2_048),
    ttlMs: TOP,
    ordered: seq,
  }));
}
