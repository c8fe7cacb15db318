/**
 * What is remembered of an episode of failure, what ends it, and how nodes tell each other (PROTOCOL.md, "Episodes of
 * failure"). What follows from it is in `protection.ts` and `blocked.ts`.
 *
 * Everything here merges: the two epochs only grow, moves are named by their epochs, and of two times of one move the
 * earlier stands. So nodes may tell each other what they were told, in any order and any number of times.
 */

import { digestOnce, isCandidate } from '../election/quorum.ts';
import { adoptedId, adoptedWall, restoredCounter } from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import type { AddressState } from '../model/address-state.ts';
import type { AddressConfig } from '../model/config.ts';
import { MAX_SAW } from '../model/limits.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import {
  addressOf,
  announce,
  type Change,
  changeAddress,
  persist,
  type StepContext,
} from '../step-context.ts';
import type { DurableEpisode, MoveIntent } from '../storage/durable.ts';
import type { AddressRecord, EpisodeRecord, NodeRecord } from '../wire/messages.ts';
import {
  type Episode,
  isOver,
  MAX_TOLD_TRIES,
  MAX_TRIES,
  NEW_EPISODE,
  type ToldTry,
  type Try,
  type UpSince,
  upSinceBoth,
} from './episode-state.ts';

/** Whether anybody has seen it up under this configuration's probe. */
export function hasAnswered(state: State, { ip, episode }: AddressState): boolean {
  return episode.answered === probeDigest(addressConfig(state, ip));
}

/** A digest of what is asked and for how long an answer is waited for; how often is no part of it. */
export function probeDigest(config: AddressConfig | undefined): string {
  return config === undefined ? '-' : digestOfProbe(config);
}

const digestOfProbe = digestOnce<AddressConfig>(
  ({ expects, probe }) => `${expects} within ${probe.timeoutMs} ms`,
);

/** A move by this node was accepted. That of an operator's handover is no try. */
export function noteTry(ctx: StepContext, ip: Ip, { mode, epoch, from }: MoveIntent): void {
  if (mode === 'handover') return;
  const { episode } = addressOf(ctx.state, ip);
  const tries = withTries(episode, [{ node: ctx.state.config.node.id, epoch, from, at: ctx.now.at }]);
  if (tries !== episode.tries) changeEpisode(ctx, ip, { tries });
}

/** A probe that started at `startedAt` succeeded, and the verdict is up: what was tried before is over. */
export function onSeenUp(ctx: StepContext, ip: Ip, startedAt: MonotonicMs): void {
  const { episode, refusals } = addressOf(ctx.state, ip);
  const answered = probeDigest(addressConfig(ctx.state, ip));
  const news = episode.answered !== answered;
  if (news) changeEpisode(ctx, ip, { answered });
  const over = overSince(episode, startedAt);
  if (over !== null) changeEpisode(ctx, ip, withUp(episode, over));
  if (over !== null || news) {
    persist(ctx);
    announce(ctx);
  }
  if (refusals.length > 0 || episode.downSince !== null || episode.heardTold !== null) endEpisode(ctx, ip);
}

/** What is over once a probe that started at `startedAt` has seen it up: nothing (null) while there is a later move. */
function overSince({ tries }: Episode, startedAt: MonotonicMs): UpSince | null {
  const newest = tries.filter(({ epoch }) => epoch === tries[0]?.epoch);
  const [over, ...more] = newest.filter(({ at }) => at <= startedAt);
  if (over === undefined) return null;
  return { upEpoch: over.epoch, upBy: more.length === 0 ? over.node : null };
}

function withUp(episode: Episode, over: UpSince): Change<Episode> {
  const { upEpoch, upBy } = upSinceBoth(episode, over);
  return { upEpoch, upBy, tries: withTries({ ...episode, upEpoch, upBy }, []) };
}

/**
 * The address was seen up, here or by a peer: what was told of it is told again when it comes back. Written down, else
 * the next run would take its notification of an earlier episode for one of the present.
 */
export function endEpisode(ctx: StepContext, ip: Ip): void {
  const { verdict, blockedTold, move } = addressOf(ctx.state, ip);
  // A node that still sees it down, or can't finish a move, counts from now: somebody has seen it up.
  const goesOn = verdict === 'down' || (verdict === 'unknown' && move !== null);
  changeEpisode(ctx, ip, {
    downSince: goesOn ? ctx.now.at : null,
    toldBefore: null,
    heardTold: null,
  });
  changeAddress(ctx, ip, { refusals: [], blockedTold: false });
  if (blockedTold) persist(ctx);
}

/** The address has been found down; `since` when is kept while it is unknown in between. */
export function onSeenDown(ctx: StepContext, ip: Ip): void {
  if (addressOf(ctx.state, ip).episode.downSince === null) changeEpisode(ctx, ip, { downSince: ctx.now.at });
}

/** It isn't seen up any more. */
export function onLeftUp(ctx: StepContext, ip: Ip): void {
  changeEpisode(ctx, ip, { upWall: wallNow(ctx.now.wall) });
}

