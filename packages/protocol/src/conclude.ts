/**
 * The end of a takeover, or of an attempt at one: history, notification, leases given back.
 */
import { backOff, releaseLeases } from './campaign.ts';
import type { MoveIntent, MoveStep } from './durable.ts';
import type { HistoryEntry } from './facts.ts';
import { setHandoverState } from './handover.ts';
import { holderName } from './holder.ts';
import { NO_BACKOFF } from './initial.ts';
import type { Move } from './move-state.ts';
import { enqueue, newSerialId, TAKEOVER_SUBJECT, takeoverMessage } from './outbox.ts';
import type { Reason } from './reasons.ts';
import { addressOf, changeAddress, persist, type Turn, tell } from './turn.ts';
import type { DurationMs, Ip } from './units.ts';

/** The move was accepted and verified, or not seen to answer in time. One write holds its end and its notification. */
export function concludeMove(turn: Turn, ip: Ip, result: 'served' | 'moved', intent: MoveIntent): void {
  const address = addressOf(turn.state, ip);
  const steps = [...(address.move?.steps ?? intent.steps), ...totalStep(turn, ip)];
  const entry: HistoryEntry = {
    id: newSerialId(turn),
    kind: intent.mode,
    address: ip,
    from: intent.from,
    to: turn.state.config.node.id,
    result,
    reason: intent.reason,
    epoch: intent.epoch,
    at: turn.now.wall,
    steps,
    requestIds: address.move?.requestIds ?? intent.requestIds,
  };
  tell(turn, { kind: 'concluded', entry });
  enqueue(turn, TAKEOVER_SUBJECT, takeoverMessage(turn, entry, intent));
  if (intent.handoverId !== null) {
    setHandoverState(
      turn,
      intent.handoverId,
      result === 'served' ? 'done' : 'failed',
      result === 'served' ? 'verified' : 'moved, but not seen to answer',
    );
  }
  clearAttempt(turn, ip);
  changeAddress(turn, ip, { backoff: NO_BACKOFF });
}

/** The attempt ends without a move. `retryMs` 0: back off as usual. */
export function concludeAttempt(
  turn: Turn,
  ip: Ip,
  result: 'lost-race' | 'refused' | 'abandoned',
  code: Reason,
  detail: string,
  retryMs: DurationMs,
): void {
  const address = addressOf(turn.state, ip);
  const { intent, move } = address;
  const entry: HistoryEntry = {
    id: newSerialId(turn),
    kind: intent?.mode ?? 'takeover',
    address: ip,
    from: intent?.from ?? holderName(address.holder),
    to: turn.state.config.node.id,
    result,
    reason: detail,
    epoch: intent?.epoch ?? address.epoch,
    at: turn.now.wall,
    steps: move?.steps ?? intent?.steps ?? [],
    requestIds: move?.requestIds ?? [],
  };
  tell(turn, { kind: 'concluded', entry });
  if (intent?.handoverId != null && result === 'lost-race')
    setHandoverState(turn, intent.handoverId, 'failed', detail);
  clearAttempt(turn, ip);
  backOff(turn, ip, code, detail, retryMs);
}

/** An association of ours that nobody decided on just now: a take that had been given up has landed. People are told of it like of any move. */
export function tellIfLate(turn: Turn, ip: Ip): void {
  const { late } = addressOf(turn.state, ip);
  if (late === null) return;
  tell(turn, { kind: 'late-association', address: ip });
  const reason = `a call that had been given up was applied late: ${late.reason}`;
  const entry: HistoryEntry = {
    id: newSerialId(turn),
    kind: late.mode,
    address: ip,
    from: late.from,
    to: turn.state.config.node.id,
    result: 'moved',
    reason,
    epoch: late.epoch,
    at: turn.now.wall,
    steps: late.steps,
    requestIds: late.requestIds,
  };
  tell(turn, { kind: 'concluded', entry });
  enqueue(turn, TAKEOVER_SUBJECT, takeoverMessage(turn, entry, { ...late, reason }));
  changeAddress(turn, ip, { late: null });
  persist(turn);
}

/** A refusal worth a line in the history: something stood in the way while the address was down. */
export function recordRefusal(turn: Turn, ip: Ip, kind: 'refusal' | 'blocked', reason: string): void {
  const address = addressOf(turn.state, ip);
  const entry: HistoryEntry = {
    id: newSerialId(turn),
    kind,
    address: ip,
    from: holderName(address.holder),
    to: turn.state.config.node.id,
    result: 'refused',
    reason,
    epoch: address.epoch,
    at: turn.now.wall,
    steps: [],
    requestIds: [],
  };
  tell(turn, { kind: 'concluded', entry });
}

function totalStep(
  turn: Turn,
  ip: Ip,
): readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[] {
  const { campaign, intent } = addressOf(turn.state, ip);
  if (campaign === null) return [];
  const detectMs = intent?.steps.find((one) => one.step === 'detect')?.durationMs ?? 0;
  const durationMs = detectMs + turn.now.at - campaign.openedAt;
  tell(turn, { kind: 'step', address: ip, step: 'total', durationMs, result: 'ok' });
  return [{ step: 'total', durationMs }];
}

function clearAttempt(turn: Turn, ip: Ip): void {
  const { campaign, intent, late, move } = addressOf(turn.state, ip);
  const epoch = campaign?.epoch ?? intent?.epoch;
  changeAddress(turn, ip, { campaign: null, guard: null, move: null, intent: null });
  // What may yet land keeps what was lent for it until that runs out: a take that was given up, a call of the last run.
  const mayLand = epoch === late?.epoch || (move !== null && isOfLastRun(move));
  if (epoch !== undefined && !mayLand) releaseLeases(turn, ip, epoch);
  persist(turn);
}

/** Found by a restart, and not seen to have ended as it was meant to. */
function isOfLastRun({ leaseUntil, stage }: Move): boolean {
  return leaseUntil === 0 && stage.kind !== 'verifying';
}
