/**
 * What follows on an event in a phase: the cells of `table.ts`. Each is told in PROTOCOL.md, "The machine".
 */

import type { Holder } from '../model/address-state.ts';
import type { ReleaseTarget } from '../model/effects.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import { endAssociation } from '../observation/ended.ts';
import { answeredAt, fitnessOf, isHeldBySelf, isSilent } from '../observation/holder.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import { accept, acceptOwnTake, beginDuty } from './acceptance.ts';
import {
  afterLaggingRead,
  afterThrottle,
  keepDuty,
  makeCall,
  onceCleared,
  read,
  readLater,
  take,
} from './calls.ts';
import { concludeAttempt, concludeMove, loseRaceTo } from './conclude.ts';
import type { Another, Displaces, Failure, Refused, Self, TakeEvent } from './events.ts';
import { mayLand } from './late.ts';
import type { Reading, ReadPurpose, Releasing, Resting, Taking, Verifying } from './phases.ts';
import { addStep, changeMove, moveOf } from './progress.ts';
import { settle } from './settling.ts';

/** How long the address may take to answer after the move before the move is told as it stands. */
export const VERIFY_MS: DurationMs = 15_000;

const RESTARTED = 'a restart ended the move before it began';

/** Nobody holds it: claim it. */
export function takeOnceCleared(ctx: StepContext, ip: Ip): void {
  onceCleared(ctx, ip, { call: 'take', reassociate: false });
}

/** Another holds it: by consent or by a single call it is swapped, else released. Whoever took it since the ballot, and is heard, keeps it. */
export function releaseOrSwapOnceCleared(
  ctx: StepContext,
  ip: Ip,
  _: Reading,
  { association }: Another,
): void {
  const { holder, intent } = addressOf(ctx.state, ip);
  const from = intent?.from ?? 'unknown';
  const isMoved = holder.node !== null && from !== 'unknown' && from !== holder.node;
  if (isMoved && !isSilent(ctx.state, holder.node)) {
    const detail = `${holder.node} took it meanwhile`;
    return concludeAttempt(ctx, ip, 'lost-race', 'backing-off', detail, 0);
  }
  const { driver } = ctx.state.config;
  const swaps =
    driver?.swap === true &&
    moveOf(ctx, ip).consent &&
    holder.node !== null &&
    fitnessOf(ctx.state, holder.node) === 'fit';
  if (driver?.style === 'single-call' || swaps)
    return onceCleared(ctx, ip, { call: 'take', reassociate: true });
  const { associationId, instanceId } = association;
  onceCleared(ctx, ip, { call: 'release', associationId, instanceId, node: holder.node });
}

/** Not at the price of another address; where nobody holds this one by our doing, until that other is gone. */
export function refuseToDisplace(ctx: StepContext, ip: Ip, _: Reading, { other }: Displaces): void {
  if (moveOf(ctx, ip).duty) return keepDuty(ctx, ip);
  const detail = `taking it would throw ${other} off this node`;
  concludeAttempt(ctx, ip, 'refused', 'would-displace', detail, 0);
}

/** The read lags: read again, soon at first. */
export function readAgain(ctx: StepContext, ip: Ip, { purpose }: Reading): void {
  afterLaggingRead(ctx, ip, repeated(purpose));
}

/** The read was throttled: make it again. */
export function readAfterThrottle(ctx: StepContext, ip: Ip, { purpose }: Reading): void {
  afterThrottle(ctx, ip, { call: 'read', purpose: repeated(purpose) });
}

/** The read from before the move was not answered in time. Nothing of the move's own has failed yet: read now. */
export function readAfresh(ctx: StepContext, ip: Ip): void {
  onceCleared(ctx, ip, { call: 'read', purpose: 'start' });
}

/** The purpose of a read that is made again: what was wanted early is wanted now, so it begins the move like any other. */
function repeated(purpose: ReadPurpose): ReadPurpose {
  return purpose === 'early' ? 'start' : purpose;
}

/** Nothing has been done yet, and who holds it can't be known: try again later. */
export function endUnread(ctx: StepContext, ip: Ip, _: Reading, { code, message }: Failure): void {
  const detail = `reading the association: ${code}: ${message}`;
  concludeAttempt(ctx, ip, 'refused', 'backing-off', detail, 0);
}

/** Nobody holds it by our doing: claim it. */
export function takeForDuty(ctx: StepContext, ip: Ip): void {
  changeMove(ctx, ip, { duty: true });
  take(ctx, ip, false);
}

/** A take was applied, where one may have been. */
export function acceptShown(ctx: StepContext, ip: Ip, { at }: Reading, { association }: Self): void {
  acceptOwnTake(ctx, ip, association.associationId, at);
}

/** The release was not applied after all, which ends the duty: begin again. Or somebody else has it now. */
export function startAnewOrLose(ctx: StepContext, ip: Ip, _: Reading, { association }: Another): void {
  const released = addressOf(ctx.state, ip).intent?.associationId ?? null;
  if (released === null || association.associationId !== released)
    return loseRaceTo(ctx, ip, association, 'holds it');
  changeMove(ctx, ip, { duty: false });
  onceCleared(ctx, ip, { call: 'read', purpose: 'start' });
}

/** The call's answer was no use: the duty goes on. */
export function dutyGoesOn(ctx: StepContext, ip: Ip): void {
  keepDuty(ctx, ip);
}

/** A crash between a release and its writing leaves the intent as it was planned: somebody held it then, and nobody does now. */
export function takeIfReleased(ctx: StepContext, ip: Ip): void {
  const { intent } = addressOf(ctx.state, ip);
  const mayHaveReleased = intent !== null && intent.from !== 'nobody';
  if (moveOf(ctx, ip).duty || mayHaveReleased) return takeForDuty(ctx, ip);
  concludeAttempt(ctx, ip, 'abandoned', 'backing-off', RESTARTED, 1);
}

