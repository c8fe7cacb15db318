/**
 * What is remembered of an episode of failure, what ends it, and how nodes tell each other (PROTOCOL.md, "Episodes of
 * failure"). What follows from it is in `protection.ts` and `blocked.ts`.
 *
 * Everything here merges: the two epochs only grow, moves are named by their epochs, and of two times of one move the
 * earlier stands. So nodes may tell each other what they were told, in any order and any number of times.
 */

import { digestOf, isCandidate } from '../election/quorum.ts';
import { adoptedId, adoptedWall, restoredCounter } from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import type { AddressConfig } from '../model/config.ts';
import type { AddressState, State } from '../model/state.ts';
import {
  addressOf,
  announce,
  type Change,
  changeAddress,
  persist,
  type Turn,
} from '../model/step-context.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import type { DurableEpisode, MoveIntent } from '../storage/durable.ts';
import type { AddressRecord, EpisodeRecord, NodeRecord } from '../wire/messages.ts';
import {
  type Episode,
  MAX_TOLD_TRIES,
  MAX_TRIES,
  NEW_EPISODE,
  type ToldTry,
  type Try,
} from './episode-state.ts';

/** The most characters of what a failed probe got that are told to peers. */
export const MAX_SAW = 96;

/** Whether anybody has seen it up under this configuration's probe. */
export function hasAnswered(state: State, { ip, episode }: AddressState): boolean {
  return episode.answered === probeDigest(addressConfig(state, ip));
}

/** A digest of what is asked and for how long an answer is waited for; how often is no part of it. */
export function probeDigest(config: AddressConfig | undefined): string {
  return config === undefined ? '-' : digestOf(`${config.expects} within ${config.probe.timeoutMs} ms`);
}

/** A move by this node was accepted. That of an operator's handover is no try. */
export function noteTry(turn: Turn, ip: Ip, { mode, epoch, from }: MoveIntent): void {
  if (mode === 'handover') return;
  const { episode } = addressOf(turn.state, ip);
  const tries = withTries(episode, [{ node: turn.state.config.node.id, epoch, from, at: turn.now.at }]);
  if (tries !== episode.tries) changeEpisode(turn, ip, { tries });
}

/** A probe that started at `startedAt` succeeded, and the verdict is up: what was tried before is over. */
export function onSeenUp(turn: Turn, ip: Ip, startedAt: MonotonicMs): void {
  const { episode, refusals } = addressOf(turn.state, ip);
  const answered = probeDigest(addressConfig(turn.state, ip));
  const news = episode.answered !== answered;
  if (news) changeEpisode(turn, ip, { answered });
  const [newest] = episode.tries;
  const over = newest !== undefined && newest.at <= startedAt;
  if (over) changeEpisode(turn, ip, { upEpoch: Math.max(episode.upEpoch, newest.epoch), tries: [] });
  if (over || news) {
    persist(turn);
    announce(turn);
  }
  if (refusals.length > 0 || episode.downSince !== null || episode.heardTold !== null) endEpisode(turn, ip);
}

/**
 * The address was seen up, here or by a peer: what was told of it is told again when it comes back. Written down, else
 * the next run would take its notification of an earlier episode for one of the present.
 */
export function endEpisode(turn: Turn, ip: Ip): void {
  const { verdict, blockedTold, move } = addressOf(turn.state, ip);
  // A node that still sees it down, or can't finish a move, counts from now: somebody has seen it up.
  const goesOn = verdict === 'down' || (verdict === 'unknown' && move !== null);
  changeEpisode(turn, ip, {
    downSince: goesOn ? turn.now.at : null,
    toldBefore: null,
    heardTold: null,
  });
  changeAddress(turn, ip, { refusals: [], blockedTold: false });
  if (blockedTold) persist(turn);
}

/** The address has been found down; `since` when is kept while it is unknown in between. */
export function onSeenDown(turn: Turn, ip: Ip): void {
  if (addressOf(turn.state, ip).episode.downSince === null)
    changeEpisode(turn, ip, { downSince: turn.now.at });
}

/** It isn't seen up any more. */
export function onLeftUp(turn: Turn, ip: Ip): void {
  changeEpisode(turn, ip, { upWall: wallNow(turn.now.wall) });
}

/** Somebody else holds it: how long it has been down in vain counts from now. */
export function onChangedHands(turn: Turn, ip: Ip): void {
  if (addressOf(turn.state, ip).episode.downSince !== null)
    changeEpisode(turn, ip, { downSince: turn.now.at });
}

/**
 * Time in which this node stood still is no time in which it saw the address down.
 *
 * @param forgets it stood still for so long that nothing is known of the address at all
 */
export function onStoodStill(turn: Turn, lateMs: DurationMs, forgets: boolean): void {
  for (const { ip, episode } of Object.values(turn.state.addresses)) {
    const { downSince } = episode;
    if (downSince === null) continue;
    changeEpisode(turn, ip, { downSince: forgets ? null : Math.min(turn.now.at, downSince + lateMs) });
  }
}

