/**
 * What follows on an event in a phase: the cells of `table.ts`. Each is told in PROTOCOL.md, "The machine".
 */

import { addressOf, changeAddress, type Turn } from '../model/step-context.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import { endAssociation, fitnessOf, isHeldBySelf, isSilent } from '../observation/holder.ts';
import { accept, beginDuty } from './acceptance.ts';
import {
  afterLaggingRead,
  afterRest,
  afterThrottle,
  FIRST_DUTY_MS,
  keepDuty,
  makeCall,
  onceCleared,
  read,
  take,
} from './calls.ts';
import { concludeAttempt, concludeMove, loseRaceTo } from './conclude.ts';
import type { Another, Displaces, Failure, Refused, Self, TakeEvent } from './events.ts';
import { mayLand } from './late.ts';
import type { Reading, Releasing, Resting, Taking, Verifying } from './phases.ts';
import { addStep, changeMove, moveOf } from './progress.ts';
import { settle } from './settling.ts';

/** How long the address may take to answer after the move before the move is told as it stands. */
export const VERIFY_MS: DurationMs = 15_000;

const RESTARTED = 'a restart ended the move before it began';

/** Nobody holds it: claim it. */
export function takeOnceCleared(turn: Turn, ip: Ip): void {
  onceCleared(turn, ip, { call: 'take', reassociate: false });
}

/** This node holds it already: there is nothing to move. */
export function endAsHolder(turn: Turn, ip: Ip): void {
  concludeAttempt(turn, ip, 'abandoned', 'is-holder', 'this node holds it already', 0);
}

/** Another holds it: by consent or by a single call it is swapped, else released. Whoever took it since the ballot, and is heard, keeps it. */
export function releaseOrSwapOnceCleared(turn: Turn, ip: Ip, _: Reading, { association }: Another): void {
  const { holder, intent } = addressOf(turn.state, ip);
  const from = intent?.from ?? 'unknown';
  const isMoved = holder.node !== null && from !== 'unknown' && from !== holder.node;
  if (isMoved && !isSilent(turn.state, holder.node)) {
    const detail = `${holder.node} took it meanwhile`;
    return concludeAttempt(turn, ip, 'lost-race', 'backing-off', detail, 0);
  }
  const { driver } = turn.state.config;
  const swaps =
    driver?.swap === true &&
    moveOf(turn, ip).consent &&
    holder.node !== null &&
    fitnessOf(turn.state, holder.node) === 'fit';
  if (driver?.style === 'single-call' || swaps)
    return onceCleared(turn, ip, { call: 'take', reassociate: true });
  const { associationId } = association;
  onceCleared(turn, ip, { call: 'release', associationId, node: holder.node });
}

/** Not at the price of another address; where nobody holds this one by our doing, until that other is gone. */
export function refuseToDisplace(turn: Turn, ip: Ip, _: Reading, { other }: Displaces): void {
  if (moveOf(turn, ip).duty) return keepDuty(turn, ip);
  const detail = `taking it would throw ${other} off this node`;
  concludeAttempt(turn, ip, 'refused', 'would-displace', detail, 0);
}

/** The read lags: read again, soon at first. */
export function readAgain(turn: Turn, ip: Ip, { purpose }: Reading): void {
  afterLaggingRead(turn, ip, purpose);
}

/** The read was throttled: make it again. */
export function readAfterThrottle(turn: Turn, ip: Ip, { purpose }: Reading): void {
  afterThrottle(turn, ip, { call: 'read', purpose });
}

/** Nothing has been done yet, and who holds it can't be known: try again later. */
export function endUnread(turn: Turn, ip: Ip, _: Reading, { code, message }: Failure): void {
  const detail = `reading the association: ${code}: ${message}`;
  concludeAttempt(turn, ip, 'refused', 'backing-off', detail, 0);
}

/** Nobody holds it by our doing: claim it. */
export function takeForDuty(turn: Turn, ip: Ip): void {
  changeMove(turn, ip, { duty: true });
  take(turn, ip, false);
}

/** The take was applied. */
export function acceptShown(turn: Turn, ip: Ip, _: Reading, { association }: Self): void {
  accept(turn, ip, association.associationId);
}

/** The release was not applied after all, which ends the duty: begin again. Or somebody else has it now. */
export function startAnewOrLose(turn: Turn, ip: Ip, _: Reading, { association }: Another): void {
  const released = addressOf(turn.state, ip).intent?.associationId ?? null;
  if (released === null || association.associationId !== released)
    return loseRaceTo(turn, ip, association, 'holds it');
  changeMove(turn, ip, { duty: false });
  onceCleared(turn, ip, { call: 'read', purpose: 'start' });
}

/** The call's answer was no use: the duty goes on. */
export function dutyGoesOn(turn: Turn, ip: Ip): void {
  keepDuty(turn, ip);
}

