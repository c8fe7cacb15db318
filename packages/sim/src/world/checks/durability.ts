/**
 * I6: a lease, an intent and a notification are durable before they have an effect outside. I17, its first half:
 * every notification names a move that was accepted.
 */
import {
  counted,
  type DurableAddress,
  type DurableDocument,
  decodeDocument,
  type Envelope,
  type Ip,
  TAKEOVER_SUBJECT,
} from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createDoubles } from './doubles.ts';

export function checkDurability(view: WorldView, violate: Violate): Watcher {
  const read = createReader();
  const doubles = createDoubles(view);
  /** Per instance and address, how often it came there, and what was told of it. */
  const accepted = new Map<string, number>();
  const told = new Map<string, Set<string>>();

  function count(instanceId: string, ip: Ip): void {
    const key = `${instanceId} ${ip}`;
    accepted.set(key, (accepted.get(key) ?? 0) + 1);
  }

  /** I17: a move is told as often as need be, but no move twice as two. */
  function checkTelling(by: RunView, message: string): void {
    const [, ip] = /^Instance \S+ took over (\S+)/.exec(message) ?? [];
    const key = `${by.instanceId} ${ip}`;
    const moves = accepted.get(key) ?? 0;
    const all = (told.get(key) ?? new Set()).add(message);
    told.set(key, all);
    // What a copied disk or one that was put back remembers, it tells again in its own words.
    const again = moves > 0 && (doubles.ever(by.node) || view.disksHarmed());
    if (all.size > moves && !again)
      violate(
        'I17',
        `${by.run} tells of ${counted(all.size, 'move')} of ${ip} to it, and there were ${moves}: ${message} at ${view.now()}`,
      );
  }
  return (event) => {
    doubles.watch(event);
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
        if (effect.subject === TAKEOVER_SUBJECT) checkTelling(by, effect.message);
        return;
      }
      case 'cloud':
        if (event.event.kind === 'associated')
          count(event.event.association.instanceId, event.event.publicIp);
        return;
      default:
        return;
    }
  };
}

type Reader = (run: RunView) => DurableDocument | null;

function checkWords(by: RunView, { payload }: Envelope, read: Reader, violate: Violate): void {
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
function createReader(): Reader {
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
