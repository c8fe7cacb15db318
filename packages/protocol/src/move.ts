/**
 * A move from its first call to its end: what each answer means, and which call comes next
 * (PROTOCOL.md, "The move"; invariants I11 to I14).
 */
import {
  accept,
  addStep,
  changeMove,
  drive,
  FIRST_DUTY_MS,
  firstAndLast,
  MAX_STALE_READ_MS,
  moveOf,
  nextDelay,
  onReleased,
  read,
  release,
  rest,
  restDuty,
  restThrottled,
  STALE_READ_MS,
  type Stage,
  take,
} from './calls.ts';
import { concludeAttempt, concludeMove } from './conclude.ts';
import type { MoveIntent } from './durable.ts';
import { isOnlyTold, takeRead } from './hearsay.ts';
import { endAssociation, fitnessOf, holderFrom, isHeldBySelf, isSilent, observeHolder } from './holder.ts';
import type { Association, DriverAnswer, DriverFailure, DriverResult } from './inputs.ts';
import { mayLand, settleLate } from './late.ts';
import type { Move, MoveStage, ReadPurpose } from './move-state.ts';
import { onSettlingRead, settle } from './settle.ts';
import { noteRead } from './survey.ts';
import { addressOf, changeAddress, type Turn } from './turn.ts';
import type { DurationMs, EffectId, Ip } from './units.ts';
import { callTimeoutMs } from './view.ts';

/** How long the address may take to answer after the move before the move is told as it stands. */
export const VERIFY_MS: DurationMs = 15_000;
const RESTARTED = 'a restart ended the move before it began';
/** The most request ids one move remembers. */
const MAX_REQUEST_IDS = 64;

/** Begin: every gate is open. */
export function beginMove(turn: Turn, ip: Ip): void {
  const { campaign, intent } = addressOf(turn.state, ip);
  const mandate = campaign?.won;
  if (campaign === null || mandate == null || intent === null)
    throw new Error(`a move of ${ip} begins without a mandate`);
  const move: Move = {
    epoch: campaign.epoch,
    mode: campaign.mode,
    handoverId: campaign.handoverId,
    startedAt: turn.now.at,
    leaseUntil: mandate.until,
    callTimeoutMs: callTimeoutMs(turn.state.config, mandate.until - campaign.openedAt),
    consent: mandate.consent,
    duty: false,
    stage: { kind: 'reading', callId: 0, at: turn.now.at, purpose: 'start' },
    delayMs: 0,
    steps: intent.steps,
    requestIds: [],
  };
  changeAddress(turn, ip, { move });
  read(turn, ip, 'start');
}

/** After a restart that found an intent: read, and finish or close it. */
export function recoverMove(turn: Turn, ip: Ip): void {
  const { intent } = addressOf(turn.state, ip);
  if (intent === null) return;
  const { epoch, mode, handoverId, steps, requestIds } = intent;
  const duty = intent.stage === 'released';
  const stage: MoveStage = { kind: 'reading', callId: 0, at: turn.now.at, purpose: 'recover' };
  changeAddress(turn, ip, {
    move: {
      epoch,
      mode,
      handoverId,
      startedAt: turn.now.at,
      leaseUntil: 0,
      callTimeoutMs: callTimeoutMs(turn.state.config),
      consent: false,
      duty,
      stage,
      delayMs: 0,
      steps,
      requestIds,
    },
  });
  read(turn, ip, 'recover');
}

/** Go on after a rest. */
export function continueMove(turn: Turn, ip: Ip): void {
  const move = moveOf(turn, ip);
  const { stage } = move;
  if (stage.kind !== 'resting' || stage.until > turn.now.at) return;
  const { next } = stage;
  switch (next.call) {
    case 'read':
      return read(turn, ip, next.purpose);
    case 'release':
      return release(turn, ip, next.associationId, next.node);
    case 'take':
      return take(turn, ip, next.reassociate);
  }
}

