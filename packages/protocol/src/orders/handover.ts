/**
 * Planned moves as records that travel with gossip and survive restarts: how copies merge, which are kept, how one ends.
 */

import { byText, isCandidate } from '../election/quorum.ts';
import {
  adoptedText,
  CLOCKS_AGREE_MS,
  ignorePart,
  ignoreUnproven,
  isPlausible,
  isSignedAhead,
} from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import { MAX_HANDOVERS } from '../model/limits.ts';
import type { Handover, State } from '../model/state.ts';
import type { DurationMs, Instant, Ip, NodeId } from '../model/units.ts';
import { isPastRecall } from '../move/phases.ts';
import { isWanted } from '../reporting/outbox.ts';
import { announce, change, emitFact, persist, type StepContext } from '../step-context.ts';
import type { HandoverRecord, HandoverStanding, HandoverState, PauseRecord } from '../wire/messages.ts';
import { counts } from './orders.ts';

/** How long a handover may take before it is given up. */
export const HANDOVER_LASTS_MS: DurationMs = 120_000;
/** The most characters of the explanation that travel with a handover. */
const MAX_DETAIL = 256;
const MAX_OWNER = 128;
const MAX_REASON = 512;
/**
 * Copies of one record merge by the greater. An end beats an open one. What its target says of it, done or failed, beats
 * what was decided about it elsewhere: taken back, or out of time.
 */
const RANK: Readonly<Record<HandoverStanding, number>> = {
  open: 0,
  expired: 1,
  withdrawn: 2,
  failed: 3,
  done: 4,
};

/** How it stands, for people. */
export function standingOf({ state, withdrawnBy }: HandoverRecord): HandoverStanding {
  return state === 'failed' && withdrawnBy !== undefined ? 'withdrawn' : state;
}

/** Whether it may still be acted upon. */
export function isOpen({ now }: State, { record, expiresAt, ending }: Handover): boolean {
  return record.state === 'open' && ending === null && expiresAt > now.at;
}

/** Whether this node knows of an open handover with that id, of that address to that node. */
export function isOpenTo(state: State, id: string, ip: Ip, to: NodeId): boolean {
  const known = state.handovers.find((one) => one.record.id === id);
  return known !== undefined && known.record.address === ip && known.record.to === to && isOpen(state, known);
}

/** Whether a handover of this address is open, to whomever. */
export function isHandedOver(state: State, ip: Ip): boolean {
  return state.handovers.some((one) => one.record.address === ip && isOpen(state, one));
}

/**
 * Take in a record that a peer has.
 *
 * @returns false: it is news, and has to wait, because the peer's budget is used up and each is a write to disk
 */
export function adoptHandover(ctx: StepContext, from: NodeId, told: HandoverRecord): boolean {
  const known = ctx.state.handovers.find((one) => one.record.id === told.id);
  if (known !== undefined) {
    const ended = endedAs(known, withTextsOf(told));
    if (told.state === 'open' || !supersedes(ended, known.record)) return true;
    if (!mayHurry(ctx, from)) return false;
    end(ctx, known, ended);
    return true;
  }
  if (told.ttlMs <= 0 || isOver(told, ctx.now)) return true;
  // An end needs no proof, and is all that an unproven record is good for.
  if (!counts(ctx.state.config.orders, told)) {
    if (told.state === 'open') ignoreUnproven(ctx, from);
    return true;
  }
  if (!isOrder(ctx.state, told) || isTooFarAhead(told, ctx.now)) {
    ignorePart(ctx, from);
    return true;
  }
  if (withRoom(ctx.state.handovers, told) === null) return true;
  if (!mayHurry(ctx, from)) return false;
  addHandover(ctx, withTextsOf(told));
  return true;
}

/** What is known of it, ended in the way that a peer tells. */
function endedAs({ record: known }: Handover, told: HandoverRecord): HandoverRecord {
  const { withdrawnBy: _, ...record } = known;
  const { state, detail, withdrawnBy } = told;
  return { ...record, state, detail, ...(withdrawnBy === undefined ? {} : { withdrawnBy }) };
}

/** Whether an honest node can have been given it. */
function isOrder(state: State, { id, ordered, address, to }: HandoverRecord): boolean {
  if (!/^[A-Za-z0-9._-]{1,128}$/.test(id) || !isPlausible(nextInOrder(state), ordered ?? 0)) return false;
  return state.addresses[address] !== undefined && isCandidate(state.config, to);
}

/** Whether its time is over by what the operator has signed, whatever is said of what is left of it. */
export function isOver({ until }: { readonly until?: number }, { wall }: Instant): boolean {
  return until !== undefined && until <= wall;
}

/**
 * Whether it was signed for longer than any handover lasts, or later than now: it could be brought up again when it is long
 * over, or in spite of a pause that came after it.
 */