/** A crash between a release and its writing leaves the intent as it was planned: somebody held it then, and nobody does now. */
export function takeIfReleased(turn: Turn, ip: Ip): void {
  const { intent } = addressOf(turn.state, ip);
  const mayHaveReleased = intent !== null && intent.from !== 'nobody';
  if (moveOf(turn, ip).duty || mayHaveReleased) return takeForDuty(turn, ip);
  concludeAttempt(turn, ip, 'abandoned', 'backing-off', RESTARTED, 1);
}

/** The last run had done nothing yet, or somebody else has it now. */
export function endRestarted(turn: Turn, ip: Ip, _: Reading, { association }: Another): void {
  const { intent } = addressOf(turn.state, ip);
  const asPlanned = intent !== null && association.associationId === intent.associationId;
  if (moveOf(turn, ip).duty || !asPlanned) return loseRaceTo(turn, ip, association, 'holds it');
  concludeAttempt(turn, ip, 'abandoned', 'backing-off', RESTARTED, 1);
}

/** What the last run has done must be known. */
export function recoverLater(turn: Turn, ip: Ip): void {
  if (moveOf(turn, ip).duty) return keepDuty(turn, ip);
  afterRest(turn, ip, FIRST_DUTY_MS, { call: 'read', purpose: 'recover' });
}

/** Somebody else was faster. */
export function loseRace(turn: Turn, ip: Ip, _: Reading, { association }: Another): void {
  loseRaceTo(turn, ip, association, 'took it first');
}

/** Who has it is settled by more reads. */
export function settleWhoHolds(turn: Turn, ip: Ip): void {
  if (moveOf(turn, ip).duty) return keepDuty(turn, ip);
  settle(turn, ip, 'swap', null);
}

/** It is released: take it. */
export function beginDutyAndTake(turn: Turn, ip: Ip, { associationId }: Releasing): void {
  beginDuty(turn, ip, associationId);
}

/** Somebody was faster: decide again. */
export function readAnew(turn: Turn, ip: Ip, { associationId }: Releasing): void {
  endAssociation(turn, ip, associationId);
  read(turn, ip, 'start');
}

export function releaseAfterThrottle(turn: Turn, ip: Ip, { associationId, node }: Releasing): void {
  afterThrottle(turn, ip, { call: 'release', associationId, node });
}

/** A definite no before anything was taken apart. */
export function endNotPermitted(turn: Turn, ip: Ip, _: Releasing | Taking, { code, message }: Refused): void {
  const { survey } = addressOf(turn.state, ip);
  const permission = { kind: 'denied', code, message } as const;
  changeAddress(turn, ip, { survey: { ...survey, permission, nextPermitAt: turn.now.at } });
  concludeAttempt(turn, ip, 'refused', 'not-permitted', `${code}: ${message}`, 0);
}

/** It may have been released, or may yet be. */
export function settleRelease(turn: Turn, ip: Ip, { associationId }: Releasing): void {
  settle(turn, ip, 'release', associationId);
}

export function acceptAnswered(
  turn: Turn,
  ip: Ip,
  _: Taking,
  { associationId }: Extract<TakeEvent, { readonly kind: 'taken' }>,
): void {
  accept(turn, ip, associationId, 'answer');
}

/** Somebody holds it: see who. */
export function readWhoHolds(turn: Turn, ip: Ip): void {
  read(turn, ip, 'lost');
}

export function takeAfterThrottle(turn: Turn, ip: Ip, { reassociate }: Taking): void {
  afterThrottle(turn, ip, { call: 'take', reassociate });
}

/** A definite no. Where nobody holds the address by our doing it is asked again, else the attempt ends. */
export function keepDutyOrEnd(turn: Turn, ip: Ip, phase: Taking, event: Refused): void {
  if (moveOf(turn, ip).duty) return keepDuty(turn, ip, `${event.code}: ${event.message}`);
  endNotPermitted(turn, ip, phase, event);
}

/** It may have been taken, or may yet be. */
export function settleTake(turn: Turn, ip: Ip, { reassociate }: Taking): void {
  const { intent } = addressOf(turn.state, ip);
  if (intent !== null) mayLand(turn, ip, intent);
  settle(turn, ip, reassociate ? 'swap' : 'take', null);
}

/** The rest is over. */
export function makeNextCall(turn: Turn, ip: Ip, { until, next }: Resting): void {
  if (until <= turn.now.at) makeCall(turn, ip, next);
}

/** It answers, or has had the time to. */
export function concludeOnceSeen(turn: Turn, ip: Ip, { acceptedAt }: Verifying): void {
  const { series, intent } = addressOf(turn.state, ip);
  if (intent === null) return;
  const answers =
    isHeldBySelf(turn.state, ip) && series.last?.ok === true && series.last.startedAt >= acceptedAt;
  if (!answers && turn.now.at - acceptedAt < VERIFY_MS) return;
  addStep(turn, ip, 'verify', turn.now.at - acceptedAt, answers ? 'ok' : 'no answer');
  concludeMove(turn, ip, answers ? 'served' : 'moved', intent);
}
