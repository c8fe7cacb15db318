/**
 * The calls that move the address, and what their answers mean (PROTOCOL.md, "The move"; invariants I11 to I14).
 */
import { concludeAttempt, concludeMove } from './conclude.ts';
import type { MoveStep } from './durable.ts';
import type { DriverOperation } from './effects.ts';
import { endAssociation, fitnessOf, holderFrom, isSilent, isStaleRead, observeHolder } from './holder.ts';
import type { Association, DriverAnswer, DriverFailure, DriverResult } from './inputs.ts';
import type { AddressState, Move, MoveStage, NextCall } from './state.ts';
import { addressOf, type Change, changeAddress, newEffectId, persist, type Turn, tell } from './turn.ts';
import type { AssociationId, DurationMs, EffectId, Ip, NodeId } from './units.ts';
import { lookNow } from './verdict.ts';
import { callTimeoutMs } from './view.ts';

/** How long the address may take to answer after the move before the move is told as it stands. */
export const VERIFY_MS: DurationMs = 15_000;
/** How long reads may take to agree. */
const SETTLE_MS: DurationMs = 5_000;
/** How far apart two reads must be to agree. */
const AGREE_MS: DurationMs = 1_000;
const FIRST_THROTTLE_MS: DurationMs = 500;
const MAX_THROTTLE_MS: DurationMs = 4_000;
const FIRST_DUTY_MS: DurationMs = 1_000;
const MAX_DUTY_MS: DurationMs = 10_000;
/** A read that shows an ended association is repeated after this. */
const STALE_READ_MS: DurationMs = 300;
/** The most request ids one move remembers. */
const MAX_REQUEST_IDS = 64;

type Stage<K extends MoveStage['kind']> = Extract<MoveStage, { kind: K }>;

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
  const answers = series.last?.ok === true && series.last.startedAt >= stage.acceptedAt;
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
  changeMove(turn, ip, { requestIds: [...move.requestIds, ...ids].slice(0, MAX_REQUEST_IDS) });
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
  if (answer.kind !== 'read') {
    onReadFailure(turn, ip, stage, answer);
    return;
  }
  const { association, displaces } = answer;
  const address = addressOf(turn.state, ip);
  if (isStaleRead(address, association)) {
    rest(turn, ip, STALE_READ_MS, { call: 'read', purpose: stage.purpose });
    return;
  }
  changeAddress(turn, ip, { survey: { ...address.survey, displaces } });
  observeHolder(turn, ip, holderFrom(turn.state, association, stage.at), 'read');
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
      return onStartRead(turn, ip, association, address);
    case 'duty':
    case 'recover':
      return onDutyRead(turn, ip, association, stage.purpose);
    case 'lost':
      return onLostRead(turn, ip, association);
    case 'confirm':
      return onConfirmRead(turn, ip, association);
  }
}

