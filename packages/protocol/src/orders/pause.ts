/**
 * The cluster-wide pause of automatic moves (invariant I16).
 */

import { majorityOf, votersOf } from '../election/quorum.ts';
import { adoptedText, ignorePart, ignoreUnproven, isPlausible } from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
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
 * Take in a pause that is newer than the one known: the greatest version. Two that were ordered without knowing of each
 * other have the same one; of these a pause beats a resume, the longer the shorter, and then the greater id.
 *
 * @returns false: it is newer, and has to wait, because the peer's budget is used up and each is a write to disk
 */
export function adoptPause(ctx: StepContext, from: NodeId, told: PauseRecord): boolean {
  const known = ctx.state.pause;
  if (!isPlausible(known.version, told.version)) {
    ignorePart(ctx, from);
    return true;
  }
  if (told.version < known.version || (told.version === known.version && !isStronger(told, known)))
    return true;
  if (!counts(ctx.state.config.orders, told)) {
    ignoreUnproven(ctx, from);
    return true;
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
 * Its order doesn't count any more. Its version is kept: what was replaced by it doesn't come back, and the next order is
 * later than both.
 */
export function forgetPause(ctx: StepContext, why: string): void {
  const { version } = ctx.state.pause;
  const wasPaused = isPaused(ctx.state);
  change(ctx, { pause: { ...NO_PAUSE, version } });
  if (wasPaused) emitFact(ctx, { kind: 'pause', paused: false, owner: '', reason: why, version });
}

function isStronger(told: PauseRecord, known: PauseRecord): boolean {
  if (told.paused !== known.paused) return told.paused;
  const [a, b] = [lastingUntil(told), lastingUntil(known)];
  if (told.paused && a !== b) return a > b;
  return told.by > known.by;
}

/** Until when it lasts, by the wall clock; without an end it lasts longest. */
export function lastingUntil({ until }: Pick<PauseRecord, 'until'>): number {
  return until ?? Number.POSITIVE_INFINITY;
}

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
  return votersOf(state.config).filter((voter) => {
    if (voter === state.config.node.id) return state.storage.failing === null;
    const record = state.peers[voter]?.record ?? null;
    if (record === null || record.unstored === true) return false;
    const told = record.pause;
    return told.version === version && told.by === by && (proof === undefined || told.proof === proof);
  });
}

/** How many must have stored it: a majority, or in a pair whose other is silent the one. */
export function pauseNeeds(state: State): number {
  const voters = votersOf(state.config);
  const others = voters.filter((voter) => voter !== state.config.node.id);
  if (voters.length === 2 && others.every((voter) => isSilent(state, voter))) return 1;
  return majorityOf(voters.length);
}
