/**
 * I18: a message counts once, for its receiver, in one session of each side, and only for so long. I19: what is sent
 * and kept is bounded.
 */
import {
  counted,
  type Envelope,
  MAX_MESSAGE_BYTES,
  MAX_REQUESTS_PER_SECOND,
  OPERATOR_PREFIX,
} from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldEvent, WorldView } from '../watch.ts';

/** What a fast clock may make of an age. */
const TOLERANCE_MS = 20;
const MAX_PENDING_SENDS = 512;
const MAX_OUTBOX = 100;
const MAX_HANDOVERS = 16;
const MAX_REMEMBERED = 32;

interface Pace {
  sinceMs: number;
  count: number;
}

export function checkMessages(view: WorldView, violate: Violate): Watcher {
  const known = new Map<number, string>();
  const paces = new Map<string, Pace>();

  function onSaid(by: RunView, { to, re }: Envelope, bytes: number): void {
    if (bytes > MAX_MESSAGE_BYTES) violate('I19', `${by.run} sends ${counted(bytes, 'byte')} to ${to}`);
    // Each answer was asked for, by somebody whose own pace is bounded; a liar's isn't.
    if (re !== null || view.isLiar(by.node)) return;
    const now = view.now();
    const key = `${by.run} ${to}`;
    const pace = paces.get(key);
    if (pace === undefined || now - pace.sinceMs >= 1_000) {
      paces.set(key, { sinceMs: now, count: 1 });
      return;
    }
    pace.count += 1;
    if (pace.count > MAX_REQUESTS_PER_SECOND)
      violate('I19', `${by.run} has sent ${counted(pace.count, 'message')} to ${to} since ${pace.sinceMs}`);
  }

  function onJudged({ by, request, recordedAs, ageMs }: Extract<WorldEvent, { kind: 'judged' }>): void {
    const what = (): string => `${request.from}'s message ${request.seq}`;
    const before = known.get(recordedAs);
    if (before !== undefined) violate('I18', `${what()} counted at ${before} and again at ${by.run}`);
    known.set(recordedAs, by.run);
    if (request.to !== by.node || request.from === by.node || request.cluster !== by.config.cluster)
      violate('I18', `${what()} to ${request.to} of ${request.cluster} counted at ${by.run}`);
    if (request.echo?.session !== by.state().session)
      violate('I18', `${what()} counted at ${by.run}, though it answers another session of it`);
    const mostMs = Math.max(2 * by.config.gossip.deadMs, 5_000);
    if (ageMs > mostMs + TOLERANCE_MS && !request.from.startsWith(OPERATOR_PREFIX))
      violate('I18', `${what()} counted at ${by.run} after ${ageMs} ms`);
  }

  return (event) => {
    switch (event.kind) {
      case 'said':
        return onSaid(event.by, event.message, event.bytes);
      case 'stepped':
        return checkOutbox(event.by, violate);
      case 'judged':
        checkKept(event.by, violate);
        if (event.status === 200) onJudged(event);
        return;
      default:
        return;
    }
  };
}

function checkOutbox({ run, state }: RunView, violate: Violate): void {
  const { outbox } = state();
  if (outbox.length > MAX_OUTBOX) violate('I19', `${run} keeps ${counted(outbox.length, 'notification')}`);
}

/** Not after every step: it walks over what may be many. */
function checkKept({ run, state, config }: RunView, violate: Violate): void {
  const { pendingSends, handovers, addresses } = state();
  if (pendingSends.length > MAX_PENDING_SENDS)
    violate('I19', `${run} waits for ${counted(pendingSends.length, 'answer')}`);
  if (handovers.length > MAX_HANDOVERS)
    violate('I19', `${run} remembers ${counted(handovers.length, 'handover')}`);
  for (const ip in addresses) {
    const address = addresses[ip];
    if (address === undefined) continue;
    const standing = Object.keys(address.openBallots).length;
    if (standing > config.peers.length)
      violate('I19', `${run} remembers ${counted(standing, 'ballot')} of ${ip}`);
    const budget = Math.max(MAX_REMEMBERED, config.flap.moves);
    if (address.changes.length > budget || address.ended.length > MAX_REMEMBERED)
      violate('I19', `${run} remembers more of ${ip}'s past than it may`);
  }
}
