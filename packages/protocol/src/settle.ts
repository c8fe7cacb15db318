/**
 * A call whose answer is unknown: it may have been applied, or may yet be. Read until it is known
 * (PROTOCOL.md, "The move", 5; invariant I14).
 */
import {
  accept,
  addStep,
  changeMove,
  drive,
  FIRST_THROTTLE_MS,
  MAX_THROTTLE_MS,
  moveOf,
  nextDelay,
  onReleased,
  rest,
  restDuty,
  STALE_READ_MS,
  type Stage,
} from './calls.ts';
import { concludeAttempt } from './conclude.ts';
import { holderFrom, holderName, isStaleRead, observeHolder } from './holder.ts';
import type { Association, DriverAnswer } from './inputs.ts';
import { addressOf, type Turn } from './turn.ts';
import type { AssociationId, DurationMs, Ip } from './units.ts';

/** How long reads may take to agree. */
const SETTLE_MS: DurationMs = 5_000;
/** How far apart two reads must be to agree. */
const AGREE_MS: DurationMs = 1_000;

/** Begin to read what became of the call. */
export function settle(
  turn: Turn,
  ip: Ip,
  of: Stage<'settling'>['of'],
  associationId: AssociationId | null,
): void {
  const at = turn.now.at;
  const callId = drive(turn, ip, { op: 'read' });
  changeMove(turn, ip, {
    stage: { kind: 'settling', of, associationId, since: at, callId, seen: null, seenAt: at, nextAt: at },
  });
}

export function onSettlingRead(turn: Turn, ip: Ip, stage: Stage<'settling'>, answer: DriverAnswer): void {
  const { at } = turn.now;
  const expired = at - stage.since >= SETTLE_MS;
  if (answer.kind !== 'read' || isStaleRead(turn.state, ip, answer.association)) {
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
    // Without the duty the gates are asked again first: reading took its time.
    const delayMs = nextDelay(move.delayMs, FIRST_THROTTLE_MS, MAX_THROTTLE_MS);
    changeMove(turn, ip, { duty: move.duty || stage.of === 'swap', delayMs });
    return rest(turn, ip, move.delayMs, { call: 'take', reassociate: false });
  }
  const unchanged = stage.of !== 'take' && isOriginal(turn, ip, stage, association);
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

/** Whether the address is where it was before the call: the same association, or the same holder where associations have no names. */
function isOriginal(
  turn: Turn,
  ip: Ip,
  stage: Stage<'settling'>,
  association: Extract<Association, { kind: 'associated' }>,
): boolean {
  const { intent } = addressOf(turn.state, ip);
  const before = stage.associationId ?? intent?.associationId ?? null;
  if (before !== null && association.associationId !== null) return association.associationId === before;
  return intent !== null && holderName(holderFrom(turn.state, association, turn.now.at)) === intent.from;
}
