/**
 * What is noted of a move on its way: its phase, how long each part took, and the cloud's request ids.
 */

import type { DriverResult } from '../model/inputs.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import { addressOf, type Change, changeAddress, emitFact, type StepContext } from '../step-context.ts';
import type { MoveStep } from '../storage/durable.ts';
import type { Move } from './phases.ts';

/** The most steps that one move remembers: a duty may repeat itself for hours. */
const MAX_STEPS = 64;
/** The most request ids one move remembers. */
const MAX_REQUEST_IDS = 64;

/** @throws Error when no move is under way: the caller has looked it up wrongly */
export function moveOf(ctx: StepContext, ip: Ip): Move {
  const { move } = addressOf(ctx.state, ip);
  if (move === null) throw new Error(`no move of ${ip} is under way`);
  return move;
}

/** Replaces parts of the move. Throws as `moveOf` does. */
export function changeMove(ctx: StepContext, ip: Ip, parts: Change<Move>): void {
  changeAddress(ctx, ip, { move: { ...moveOf(ctx, ip), ...parts } });
}

/** Note how long a part of the move took, and tell it. */
export function addStep(
  ctx: StepContext,
  ip: Ip,
  step: MoveStep,
  durationMs: DurationMs,
  result: string,
): void {
  const { steps } = moveOf(ctx, ip);
  changeMove(ctx, ip, { steps: firstAndLast([...steps, { step, durationMs }], MAX_STEPS) });
  emitFact(ctx, { kind: 'step', address: ip, step, durationMs, result });
}

/** Note the ids by which the cloud knows the requests of a call. */
export function addRequestIds(ctx: StepContext, ip: Ip, { requests }: DriverResult): void {
  const { requestIds } = moveOf(ctx, ip);
  const ids = requests.map((request) => request.requestId).filter((id) => id !== null);
  changeMove(ctx, ip, { requestIds: firstAndLast([...requestIds, ...ids], MAX_REQUEST_IDS) });
}

/** At most so many of a move's story: how it began, and how it ended. */
export function firstAndLast<T>(all: readonly T[], most: number): readonly T[] {
  const half = most / 2;
  return all.length <= most ? all : [...all.slice(0, half), ...all.slice(-half)];
}
