/**
 * Takes that may have been applied, or may yet be, though their move has ended: they are told when they are seen to have
 * landed, and forgotten when they can't land any more (invariant I17).
 */

import { type Holder, type LateTake, MAX_HELD_BEFORE } from '../model/address-state.ts';
import type { ExternalIpResult } from '../model/inputs.ts';
import { MAX_LATE_TAKES } from '../model/limits.ts';
import type { State } from '../model/state.ts';
import {
  type AssociationId,
  type DurationMs,
  type Ip,
  type MonotonicMs,
  WITHOUT_ID,
} from '../model/units.ts';
import { answeredAt, observeHolder } from '../observation/holder.ts';
import type { HistoryEntry } from '../reporting/facts.ts';
import { takenNews } from '../reporting/notice-text.ts';
import { enqueue, newSerialId, noteOutage } from '../reporting/outbox.ts';
import { addressOf, changeAddress, emitFact, persist, type StepContext } from '../step-context.ts';
import type { MoveIntent } from '../storage/durable.ts';
import { noteTry } from '../takeover/episode.ts';
import type { Move } from './phases.ts';
import { endsAccepted, isOfLastRun } from './phases.ts';

/**
 * The longest time after which a call may still land. AWS refuses a signed request whose time differs from its own by
 * more than five minutes either way, so one that was sent is refused ten minutes later at the latest; as much as half of
 * that again is left for what AWS has accepted, and for reads that lag.
 *
 * Source: AWS, "Signature Version 4 for API requests", request expiry; EC2 API Reference, error code `RequestExpired`.
 */
export const LATE_LASTS_MS: DurationMs = 15 * 60_000;

/** The move ends, and its take may have been applied, or may yet be. */
export function mayLand(ctx: StepContext, ip: Ip, intent: MoveIntent): void {
  const { late } = addressOf(ctx.state, ip);
  const takes = Math.min((late?.takes ?? 0) + 1, MAX_LATE_TAKES);
  changeAddress(ctx, ip, { late: { intent, takes, until: ctx.now.at + LATE_LASTS_MS, held: null } });
}

/**
 * Whether a take of this node's own may be what a read shows, and not told yet: the answer to one is unknown, was that of the
 * last run, or was a yes.
 */
export function mayHaveTaken(ctx: StepContext, ip: Ip, associationId: AssociationId | null): boolean {
  const { intent, late, move } = addressOf(ctx.state, ip);
  if (intent?.stage === 'accepted') return true;
  if (intent !== null && wasKnownTo(intent, associationId)) return false;
  if (move !== null && isOfLastRun(move)) return true;
  return late !== null && !isToldOf(late, associationId);
}

/**
 * The move is accepted. An association that a read shows may be that of a take which had stayed unknown, and is told with
 * the move; one that answers a later take is that take's own. The other takes that had stayed unknown may land yet: also where
 * they would look the same, for another may take the address in between.
 */
export function lateAfterAcceptance(
  ctx: StepContext,
  ip: Ip,
  associationId: AssociationId | null,
  by: 'answer' | 'read',
): void {
  const { late } = addressOf(ctx.state, ip);
  if (late === null) return;
  const left = by === 'answer' ? withTold(late, associationId) : withoutLanded(late, associationId);
  changeAddress(ctx, ip, { late: left });
}

/** One of the takes has landed, as this association; null: no other may yet. */
function withoutLanded(late: LateTake, associationId: AssociationId | null): LateTake | null {
  return late.takes > 1 ? { ...withTold(late, associationId), takes: late.takes - 1 } : null;
}

/** People are told that this node holds the address by this association. What they were told of before may be read once more. */
function withTold(late: LateTake, associationId: AssociationId | null): LateTake {
  const { intent, held } = late;
  const told = { ...late, held: associationId ?? WITHOUT_ID };
  if (held === null || held === WITHOUT_ID || held === associationId) return told;
  const earlier = [held, ...(intent.earlier ?? [])].slice(0, MAX_HELD_BEFORE + 1);
  return { ...told, intent: { ...intent, earlier } };
}

/** Whether people were told of that very association, or none of the takes can have made it. */
function isToldOf({ intent, held }: LateTake, associationId: AssociationId | null): boolean {
  return held === (associationId ?? WITHOUT_ID) || wasKnownTo(intent, associationId);
}

/**
 * A read that began at `readAt` showed this holder. This node, by an association that it didn't know of: people are told
 * of it like of any move. Anything else, by a read that began when the take couldn't land any more: it never has.
 *
 * @param before the holder as this node knew it before that read
 */