/** What the passing of time does to a move. */
export function timeMove(turn: Turn, ip: Ip): void {
  const { move, series, intent } = addressOf(turn.state, ip);
  if (move === null) return;
  const { stage } = move;
  if (stage.kind === 'settling' && stage.callId === null && stage.nextAt <= turn.now.at) {
    const callId = drive(turn, ip, { op: 'read' });
    changeMove(turn, ip, { stage: { ...stage, callId } });
  }
  if (stage.kind !== 'verifying' || intent === null) return;
  const answers =
    isHeldBySelf(turn.state, ip) && series.last?.ok === true && series.last.startedAt >= stage.acceptedAt;
  if (!answers && turn.now.at - stage.acceptedAt < VERIFY_MS) return;
  addStep(turn, ip, 'verify', turn.now.at - stage.acceptedAt, answers ? 'ok' : 'no answer');
  concludeMove(turn, ip, answers ? 'served' : 'moved', intent);
}

/** When a move wants to be looked at again without an input; null: it waits for an answer. */
export function nextMoveTime(move: Move): number | null {
  switch (move.stage.kind) {
    case 'settling':
      return move.stage.callId === null ? move.stage.nextAt : null;
    case 'resting':
      return move.stage.until;
    case 'verifying':
      return move.stage.acceptedAt + VERIFY_MS;
    case 'reading':
    case 'releasing':
    case 'taking':
      return null;
  }
}

/** The address whose move waits for this call; null: none. */
export function moveAwaiting(turn: Turn, callId: EffectId): Ip | null {
  for (const { ip, move } of Object.values(turn.state.addresses)) {
    if (move !== null && 'callId' in move.stage && move.stage.callId === callId) return ip;
  }
  return null;
}

export function onMoveAnswer(turn: Turn, ip: Ip, result: DriverResult): void {
  const move = moveOf(turn, ip);
  const ids = result.requests.map((request) => request.requestId).filter((id) => id !== null);
  changeMove(turn, ip, { requestIds: firstAndLast([...move.requestIds, ...ids], MAX_REQUEST_IDS) });
  const { stage } = move;
  switch (stage.kind) {
    case 'reading':
      return onReadAnswer(turn, ip, stage, result.answer);
    case 'releasing':
      return onReleaseAnswer(turn, ip, stage, result.answer);
    case 'taking':
      return onTakeAnswer(turn, ip, stage, result.answer);
    case 'settling':
      return onSettlingRead(turn, ip, stage, result.answer);
    case 'resting':
    case 'verifying':
      return;
  }
}

/** The attempt is over before anything was taken apart. */
export function abandonMove(turn: Turn, ip: Ip, detail: string): void {
  concludeAttempt(turn, ip, 'abandoned', 'backing-off', detail, 1);
}

function onReadAnswer(turn: Turn, ip: Ip, stage: Stage<'reading'>, answer: DriverAnswer): void {
  addStep(turn, ip, 'read', turn.now.at - stage.at, answer.kind);
  // A stale read's word on the interface would be as old.
  const stale = answer.kind === 'read' && !takeRead(turn, ip, answer.association, stage.at);
  if (!stale) noteRead(turn, ip, answer);
  if (answer.kind !== 'read') {
    onReadFailure(turn, ip, stage, answer);
    return;
  }
  const { association, displaces } = answer;
  // By its id nothing is taken apart that has ended: where only peers say that it has, the release finds out.
  const tries = stale && stage.purpose === 'start' && isOnlyTold(turn.state, ip, association);
  if (stale && !tries) {
    restStale(turn, ip, stage.purpose);
    return;
  }
  const before = addressOf(turn.state, ip).holder;
  const seen = holderFrom(turn.state, association, stage.at);
  if (!stale) observeHolder(turn, ip, seen, 'read');
  // Any other read that shows this node ends in the acceptance of the move, and is told with it.
  if (!stale && (stage.purpose === 'start' || !isSelf(association)))
    settleLate(turn, ip, before, seen, stage.at);
  if (displaces !== null && turn.state.config.driver?.displace !== 'allow' && !isSelf(association)) {
    if (moveOf(turn, ip).duty) restDuty(turn, ip);
    else
      concludeAttempt(
        turn,
        ip,
        'refused',
        'would-displace',
        `taking it would throw ${displaces} off this node`,
        0,
      );
    return;
  }
  switch (stage.purpose) {
    case 'start':
      return onStartRead(turn, ip, association);
    case 'duty':
    case 'recover':
      return onDutyRead(turn, ip, association, stage.purpose);
    case 'lost':
      return onLostRead(turn, ip, association);
  }
}

