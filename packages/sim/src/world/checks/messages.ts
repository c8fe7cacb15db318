/**
 * I18: a message counts once, and only for so long. I19: what is sent and kept is bounded.
 */
import { MAX_MESSAGE_BYTES, OPERATOR_PREFIX } from '@failtome/protocol';
import type { RunView, Violate, Watcher } from '../watch.ts';

/** What a fast clock may make of an age. */
const TOLERANCE_MS = 20;
const MAX_PENDING_SENDS = 512;
const MAX_OUTBOX = 100;

export function checkMessages(violate: Violate): Watcher {
  const counted = new Map<number, string>();
  return (event) => {
    if (event.kind === 'said' && event.bytes > MAX_MESSAGE_BYTES)
      violate('I19', `${event.by.run} sends ${event.bytes} bytes to ${event.message.to}`);
    if (event.kind === 'stepped') checkBounds(event.by, violate);
    if (event.kind === 'judged') checkPending(event.by, violate);
    if (event.kind !== 'judged' || event.status !== 200) return;
    const { by, request, recordedAs, ageMs } = event;
    const before = counted.get(recordedAs);
    if (before !== undefined)
      violate('I18', `${request.from}'s message ${request.seq} counted at ${before} and again at ${by.run}`);
    counted.set(recordedAs, by.run);
    const mostMs = Math.max(2 * by.config.gossip.deadMs, 5_000);
    if (ageMs > mostMs + TOLERANCE_MS && !request.from.startsWith(OPERATOR_PREFIX))
      violate('I18', `${request.from}'s message ${request.seq} counted at ${by.run} after ${ageMs} ms`);
  };
}

function checkBounds({ run, state }: RunView, violate: Violate): void {
  const { outbox } = state();
  if (outbox.length > MAX_OUTBOX) violate('I19', `${run} keeps ${outbox.length} notifications`);
}

/** Not after every step: it walks over what may be many. */
function checkPending({ run, state }: RunView, violate: Violate): void {
  const pending = Object.keys(state().pendingSends).length;
  if (pending > MAX_PENDING_SENDS) violate('I19', `${run} waits for ${pending} answers`);
}