/** Somebody else holds it: how long it has been down in vain counts from now. */
export function onChangedHands(ctx: StepContext, ip: Ip): void {
  if (addressOf(ctx.state, ip).episode.downSince !== null) changeEpisode(ctx, ip, { downSince: ctx.now.at });
}

/**
 * Time in which this node stood still is no time in which it saw the address down.
 *
 * @param forgets it stood still for so long that nothing is known of the address at all
 */
export function onStoodStill(ctx: StepContext, lateMs: DurationMs, forgets: boolean): void {
  for (const { ip, episode } of Object.values(ctx.state.addresses)) {
    const { downSince } = episode;
    if (downSince === null) continue;
    changeEpisode(ctx, ip, { downSince: forgets ? null : Math.min(ctx.now.at, downSince + lateMs) });
  }
}

/** A candidate that was unfit is fit, or the other way round: the doubling begins anew, though not the first wait. */
export function onFitnessChanged(ctx: StepContext): void {
  for (const { ip, episode } of Object.values(ctx.state.addresses)) {
    const newest = episode.tries[0]?.epoch ?? 0;
    if (newest <= episode.anewEpoch) continue;
    changeEpisode(ctx, ip, { anewEpoch: newest });
    persist(ctx);
    announce(ctx);
  }
}

/** What this node tells of the episode. */
export function episodeRecord(state: State, address: AddressState): EpisodeRecord {
  const { episode } = address;
  return {
    upEpoch: episode.upEpoch,
    ...upByTold(episode),
    anewEpoch: episode.anewEpoch,
    tries: agesOf(episode.tries.slice(0, MAX_TOLD_TRIES), state.now.at),
    answered: hasAnswered(state, address) ? episode.answered : '',
    upWall: upWallNow(state, address),
    told: hasTold(address),
    saw: sawLast(address),
  };
}

/** Whether `episodeRecord` tells something else, but for what passes with time alone. */
export function tellsOtherwise(old: AddressState, now: AddressState): boolean {
  const { episode: before } = old;
  const { episode } = now;
  if (hasTold(old) !== hasTold(now) || sawLast(old) !== sawLast(now)) return true;
  if (before === episode) return false;
  return (
    before.upEpoch !== episode.upEpoch ||
    before.upBy !== episode.upBy ||
    before.anewEpoch !== episode.anewEpoch ||
    before.answered !== episode.answered ||
    before.tries.length !== episode.tries.length ||
    before.tries.some((one, i) => !isSameTry(one, episode.tries[i]))
  );
}

/** Whether this run has told people; what an earlier one told may have been another episode. */
function hasTold({ blockedTold, episode }: AddressState): boolean {
  return blockedTold && episode.toldBefore === null;
}

/** What its last failed probe got; empty: its last probe succeeded. */
function sawLast({ series, verdictReason }: AddressState): string {
  return series.last?.ok === false ? verdictReason.slice(0, MAX_SAW) : '';
}

/**
 * Take in what a peer tells. `known`: what it told before. Of whoever is no candidate only what it sees itself counts: it makes no
 * moves, tells no people, and ends no episode in which this node may be the one that has still to tell them.
 */
export function adoptEpisode(
  ctx: StepContext,
  from: NodeId,
  told: AddressRecord,
  known: AddressRecord | undefined,
): void {
  const record = told.episode;
  const isMover = isCandidate(ctx.state.config, from);
  if (record !== undefined) {
    adoptTries(ctx, from, told.ip, isMover ? record : { ...record, tries: [], anewEpoch: 0 });
    adoptSight(ctx, told.ip, record, isMover);
  }
  if (!isMover) return;
  const seenUpAnew = told.verdict === 'up' && known !== undefined && known.verdict !== 'up';
  if (seenUpAnew) endEpisode(ctx, told.ip);
  if (record?.told === true && known?.episode?.told !== true)
    changeEpisode(ctx, told.ip, { heardTold: from });
}

function adoptTries(ctx: StepContext, from: NodeId, ip: Ip, record: EpisodeRecord): void {
  const { episode, epoch } = addressOf(ctx.state, ip);
  // No move has an epoch that no ballot had.
  const isKnown = record.upEpoch <= epoch;
  const upTo = { upEpoch: Math.min(record.upEpoch, epoch), upBy: isKnown ? (record.upBy ?? null) : null };
  const { upEpoch, upBy } = upSinceBoth(episode, upTo);
  const anewEpoch = Math.max(episode.anewEpoch, Math.min(record.anewEpoch, epoch));
  const told = record.tries
    .filter((one) => one.epoch <= epoch && isCandidate(ctx.state.config, one.node))
    .map((one) => tryAt({ ...one, from: adoptedId(one.from) ?? 'unknown' }, ctx.now.at));
  const tries = withTries({ ...episode, upEpoch, upBy }, told);
  const isUpAnew = upEpoch !== episode.upEpoch || upBy !== episode.upBy;
  if (!isUpAnew && anewEpoch === episode.anewEpoch && tries === episode.tries) return;
  const news = isUpAnew || tries.length !== episode.tries.length;
  changeEpisode(ctx, ip, { upEpoch, upBy, anewEpoch, tries });
  // What a peer tells too often is written down with the next document.
  if (news && mayHurry(ctx, from)) persist(ctx);
}

