/**
 * The calls that a move makes, and the rests before them (PROTOCOL.md, "The move"; invariants I6, I12, I14). Which one
 * follows on which answer is in `table.ts`.
 */
import type { DriverOperation } from '../model/effects.ts';
import { addressOf, newEffectId, type Turn, tell } from '../model/step-context.ts';
import type { AssociationId, DurationMs, EffectId, Ip, NodeId } from '../model/units.ts';
import { callTimeoutMs } from '../takeover/view.ts';
import type { NextCall, ReadPurpose } from './phases.ts';
import { changeMove, moveOf } from './progress.ts';

export const FIRST_THROTTLE_MS: DurationMs = 500;
export const MAX_THROTTLE_MS: DurationMs = 4_000;
export const FIRST_DUTY_MS: DurationMs = 1_000;
const MAX_DUTY_MS: DurationMs = 10_000;
/** A read that shows an ended association is repeated after this. */
export const STALE_READ_MS: DurationMs = 300;
const MAX_STALE_READ_MS: DurationMs = 5_000;

/** Ask who holds the address. */
export function read(turn: Turn, ip: Ip, purpose: ReadPurpose): void {
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, { stage: { kind: 'reading', callId, at: turn.now.at, purpose } });
}

/** End the association that was read. */
export function release(turn: Turn, ip: Ip, associationId: AssociationId | null, node: NodeId | null): void {
  const callId = drive(turn, ip, { op: 'release', associationId, node });
  changeMove(turn, ip, { stage: { kind: 'releasing', callId, at: turn.now.at, associationId, node } });
}

/** Claim the address; with `reassociate` also from whoever holds it. */
export function take(turn: Turn, ip: Ip, reassociate: boolean): void {
  const callId = drive(turn, ip, { op: 'take', reassociate });
  changeMove(turn, ip, { stage: { kind: 'taking', callId, at: turn.now.at, reassociate } });
}

/** Every call of a move follows a durable intent (`takeover.ts`, the gate `intent`), so it goes out at once. */
export function drive(turn: Turn, ip: Ip, operation: DriverOperation): EffectId {
  const callId = newEffectId(turn);
  const timeoutMs = addressOf(turn.state, ip).move?.callTimeoutMs ?? callTimeoutMs(turn.state.config);
  turn.effects.push({ kind: 'drive', callId, purpose: 'move', address: ip, operation, timeoutMs });
  return callId;
}

/** The call that a rest was before. */
export function makeCall(turn: Turn, ip: Ip, next: NextCall): void {
  switch (next.call) {
    case 'read':
      return read(turn, ip, next.purpose);
    case 'release':
      return release(turn, ip, next.associationId, next.node);
    case 'take':
      return take(turn, ip, next.reassociate);
  }
}

/** The answer took its time: every gate is asked again before the next call, which follows at once where all are open. */
export function onceCleared(turn: Turn, ip: Ip, next: NextCall): void {
  afterRest(turn, ip, 0, next);
}

/** Wait, and have every gate asked again before the next call. */
export function afterRest(turn: Turn, ip: Ip, ms: DurationMs, next: NextCall): void {
  changeMove(turn, ip, { stage: { kind: 'resting', until: turn.now.at + ms, next } });
}

/** Make the call again that was throttled: soon, then less soon. */
export function afterThrottle(turn: Turn, ip: Ip, next: NextCall): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(turn, ip, { delayMs });
  afterRest(turn, ip, delayMs, next);
}

/** Nobody holds it by our doing, and the take was refused: read and take again, until somebody holds it. */
export function keepDuty(turn: Turn, ip: Ip, detail = "the cloud's answer was no use"): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_DUTY_MS, MAX_DUTY_MS);
  tell(turn, { kind: 'decided', address: ip, outcome: 'wait', reason: 'backing-off', detail });
  changeMove(turn, ip, { duty: true, delayMs });
  afterRest(turn, ip, delayMs, { call: 'read', purpose: 'duty' });
}

/** A read that lags: again soon, then less soon. A claim can't hurt, so a duty doesn't wait for the reads to catch up. */
export function afterLaggingRead(turn: Turn, ip: Ip, purpose: ReadPurpose): void {
  const { delayMs, duty } = moveOf(turn, ip);
  const nextMs = nextDelay(delayMs, STALE_READ_MS, MAX_STALE_READ_MS);
  changeMove(turn, ip, { delayMs: nextMs });
  const claims = duty && nextMs > 2 * STALE_READ_MS;
  afterRest(turn, ip, nextMs, claims ? { call: 'take', reassociate: false } : { call: 'read', purpose });
}

/** Doubling, from the first to the most. */
export function nextDelay(delayMs: DurationMs, firstMs: DurationMs, mostMs: DurationMs): DurationMs {
  return delayMs === 0 ? firstMs : Math.min(mostMs, delayMs * 2);
}
