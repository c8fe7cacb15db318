/**
 * A call whose answer is unknown: it may have been applied, or may yet be. Read until it is known
 * (PROTOCOL.md, "The move", 5; invariant I14).
 */

import { addressOf, type Turn } from '../model/step-context.ts';
import type { AssociationId, DurationMs, Ip } from '../model/units.ts';
import { holderFrom, holderName, observeHolder } from '../observation/holder.ts';
import { accept, beginDuty } from './acceptance.ts';
import {
  afterRest,
  drive,
  FIRST_THROTTLE_MS,
  keepDuty,
  MAX_THROTTLE_MS,
  nextDelay,
  onceCleared,
  STALE_READ_MS,
} from './calls.ts';
import { loseRaceTo } from './conclude.ts';
import type { Another, Associated, Failure, Lagging, Nobody, Self } from './events.ts';
import type { Settling } from './phases.ts';
import { addStep, changeMove, moveOf } from './progress.ts';

/** How long reads may take to agree. */
const SETTLE_MS: DurationMs = 5_000;
/** How far apart two reads must be to agree. */
const AGREE_MS: DurationMs = 1_000;

/** Begin to read what became of the call. */
export function settle(turn: Turn, ip: Ip, of: Settling['of'], associationId: AssociationId | null): void {
  const at = turn.now.at;
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, {
    stage: { kind: 'settling', of, associationId, since: at, callId, seen: null, seenAt: at, nextAt: at },
  });
}

/** The next of the reads is due. */
export function readOnceMore(turn: Turn, ip: Ip, phase: Settling): void {
  if (phase.callId !== null || phase.nextAt > turn.now.at) return;
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, { stage: { ...phase, callId } });
}

/** The read tells nothing. After five seconds of those a release may have been applied: the duty reads on until it is known. */
export function readOn(turn: Turn, ip: Ip, phase: Settling, _event: Lagging | Failure): void {
  const { at } = turn.now;
  if (!isExpired(turn, phase)) {
    changeMove(turn, ip, { stage: { ...phase, callId: null, nextAt: at + STALE_READ_MS } });
    return;
  }
  addStep(turn, ip, 'settle', at - phase.since, 'unknown');
  changeMove(turn, ip, { duty: true });
  keepDuty(turn, ip);
}

/** A read that shows this node is proof that the call was applied. */
export function settledOnSelf(turn: Turn, ip: Ip, phase: Settling, { association }: Self): void {
  noteSettled(turn, ip, phase, association);
  accept(turn, ip, association.associationId);
}

/** One such read is enough, but for a swap: for that it may lag, as one that shows another may. */
export function settleOnNobody(turn: Turn, ip: Ip, phase: Settling, _event: Nobody): void {
  if (phase.of === 'swap' && !agrees(turn, ip, phase, 'none')) return;
  noteSettled(turn, ip, phase, null);
  if (phase.of === 'release') return beginDuty(turn, ip, phase.associationId);
  // Without the duty the gates are asked again first: reading took its time.
  const { delayMs, duty } = moveOf(turn, ip);
  const nextMs = nextDelay(delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(turn, ip, { duty: duty || phase.of === 'swap', delayMs: nextMs });
  afterRest(turn, ip, delayMs, { call: 'take', reassociate: false });
}

/** The call was not applied, or somebody else was faster. */
export function settleOnAnother(turn: Turn, ip: Ip, phase: Settling, { association }: Another): void {
  const { associationId, instanceId, node } = association;
  if (!agrees(turn, ip, phase, `${associationId ?? ''}/${instanceId ?? node ?? ''}`)) return;
  noteSettled(turn, ip, phase, association);
  // Not applied: decide again, from the gates on.
  const unchanged = phase.of !== 'take' && isOriginal(turn, ip, phase, association);
  if (unchanged) return onceCleared(turn, ip, { call: 'read', purpose: 'start' });
  loseRaceTo(turn, ip, association, 'holds it');
}

/** Whether this read agrees with one a second before, or the time for that is over; else it is remembered for the next. */
function agrees(turn: Turn, ip: Ip, phase: Settling, shown: string): boolean {
  const { at } = turn.now;
  const repeats = phase.seen === shown;
  if ((repeats && at - phase.seenAt >= AGREE_MS) || isExpired(turn, phase)) return true;
  const seenAt = repeats ? phase.seenAt : at;
  changeMove(turn, ip, { stage: { ...phase, callId: null, seen: shown, seenAt, nextAt: seenAt + AGREE_MS } });
  return false;
}

function isExpired(turn: Turn, phase: Settling): boolean {
  return turn.now.at - phase.since >= SETTLE_MS;
}

/** It is known now what became of the call. */
function noteSettled(turn: Turn, ip: Ip, phase: Settling, association: Associated | null): void {
  const result = association === null ? 'nobody holds it' : 'somebody holds it';
  addStep(turn, ip, 'settle', turn.now.at - phase.since, result);
  const seen = holderFrom(turn.state, association ?? { kind: 'none' }, turn.now.at);
  observeHolder(turn, ip, seen, 'read');
}

/** Whether the address is where it was before the call: the same association, or the same holder where associations have no names. */
function isOriginal(turn: Turn, ip: Ip, phase: Settling, association: Associated): boolean {
  const { intent } = addressOf(turn.state, ip);
  const before = phase.associationId ?? intent?.associationId ?? null;
  if (before !== null && association.associationId !== null) return association.associationId === before;
  return intent !== null && holderName(holderFrom(turn.state, association, turn.now.at)) === intent.from;
}