export function isTooFarAhead(
  { until, ordered }: { readonly until?: number; readonly ordered?: number },
  { wall }: Instant,
): boolean {
  if (until === undefined) return false;
  return until > wall + HANDOVER_LASTS_MS + CLOCKS_AGREE_MS || isSignedAhead(ordered ?? 0, wall);
}

/** What people have written, as it is passed on. */
function withTextsOf(told: HandoverRecord): HandoverRecord {
  const { by, reason, detail, withdrawnBy } = told;
  return {
    ...told,
    by: adoptedText(by, MAX_OWNER),
    reason: adoptedText(reason, MAX_REASON),
    detail: adoptedText(detail, MAX_DETAIL),
    ...(withdrawnBy === undefined ? {} : { withdrawnBy: adoptedText(withdrawnBy, MAX_OWNER) }),
  };
}

/**
 * Remember a record. Where there is no room, the ended one that was ordered first gives way, and a record that was ordered
 * before it isn't taken up. So all nodes come to keep the same ones, and don't tell each other of the others for ever.
 *
 * @returns false: there is no room for it
 */
export function addHandover(ctx: StepContext, record: HandoverRecord): boolean {
  const kept = withRoom(ctx.state.handovers, record);
  if (kept === null) return false;
  const signedMs = record.until === undefined ? HANDOVER_LASTS_MS : Math.max(0, record.until - ctx.now.wall);
  const expiresAt = ctx.now.at + Math.min(record.ttlMs, HANDOVER_LASTS_MS, signedMs);
  change(ctx, {
    handovers: [...kept, { record, expiresAt, ending: null, untold: untoldOf(ctx.state, record) }],
  });
  told(ctx, record);
  return true;
}

/** Its target tells people of it, if it was heard of in time. */
function untoldOf(state: State, { to, state: standing }: HandoverRecord): Handover['untold'] {
  const isWantedHere = isWanted(state, 'handover-asked') || isWanted(state, 'handover-ended');
  return isWantedHere && to === state.config.node.id && standing === 'open' ? 'all' : 'nothing';
}

function withRoom(handovers: readonly Handover[], record: HandoverRecord): readonly Handover[] | null {
  if (handovers.length < MAX_HANDOVERS) return handovers;
  const [first] = handovers
    .filter((one) => one.record.state !== 'open')
    .sort((a, b) => inOrder(a.record, b.record));
  if (first === undefined || inOrder(record, first.record) < 0) return null;
  return handovers.filter((one) => one !== first);
}

function inOrder(a: HandoverRecord, b: HandoverRecord): number {
  return (a.ordered ?? 0) - (b.ordered ?? 0) || byText(a.id, b.id);
}

/** What a handover that is ordered now has as its place in the order: later than all that this node knows of. */
export function nextInOrder({ handovers, now }: State): number {
  const latest = handovers.reduce((most, { record }) => Math.max(most, record.ordered ?? 0), 0);
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Math.floor(now.wall), latest + 1, 0));
}

/** Its target is done with it, for better or worse. */
export function setHandoverState(
  ctx: StepContext,
  id: string,
  state: Exclude<HandoverState, 'open' | 'expired'>,
  detail: string,
): void {
  const known = ctx.state.handovers.find((one) => one.record.id === id);
  if (known === undefined) return;
  const { withdrawnBy: _, ...record } = known.record;
  const ended: HandoverRecord = { ...record, state, detail: detail.slice(0, MAX_DETAIL) };
  if (supersedes(ended, known.record)) replace(ctx, { ...known, record: ended, ending: null });
}

/** Take it back. A move that can't be recalled is seen through first; only an attempt that comes to nothing is then withdrawn. */
export function withdrawHandover(ctx: StepContext, known: Handover, by: string, detail: string): void {
  end(ctx, known, {
    ...known.record,
    state: 'failed',
    withdrawnBy: by,
    detail: detail.slice(0, MAX_DETAIL),
  });
}

/** A pause ends the handovers that were ordered before it; one that is ordered while it lasts is meant in spite of it. */
export function endPausedHandovers(ctx: StepContext): void {
  const { config, pause, handovers } = ctx.state;
  if (!pause.paused || handovers.length === 0) return;
  for (const one of handovers) {
    const { record } = one;
    if (isOpen(ctx.state, one) && isOrderedBefore(config, record, pause))
      withdrawHandover(ctx, one, pause.owner, endedByPause(pause.owner, pause.reason));
  }
}

