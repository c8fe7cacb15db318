/**
 * A call whose answer is unknown: it may have been applied, or may yet be. Read until it is known
 * (PROTOCOL.md, "The move", 5; invariant I14).
 */

import type { AssociationId, DurationMs, Ip } from '../model/units.ts';
import { holderFrom, holderName, observeHolder } from '../observation/holder.ts';
import { addressOf, type StepContext } from '../step-context.ts';
import { acceptOwnTake, beginDuty } from './acceptance.ts';
import {
  afterRest,
  drive,
  FIRST_THROTTLE_MS,
  jittered,
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
export function settle(
  ctx: StepContext,
  ip: Ip,
  of: Settling['of'],
  associationId: AssociationId | null,
): void {
  const at = ctx.now.at;
  const callId = drive(ctx, ip, { op: 'read' });
  const none = { seen: null, seenAt: at, nextAt: at };
  changeMove(ctx, ip, {
    stage: { kind: 'settling', of, associationId, since: at, callId, readAt: at, ...none },
  });
}

/** The next of the reads is due. */
export function readOnceMore(ctx: StepContext, ip: Ip, phase: Settling): void {
  if (phase.callId !== null || phase.nextAt > ctx.now.at) return;
  const callId = drive(ctx, ip, { op: 'read' });
  changeMove(ctx, ip, { stage: { ...phase, callId, readAt: ctx.now.at } });
}

/** The read tells nothing. After five seconds of those a release may have been applied: the duty reads on until it is known. */
export function readOn(ctx: StepContext, ip: Ip, phase: Settling, _event: Lagging | Failure): void {
  const { at } = ctx.now;
  if (!isExpired(ctx, phase)) {
    changeMove(ctx, ip, { stage: { ...phase, callId: null, nextAt: at + STALE_READ_MS } });
    return;
  }
  addStep(ctx, ip, 'settle', at - phase.since, 'unknown');
  changeMove(ctx, ip, { duty: true });
  keepDuty(ctx, ip);
}

/** A read that shows this node is proof that a take was applied, where one may have been. */
export function settledOnSelf(ctx: StepContext, ip: Ip, phase: Settling, { association }: Self): void {
  noteSettled(ctx, ip, phase, association);
  acceptOwnTake(ctx, ip, association.associationId, phase.readAt);
}

/** One such read is enough, but for a swap: for that it may lag, as one that shows another may. */
export function settleOnNobody(ctx: StepContext, ip: Ip, phase: Settling, _event: Nobody): void {
  if (phase.of === 'swap' && !agrees(ctx, ip, phase, 'none')) return;
  noteSettled(ctx, ip, phase, null);
  if (phase.of === 'release') return beginDuty(ctx, ip, phase.associationId, phase.readAt);
  // Without the duty the gates are asked again first: reading took its time.
  const { delayMs, duty } = moveOf(ctx, ip);
  const nextMs = nextDelay(delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(ctx, ip, { duty: duty || phase.of === 'swap', delayMs: nextMs });
  const restMs = delayMs === 0 ? 0 : jittered(ctx, delayMs);
  afterRest(ctx, ip, restMs, { call: 'take', reassociate: false });
}

/** The call was not applied, or somebody else was faster. */
export function settleOnAnother(ctx: StepContext, ip: Ip, phase: Settling, { association }: Another): void {
  const { associationId, instanceId, node } = association;
  if (!agrees(ctx, ip, phase, `${associationId ?? ''}/${instanceId ?? node ?? ''}`)) return;
  noteSettled(ctx, ip, phase, association);
  // Not applied: decide again, from the gates on.
  const unchanged = phase.of !== 'take' && isOriginal(ctx, ip, phase, association);
  if (unchanged) return onceCleared(ctx, ip, { call: 'read', purpose: 'start' });
  loseRaceTo(ctx, ip, association, 'holds it');
}

/** Whether this read agrees with one a second before, or the time for that is over; else it is remembered for the next. */
function agrees(ctx: StepContext, ip: Ip, phase: Settling, shown: string): boolean {
  const { at } = ctx.now;
  const repeats = phase.seen === shown;
  if ((repeats && at - phase.seenAt >= AGREE_MS) || isExpired(ctx, phase)) return true;
  const seenAt = repeats ? phase.seenAt : at;
  changeMove(ctx, ip, { stage: { ...phase, callId: null, seen: shown, seenAt, nextAt: seenAt + AGREE_MS } });
  return false;
}

function isExpired(ctx: StepContext, phase: Settling): boolean {
  return ctx.now.at - phase.since >= SETTLE_MS;
}

/** It is known now what became of the call. */
function noteSettled(ctx: StepContext, ip: Ip, phase: Settling, association: Associated | null): void {
  const result = association === null ? 'nobody holds it' : 'somebody holds it';
  addStep(ctx, ip, 'settle', ctx.now.at - phase.since, result);
  const seen = holderFrom(ctx.state, association ?? { kind: 'none' }, phase.readAt);
  observeHolder(ctx, ip, seen, 'read');
}

/** Whether the address is where it was before the call: the same association, or the same holder where associations have no names. */
function isOriginal(ctx: StepContext, ip: Ip, phase: Settling, association: Associated): boolean {
  const { intent } = addressOf(ctx.state, ip);
  const before = phase.associationId ?? intent?.associationId ?? null;
  if (before !== null && association.associationId !== null) return association.associationId === before;
  return intent !== null && holderName(holderFrom(ctx.state, association, ctx.now.at)) === intent.from;
}