/** The last run had done nothing yet, or somebody else has it now. */
export function endRestarted(ctx: StepContext, ip: Ip, _: Reading, { association }: Another): void {
  const { intent } = addressOf(ctx.state, ip);
  const asPlanned = intent !== null && association.associationId === intent.associationId;
  if (moveOf(ctx, ip).duty || !asPlanned) return loseRaceTo(ctx, ip, association, 'holds it');
  concludeAttempt(ctx, ip, 'abandoned', 'backing-off', RESTARTED, 1);
}

/** What the last run has done must be known. */
export function recoverLater(ctx: StepContext, ip: Ip): void {
  if (moveOf(ctx, ip).duty) return keepDuty(ctx, ip);
  readLater(ctx, ip, 'recover');
}

/** Somebody else was faster. */
export function loseRace(ctx: StepContext, ip: Ip, _: Reading, { association }: Another): void {
  loseRaceTo(ctx, ip, association, 'took it first');
}

/** Who has it is settled by more reads. */
export function settleWhoHolds(ctx: StepContext, ip: Ip): void {
  if (moveOf(ctx, ip).duty) return keepDuty(ctx, ip);
  settle(ctx, ip, 'swap', null);
}

/** It is released: take it. */
export function beginDutyAndTake(ctx: StepContext, ip: Ip, { associationId, at }: Releasing): void {
  beginDuty(ctx, ip, associationId, answeredAt(ctx.state, at));
}

/** Somebody was faster: decide again. */
export function readAnew(ctx: StepContext, ip: Ip, { associationId }: Releasing): void {
  endAssociation(ctx, ip, associationId);
  read(ctx, ip, 'start');
}

/** The release was throttled: make it again. */
export function releaseAfterThrottle(ctx: StepContext, ip: Ip, phase: Releasing): void {
  const { associationId, instanceId, node } = phase;
  afterThrottle(ctx, ip, { call: 'release', associationId, instanceId, node });
}

/** A definite no before anything was taken apart. */
export function endNotPermitted(
  ctx: StepContext,
  ip: Ip,
  _: Releasing | Taking,
  { code, message }: Refused,
): void {
  const { idle } = addressOf(ctx.state, ip);
  const permission = { kind: 'denied', code, message } as const;
  changeAddress(ctx, ip, { idle: { ...idle, permission, nextPermitAt: ctx.now.at } });
  concludeAttempt(ctx, ip, 'refused', 'not-permitted', `${code}: ${message}`, 0);
}

/** It may have been released, or may yet be. */
export function settleRelease(ctx: StepContext, ip: Ip, { associationId }: Releasing): void {
  settle(ctx, ip, 'release', associationId);
}

/** The cloud has given the address to this node. */
export function acceptAnswered(
  ctx: StepContext,
  ip: Ip,
  { at }: Taking,
  { associationId }: Extract<TakeEvent, { readonly kind: 'taken' }>,
): void {
  accept(ctx, ip, associationId, 'answer', answeredAt(ctx.state, at));
}

/** Somebody holds it: see who. */
export function readWhoHolds(ctx: StepContext, ip: Ip): void {
  read(ctx, ip, 'lost');
}

/** The take was throttled: make it again. */
export function takeAfterThrottle(ctx: StepContext, ip: Ip, { reassociate }: Taking): void {
  afterThrottle(ctx, ip, { call: 'take', reassociate });
}

/** A definite no. Where nobody holds the address by our doing it is asked again, else the attempt ends. */
export function keepDutyOrEnd(ctx: StepContext, ip: Ip, phase: Taking, event: Refused): void {
  if (moveOf(ctx, ip).duty) return keepDuty(ctx, ip, `${event.code}: ${event.message}`);
  endNotPermitted(ctx, ip, phase, event);
}

/** It may have been taken, or may yet be. */
export function settleTake(ctx: StepContext, ip: Ip, { reassociate }: Taking): void {
  const { intent } = addressOf(ctx.state, ip);
  if (intent !== null) mayLand(ctx, ip, intent);
  settle(ctx, ip, reassociate ? 'swap' : 'take', null);
}

/** The rest is over. Where a read has shown meanwhile that another association is there, or none, the move begins with a read again. */
export function makeNextCall(ctx: StepContext, ip: Ip, { until, next }: Resting): void {
  if (until > ctx.now.at) return;
  const isGone = next.call === 'release' && isReadOtherwise(addressOf(ctx.state, ip).holder, next);
  makeCall(ctx, ip, isGone ? { call: 'read', purpose: 'start' } : next);
}

function isReadOtherwise(
  { kind, firsthand, associationId, instanceId }: Holder,
  named: ReleaseTarget,
): boolean {
  if (!firsthand || kind === 'unknown') return false;
  // Without ids the instance says who it was.
  const isById = associationId !== null && named.associationId !== null;
  return isById ? associationId !== named.associationId : instanceId !== named.instanceId;
}

/** It answers, or has had the time to. */
export function concludeOnceSeen(ctx: StepContext, ip: Ip, { acceptedAt }: Verifying): void {
  const { series, intent } = addressOf(ctx.state, ip);
  if (intent === null) return;
  const answers =
    isHeldBySelf(ctx.state, ip) && series.last?.ok === true && series.last.startedAt >= acceptedAt;
  if (!answers && ctx.now.at - acceptedAt < VERIFY_MS) return;
  addStep(ctx, ip, 'verify', ctx.now.at - acceptedAt, answers ? 'ok' : 'no answer');
  concludeMove(ctx, ip, answers ? 'served' : 'moved', intent);
}
