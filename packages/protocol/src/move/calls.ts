/**
 * The calls that a move makes, and the rests before them (PROTOCOL.md, "The move"; invariants I6, I12, I14). Which one
 * follows on which answer is in `table.ts`.
 */
import type { DriverOperation, ReleaseTarget } from '../model/effects.ts';
import type { DurationMs, EffectId, Ip } from '../model/units.ts';
import { outdateReads } from '../observation/early-reads.ts';
import { forgetReplacedSelf } from '../observation/replaced.ts';
import { addressOf, changeAddress, draw, emitFact, newEffectId, type StepContext } from '../step-context.ts';
import { callTimeoutMs } from '../takeover/view.ts';
import type { NextCall, ReadPurpose } from './phases.ts';
import { changeMove, moveOf } from './progress.ts';

/** How long a throttled call rests at most before it is made again; doubles each time. */
export const FIRST_THROTTLE_MS: DurationMs = 200;
/** The longest such rest. */
export const MAX_THROTTLE_MS: DurationMs = 4_000;
/** How long a move that must be seen through rests at most after a call was refused; doubles each time. */
const FIRST_DUTY_MS: DurationMs = 200;
const MAX_DUTY_MS: DurationMs = 10_000;
/** A read that shows an ended association is repeated after this. */
export const STALE_READ_MS: DurationMs = 300;
const MAX_STALE_READ_MS: DurationMs = 5_000;
/** The least that a call rests that has failed. */
const LEAST_REST_MS: DurationMs = 50;

/** Ask who holds the address. */
export function read(ctx: StepContext, ip: Ip, purpose: ReadPurpose): void {
  const callId = drive(ctx, ip, { op: 'read' });
  changeMove(ctx, ip, { stage: { kind: 'reading', callId, at: ctx.now.at, purpose } });
}

/** End the association that was read. */
export function release(ctx: StepContext, ip: Ip, { associationId, instanceId, node }: ReleaseTarget): void {
  const { intent } = addressOf(ctx.state, ip);
  if (intent !== null && associationId === null)
    changeAddress(ctx, ip, { intent: { ...intent, releases: { node, instanceId } } });
  const named = { associationId, instanceId, node };
  const callId = drive(ctx, ip, { op: 'release', ...named });
  changeMove(ctx, ip, { stage: { kind: 'releasing', callId, at: ctx.now.at, ...named } });
}

/** Claim the address; with `reassociate` also from whoever holds it. */
export function take(ctx: StepContext, ip: Ip, reassociate: boolean): void {
  forgetReplacedSelf(ctx, ip);
  const callId = drive(ctx, ip, { op: 'take', reassociate });
  changeMove(ctx, ip, { stage: { kind: 'taking', callId, at: ctx.now.at, reassociate } });
}

/** Every call of a move follows a durable intent (`takeover.ts`, the gate `intent`), so it goes out at once. */
export function drive(ctx: StepContext, ip: Ip, operation: DriverOperation): EffectId {
  const callId = newEffectId(ctx);
  if (operation.op !== 'read') outdateReads(ctx);
  const timeoutMs = addressOf(ctx.state, ip).move?.callTimeoutMs ?? callTimeoutMs(ctx.state.config);
  ctx.effects.push({ kind: 'drive', callId, purpose: 'move', address: ip, operation, timeoutMs });
  return callId;
}

/** The call that a rest was before. */
export function makeCall(ctx: StepContext, ip: Ip, next: NextCall): void {
  switch (next.call) {
    case 'read':
      return read(ctx, ip, next.purpose);
    case 'release':
      return release(ctx, ip, next);
    case 'take':
      return take(ctx, ip, next.reassociate);
  }
}

/** The answer took its time: every gate is asked again before the next call, which follows at once where all are open. */
export function onceCleared(ctx: StepContext, ip: Ip, next: NextCall): void {
  afterRest(ctx, ip, 0, next);
}

/** Wait, and have every gate asked again before the next call. */
export function afterRest(ctx: StepContext, ip: Ip, ms: DurationMs, next: NextCall): void {
  changeMove(ctx, ip, { stage: { kind: 'resting', until: ctx.now.at + ms, next } });
}

/** Make the call again that was throttled: soon, then less soon. */
export function afterThrottle(ctx: StepContext, ip: Ip, next: NextCall): void {
  const delayMs = nextDelay(moveOf(ctx, ip).delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(ctx, ip, { delayMs });
  afterRest(ctx, ip, jittered(ctx, delayMs), next);
}

/** Nobody holds it by our doing, and the take was refused: read and take again, until somebody holds it. */
export function keepDuty(ctx: StepContext, ip: Ip, detail = "the cloud's answer was no use"): void {
  emitFact(ctx, { kind: 'decided', address: ip, outcome: 'wait', reason: 'backing-off', detail });
  changeMove(ctx, ip, { duty: true });
  readLater(ctx, ip, 'duty');
}

/** Nobody may hold it by this node's doing: who does is asked again soon, then less soon. */
export function readLater(ctx: StepContext, ip: Ip, purpose: ReadPurpose): void {
  const delayMs = nextDelay(moveOf(ctx, ip).delayMs, FIRST_DUTY_MS, MAX_DUTY_MS);
  changeMove(ctx, ip, { delayMs });
  afterRest(ctx, ip, jittered(ctx, delayMs), { call: 'read', purpose });
}

/** A read that lags: again soon, then less soon. A claim can't hurt, so a duty doesn't wait for the reads to catch up. */
export function afterLaggingRead(ctx: StepContext, ip: Ip, purpose: ReadPurpose): void {
  const { delayMs, duty } = moveOf(ctx, ip);
  const nextMs = nextDelay(delayMs, STALE_READ_MS, MAX_STALE_READ_MS);
  changeMove(ctx, ip, { delayMs: nextMs });
  const claims = duty && nextMs > 2 * STALE_READ_MS;
  afterRest(ctx, ip, nextMs, claims ? { call: 'take', reassociate: false } : { call: 'read', purpose });
}

/**
 * How long a call rests that has failed: anything up to the longest ("full jitter"), so that nodes which were throttled
 * together don't come back together. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function jittered(ctx: StepContext, longestMs: DurationMs): DurationMs {
  return LEAST_REST_MS + Math.floor(draw(ctx) * (longestMs - LEAST_REST_MS));
}

/** Doubling, from the first to the most. */
export function nextDelay(delayMs: DurationMs, firstMs: DurationMs, mostMs: DurationMs): DurationMs {
  return delayMs === 0 ? firstMs : Math.min(mostMs, delayMs * 2);
}