/** A read that lags: again soon, then less soon. A claim can't hurt, so a duty doesn't wait for the reads to catch up. */
function restStale(turn: Turn, ip: Ip, purpose: ReadPurpose): void {
  const { delayMs, duty } = moveOf(turn, ip);
  const nextMs = nextDelay(delayMs, STALE_READ_MS, MAX_STALE_READ_MS);
  changeMove(turn, ip, { delayMs: nextMs });
  if (duty && nextMs > 2 * STALE_READ_MS) return rest(turn, ip, nextMs, { call: 'take', reassociate: false });
  rest(turn, ip, nextMs, { call: 'read', purpose });
}

function onReadFailure(turn: Turn, ip: Ip, stage: Stage<'reading'>, answer: DriverAnswer): void {
  const move = moveOf(turn, ip);
  if (move.duty) return restDuty(turn, ip);
  if (stage.purpose === 'recover') return rest(turn, ip, FIRST_DUTY_MS, { call: 'read', purpose: 'recover' });
  if (stage.purpose === 'lost') return settle(turn, ip, 'swap', null);
  const failure = failureOf(answer);
  if (failure.kind === 'refused' && failure.throttled)
    return restThrottled(turn, ip, { call: 'read', purpose: 'start' });
  concludeAttempt(
    turn,
    ip,
    'refused',
    'backing-off',
    `reading the association: ${failure.code}: ${failure.message}`,
    0,
  );
}

/** The first read of a move: who has it decides which call comes next. It took its time, so every gate is asked again before that call. */
function onStartRead(turn: Turn, ip: Ip, association: Association): void {
  const move = moveOf(turn, ip);
  if (association.kind === 'none') return rest(turn, ip, 0, { call: 'take', reassociate: false });
  if (association.self)
    return concludeAttempt(turn, ip, 'abandoned', 'is-holder', 'this node holds it already', 0);
  const { holder, intent } = addressOf(turn.state, ip);
  const from = intent?.from ?? 'unknown';
  const other =
    holder.node !== null && from !== 'unknown' && from !== holder.node && !isSilent(turn.state, holder.node);
  if (other)
    return concludeAttempt(turn, ip, 'lost-race', 'backing-off', `${holder.node} took it meanwhile`, 0);
  const { driver } = turn.state.config;
  const swaps =
    driver?.swap === true &&
    move.consent &&
    holder.node !== null &&
    fitnessOf(turn.state, holder.node) === 'fit';
  if (driver?.style === 'single-call' || swaps) return rest(turn, ip, 0, { call: 'take', reassociate: true });
  rest(turn, ip, 0, { call: 'release', associationId: association.associationId, node: holder.node });
}

/** Nobody held it by our doing, or a restart found an unfinished move. */
function onDutyRead(turn: Turn, ip: Ip, association: Association, purpose: 'duty' | 'recover'): void {
  const move = moveOf(turn, ip);
  const { intent } = addressOf(turn.state, ip);
  if (association.kind === 'none') {
    if (move.duty || mayHaveReleased(intent)) {
      changeMove(turn, ip, { duty: true });
      return take(turn, ip, false);
    }
    return concludeAttempt(turn, ip, 'abandoned', 'backing-off', RESTARTED, 1);
  }
  if (association.self) return accept(turn, ip, association.associationId);
  const asPlanned = intent !== null && association.associationId === intent.associationId;
  if (purpose === 'recover' && !move.duty && asPlanned)
    return concludeAttempt(turn, ip, 'abandoned', 'backing-off', RESTARTED, 1);
  if (
    purpose === 'duty' &&
    intent?.associationId != null &&
    association.associationId === intent.associationId
  ) {
    changeMove(turn, ip, { duty: false }); // the release was not applied after all
    return rest(turn, ip, 0, { call: 'read', purpose: 'start' });
  }
  concludeAttempt(
    turn,
    ip,
    'lost-race',
    'backing-off',
    `${association.node ?? association.instanceId ?? 'another'} holds it`,
    0,
  );
}