function onReadFailure(turn: Turn, ip: Ip, stage: Stage<'reading'>, answer: DriverAnswer): void {
  const move = moveOf(turn, ip);
  if (move.duty) return restDuty(turn, ip);
  if (stage.purpose === 'recover') return rest(turn, ip, FIRST_DUTY_MS, { call: 'read', purpose: 'recover' });
  if (stage.purpose === 'confirm' || stage.purpose === 'lost') return settle(turn, ip, 'swap', null);
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

/** The first read of a move: who has it decides which call comes next. */
function onStartRead(turn: Turn, ip: Ip, association: Association, before: AddressState): void {
  const move = moveOf(turn, ip);
  if (association.kind === 'none') return take(turn, ip, false);
  if (association.self) {
    tellIfLate(turn, ip);
    return concludeAttempt(turn, ip, 'abandoned', 'is-holder', 'this node holds it already', 0);
  }
  const { holder } = addressOf(turn.state, ip);
  const other =
    holder.node !== null &&
    holder.node !== before.holder.node &&
    before.holder.kind !== 'unknown' &&
    !isSilent(turn.state, holder.node);
  if (other)
    return concludeAttempt(turn, ip, 'lost-race', 'backing-off', `${holder.node} took it meanwhile`, 0);
  const { driver } = turn.state.config;
  const swaps =
    driver?.swap === true &&
    move.consent &&
    holder.node !== null &&
    fitnessOf(turn.state, holder.node) === 'fit';
  if (driver?.style === 'single-call' || swaps) return take(turn, ip, true);
  release(turn, ip, association.associationId, holder.node);
}

/** Nobody held it by our doing, or a restart found an unfinished move. */
function onDutyRead(turn: Turn, ip: Ip, association: Association, purpose: 'duty' | 'recover'): void {
  const move = moveOf(turn, ip);
  const { intent } = addressOf(turn.state, ip);
  if (association.kind === 'none') {
    if (move.duty) return take(turn, ip, false);
    return concludeAttempt(
      turn,
      ip,
      'abandoned',
      'backing-off',
      'a restart ended the move before it began',
      1,
    );
  }
  if (association.self) return accept(turn, ip, association.associationId);
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

/** A single-call driver is believed after a read. */
function onConfirmRead(turn: Turn, ip: Ip, association: Association): void {
  if (association.kind === 'associated' && association.self)
    return accept(turn, ip, association.associationId);
  settle(turn, ip, 'swap', null);
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

/** From here on somebody must take it, and that is us. */
function onReleased(turn: Turn, ip: Ip, associationId: AssociationId | null): void {
  const { intent } = addressOf(turn.state, ip);
  endAssociation(turn, ip, associationId);
  observeHolder(
    turn,
    ip,
    { kind: 'none', node: null, instanceId: null, associationId: null, at: turn.now.at },
    'taken',
  );
  changeMove(turn, ip, { duty: true, delayMs: 0 });
  if (intent !== null) changeAddress(turn, ip, { intent: { ...intent, associationId, stage: 'released' } });
  persist(turn);
  take(turn, ip, false);
}

function onTakeAnswer(turn: Turn, ip: Ip, stage: Stage<'taking'>, answer: DriverAnswer): void {
  addStep(turn, ip, 'take', turn.now.at - stage.at, resultOf(answer));
  const move = moveOf(turn, ip);
  switch (answer.kind) {
    case 'taken':
      if (turn.state.config.driver?.style === 'single-call') return read(turn, ip, 'confirm');
      return accept(turn, ip, answer.associationId);
    case 'held':
      return read(turn, ip, 'lost');
    case 'refused':
      if (answer.throttled) return restThrottled(turn, ip, { call: 'take', reassociate: stage.reassociate });
      return move.duty ? restDuty(turn, ip, `${answer.code}: ${answer.message}`) : refused(turn, ip, answer);
    default:
      changeAddress(turn, ip, { mayLandLate: true });
      return settle(turn, ip, stage.reassociate ? 'swap' : 'take', null);
  }
}

function onSettlingRead(turn: Turn, ip: Ip, stage: Stage<'settling'>, answer: DriverAnswer): void {
  const { at } = turn.now;
  const expired = at - stage.since >= SETTLE_MS;
  if (answer.kind !== 'read' || isStaleRead(addressOf(turn.state, ip), answer.association)) {
    if (expired) return settledBlind(turn, ip, stage);
    changeMove(turn, ip, { stage: { ...stage, callId: null, nextAt: at + STALE_READ_MS } });
    return;
  }
  const { association } = answer;
  if (association.kind === 'associated' && association.self) return settled(turn, ip, stage, association);
  if (association.kind === 'none' && stage.of !== 'swap') return settled(turn, ip, stage, association);
  const shown =
    association.kind === 'none'
      ? 'none'
      : `${association.associationId ?? ''}/${association.instanceId ?? association.node ?? ''}`;
  const agrees = stage.seen === shown && at - stage.seenAt >= AGREE_MS;
  if (agrees || expired) return settled(turn, ip, stage, association);
  const seenAt = stage.seen === shown ? stage.seenAt : at;
  changeMove(turn, ip, { stage: { ...stage, callId: null, seen: shown, seenAt, nextAt: seenAt + AGREE_MS } });
}

/** It is known now what became of the call whose answer was not. */
function settled(turn: Turn, ip: Ip, stage: Stage<'settling'>, association: Association): void {
  addStep(
    turn,
    ip,
    'settle',
    turn.now.at - stage.since,
    association.kind === 'none' ? 'nobody holds it' : 'somebody holds it',
  );
  const move = moveOf(turn, ip);
  observeHolder(turn, ip, holderFrom(turn.state, association, turn.now.at), 'read');
  if (association.kind === 'associated' && association.self)
    return accept(turn, ip, association.associationId);
  if (association.kind === 'none') {
    if (stage.of === 'release') return onReleased(turn, ip, stage.associationId);
    changeMove(turn, ip, {
      duty: move.duty || stage.of === 'swap',
      delayMs: nextDelay(move.delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS),
    });
    return move.delayMs === 0
      ? take(turn, ip, false)
      : rest(turn, ip, move.delayMs, { call: 'take', reassociate: false });
  }
  const unchanged =
    stage.of === 'release'
      ? association.associationId === stage.associationId
      : stage.of === 'swap' && isOriginal(turn, ip, association);
  if (unchanged) return rest(turn, ip, 0, { call: 'read', purpose: 'start' }); // not applied: decide again, from the gates on
  concludeAttempt(
    turn,
    ip,
    'lost-race',
    'backing-off',
    `${association.node ?? association.instanceId ?? 'another'} holds it`,
    0,
  );
}

/** Five seconds of reads told nothing. A release may have been applied: keep reading until it is known. */
function settledBlind(turn: Turn, ip: Ip, stage: Stage<'settling'>): void {
  addStep(turn, ip, 'settle', turn.now.at - stage.since, 'unknown');
  changeMove(turn, ip, { duty: true });
  restDuty(turn, ip);
}

function accept(turn: Turn, ip: Ip, associationId: AssociationId | null): void {
  const { intent, holder } = addressOf(turn.state, ip);
  const self = turn.state.config.node;
  if (holder.associationId !== associationId) endAssociation(turn, ip, holder.associationId);
  observeHolder(
    turn,
    ip,
    { kind: 'node', node: self.id, instanceId: self.instanceId, associationId, at: turn.now.at },
    'taken',
  );
  const move = moveOf(turn, ip);
  if (intent !== null) {
    changeAddress(turn, ip, {
      intent: { ...intent, stage: 'accepted', steps: move.steps, requestIds: move.requestIds },
    });
  }
  changeAddress(turn, ip, { mayLandLate: false });
  changeMove(turn, ip, { duty: false, stage: { kind: 'verifying', acceptedAt: turn.now.at, associationId } });
  persist(turn);
  lookNow(turn, ip);
}

/** A definite no before anything was taken apart. */
function refused(turn: Turn, ip: Ip, failure: Extract<DriverFailure, { kind: 'refused' }>): void {
  const address = addressOf(turn.state, ip);
  const permission = { kind: 'denied', code: failure.code, message: failure.message } as const;
  changeAddress(turn, ip, { survey: { ...address.survey, permission, nextPermitAt: turn.now.at } });
  concludeAttempt(turn, ip, 'refused', 'not-permitted', `${failure.code}: ${failure.message}`, 0);
}

function read(turn: Turn, ip: Ip, purpose: Stage<'reading'>['purpose']): void {
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, { stage: { kind: 'reading', callId, at: turn.now.at, purpose } });
}

function release(turn: Turn, ip: Ip, associationId: AssociationId | null, node: NodeId | null): void {
  const callId = drive(turn, ip, { op: 'release', associationId, node });
  changeMove(turn, ip, { stage: { kind: 'releasing', callId, at: turn.now.at, associationId, node } });
}

function take(turn: Turn, ip: Ip, reassociate: boolean): void {
  const callId = drive(turn, ip, { op: 'take', reassociate });
  changeMove(turn, ip, { stage: { kind: 'taking', callId, at: turn.now.at, reassociate } });
}

function settle(turn: Turn, ip: Ip, of: Stage<'settling'>['of'], associationId: AssociationId | null): void {
  const at = turn.now.at;
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, {
    stage: { kind: 'settling', of, associationId, since: at, callId, seen: null, seenAt: at, nextAt: at },
  });
}

function drive(turn: Turn, ip: Ip, operation: DriverOperation): EffectId {
  const callId = newEffectId(turn);
  const after = turn.writeId === 0 ? turn.state.storage.latest : turn.writeId;
  const needsIntent = operation.op !== 'read' && !moveOf(turn, ip).duty;
  const effect = {
    kind: 'drive',
    callId,
    address: ip,
    operation,
    timeoutMs: callTimeoutMs(turn.state.config),
  } as const;
  turn.effects.push(needsIntent ? { ...effect, after } : effect);
  return callId;
}

function rest(turn: Turn, ip: Ip, ms: DurationMs, next: NextCall): void {
  changeMove(turn, ip, { stage: { kind: 'resting', until: turn.now.at + ms, next } });
}

function restThrottled(turn: Turn, ip: Ip, next: NextCall): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
  changeMove(turn, ip, { delayMs });
  rest(turn, ip, delayMs, next);
}

