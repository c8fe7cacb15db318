/**
 * How far a message may move what a node counts, and how much of its text is kept (PROTOCOL.md, "What is adopted").
 *
 * Counters such as epochs are adopted by the greater, and raised by one. One forged number near the greatest that a double
 * holds would therefore end them: the next one is refused by every codec, that of the node's own next start included.
 */
import { isCandidate } from '../election/quorum.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Epoch, Ip, NodeId, WallMs } from '../model/units.ts';
import { addressOf, changeAddress, emitFact, type StepContext } from '../step-context.ts';

/**
 * Up to here a counter is adopted at once: a node that was cut off or has lost its disk has to catch up with whatever
 * its cluster has come to. Raised once a millisecond it would be reached in 557 years.
 */
export const FAR: number = 2 ** 44;
/** Beyond that, so much at a time: the end is 137 billion messages away, and those who count on it stay together. */
const STEP = 2 ** 16;
/** What no counter comes to, even so. */
const NEVER_REACHED = 2 ** 52;
/** By how much the clocks of two machines may differ, for what is only told to people. */
const CLOCKS_DIFFER_MS: DurationMs = 24 * 3_600_000;
/**
 * By how much an operator's clock may be ahead of a node's when he signs an order. Less than people notice to be wrong, more than
 * machines differ that set their clocks at all.
 */
export const CLOCKS_AGREE_MS: DurationMs = 300_000;

/** Whether no operator whose clock is right can have signed it by now. */
export function isSignedAhead(signedAt: WallMs, now: WallMs): boolean {
  return signedAt > latestSigned(now);
}

/** The latest moment at which an operator whose clock is right can have signed anything. */
export function latestSigned(now: WallMs): WallMs {
  return Math.max(0, Math.floor(now) + CLOCKS_AGREE_MS);
}

/** Whether a peer may say so of a counter that is known to be at `known`. */
export function isPlausible(known: number, told: number): boolean {
  return told <= mostAfter(known);
}

/** Whether a counter can have come so far at all. */
export function isReachable(told: number): boolean {
  return told <= NEVER_REACHED;
}

/** What to make of a counter that a peer tells: the greater, but no further than is plausible. */
export function adopted(known: number, told: number): number {
  return isReachable(told) ? Math.max(known, Math.min(told, mostAfter(known))) : known;
}

/**
 * The highest epoch that anybody knows is to be passed by the next ballot. Beyond `FAR` only candidates, who open ballots, are
 * followed: another could raise a candidate's epoch faster than the voters hear of it, and they don't hear ballots that far ahead.
 * Somebody may have driven a voter up in candidates' names, and then it refuses all ballots. So what others tell is followed
 * slowly, by candidates alone.
 *
 * @param by `first-answer`: a voter's first answer to a ballot of this node's, which has to come to what the voter has lent for;
 * `answer`: any other answer, which moves nothing where a voter that is no candidate gives it
 */
export function adoptEpoch(
  ctx: StepContext,
  from: NodeId,
  ip: Ip,
  told: Epoch,
  by: 'record' | 'first-answer' | 'answer' = 'record',
): void {
  const { epoch } = addressOf(ctx.state, ip);
  const isAnyTime = isCandidate(ctx.state.config, from) || by === 'first-answer' || told <= FAR;
  const most = isAnyTime || (by === 'record' && isFollowedNow(ctx.state, ip, from)) ? told : FAR;
  if (told > epoch && (most < told || !isPlausible(epoch, told))) ignorePart(ctx, from);
  if (most <= epoch) return;
  changeAddress(ctx, ip, { epoch: adopted(epoch, most), ...(isAnyTime ? {} : { followedAt: ctx.now.at }) });
}

/** Whether what that peer's record tells of an epoch beyond `FAR` moves this node's now: a candidate's does, another's once every voter has heard of the last such step. */
export function isFollowedNow(state: State, ip: Ip, from: NodeId): boolean {
  const { config, now } = state;
  if (isCandidate(config, from)) return true;
  const { followedAt = null } = addressOf(state, ip);
  const isOver = followedAt === null || now.at - followedAt >= config.gossip.deadMs;
  return isOver && isCandidate(config, config.node.id);
}

/** A counter from the disk; one that an earlier version took from a forged message begins at `FAR`. */
export function restoredCounter(written: number): number {
  return written > NEVER_REACHED ? FAR : written;
}

/** A wall time that a peer tells of the past. */
export function adoptedWall(told: WallMs, now: WallMs): WallMs {
  return Math.min(told, Math.max(0, Math.floor(now) + CLOCKS_DIFFER_MS));
}

/** Part of a message was left out, because no honest node could have said it. The rest counts. */
export function ignorePart(ctx: StepContext, from: NodeId): void {
  const known = ctx.facts.some((fact) => fact.kind === 'rejected' && fact.reason === 'implausible');
  if (!known) emitFact(ctx, { kind: 'rejected', reason: 'implausible', from });
}

/** An order in a message was left out, because no operator's proof of it holds. The rest counts. */
export function ignoreUnproven(ctx: StepContext, from: NodeId): void {
  const known = ctx.facts.some((fact) => fact.kind === 'rejected' && fact.reason === 'unproven');
  if (!known) emitFact(ctx, { kind: 'rejected', reason: 'unproven', from });
}

/** An id of the cloud's, or a node's, that a peer tells of the past; null: it has no form that such an id has. */
export function adoptedId(told: string): string | null {
  return /^[A-Za-z0-9._:/-]{1,64}$/.test(told) ? told : null;
}

/** A text of people's that is passed on: no character of it takes more than three bytes. */
export function adoptedText(told: string, most: number): string {
  return told.slice(0, most).replace(/[\p{Cc}\p{Cs}]/gu, ' ');
}

function mostAfter(known: number): number {
  return Math.max(FAR, known + STEP);
}
