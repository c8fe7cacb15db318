/**
 * I6: a lease, an intent and a notification are durable before they have an effect outside, and what is durable counts
 * only for the cluster and the node that wrote it.
 */
import {
  type DurableAddress,
  type DurableDocument,
  decodeDocument,
  type Envelope,
  type Ip,
} from '@failtome/protocol';
import { ELSEWHERE } from '../foreign.ts';
import type { RunView, Violate, Watcher } from '../watch.ts';

export function checkDurability(violate: Violate): Watcher {
  const read = createReader();
  return (event) => {
    switch (event.kind) {
      case 'said':
        return checkWords(event.by, event.message, read, violate);
      case 'drive': {
        const { by, effect } = event;
        if (effect.operation.op === 'read' || effect.operation.op === 'permit') return;
        if (read(by)?.addresses.find(({ ip }) => ip === effect.address)?.intent == null)
          violate(
            'I6',
            `${by.run} calls ${effect.operation.op} of ${effect.address} without a durable intent`,
          );
        return;
      }
      case 'publish': {
        const { by, effect } = event;
        if (!read(by)?.outbox.some(({ message }) => message === effect.message))
          violate('I6', `${by.run} publishes what isn't durable: ${effect.message}`);
        return;
      }
      default:
        return;
    }
  };
}

export type Reader = (run: RunView) => DurableDocument | null;

function checkWords(by: RunView, { payload }: Envelope, read: Reader, violate: Violate): void {
  if (payload.node?.pause.owner === ELSEWHERE)
    violate('I6', `${by.run} passes on a pause that was ordered in another cluster`);
  for (const answer of payload.answers ?? []) {
    if (answer.leaseMs === 0) continue;
    const known = addressIn(read(by), answer.address);
    const lent = known?.lent;
    const kept = lent == null || lent.candidate === answer.candidate || lent.epoch > answer.epoch;
    if (known === undefined || known.epoch < answer.epoch || !kept)
      violate(
        'I6',
        `${by.run} lends its lease of ${answer.epoch} to ${answer.candidate} before it is written`,
      );
  }
  for (const ballot of payload.ballots ?? []) {
    const known = addressIn(read(by), ballot.address);
    if (known === undefined || known.epoch < ballot.epoch)
      violate('I6', `${by.run} asks for epoch ${ballot.epoch} before its own lease is written`);
  }
}

function addressIn(document: DurableDocument | null, ip: Ip): DurableAddress | undefined {
  return document?.addresses.find((one) => one.ip === ip);
}

/** Reads what a crash would leave; the same text is read once. */
export function createReader(): Reader {
  const last = new Map<string, { readonly text: string; readonly document: DurableDocument | null }>();
  return (run) => {
    const text = run.synced();
    if (text === null) return null;
    const known = last.get(run.run);
    if (known?.text === text) return known.document;
    const decoded = decodeDocument(text);
    const document = decoded.kind === 'document' ? decoded.document : null;
    last.set(run.run, { text, document });
    return document;
  };
}
