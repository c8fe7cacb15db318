/**
 * The end of a takeover, or of an attempt at one: history, notification, leases given back.
 */
import { backOff, releaseLeases } from '../election/campaign.ts';
import { NO_BACKOFF } from '../model/initial.ts';
import type { Reason } from '../model/reasons.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import { holderName } from '../observation/holder.ts';
import { setHandoverState } from '../orders/handover.ts';
import type { HistoryEntry } from '../reporting/facts.ts';
import { takenNews } from '../reporting/notice-text.ts';
import { enqueue, newSerialId, noteOutage } from '../reporting/outbox.ts';
import { addressOf, changeAddress, emitFact, persist, type StepContext } from '../step-context.ts';
import type { MoveIntent, MoveStep } from '../storage/durable.ts';
import { noteTry } from '../takeover/episode.ts';
import type { Associated } from './events.ts';
import { mayLand } from './late.ts';
import { isOfLastRun, type Reading } from './phases.ts';

/** The move was accepted and verified, or not seen to answer in time. One write holds its end and its notification. */
export function concludeMove(ctx: StepContext, ip: Ip, result: 'served' | 'moved', intent: MoveIntent): void {
  const address = addressOf(ctx.state, ip);
  const steps = [...(address.move?.steps ?? intent.steps), ...totalStep(ctx, ip)];
  const entry: HistoryEntry = {
    id: newSerialId(ctx),
    kind: intent.mode,
    address: ip,
    from: intent.from,
    to: ctx.state.config.node.id,
    result,
    reason: intent.reason,
    epoch: intent.epoch,
    at: ctx.now.wall,
    steps,
    requestIds: address.move?.requestIds ?? intent.requestIds,
  };
  emitFact(ctx, { kind: 'concluded', entry });
  noteTry(ctx, ip, intent);
  enqueue(ctx, takenNews(ctx, entry, intent));
  noteOutage(ctx, ip, result === 'served');
  if (intent.handoverId !== null) {
    setHandoverState(
      ctx,
      intent.handoverId,
      result === 'served' ? 'done' : 'failed',
      result === 'served' ? 'verified' : 'moved, but not seen to answer',
    );
  }
  clearAttempt(ctx, ip);
  changeAddress(ctx, ip, { backoff: NO_BACKOFF });
}

/** The attempt ends without a move. `retryMs` 0: back off as usual. */
export function concludeAttempt(
  ctx: StepContext,
  ip: Ip,
  result: 'lost-race' | 'refused' | 'abandoned',
  code: Reason,
  detail: string,
  retryMs: DurationMs,
): void {
  const address = addressOf(ctx.state, ip);
  const { intent, move } = address;
  // What the cloud has accepted is told, however the attempt ends: a read that lags, a race that was lost afterwards.
  if (intent?.stage === 'accepted') return concludeMove(ctx, ip, 'moved', intent);
  const entry: HistoryEntry = {
    id: newSerialId(ctx),
    kind: intent?.mode ?? 'takeover',
    address: ip,
    from: intent?.from ?? holderName(address.holder),
    to: ctx.state.config.node.id,
    result,
    reason: detail,
    epoch: intent?.epoch ?? address.epoch,
    at: ctx.now.wall,
    steps: move?.steps ?? intent?.steps ?? [],
    requestIds: move?.requestIds ?? [],
  };
  emitFact(ctx, { kind: 'concluded', entry });
  if (intent?.handoverId != null && result === 'lost-race')
    setHandoverState(ctx, intent.handoverId, 'failed', detail);
  clearAttempt(ctx, ip);
  backOff(ctx, ip, code, detail, retryMs);
}

/** Another has the address: a normal outcome. */
export function loseRaceTo(
  ctx: StepContext,
  ip: Ip,
  { node, instanceId }: Associated,
  how: 'holds it' | 'took it first',
): void {
  const detail = `${node ?? instanceId ?? 'another'} ${how}`;
  concludeAttempt(ctx, ip, 'lost-race', 'backing-off', detail, 0);
}

/** This node holds it already: there is nothing to move. */
export function endAsHolder(ctx: StepContext, ip: Ip): void {
  concludeAttempt(ctx, ip, 'abandoned', 'is-holder', 'this node holds it already', 0);
}

/** The attempt is over before anything was taken apart. */
export function abandonMove(ctx: StepContext, ip: Ip, detail: string): void {
  const { move } = addressOf(ctx.state, ip);
  if (move?.stage.kind === 'reading') becomeIdleRead(ctx, ip, move.stage);
  concludeAttempt(ctx, ip, 'abandoned', 'backing-off', detail, 1);
}

/** A refusal worth a line in the history: something stood in the way while the address was down. */
export function recordRefusal(ctx: StepContext, ip: Ip, kind: 'refusal' | 'blocked', reason: string): void {
  const address = addressOf(ctx.state, ip);
  const entry: HistoryEntry = {
    id: newSerialId(ctx),
    kind,
    address: ip,
    from: holderName(address.holder),
    to: ctx.state.config.node.id,
    result: 'refused',
    reason,
    epoch: address.epoch,
    at: ctx.now.wall,
    steps: [],
    requestIds: [],
  };
  emitFact(ctx, { kind: 'concluded', entry });
}

function totalStep(
  ctx: StepContext,
  ip: Ip,
): readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[] {
  const { campaign, intent } = addressOf(ctx.state, ip);
  if (campaign === null) return [];
  const detectMs = intent?.steps.find((one) => one.step === 'detect')?.durationMs ?? 0;
  const durationMs = detectMs + ctx.now.at - campaign.openedAt;
  emitFact(ctx, { kind: 'step', address: ip, step: 'total', durationMs, result: 'ok' });
  return [{ step: 'total', durationMs }];
}

/** The read of a move that was given up is on its way yet: it shows who holds the address, as an idle read does (`idle-reads.ts`). */
function becomeIdleRead(ctx: StepContext, ip: Ip, { callId, at }: Reading): void {
  const { idle } = addressOf(ctx.state, ip);
  changeAddress(ctx, ip, { idle: { ...idle, reading: callId, readingAt: at } });
}

function clearAttempt(ctx: StepContext, ip: Ip): void {
  const { campaign, intent, move } = addressOf(ctx.state, ip);
  const epoch = campaign?.epoch ?? intent?.epoch;
  changeAddress(ctx, ip, { campaign: null, guard: null, move: null, intent: null });
  const accepted = intent?.stage === 'accepted';
  // The last run may have made its take, whatever reads show as yet.
  if (intent !== null && !accepted && move !== null && isOfLastRun(move)) mayLand(ctx, ip, intent);
  // What may yet land keeps what was lent for it until that runs out: a take that was given up, a call of the last run.
  const isLate = epoch === addressOf(ctx.state, ip).late?.intent.epoch;
  if (epoch !== undefined && (accepted || !isLate)) releaseLeases(ctx, ip, epoch);
  persist(ctx);
}