/** A candidate that was unfit is fit, or the other way round: the doubling begins anew, though not the first wait. */
export function onFitnessChanged(turn: Turn): void {
  for (const { ip, episode } of Object.values(turn.state.addresses)) {
    const newest = episode.tries[0]?.epoch ?? 0;
    if (newest <= episode.anewEpoch) continue;
    changeEpisode(turn, ip, { anewEpoch: newest });
    persist(turn);
    announce(turn);
  }
}

/** What this node tells of the episode. */
export function episodeRecord(state: State, address: AddressState): EpisodeRecord {
  const { episode, blockedTold, series } = address;
  return {
    upEpoch: episode.upEpoch,
    anewEpoch: episode.anewEpoch,
    tries: agesOf(episode.tries.slice(0, MAX_TOLD_TRIES), state.now.at),
    answered: hasAnswered(state, address) ? episode.answered : '',
    upWall: upWallNow(state, address),
    // What an earlier run told may have been another episode.
    told: blockedTold && episode.toldBefore === null,
    saw: series.last?.ok === false ? address.verdictReason.slice(0, MAX_SAW) : '',
  };
}

/**
 * Take in what a peer tells. `known`: what it told before. Of whoever is no candidate only what it sees itself counts: it makes no
 * moves, tells no people, and ends no episode in which this node may be the one that has still to tell them.
 */
export function adoptEpisode(
  turn: Turn,
  from: NodeId,
  told: AddressRecord,
  known: AddressRecord | undefined,
): void {
  const record = told.episode;
  const isMover = isCandidate(turn.state.config, from);
  if (record !== undefined) {
    adoptTries(turn, from, told.ip, isMover ? record : { ...record, tries: [], anewEpoch: 0 });
    adoptSight(turn, told.ip, record, isMover);
  }
  if (!isMover) return;
  const seenUpAnew = told.verdict === 'up' && known !== undefined && known.verdict !== 'up';
  if (seenUpAnew) endEpisode(turn, told.ip);
  if (record?.told === true && known?.episode?.told !== true)
    changeEpisode(turn, told.ip, { heardTold: from });
}

function adoptTries(turn: Turn, from: NodeId, ip: Ip, record: EpisodeRecord): void {
  const { episode, epoch } = addressOf(turn.state, ip);
  // No move has an epoch that no ballot had.
  const upEpoch = Math.max(episode.upEpoch, Math.min(record.upEpoch, epoch));
  const anewEpoch = Math.max(episode.anewEpoch, Math.min(record.anewEpoch, epoch));
  const told = record.tries
    .filter((one) => one.epoch <= epoch && isCandidate(turn.state.config, one.node))
    .map((one) => tryAt({ ...one, from: adoptedId(one.from) ?? 'unknown' }, turn.now.at));
  const tries = withTries({ ...episode, upEpoch }, told);
  if (upEpoch === episode.upEpoch && anewEpoch === episode.anewEpoch && tries === episode.tries) return;
  const news = upEpoch > episode.upEpoch || tries.length !== episode.tries.length;
  changeEpisode(turn, ip, { upEpoch, anewEpoch, tries });
  // Passed on with the next heartbeats: everybody else is told by the same peer.
  turn.changed ||= news;
  // What a peer tells too often is written down with the next document.
  if (news && mayHurry(turn, from)) persist(turn);
}

function adoptSight(turn: Turn, ip: Ip, { answered, upWall: told }: EpisodeRecord, isMover: boolean): void {
  const upWall = adoptedWall(told, turn.now.wall);
  const address = addressOf(turn.state, ip);
  const { episode } = address;
  if (upWall > episode.upWall) changeEpisode(turn, ip, { upWall });
  if (isMover && episode.toldBefore !== null && upWall > episode.toldBefore) endEpisode(turn, ip);
  const own = probeDigest(addressConfig(turn.state, ip));
  if (answered !== own || episode.answered === own) return;
  changeEpisode(turn, ip, { answered: own });
  persist(turn);
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

export function durableEpisode(state: State, address: AddressState): DurableEpisode {
  const { episode, blockedTold } = address;
  return {
    upEpoch: episode.upEpoch,
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
  const tries = withTries({ ...NEW_EPISODE, upEpoch }, written);
  const toldBefore = told ? known.toldWall : null;
  return { ...NEW_EPISODE, upEpoch, anewEpoch, tries, answered, upWall, toldBefore };
}

/** The known moves and more of them, without those that are over; the very list when nothing is new. */
function withTries({ tries, upEpoch }: Episode, more: readonly Try[]): readonly Try[] {
  let all = tries.some((one) => one.epoch <= upEpoch) ? tries.filter((one) => one.epoch > upEpoch) : tries;
  for (const one of more) {
    if (one.epoch <= upEpoch) continue;
    const same = all.find(({ epoch }) => epoch === one.epoch);
    if (same === undefined) all = [...all, one].sort((a, b) => b.epoch - a.epoch).slice(0, MAX_TRIES);
    else if (one.at < same.at) all = all.map((other) => (other === same ? { ...same, at: one.at } : other));
  }
  return all;
}

export function changeEpisode(turn: Turn, ip: Ip, parts: Change<Episode>): void {
  changeAddress(turn, ip, { episode: { ...addressOf(turn.state, ip).episode, ...parts } });
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