/** A crash between a release and its writing leaves the intent as it was planned: somebody held it then, and nobody does now. */
function mayHaveReleased(intent: MoveIntent | null): boolean {
  return intent !== null && intent.from !== 'nobody';
}

function onLostRead(turn: Turn, ip: Ip, association: Association): void {
  if (association.kind === 'none') return restDuty(turn, ip);
  if (association.self) return accept(turn, ip, association.associationId);
  concludeAttempt(
    turn,
    ip,
    'lost-race',
    'backing-off',
    `${association.node ?? association.instanceId ?? 'another'} took it first`,
    0,
  );
}

function onReleaseAnswer(turn: Turn, ip: Ip, stage: Stage<'releasing'>, answer: DriverAnswer): void {
  addStep(turn, ip, 'release', turn.now.at - stage.at, resultOf(answer));
  switch (answer.kind) {
    case 'released':
      return onReleased(turn, ip, stage.associationId);
    case 'stale':
      endAssociation(turn, ip, stage.associationId);
      return read(turn, ip, 'start');
    case 'refused':
      if (answer.throttled)
        return restThrottled(turn, ip, {
          call: 'release',
          associationId: stage.associationId,
          node: stage.node,
        });
      return refused(turn, ip, answer);
    default:
      return settle(turn, ip, 'release', stage.associationId);
  }
}

function onTakeAnswer(turn: Turn, ip: Ip, stage: Stage<'taking'>, answer: DriverAnswer): void {
  addStep(turn, ip, 'take', turn.now.at - stage.at, resultOf(answer));
  const move = moveOf(turn, ip);
  switch (answer.kind) {
    case 'taken':
      return accept(turn, ip, answer.associationId, 'answer');
    case 'held':
      return read(turn, ip, 'lost');
    case 'refused':
      if (answer.throttled) return restThrottled(turn, ip, { call: 'take', reassociate: stage.reassociate });
      return move.duty ? restDuty(turn, ip, `${answer.code}: ${answer.message}`) : refused(turn, ip, answer);
    default: {
      const { intent } = addressOf(turn.state, ip);
      if (intent !== null) mayLand(turn, ip, intent);
      return settle(turn, ip, stage.reassociate ? 'swap' : 'take', null);
    }
  }
}

/** A definite no before anything was taken apart. */
function refused(turn: Turn, ip: Ip, failure: Extract<DriverFailure, { kind: 'refused' }>): void {
  const address = addressOf(turn.state, ip);
  const permission = { kind: 'denied', code: failure.code, message: failure.message } as const;
  changeAddress(turn, ip, { survey: { ...address.survey, permission, nextPermitAt: turn.now.at } });
  concludeAttempt(turn, ip, 'refused', 'not-permitted', `${failure.code}: ${failure.message}`, 0);
}

function isSelf(association: Association): boolean {
  return association.kind === 'associated' && association.self;
}

function failureOf(answer: DriverAnswer): DriverFailure {
  if (answer.kind === 'refused' || answer.kind === 'unknown') return answer;
  return { kind: 'unknown', code: 'UnexpectedAnswer', message: `the driver answered ${answer.kind}` };
}

function resultOf(answer: DriverAnswer): string {
  return answer.kind === 'refused' || answer.kind === 'unknown'
    ? `${answer.kind}: ${answer.code}`
    : answer.kind;
}
