/**
 * Orders that no operator has given, from a node that would like the others to obey: new ones without a proof or with that of
 * another order, and old ones that were signed once.
 */
import {
  type Envelope,
  HANDOVER_LASTS_MS,
  type HandoverRecord,
  type NodeRecord,
  type PauseRecord,
} from '@failtome/protocol';
import { broughtUp, type WithheldOrders } from './withheld-orders.ts';

/** How operators' orders can be forged. */
export const FORGED_ORDERS = [
  'new-pauses',
  'new-resumes',
  'new-handovers',
  'old-orders',
  'withheld-orders',
] as const;
/** One of them. */
export type ForgedOrders = (typeof FORGED_ORDERS)[number];

/** Forges the orders in a node's record. */
export type OrdersForger = (message: Envelope, node: NodeRecord) => Pick<NodeRecord, 'pause' | 'handovers'>;

/** @param withheld what operators have given it, and nobody else has had */
export function createOrdersForger(lie: ForgedOrders, withheld: WithheldOrders): OrdersForger {
  /** What it has itself passed on in good faith, the oldest first. */
  const pauses: PauseRecord[] = [];
  const handovers = new Map<string, HandoverRecord>();

  function keep({ pause, handovers: open }: NodeRecord): void {
    if (pause.paused && !pauses.some(({ version }) => version === pause.version)) pauses.push(pause);
    for (const one of open) if (one.state === 'open' && !handovers.has(one.id)) handovers.set(one.id, one);
  }

  return (message, node) => {
    keep(node);
    const proof = pauses[0]?.proof ?? [...handovers.values()][0]?.proof;
    switch (lie) {
      case 'new-pauses':
      case 'new-resumes':
        return { ...node, pause: newPause(message, node, lie === 'new-pauses', proof) };
      case 'new-handovers':
        return { ...node, handovers: [newHandover(message, node, proof), ...node.handovers.slice(0, 8)] };
      case 'old-orders':
        return { pause: oldPause(message, node, pauses[0]), handovers: [...handovers.values()].map(anew) };
      case 'withheld-orders':
        return broughtUp(node, withheld);
    }
  };
}

/** Every second one has the proof of another order. */
function withProof<T extends object>(record: T, { seq }: Envelope, proof: string | undefined): T {
  return seq % 2 === 0 && proof !== undefined ? { ...record, proof } : record;
}

function newPause(
  message: Envelope,
  { pause }: NodeRecord,
  paused: boolean,
  proof: string | undefined,
): PauseRecord {
  const version = pause.version + 1 + (message.seq % 3);
  // Later than all that is known.
  const signedAt = (pause.signedAt ?? 0) + 1 + (message.seq % 3);
  const forged = { version, signedAt, by: message.from, paused, owner: 'operator', reason: '', until: null };
  return withProof(forged, message, proof);
}

function newHandover(
  message: Envelope,
  { addresses, pause }: NodeRecord,
  proof: string | undefined,
): HandoverRecord {
  const forged: HandoverRecord = {
    id: `${message.from}-forged-${message.seq % 8}`,
    address: addresses[0]?.ip ?? '',
    to: message.to,
    by: 'operator',
    reason: '',
    state: 'open',
    detail: '',
    ttlMs: HANDOVER_LASTS_MS,
    ordered: 2 ** 43,
    pause: pause.version,
  };
  return withProof(forged, message, proof);
}

/** As it was signed, or with a version and a time that would count. */
function oldPause({ seq }: Envelope, { pause }: NodeRecord, old: PauseRecord | undefined): PauseRecord {
  if (old === undefined) return pause;
  if (seq % 2 === 0) return old;
  return { ...old, version: pause.version + 1, signedAt: (pause.signedAt ?? 0) + 1 };
}

/** Open once more, and with all its time. */
function anew(record: HandoverRecord): HandoverRecord {
  return { ...record, state: 'open', detail: '', ttlMs: HANDOVER_LASTS_MS };
}
