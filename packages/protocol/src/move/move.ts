/**
 * A move from its first call to its end (PROTOCOL.md, "The move"; invariants I11 to I14): how it begins, and how the
 * driver's answers, the passing of time and the takeover rule come to it. What follows on each is in `table.ts`.
 */
import { copyIdle } from '../copy.ts';
import type { ShownRead } from '../model/address-state.ts';
import type { CallPurpose, DriverAnswer, DriverResult } from '../model/inputs.ts';
import type { EffectId, Ip } from '../model/units.ts';
import { earlyRead, isReadingEarly } from '../observation/early-reads.ts';
import { noteReleased } from '../observation/replaced.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import { callTimeoutMs } from '../takeover/view.ts';
import { read } from './calls.ts';
import { releaseEvent, resultOf, settlingEvent, shownBy, takeEvent } from './events.ts';
import { VERIFY_MS } from './outcomes.ts';
import { awaits, awaitsEarly, type Move, type Reading } from './phases.ts';
import { addRequestIds, addStep, changeMove, moveOf } from './progress.ts';
import { readEvent } from './reads.ts';
import { follow, MOVE_TABLE } from './table.ts';

/** Every gate is open. */
export function beginMove(ctx: StepContext, ip: Ip): void {
  const { campaign, intent } = addressOf(ctx.state, ip);
  const mandate = campaign?.won;
  if (campaign === null || mandate == null || intent === null)
    throw new Error(`a move of ${ip} begins without a mandate`);
  const move: Move = {
    epoch: campaign.epoch,
    mode: campaign.mode,
    handoverId: campaign.handoverId,
    startedAt: ctx.now.at,
    leaseUntil: mandate.until,
    callTimeoutMs: callTimeoutMs(ctx.state.config, mandate.until - campaign.openedAt),
    consent: mandate.consent,
    duty: false,
    stage: { kind: 'reading', callId: 0, at: ctx.now.at, purpose: 'start' },
    delayMs: 0,
    steps: intent.steps,
    requestIds: [],
  };
  changeAddress(ctx, ip, { move });
  beginRead(ctx, ip);
}

/** What was read before counts, or what is on its way; else the move reads for itself. */
function beginRead(ctx: StepContext, ip: Ip): void {
  const { idle } = addressOf(ctx.state, ip);
  const known = earlyRead(ctx.state, addressOf(ctx.state, ip));
  if (known !== null) return restOn(ctx, ip, known);
  if (idle.reading === null || !isReadingEarly(ctx.state, addressOf(ctx.state, ip)))
    return read(ctx, ip, 'start');
  changeAddress(ctx, ip, { idle: { ...copyIdle(idle), reading: null } });
  changeMove(ctx, ip, {
    stage: { kind: 'reading', callId: idle.reading, at: idle.readingAt, purpose: 'early' },
  });
}

/** It was taken in when it was answered (`idle-reads.ts`), so that only its meaning for the move is left. */
function restOn(ctx: StepContext, ip: Ip, { association, at, requestIds }: ShownRead): void {
  const stage = { kind: 'reading', callId: 0, at, purpose: 'early' } as const;
  changeMove(ctx, ip, { stage, requestIds });
  addStep(ctx, ip, 'read', 0, 'early');
  follow(MOVE_TABLE.reading.early, ctx, ip, stage, shownBy(association));
}

/** After a restart that found an intent: read, and finish or close it. */
export function recoverMove(ctx: StepContext, ip: Ip): void {
  const { intent } = addressOf(ctx.state, ip);
  if (intent === null) return;
  const { epoch, mode, handoverId, steps, requestIds } = intent;
  const move: Move = {
    epoch,
    mode,
    handoverId,
    startedAt: ctx.now.at,
    leaseUntil: 0,
    callTimeoutMs: callTimeoutMs(ctx.state.config),
    consent: false,
    duty: intent.stage === 'released',
    stage: { kind: 'reading', callId: 0, at: ctx.now.at, purpose: 'recover' },
    delayMs: 0,
    steps,
    requestIds,
  };
  changeAddress(ctx, ip, { move });
  if (move.duty) noteReleased(ctx, ip, intent.releases);
  read(ctx, ip, 'recover');
}

/** The takeover rule lets a move go on that rests. It asks only then: a call under way, or a proof, is waited for. */
export function continueMove(ctx: StepContext, ip: Ip): void {
  const { stage } = moveOf(ctx, ip);
  if (stage.kind === 'resting') follow(MOVE_TABLE.resting, ctx, ip, stage, { kind: 'cleared' });
}

/** What the passing of time does to a move. */
export function timeMove(ctx: StepContext, ip: Ip): void {
  const { move } = addressOf(ctx.state, ip);
  if (move === null) return;
  const { stage } = move;
  switch (stage.kind) {
    case 'settling':
      return follow(MOVE_TABLE.settling, ctx, ip, stage, { kind: 'due' });
    case 'verifying':
      return follow(MOVE_TABLE.verifying, ctx, ip, stage, { kind: 'due' });
    case 'reading':
    case 'releasing':
    case 'taking':
    case 'resting':
      return;
  }
}

/** When a move wants to be looked at again without an input; null: it waits for an answer. */
export function nextMoveTime({ stage }: Move): number | null {
  switch (stage.kind) {
    case 'settling':
      return stage.callId === null ? stage.nextAt : null;
    case 'resting':
      return stage.until;
    case 'verifying':
      return stage.acceptedAt + VERIFY_MS;
    case 'reading':
    case 'releasing':
    case 'taking':
      return null;
  }
}

/** The address whose move waits for this call, which was made for `purpose`; null: none does any more. */
export function moveAwaiting(ctx: StepContext, callId: EffectId, purpose: CallPurpose): Ip | null {
  for (const { ip, move } of Object.values(ctx.state.addresses))
    if (move !== null && isFor(move, callId, purpose)) return ip;
  return null;
}

function isFor(move: Move, callId: EffectId, purpose: CallPurpose): boolean {
  switch (purpose) {
    case 'move':
      return awaits(move, callId);
    case 'idle-read':
      return awaitsEarly(move, callId);
    case 'permission':
      return false;
  }
}

function readResult({ purpose }: Reading, answer: DriverAnswer): string {
  return purpose === 'early' ? `early: ${resultOf(answer)}` : answer.kind;
}

/** The call that the move waits for was answered. */
export function onMoveAnswer(ctx: StepContext, ip: Ip, result: DriverResult): void {
  addRequestIds(ctx, ip, result);
  const { stage, startedAt } = moveOf(ctx, ip);
  const { answer } = result;
  switch (stage.kind) {
    case 'reading':
      // Of an early read only what the move has waited for.
      addStep(ctx, ip, 'read', ctx.now.at - Math.max(stage.at, startedAt), readResult(stage, answer));
      return follow(MOVE_TABLE.reading[stage.purpose], ctx, ip, stage, readEvent(ctx, ip, stage, answer));
    case 'releasing':
      addStep(ctx, ip, 'release', ctx.now.at - stage.at, resultOf(answer));
      return follow(MOVE_TABLE.releasing, ctx, ip, stage, releaseEvent(answer));
    case 'taking':
      addStep(ctx, ip, 'take', ctx.now.at - stage.at, resultOf(answer));
      return follow(MOVE_TABLE.taking, ctx, ip, stage, takeEvent(answer));
    case 'settling':
      return follow(MOVE_TABLE.settling, ctx, ip, stage, settlingEvent(ctx.state, ip, answer));
    case 'resting':
    case 'verifying':
      return;
  }
}
