/**
 * The end of a takeover, or of an attempt at one: history, notification, leases given back.
 */
import { backOff, releaseLeases } from '../election/campaign.ts';
import type { HistoryEntry } from '../model/facts.ts';
import { NO_BACKOFF } from '../model/initial.ts';
import type { Reason } from '../model/reasons.ts';
import { addressOf, changeAddress, persist, type Turn, tell } from '../model/step-context.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import { holderName } from '../observation/holder.ts';
import { setHandoverState } from '../orders/handover.ts';
import { enqueue, newSerialId, TAKEOVER_SUBJECT, takeoverMessage } from '../reporting/outbox.ts';
import type { MoveIntent, MoveStep } from '../storage/durable.ts';
import { noteTry } from '../takeover/episode.ts';
import type { Associated } from './events.ts';
import { mayLand } from './late.ts';
import { isOfLastRun, type Reading } from './phases.ts';

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
  noteTry(turn, ip, intent);
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
  // What the cloud has accepted is told, however the attempt ends: a read that lags, a race that was lost afterwards.
  if (intent?.stage === 'accepted') return concludeMove(turn, ip, 'moved', intent);
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

/** Another has the address: a normal outcome. */
export function loseRaceTo(
  turn: Turn,
  ip: Ip,
  { node, instanceId }: Associated,
  how: 'holds it' | 'took it first',
): void {
  const detail = `${node ?? instanceId ?? 'another'} ${how}`;
  concludeAttempt(turn, ip, 'lost-race', 'backing-off', detail, 0);
}

/** The attempt is over before anything was taken apart. */
export function abandonMove(turn: Turn, ip: Ip, detail: string): void {
  const { move } = addressOf(turn.state, ip);
  if (move?.stage.kind === 'reading') becomeIdleRead(turn, ip, move.stage);
  concludeAttempt(turn, ip, 'abandoned', 'backing-off', detail, 1);
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

/** The read of a move that was given up is on its way yet: it shows who holds the address, as an idle read does (`idle-reads.ts`). */
function becomeIdleRead(turn: Turn, ip: Ip, { callId, at }: Reading): void {
  const { survey } = addressOf(turn.state, ip);
  changeAddress(turn, ip, { survey: { ...survey, reading: callId, readingAt: at } });
}

function clearAttempt(turn: Turn, ip: Ip): void {
  const { campaign, intent, move } = addressOf(turn.state, ip);
  const epoch = campaign?.epoch ?? intent?.epoch;
  changeAddress(turn, ip, { campaign: null, guard: null, move: null, intent: null });
  const accepted = intent?.stage === 'accepted';
  // The last run may have made its take, whatever reads show as yet.
  if (intent !== null && !accepted && move !== null && isOfLastRun(move)) mayLand(turn, ip, intent);
  // What may yet land keeps what was lent for it until that runs out: a take that was given up, a call of the last run.
  const isLate = epoch === addressOf(turn.state, ip).late?.intent.epoch;
  if (epoch !== undefined && (accepted || !isLate)) releaseLeases(turn, ip, epoch);
  persist(turn);
}