export function endLateTake(
  ctx: StepContext,
  ip: Ip,
  before: Holder,
  seen: Holder,
  readAt: MonotonicMs,
): void {
  const { late, move, intent } = addressOf(ctx.state, ip);
  if (late === null) return;
  if (seen.node === ctx.state.config.node.id && !isKnown(ctx.state, late, before, seen)) {
    // A take of the move that is under way may be what is shown: its end tells of it, and the take that is remembered with it.
    if (move !== null && intent !== null && isToldByItsEnd(move, late)) noteAccepted(ctx, ip, intent);
    else emitLate(ctx, ip, late.intent);
    changeAddress(ctx, ip, { late: withoutLanded(late, seen.associationId) });
    return;
  }
  if (readAt < late.until) return;
  changeAddress(ctx, ip, { late: null });
  persist(ctx);
}

/** Whether the end of this move tells of its take, also where that was given up and the move looks anew who holds the address. */
function isToldByItsEnd(move: Move, late: LateTake): boolean {
  const { stage } = move;
  const looks = stage.kind === 'reading' || (stage.kind === 'resting' && stage.next.call === 'read');
  return endsAccepted(move) || (looks && move.epoch === late.intent.epoch);
}

/**
 * The external-IP service sees this node under a contested address. After the single call that the cloud accepted this is
 * proof that this node holds it, as a read is; after one whose answer is unknown it is a reason to read.
 */
export function seenAs(ctx: StepContext, result: ExternalIpResult): void {
  if (result.kind !== 'address') return;
  const address = ctx.state.addresses[result.ip];
  if (address === undefined || ctx.state.config.driver === null) return;
  const { ip, move, late, idle } = address;
  const { id, instanceId } = ctx.state.config.node;
  const at = ctx.now.at;
  if (ctx.state.config.driver.style === 'single-call' && move?.stage.kind === 'verifying') {
    const self = { kind: 'node', node: id, instanceId, associationId: null } as const;
    // It may have been asked before a standstill, as far back as the acceptance.
    const seenAt = answeredAt(ctx.state, move.stage.acceptedAt);
    observeHolder(ctx, ip, { ...self, at: seenAt, toldBy: null, firsthand: true }, 'external-ip');
  } else if (late !== null && idle.nextReadAt > at)
    changeAddress(ctx, ip, { idle: { ...idle, nextReadAt: at } });
}

/** Whether this node may have known from the cloud itself, when it was read, that it holds the address by that very association. */
function isKnown(state: State, late: LateTake, before: Holder, seen: Holder): boolean {
  if (isToldOf(late, seen.associationId)) return true;
  // Without an id, a read from before another was known to hold it may show what was told then.
  if (seen.associationId === null && seen.at < before.at) return true;
  if (before.node !== state.config.node.id || !before.firsthand) return false;
  const { associationId } = before;
  return associationId === null || seen.associationId === null || associationId === seen.associationId;
}

/** Whether the association was known before the move was planned, or told since: then it is none of its takes. */
function wasKnownTo({ earlier = [] }: MoveIntent, associationId: AssociationId | null): boolean {
  return associationId !== null && earlier.includes(associationId);
}

/** However the move ends, it ends as one that was accepted, so that people are told of it once. */
function noteAccepted(ctx: StepContext, ip: Ip, intent: MoveIntent): void {
  changeAddress(ctx, ip, { intent: { ...intent, stage: 'accepted' } });
  noteTry(ctx, ip, intent);
  persist(ctx);
}

function emitLate(ctx: StepContext, ip: Ip, intent: MoveIntent): void {
  emitFact(ctx, { kind: 'late-association', address: ip });
  noteTry(ctx, ip, intent);
  emitMoved(ctx, ip, intent, `a call that had been given up was applied late: ${intent.reason}`);
  persist(ctx);
}

/** History and notification of a move whose end nobody has seen. */
export function emitMoved(ctx: StepContext, ip: Ip, intent: MoveIntent, reason: string): void {
  const entry: HistoryEntry = {
    id: newSerialId(ctx),
    kind: intent.mode,
    address: ip,
    from: intent.from,
    to: ctx.state.config.node.id,
    result: 'moved',
    reason,
    epoch: intent.epoch,
    at: ctx.now.wall,
    steps: intent.steps,
    requestIds: intent.requestIds,
  };
  emitFact(ctx, { kind: 'concluded', entry });
  enqueue(ctx, takenNews(ctx, entry, { ...intent, reason }));
  if (ctx.state.addresses[ip] !== undefined) noteOutage(ctx, ip, false);
}
