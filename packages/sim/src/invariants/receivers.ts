/**
 * I26: each receiver is told in order and one at a time, and none waits because of another. By a run's own outbox: what it tells
 * is the oldest that the receiver has still to accept, and whatever is due is told.
 */
import type { State } from '@failtome/protocol';
import { type Broken, broken, type EventOf, type RunView } from './events.ts';

/** A node looks around once a second at least. */
const LOOKS_WITHIN_MS = 1_000;

type Waiting = State['outbox'][number];

/** A try to tell a receiver. */
export function checkTurn({ by, effect }: EventOf<'publish'>): readonly Broken[] {
  const { id, receiver, publishId } = effect;
  const [oldest] = by.state().outbox.filter((one) => one.receiver === receiver);
  // What waited for a write may have been given up meanwhile.
  const stands = by.state().outbox.some((one) => one.publishing === publishId);
  if (!stands || oldest?.id === id) return [];
  return [broken('I26', `${by.run} tells ${receiver} of ${id} before ${oldest?.id}, which is older`)];
}

/** After a step: what waits for each receiver. */
export function checkWaiting({ run, state }: RunView): readonly Broken[] {
  const { outbox, phase, now } = state();
  if (outbox.length === 0 || phase !== 'running') return [];
  const heads = new Map<string, Waiting>();
  const found: Broken[] = [];
  for (const one of outbox) {
    const { receiver, publishing, nextAt } = one;
    const head = heads.get(receiver);
    if (head === undefined) heads.set(receiver, one);
    else if (publishing !== null)
      found.push(broken('I26', `${run} tells ${receiver} of ${one.id} while ${head.id} waits`));
    if (head === undefined && publishing === null && now.at - nextAt > LOOKS_WITHIN_MS)
      found.push(broken('I26', `${run} doesn't tell ${receiver} of ${one.id}, which is due since ${nextAt}`));
  }
  return found;
}
