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
  type PublishEffect,
  TOPIC,
} from '@failtome/protocol';
import { type Broken, broken, type JudgedEvent, type RunView } from './events.ts';

/** The cluster whose pause and move a foreign document holds: nobody here has ever ordered either. */
export const ELSEWHERE = 'elsewhere';

/** What leaves a node, against what a crash at that moment would leave on its disk. */
export function checkDurable(event: JudgedEvent): readonly Broken[] {
  switch (event.kind) {
    case 'said':
      return checkWords(event.by, event.message);
    case 'drive': {
      const { by, effect } = event;
      if (effect.operation.op === 'read' || effect.operation.op === 'permit') return [];
      if (addressIn(documentOf(by.synced()), effect.address)?.intent != null) return [];
      const what = `${by.run} calls ${effect.operation.op} of ${effect.address}`;
      return [broken('I6', `${what} without a durable intent`)];
    }
    case 'publish': {
      const { by, effect } = event;
      return isKept(documentOf(by.synced()), effect)
        ? []
        : [broken('I6', `${by.run} publishes what isn't durable: ${effect.message}`)];
    }
    default:
      return [];
  }
}

function isKept(document: DurableDocument | null, { id, receiver, message }: PublishEffect): boolean {
  if (receiver === TOPIC.name) return document?.outbox.some((one) => one.message === message) === true;
  return document?.notices?.some((one) => one.id === id && one.to.includes(receiver)) === true;
}

function checkWords(by: RunView, { payload }: Envelope): readonly Broken[] {
  const found: Broken[] = [];
  if (payload.node?.pause.owner === ELSEWHERE)
    found.push(broken('I6', `${by.run} passes on a pause that was ordered in another cluster`));
  for (const answer of payload.answers ?? []) {
    if (answer.leaseMs === 0) continue;
    const known = addressIn(documentOf(by.synced()), answer.address);
    const lent = known?.lent;
    const kept = lent == null || lent.candidate === answer.candidate || lent.epoch > answer.epoch;
    if (known === undefined || known.epoch < answer.epoch || !kept)
      found.push(
        broken(
          'I6',
          `${by.run} lends its lease of ${answer.epoch} to ${answer.candidate} before it is written`,
        ),
      );
  }
  for (const ballot of payload.ballots ?? []) {
    const known = addressIn(documentOf(by.synced()), ballot.address);
    if (known === undefined || known.epoch < ballot.epoch)
      found.push(broken('I6', `${by.run} asks for epoch ${ballot.epoch} before its own lease is written`));
  }
  return found;
}

function addressIn(document: DurableDocument | null, ip: Ip): DurableAddress | undefined {
  return document?.addresses.find((one) => one.ip === ip);
}

const MAX_DOCUMENTS = 2_000;
const documents = new Map<string, DurableDocument | null>();

/** What a crash would leave; the same text is read once. */
export function documentOf(text: string | null): DurableDocument | null {
  if (text === null) return null;
  const before = documents.get(text);
  if (before !== undefined) return before;
  const decoded = decodeDocument(text);
  const document = decoded.kind === 'document' ? decoded.document : null;
  if (documents.size >= MAX_DOCUMENTS) documents.clear();
  documents.set(text, document);
  return document;
}