/** Where operators sign, by when they did: the version that a handover names may be whatever its operator was shown. */
export function isOrderedBefore(
  { orders }: State['config'],
  { ordered, pause: known }: Pick<HandoverRecord, 'ordered' | 'pause'>,
  { signedAt, version }: PauseRecord,
): boolean {
  if (orders === 'proven') return signedAt !== undefined && (ordered ?? 0) < signedAt;
  return known !== undefined && known < version;
}

/** Why a handover ended that a later pause stopped, in words for its record. */
export function endedByPause(owner: string, reason: string): string {
  return `ended by the pause of ${owner}${reason === '' ? '' : `: ${reason}`}`;
}

/** End what has taken too long or waited for its move to be over, and forget what ended long ago. */
export function expireHandovers(ctx: StepContext): void {
  const { handovers, now } = ctx.state;
  if (handovers.every((one) => one.expiresAt > now.at && one.ending === null)) return;
  for (const one of handovers) {
    if (one.ending !== null) end(ctx, one, one.ending);
    else if (one.expiresAt <= now.at && one.record.state === 'open') {
      const detail = one.record.detail === '' ? 'not done in time' : one.record.detail;
      end(ctx, one, { ...one.record, state: 'expired', detail });
    }
  }
  // An ended one is kept for as long again, so that whoever asked can still read how it ended; and a signed one as long
  // as its signature would count, so that it can't be begun again.
  change(ctx, {
    handovers: ctx.state.handovers.filter(
      ({ record, expiresAt }) =>
        now.at - expiresAt < HANDOVER_LASTS_MS || (record.until !== undefined && !isOver(record, now)),
    ),
  });
}

/** Orders that don't count any more. What can't be recalled of one is seen through; nothing else is done for it. */
export function forgetHandovers(ctx: StepContext, which: readonly Handover[], why: string): void {
  for (const { record } of which) {
    const { id, address, to, by, reason } = record;
    if (record.state === 'open')
      emitFact(ctx, { kind: 'handover', id, address, to, state: 'failed', detail: why, by, reason });
  }
  change(ctx, { handovers: ctx.state.handovers.filter((one) => !which.includes(one)) });
}

/** Why the open handover hasn't happened yet, for whoever asked. */
export function noteHandover(ctx: StepContext, id: string, detail: string): void {
  const known = ctx.state.handovers.find((one) => one.record.id === id);
  if (
    known === undefined ||
    known.record.state !== 'open' ||
    known.record.detail === detail.slice(0, MAX_DETAIL)
  )
    return;
  change(ctx, {
    handovers: ctx.state.handovers.map((one) =>
      one === known ? { ...one, record: { ...one.record, detail: detail.slice(0, MAX_DETAIL) } } : one,
    ),
  });
  announce(ctx);
}

/**
 * It has ended, by an operator's word, a clock or a peer. While this node is in the middle of its move, where nothing can
 * be recalled, that is only remembered: what becomes of the move is told, and nobody is told before that it won't happen.
 */
function end(ctx: StepContext, known: Handover, ended: HandoverRecord): void {
  if (!supersedes(ended, known.record)) return;
  if (isMovePastRecall(ctx.state, known.record)) {
    if (known.ending === null || supersedes(ended, known.ending))
      put(ctx, { ...known, ending: { ...ended, ttlMs: known.record.ttlMs } });
    return;
  }
  replace(ctx, { ...known, record: { ...ended, ttlMs: known.record.ttlMs }, ending: null });
}

/** Whether this node is moving the address for it, and has begun what it can't take back. */
export function isMovePastRecall(state: State, { id, address }: HandoverRecord): boolean {
  const move = state.addresses[address]?.move ?? null;
  return move !== null && move.handoverId === id && isPastRecall(move);
}

/** Of two that ended alike the greater text stands; of two open ones each node keeps its own. */
function supersedes(told: HandoverRecord, known: HandoverRecord): boolean {
  const [a, b] = [standingOf(told), standingOf(known)];
  if (a !== b) return RANK[a] > RANK[b];
  return a !== 'open' && byText(told.detail, known.detail) > 0;
}

function put(ctx: StepContext, handover: Handover): void {
  change(ctx, {
    handovers: ctx.state.handovers.map((one) => (one.record.id === handover.record.id ? handover : one)),
  });
}

function replace(ctx: StepContext, handover: Handover): void {
  put(ctx, handover);
  told(ctx, handover.record);
}

function told(ctx: StepContext, record: HandoverRecord): void {
  const { id, address, to, by, reason, detail } = record;
  const state = standingOf(record);
  emitFact(ctx, { kind: 'handover', id, address, to, state, detail, by, reason });
  persist(ctx);
  announce(ctx);
}

/** Who ordered it, and why. */
export function orderedBy({ by, reason }: Pick<HandoverRecord, 'by' | 'reason'>): string {
  return `ordered by ${by}${reason === '' ? '' : `: ${reason}`}`;
}