function adoptSight(
  ctx: StepContext,
  ip: Ip,
  { answered, upWall: told }: EpisodeRecord,
  isMover: boolean,
): void {
  const upWall = adoptedWall(told, ctx.now.wall);
  const address = addressOf(ctx.state, ip);
  const { episode } = address;
  if (upWall > episode.upWall) changeEpisode(ctx, ip, { upWall });
  if (isMover && episode.toldBefore !== null && upWall > episode.toldBefore) endEpisode(ctx, ip);
  const own = probeDigest(addressConfig(ctx.state, ip));
  if (answered !== own || episode.answered === own) return;
  changeEpisode(ctx, ip, { answered: own });
  persist(ctx);
}

/**
 * What a peer's new record says of its fitness, where that is news: `unknown` in between is none.
 *
 * @param isMover it is a candidate, by this node's own configuration
 */
export function definiteFitness(
  record: NodeRecord,
  before: 'fit' | 'unfit' | null,
  isMover: boolean,
): { readonly fit: 'fit' | 'unfit' | null; readonly changed: boolean } {
  if (record.fit === 'unknown') return { fit: before, changed: false };
  const changed = before !== null && before !== record.fit && isMover;
  return { fit: record.fit, changed };
}

/** What of an episode outlives a crash. Ages are lengths of time before the writing. */
export function durableEpisode(state: State, address: AddressState): DurableEpisode {
  const { episode, blockedTold } = address;
  return {
    upEpoch: episode.upEpoch,
    ...upByTold(episode),
    anewEpoch: episode.anewEpoch,
    tries: agesOf(episode.tries, state.now.at),
    answered: episode.answered,
    upWall: upWallNow(state, address),
    toldWall: blockedTold ? (episode.toldBefore ?? wallNow(state.now.wall)) : 0,
  };
}

/** Moves count from the start as if none of the time since the writing had passed, until a peer knows better. */
export function restoredEpisode(known: DurableEpisode | undefined, told: boolean, at: MonotonicMs): Episode {
  if (known === undefined) return { ...NEW_EPISODE, toldBefore: told ? 0 : null };
  const { answered, upWall } = known;
  const [upEpoch, anewEpoch] = [restoredCounter(known.upEpoch), restoredCounter(known.anewEpoch)];
  const written = known.tries.map((one) => tryAt(one, at));
  const { upBy = null } = known;
  const tries = withTries({ ...NEW_EPISODE, upEpoch, upBy }, written);
  const toldBefore = told ? known.toldWall : null;
  return { ...NEW_EPISODE, upEpoch, upBy, anewEpoch, tries, answered, upWall, toldBefore };
}

/** The known moves and more of them, without those that are over; the very list when nothing is new. */
function withTries(episode: Episode, more: readonly Try[]): readonly Try[] {
  const { tries } = episode;
  let all = tries.some((one) => isOver(one, episode)) ? tries.filter((one) => !isOver(one, episode)) : tries;
  for (const one of more) {
    if (isOver(one, episode)) continue;
    const same = all.find((other) => isSameTry(other, one));
    if (same === undefined) all = [...all, one].sort(newestFirst).slice(0, MAX_TRIES);
    else if (one.at < same.at) all = all.map((other) => (other === same ? { ...same, at: one.at } : other));
  }
  return all;
}

function newestFirst(a: Try, b: Try): number {
  return b.epoch - a.epoch || (a.node < b.node ? -1 : 1);
}

function isSameTry(a: Try, b: Try | undefined): boolean {
  return a.epoch === b?.epoch && a.node === b.node;
}

function upByTold({ upBy }: UpSince): Pick<EpisodeRecord, 'upBy'> {
  return upBy === null ? {} : { upBy };
}

/** Replaces parts of an address's episode. */
export function changeEpisode(ctx: StepContext, ip: Ip, parts: Change<Episode>): void {
  changeAddress(ctx, ip, { episode: { ...addressOf(ctx.state, ip).episode, ...parts } });
}

function agesOf(tries: readonly Try[], now: MonotonicMs): readonly ToldTry[] {
  return tries.map(({ node, epoch, from, at }) => ({
    node,
    epoch,
    from,
    ageMs: Math.max(0, Math.floor(now - at)),
  }));
}

function tryAt({ node, epoch, from, ageMs }: ToldTry, now: MonotonicMs): Try {
  return { node, epoch, from, at: now - ageMs };
}

/** Undefined: the address isn't configured any more. */
export function addressConfig(state: State, ip: Ip): AddressConfig | undefined {
  return state.config.addresses.find((one) => one.ip === ip);
}

function upWallNow({ now }: State, { verdict, episode }: AddressState): number {
  return verdict === 'up' ? wallNow(now.wall) : episode.upWall;
}

function wallNow(wall: number): number {
  return Math.max(0, Math.floor(wall));
}
