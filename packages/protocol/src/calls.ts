/**
 * The calls that move the address, the rests between them, and what a definite answer establishes
 * (PROTOCOL.md, "The move"; invariants I6, I12, I14).
 */
import type { MoveStep } from './durable.ts';
import type { DriverOperation } from './effects.ts';
import { noteTry } from './episode.ts';
import { endAssociation, noteReplaced, observeHolder } from './holder.ts';
import { lateAfterAcceptance } from './late.ts';
import type { Move, MoveStage, NextCall } from './move-state.ts';
import { addressOf, type Change, changeAddress, newEffectId, persist, type Turn, tell } from './turn.ts';
import type { AssociationId, DurationMs, EffectId, Ip, NodeId } from './units.ts';
import { lookNow } from './verdict.ts';
import { callTimeoutMs } from './view.ts';

export const FIRST_THROTTLE_MS: DurationMs = 500;
export const MAX_THROTTLE_MS: DurationMs = 4_000;
export const FIRST_DUTY_MS: DurationMs = 1_000;
const MAX_DUTY_MS: DurationMs = 10_000;
/** A read that shows an ended association is repeated after this. */
export const STALE_READ_MS: DurationMs = 300;
export const MAX_STALE_READ_MS: DurationMs = 5_000;

/** The most steps that one move remembers: a duty may repeat itself for hours. */
const MAX_STEPS = 64;

export type Stage<K extends MoveStage['kind']> = Extract<MoveStage, { kind: K }>;

export function read(turn: Turn, ip: Ip, purpose: Stage<'reading'>['purpose']): void {
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, { stage: { kind: 'reading', callId, at: turn.now.at, purpose } });
}

export function release(turn: Turn, ip: Ip, associationId: AssociationId | null, node: NodeId | null): void {
  const callId = drive(turn, ip, { op: 'release', associationId, node });
  changeMove(turn, ip, { stage: { kind: 'releasing', callId, at: turn.now.at, associationId, node } });
}

export function take(turn: Turn, ip: Ip, reassociate: boolean): void {
  const callId = drive(turn, ip, { op: 'take', reassociate });
  changeMove(turn, ip, { stage: { kind: 'taking', callId, at: turn.now.at, reassociate } });
}

/** Every call of a move follows a durable intent (`takeover.ts`, the gate `intent`), so it goes out at once. */
export function drive(turn: Turn, ip: Ip, operation: DriverOperation): EffectId {
  const callId = newEffectId(turn);
  const timeoutMs = addressOf(turn.state, ip).move?.callTimeoutMs ?? callTimeoutMs(turn.state.config);
  turn.effects.push({ kind: 'drive', callId, address: ip, operation, timeoutMs });
  return callId;
}

export function rest(turn: Turn, ip: Ip, ms: DurationMs, next: NextCall): void {
  changeMove(turn, ip, { stage: { kind: 'resting', until: turn.now.at + ms, next } });
}

export function restThrottled(turn: Turn, ip: Ip, next: NextCall): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(turn, ip, { delayMs });
  rest(turn, ip, delayMs, next);
}

/** Nobody holds it by our doing, and the take was refused: read and take again, until somebody holds it. */
export function restDuty(turn: Turn, ip: Ip, detail = "the cloud's answer was no use"): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_DUTY_MS, MAX_DUTY_MS);
  tell(turn, { kind: 'decided', address: ip, outcome: 'wait', reason: 'backing-off', detail });
  changeMove(turn, ip, { duty: true, delayMs });
  rest(turn, ip, delayMs, { call: 'read', purpose: 'duty' });
}

/** From here on somebody must take it, and that is us. */
export function onReleased(turn: Turn, ip: Ip, associationId: AssociationId | null): void {
  const { intent } = addressOf(turn.state, ip);
  endAssociation(turn, ip, associationId);
  observeHolder(
    turn,
    ip,
    {
      kind: 'none',
      node: null,
      instanceId: null,
      associationId: null,
      at: turn.now.at,
      toldBy: null,
      firsthand: true,
    },
    'taken',
  );
  changeMove(turn, ip, { duty: true, delayMs: 0 });
  // What was seen to land meanwhile is told, though it is gone again.
  const stage = intent?.stage === 'accepted' ? 'accepted' : 'released';
  if (intent !== null) changeAddress(turn, ip, { intent: { ...intent, associationId, stage } });
  persist(turn);
  take(turn, ip, false);
}

/**
 * The cloud has accepted the move: by its answer to the take, or because a read shows this node. From here on people are
 * told of it, whatever later reads show.
 */
export function accept(
  turn: Turn,
  ip: Ip,
  associationId: AssociationId | null,
  by: 'answer' | 'read' = 'read',
): void {
  const { intent, holder } = addressOf(turn.state, ip);
  const self = turn.state.config.node;
  if (associationId === null) noteReplaced(turn, ip);
  if (holder.associationId !== associationId) endAssociation(turn, ip, holder.associationId);
  observeHolder(
    turn,
    ip,
    {
      kind: 'node',
      node: self.id,
      instanceId: self.instanceId,
      associationId,
      at: turn.now.at,
      toldBy: null,
      firsthand: true,
    },
    'taken',
  );
  const move = moveOf(turn, ip);
  if (intent !== null) {
    changeAddress(turn, ip, {
      intent: { ...intent, stage: 'accepted', steps: move.steps, requestIds: move.requestIds },
    });
  }
  if (intent !== null) noteTry(turn, ip, intent);
  lateAfterAcceptance(turn, ip, by === 'answer' ? associationId : null);
  if (turn.state.config.driver?.style === 'single-call') {
    const { survey } = addressOf(turn.state, ip);
    changeAddress(turn, ip, { survey: { ...survey, nextReadAt: turn.now.at } });
  }
  changeMove(turn, ip, { duty: false, stage: { kind: 'verifying', acceptedAt: turn.now.at, associationId } });
  persist(turn);
  lookNow(turn, ip);
}

export function moveOf(turn: Turn, ip: Ip): Move {
  const { move } = addressOf(turn.state, ip);
  if (move === null) throw new Error(`no move of ${ip} is under way`);
  return move;
}

export function changeMove(turn: Turn, ip: Ip, parts: Change<Move>): void {
  changeAddress(turn, ip, { move: { ...moveOf(turn, ip), ...parts } });
}

/** Note how long a part of the move took, and tell it. */
export function addStep(turn: Turn, ip: Ip, step: MoveStep, durationMs: DurationMs, result: string): void {
  const { steps } = moveOf(turn, ip);
  changeMove(turn, ip, { steps: firstAndLast([...steps, { step, durationMs }], MAX_STEPS) });
  tell(turn, { kind: 'step', address: ip, step, durationMs, result });
}

/** At most so many of a move's story: how it began, and how it ended. */
export function firstAndLast<T>(all: readonly T[], most: number): readonly T[] {
  const half = most / 2;
  return all.length <= most ? all : [...all.slice(0, half), ...all.slice(-half)];
}

export function nextDelay(delayMs: DurationMs, firstMs: DurationMs, mostMs: DurationMs): DurationMs {
  return delayMs === 0 ? firstMs : Math.min(mostMs, delayMs * 2);
}
