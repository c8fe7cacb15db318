/**
 * Planned moves as records that travel with gossip and survive restarts.
 */
import type { HandoverRecord, HandoverState } from './messages.ts';
import { byText } from './quorum.ts';
import type { Handover, State } from './state.ts';
import { announce, change, persist, type Turn, tell } from './turn.ts';
import type { DurationMs, Ip } from './units.ts';

/** How long a handover may take before it is given up. */
export const HANDOVER_LASTS_MS: DurationMs = 120_000;
/** The most characters of the explanation that travel with a handover. */
const MAX_DETAIL = 256;
/** The most handovers a node remembers, finished ones included. */
export const MAX_HANDOVERS = 16;

/** Copies of one record merge by the greater: an end beats an open one, and what was done beats what was given up. */
const RANK: Readonly<Record<HandoverState, number>> = { open: 0, expired: 1, failed: 2, done: 3 };

/** Whether a handover of this address is open, to whomever. */
export function isHandedOver({ handovers, now }: State, ip: Ip): boolean {
  return handovers.some(
    ({ record, expiresAt }) => record.state === 'open' && record.address === ip && expiresAt > now.at,
  );
}

/** Take in a record that a peer has. */
export function adoptHandover(turn: Turn, told: HandoverRecord): void {
  const known = turn.state.handovers.find((one) => one.record.id === told.id);
  if (known === undefined) {
    if (told.ttlMs <= 0) return;
    addHandover(turn, told);
    return;
  }
  if (supersedes(told, known.record))
    replace(turn, { ...known, record: { ...told, ttlMs: known.record.ttlMs } });
}

/** Of two that ended alike the greater text stands; of two open ones each node keeps its own. */
function supersedes(told: HandoverRecord, known: HandoverRecord): boolean {
  if (told.state !== known.state) return RANK[told.state] > RANK[known.state];
  return told.state !== 'open' && byText(told.detail, known.detail) > 0;
}

export function addHandover(turn: Turn, record: HandoverRecord): void {
  const expiresAt = turn.now.at + Math.min(record.ttlMs, HANDOVER_LASTS_MS);
  const handovers = [...turn.state.handovers, { record, expiresAt }];
  change(turn, { handovers: handovers.slice(-MAX_HANDOVERS) });
  told(turn, record);
}

export function setHandoverState(turn: Turn, id: string, state: HandoverState, detail: string): void {
  const known = turn.state.handovers.find((one) => one.record.id === id);
  if (known === undefined || known.record.state !== 'open') return;
  replace(turn, { ...known, record: { ...known.record, state, detail: detail.slice(0, MAX_DETAIL) } });
}

/** End what has taken too long, and forget what ended long ago. */
export function expireHandovers(turn: Turn): void {
  const { handovers, now } = turn.state;
  if (handovers.every((one) => one.expiresAt > now.at)) return;
  for (const one of handovers) {
    if (one.expiresAt <= now.at && one.record.state === 'open')
      setHandoverState(
        turn,
        one.record.id,
        'expired',
        one.record.detail === '' ? 'not done in time' : one.record.detail,
      );
  }
  // An ended one is kept for as long again, so that whoever asked can still read how it ended.
  change(turn, {
    handovers: turn.state.handovers.filter((one) => now.at - one.expiresAt < HANDOVER_LASTS_MS),
  });
}

/** Why the open handover hasn't happened yet, for whoever asked. */
export function noteHandover(turn: Turn, id: string, detail: string): void {
  const known = turn.state.handovers.find((one) => one.record.id === id);
  if (
    known === undefined ||
    known.record.state !== 'open' ||
    known.record.detail === detail.slice(0, MAX_DETAIL)
  )
    return;
  change(turn, {
    handovers: turn.state.handovers.map((one) =>
      one === known ? { ...one, record: { ...one.record, detail: detail.slice(0, MAX_DETAIL) } } : one,
    ),
  });
  announce(turn);
}

function replace(turn: Turn, handover: Handover): void {
  change(turn, {
    handovers: turn.state.handovers.map((one) => (one.record.id === handover.record.id ? handover : one)),
  });
  told(turn, handover.record);
}

function told(turn: Turn, { id, address, to, state, detail }: HandoverRecord): void {
  tell(turn, { kind: 'handover', id, address, to, state, detail });
  persist(turn);
  announce(turn);
}
