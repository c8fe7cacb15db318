/**
 * The cluster-wide pause of automatic moves (invariant I16).
 */

import { byText, majorityOf, nodesVoting } from '../election/quorum.ts';
import {
  adoptedText,
  ignorePart,
  ignoreUnproven,
  isPlausible,
  isSignedAhead,
  latestSigned,
} from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import type { OrderRule } from '../model/config.ts';
import { NO_PAUSE } from '../model/initial.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, NodeId } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import { announce, change, emitFact, persist, type StepContext } from '../step-context.ts';
import type { PauseRecord } from '../wire/messages.ts';
import { counts } from './orders.ts';

/** A pause can be no longer than this. */
export const MAX_PAUSE_MS: DurationMs = 366 * 24 * 3_600_000;

const MAX_OWNER = 128;
const MAX_REASON = 512;

/** The wall clock decides this alone: an expiry is a promise made to people. */
export function isPaused(state: State): boolean {
  const { paused, until } = state.pause;
  return paused && (until === null || state.now.wall < until);
}

/**
 * Take in a pause that is later than the one known (`isLater`).
 *
 * @returns false: it is later, and has to wait: for this node's clock, which is behind, or because the peer's budget is used up,
 * and each is a write to disk
 */
export function adoptPause(ctx: StepContext, from: NodeId, told: PauseRecord): boolean {
  const known = ctx.state.pause;
  if (!isPlausible(known.version, told.version)) {
    ignorePart(ctx, from);
    return true;
  }
  if (!isLater(ctx.state.config.orders, told, known)) return true;
  if (!counts(ctx.state.config.orders, told)) {
    ignoreUnproven(ctx, from);
    return true;
  }
  if (isSignedAhead(told.signedAt ?? 0, ctx.now.wall)) {
    if (ctx.state.peers[from]?.ordersDue !== true) ignorePart(ctx, from);
    return false;
  }
  if (!mayHurry(ctx, from)) return false;
  setPause(ctx, {
    ...told,
    owner: adoptedText(told.owner, MAX_OWNER),
    reason: adoptedText(told.reason, MAX_REASON),
  });
  return true;
}

/** What this node tells of it. A version that is only remembered, because its order doesn't count any more, is none. */
export function pauseToTell({ config, pause }: State): PauseRecord {
  return counts(config.orders, pause) ? pause : NO_PAUSE;
}

/**
 * Its order doesn't count any more. Its version and time are kept: what was replaced by it doesn't come back, and the next
 * order is later than both. No further ahead than any order may be, for nobody vouches for that time any more.
 */
export function forgetPause(ctx: StepContext, why: string): void {
  const { version, signedAt } = ctx.state.pause;
  const wasPaused = isPaused(ctx.state);
  const kept = signedAt === undefined ? {} : { signedAt: Math.min(signedAt, latestSigned(ctx.now.wall)) };
  change(ctx, { pause: { ...NO_PAUSE, version, ...kept } });
  if (wasPaused) emitFact(ctx, { kind: 'pause', paused: false, owner: '', reason: why, version });
}

/**
 * Which of two pauses or resumes stands: a total order, so that all nodes come to the same, in whichever order they hear of them.
 *
 * Signed ones go by when they were signed, which only operators can say. By a version that follows from another's, as the rest
 * do, whoever shows an operator what is in force could have him sign one that no later order passes.
 */
export function isLater(rule: OrderRule, told: PauseRecord, known: PauseRecord): boolean {
  const signed = rule === 'proven';
  const [a, b] = signed ? [told.signedAt ?? 0, known.signedAt ?? 0] : [0, 0];
  if (a !== b) return a > b;
  if (told.version !== known.version) return told.version > known.version;
  // Two that were ordered without knowing of each other.
  const [stronger, weaker] = [isStronger(told, known), isStronger(known, told)];
  return stronger || (signed && !weaker && byText(restOf(told), restOf(known)) > 0);
}

/** A pause beats a resume, the longer the shorter, and then the greater id. */
function isStronger(told: PauseRecord, known: PauseRecord): boolean {
  if (told.paused !== known.paused) return told.paused;
  const [a, b] = [lastingUntil(told), lastingUntil(known)];
  if (told.paused && a !== b) return a > b;
  return told.by > known.by;
}

/** What else differs. Only of what is signed, which nobody changes on its way. */
function restOf({ owner, reason, until, proof = '' }: PauseRecord): string {
  return JSON.stringify([owner, reason, until, proof]);
}

/** Until when it lasts, by the wall clock; without an end it lasts longest. */
export function lastingUntil({ until }: Pick<PauseRecord, 'until'>): number {
  return until ?? Number.POSITIVE_INFINITY;
}

/** Replaces the pause in force, writes it down and announces it. Whether it may is for the caller to know. */
export function setPause(ctx: StepContext, pause: PauseRecord): void {
  change(ctx, { pause });
  emitFact(ctx, {
    kind: 'pause',
    paused: pause.paused,
    owner: pause.owner,
    reason: pause.reason,
    version: pause.version,
  });
  persist(ctx);
  announce(ctx);
}

/** Which voters are known to have stored the present pause. */
export function pauseStoredBy(state: State): readonly NodeId[] {
  const { version, by, proof } = state.pause;
  return nodesVoting(state.config).filter((voter) => {
    if (voter === state.config.node.id) return state.storage.failing === null;
    const record = state.peers[voter]?.record ?? null;
    if (record === null || record.unstored === true) return false;
    const told = record.pause;
    return told.version === version && told.by === by && (proof === undefined || told.proof === proof);
  });
}

/** How many must have stored it: a majority, or in a pair whose other is silent the one. */
export function pauseNeeds(state: State): number {
  const voters = nodesVoting(state.config);
  const others = voters.filter((voter) => voter !== state.config.node.id);
  if (voters.length === 2 && others.every((voter) => isSilent(state, voter))) return 1;
  return majorityOf(voters.length);
}