/** Nobody holds it by our doing, and the take was refused: read and take again, until somebody holds it. */
function restDuty(turn: Turn, ip: Ip, detail = "the cloud's answer was no use"): void {
  const delayMs = nextDelay(moveOf(turn, ip).delayMs, FIRST_DUTY_MS, MAX_DUTY_MS);
  tell(turn, { kind: 'decided', address: ip, outcome: 'wait', reason: 'backing-off', detail });
  changeMove(turn, ip, { duty: true, delayMs });
  rest(turn, ip, delayMs, { call: 'read', purpose: 'duty' });
}

function nextDelay(delayMs: DurationMs, firstMs: DurationMs, mostMs: DurationMs): DurationMs {
  return delayMs === 0 ? firstMs : Math.min(mostMs, delayMs * 2);
}

/** An association of ours that nobody decided on just now. */
export function tellIfLate(turn: Turn, ip: Ip): void {
  if (!addressOf(turn.state, ip).mayLandLate) return;
  changeAddress(turn, ip, { mayLandLate: false });
  tell(turn, { kind: 'late-association', address: ip });
}

function moveOf(turn: Turn, ip: Ip): Move {
  const { move } = addressOf(turn.state, ip);
  if (move === null) throw new Error(`no move of ${ip} is under way`);
  return move;
}

function changeMove(turn: Turn, ip: Ip, parts: Change<Move>): void {
  changeAddress(turn, ip, { move: { ...moveOf(turn, ip), ...parts } });
}

function addStep(turn: Turn, ip: Ip, step: MoveStep, durationMs: DurationMs, result: string): void {
  changeMove(turn, ip, { steps: [...moveOf(turn, ip).steps, { step, durationMs }] });
  tell(turn, { kind: 'step', address: ip, step, durationMs, result });
}

function isSelf(association: Association): boolean {
  return association.kind === 'associated' && association.self;
}

function isOriginal(turn: Turn, ip: Ip, association: Extract<Association, { kind: 'associated' }>): boolean {
  const { intent } = addressOf(turn.state, ip);
  const from = holderFrom(turn.state, association, turn.now.at);
  return (
    intent !== null &&
    (intent.associationId === association.associationId ||
      intent.from === from.node ||
      intent.from === from.instanceId)
  );
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
