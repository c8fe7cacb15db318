/**
 * I19: what is sent, called and kept is bounded.
 */
import {
  counted as countedText,
  MAX_MESSAGE_BYTES,
  MAX_RECEIVERS,
  MAX_REQUESTS_PER_SECOND,
} from '@failtome/protocol';
import { type Broken, broken, type EventOf, type RunView } from './events.ts';
import { addressOf, counted, type RunHistory } from './run-history.ts';

const MAX_PENDING_SENDS = 512;
const MAX_OUTBOX = 100;
const MAX_HANDOVERS = 16;
const MAX_REMEMBERED = 32;
/** The most calls of a run for one address in a second. */
const MAX_CALLS = 12;

/** @param mayRush a liar's pace isn't bounded */
export function checkSent(
  { sendPaces }: RunHistory,
  { by, message: { to, re }, bytes }: EventOf<'said'>,
  nowMs: number,
  mayRush: boolean,
): readonly Broken[] {
  if (bytes > MAX_MESSAGE_BYTES)
    return [broken('I19', `${by.run} sends ${countedText(bytes, 'byte')} to ${to}`)];
  // Each answer was asked for, by somebody whose own pace is bounded.
  if (re !== null || mayRush) return [];
  const { count, sinceMs } = counted(sendPaces[to], nowMs);
  return count > MAX_REQUESTS_PER_SECOND
    ? [broken('I19', `${by.run} has sent ${countedText(count, 'message')} to ${to} since ${sinceMs}`)]
    : [];
}

/** How often it calls the cloud for one address. */
export function checkCalled(
  history: RunHistory,
  { by, effect: { address: ip } }: EventOf<'drive'>,
  nowMs: number,
): readonly Broken[] {
  const { count, sinceMs } = counted(addressOf(history, ip).callPace, nowMs);
  return count > MAX_CALLS
    ? [broken('I19', `${by.run} has made ${countedText(count, 'call')} for ${ip} since ${sinceMs}`)]
    : [];
}

/** After a step: the notifications that it keeps. */
export function checkOutbox({ run, state, config }: RunView): readonly Broken[] {
  const { outbox } = state();
  if (outbox.length <= MAX_OUTBOX) return [];
  const tooMany = config.notify.receivers.find(
    ({ name }) => outbox.filter(({ receiver }) => receiver === name).length > MAX_OUTBOX,
  );
  const isTooLong = tooMany !== undefined || outbox.length > MAX_OUTBOX * MAX_RECEIVERS;
  return isTooLong ? [broken('I19', `${run} keeps ${countedText(outbox.length, 'notification')}`)] : [];
}

/** Not after every step: it walks over what may be many. */
export function checkKept({ run, state, config }: RunView): readonly Broken[] {
  const { pendingSends, handovers, addresses } = state();
  const found: Broken[] = [];
  const tooMuch = (what: string): void => void found.push(broken('I19', `${run} ${what}`));
  if (pendingSends.length > MAX_PENDING_SENDS)
    tooMuch(`waits for ${countedText(pendingSends.length, 'answer')}`);
  if (handovers.length > MAX_HANDOVERS) tooMuch(`remembers ${countedText(handovers.length, 'handover')}`);
  for (const ip in addresses) {
    const address = addresses[ip];
    if (address === undefined) continue;
    const open = Object.keys(address.openBallots).length;
    if (open > config.peers.length) tooMuch(`remembers ${countedText(open, 'ballot')} of ${ip}`);
    const budget = Math.max(MAX_REMEMBERED, config.flap.moves);
    if (address.changes.length > budget || address.ended.length > MAX_REMEMBERED)
      tooMuch(`remembers more of ${ip}'s past than it may`);
  }
  return found;
}
