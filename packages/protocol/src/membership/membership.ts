/**
 * What nodes say of themselves and of each other: records, rumours, incarnations.
 */

import { isCandidate } from '../election/quorum.ts';
import type { PeerConfig } from '../model/config.ts';
import { NO_BACKOFF } from '../model/initial.ts';
import { MAX_RUMOURS } from '../model/limits.ts';
import type { Peer } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, NodeId } from '../model/units.ts';
import { neighbourhoodOf } from '../neighbours.ts';
import { briefSilenceMs, holderUnfitSince, quietMs, recogniseHolders } from '../observation/holder.ts';
import { lookNow } from '../observation/watching.ts';
import { adoptHandover } from '../orders/handover.ts';
import { adoptPause } from '../orders/pause.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  changeGossip,
  changePeer,
  draw,
  emitFact,
  persist,
  type StepContext,
  speakTo,
} from '../step-context.ts';
import { adoptEpisode, definiteFitness, onFitnessChanged } from '../takeover/episode.ts';
import { MOST_AT_ONCE } from '../wire/freshness.ts';
import type { AddressRecord, NodeRecord, Payload, PeerState, Rumour } from '../wire/messages.ts';
import { adoptEpoch, ignorePart, isFollowedNow, isPlausible } from './bounded.ts';
import { mayHurry } from './budget.ts';
import { peerStateNow, type SilenceLimits, silenceLimits, suspectAfterMs } from './detector.ts';
import { observeTold } from './hearsay.ts';
import { hasForgottenLease } from './rolled-back.ts';

/** The most rumours that wait to be told. */
const MAX_QUEUED_RUMOURS = 64;

/** Take in a peer's record. */
export function adoptRecord(ctx: StepContext, peer: Peer, record: NodeRecord, version: number): void {
  if (record.id !== peer.id) return;
  const before = peer.record;
  const sameLife = before !== null && before.incarnation === record.incarnation;
  const unfitSince =
    record.fit !== 'unfit' ? null : sameLife && peer.unfitSince !== null ? peer.unfitSince : ctx.now.at;
  const isMover = isCandidate(ctx.state.config, peer.id);
  const { fit, changed: fitnessChanged } = definiteFitness(record, peer.definiteFit, isMover);
  changePeer(ctx, peer.id, {
    record,
    priorIncarnation: hasForgottenLease(before, record)
      ? Math.max(peer.priorIncarnation, record.incarnation)
      : peer.priorIncarnation,
    definiteFit: fit,
    recordAt: ctx.now.at,
    recordVersion: version,
    unfitSince,
    rumoured: null,
  });
  if ((peer.told ?? null) !== null)
    spread(ctx, { id: peer.id, incarnation: record.incarnation, state: 'alive' });
  if (before?.instanceId !== record.instanceId) recogniseHolders(ctx);
  if (fitnessChanged) onFitnessChanged(ctx);
  adoptOrders(ctx, peer.id, record);
  for (const told of record.addresses) {
    if (ctx.state.addresses[told.ip] === undefined) continue;
    observeTold(ctx, peer.id, told);
    const known = before?.addresses.find((one) => one.ip === told.ip);
    adoptEpoch(ctx, peer.id, told.ip, told.epoch);
    hearEvidence(ctx, peer.id, told, known, unfitSince !== null && peer.unfitSince === null);
    adoptEpisode(ctx, peer.id, told, known);
  }
}

/** What the bounds had no room for, of a record that the peer doesn't send again: with each of its messages some more. */
export function adoptWhatIsLeft(ctx: StepContext, peer: Peer, record: NodeRecord): void {
  if (peer.ordersDue) adoptOrders(ctx, peer.id, record);
  for (const { ip, epoch } of record.addresses) {
    const known = ctx.state.addresses[ip];
    if (known !== undefined && epoch > known.epoch && isFollowedNow(ctx.state, ip, peer.id))
      adoptEpoch(ctx, peer.id, ip, epoch);
  }
}

/** What operators have ordered, as a peer tells it. What is beyond the peer's budget is taken in with its next messages. */
function adoptOrders(ctx: StepContext, from: NodeId, { pause, handovers }: NodeRecord): void {
  const ageMs = ctx.now.at - (ctx.state.peers[from]?.recordAt ?? ctx.now.at);
  const taken = [
    adoptPause(ctx, from, pause),
    ...handovers.map((one) =>
      adoptHandover(ctx, from, { ...one, ttlMs: Math.max(0, Math.floor(one.ttlMs - ageMs)) }),
    ),
  ];
  changePeer(ctx, from, { ordersDue: taken.includes(false) });
}

/**
 * What a peer's own answer says of the records' versions. Numbers that were forged in its name would have its records
 * passed over, and this node's never sent to it.
 *
 * @param sinceMs since the request went out
 */
export function putVersionsRight(
  ctx: StepContext,
  peer: Peer,
  { version, ack }: Pick<Payload, 'version' | 'ack'>,
  sinceMs: DurationMs,
): void {
  if (peer.recordVersion > version + MOST_AT_ONCE + sinceMs) changePeer(ctx, peer.id, { recordVersion: 0 });
  if (ack < peer.acked) changePeer(ctx, peer.id, { acked: ack });
}

/** New trouble makes this node look at once; new sight of a dead address makes it ask again at once. */
function hearEvidence(
  ctx: StepContext,
  from: NodeId,
  told: AddressRecord,
  known: AddressRecord | undefined,
  newlyUnfit: boolean,
): void {
  const address = addressOf(ctx.state, told.ip);
  if (
    told.verdict === 'down' &&
    known?.verdict !== 'down' &&
    address.backoff.reason === 'ballot-lost' &&
    !address.backoff.forLease &&
    mayHurry(ctx, from)
  ) {
    changeAddress(ctx, told.ip, { backoff: NO_BACKOFF });
  }
  const holderNewlyUnfit = newlyUnfit && holderUnfitSince(ctx.state, addressOf(ctx.state, told.ip)) !== null;
  const news = (told.trouble && known?.trouble !== true) || holderNewlyUnfit;
  if (news && mayHurry(ctx, from)) lookNow(ctx, told.ip);
}

/** The peer has begun a new session: what was said in the old one is kept, but not its versions. */
export function onNewSession(ctx: StepContext, peer: Peer): void {
  changePeer(ctx, peer.id, {
    recordVersion: 0,
    acked: 0,
    unfitSince: null,
    priorIncarnation: Math.max(peer.priorIncarnation, peer.record?.incarnation ?? 0),
  });
}

/** Takes in what a peer says of third nodes, and refutes what it says of this one. */
export function onRumours(ctx: StepContext, from: NodeId, rumours: readonly Rumour[]): void {
  for (const rumour of rumours) {
    if (rumour.id === ctx.state.config.node.id) refute(ctx, from, rumour);
    else hearRumour(ctx, from, rumour);
  }
}

/** Somebody wants a second opinion: vouch for those that were heard lately. */
export function onAsked(ctx: StepContext, ids: readonly NodeId[]): void {
  for (const id of ids) {
    const peer = ctx.state.peers[id];
    if (peer === undefined || peer.heardAt === null) continue;
    if (ctx.now.at - peer.heardAt < suspectAfterMs(ctx.state, roleOf(ctx.state, id)))
      queueRumour(ctx, rumourOf(peer, 'alive'), 1);
  }
}

/** Peers about which this node would like to hear from others. */
export function suspects(state: State): readonly NodeId[] {
  const ids: NodeId[] = [];
  for (const { id } of neighbourhoodOf(state.config).watched) {
    if (state.peers[id]?.state !== 'suspect') continue;
    ids.push(id);
    if (ids.length === MAX_RUMOURS) break;
  }
  return ids;
}

/** Look at every peer's silence, and tell what has changed. */
export function detect(ctx: StepContext): void {
  // Worked out once, and only where somebody is quiet: it is as much work as there are peers.
  const known: { member?: SilenceLimits; voter?: SilenceLimits } = {};
  const limitsOf = (role: PeerConfig['role']): SilenceLimits => {
    const kind = role === 'member' ? role : 'voter';
    known[kind] ??= silenceLimits(ctx.state, role);
    return known[kind];
  };
  for (const { id, role } of neighbourhoodOf(ctx.state.config).watched) {
    const peer = ctx.state.peers[id];
    if (peer === undefined || isHeardLately(ctx.state, peer)) continue;
    const now = peerStateNow(ctx.state, peer, limitsOf(role));
    if (now.state !== peer.state) setPeerState(ctx, peer, now.state, now.reason);
  }
}

/** Alive, and heard within half of `dead`, in which nobody becomes suspect (`detector.ts`): nearly every peer, nearly always. */
export function isHeardLately(state: State, peer: Peer): boolean {
  if (peer.state !== 'alive' || peer.heardAt === null) return false;
  return quietMs(state, peer.heardAt) < briefSilenceMs(state);
}

/** Whoever is heard is alive. */
export function findAlive(ctx: StepContext, peer: Peer): void {
  if (peer.state !== 'alive' && isWatched(ctx.state, peer.id)) setPeerState(ctx, peer, 'alive', 'heard');
}

/** Take what may go into one message from the queue of rumours. */
export function takeRumours(ctx: StepContext): readonly Rumour[] {
  const { gossip } = ctx.state;
  if (gossip.rumours.length === 0) return [];
  const told = gossip.rumours.slice(0, MAX_RUMOURS);
  const left = told.map((one) => ({ ...one, left: one.left - 1 })).filter((one) => one.left > 0);
  changeGossip(ctx, { rumours: [...gossip.rumours.slice(MAX_RUMOURS), ...left] });
  return told.map((one) => one.rumour);
}

function setPeerState(ctx: StepContext, peer: Peer, state: PeerState, reason: string): void {
  changePeer(ctx, peer.id, { state });
  emitFact(ctx, { kind: 'peer', peer: peer.id, from: peer.state, to: state, reason });
  if (state === 'unknown' || (state === 'alive' && peer.state === 'unknown')) return;
  if (neighbourhoodOf(ctx.state.config).isLarge) spread(ctx, rumourOf(peer, state));
  else queueRumour(ctx, rumourOf(peer, state), spreads(ctx.state));
}

function rumourOf(peer: Peer, state: Rumour['state']): Rumour {
  return { id: peer.id, incarnation: incarnationOf(peer), state };
}

/** How often a rumour is told: enough, with high probability, to reach everybody. */
function spreads(state: State): number {
  return 3 * Math.ceil(Math.log2(state.config.peers.length + 2));
}

function queueRumour(ctx: StepContext, rumour: Rumour, left: number): void {
  const { gossip } = ctx.state;
  const others = gossip.rumours.filter((one) => one.rumour.id !== rumour.id);
  changeGossip(ctx, { rumours: [{ rumour, left }, ...others].slice(0, MAX_QUEUED_RUMOURS) });
}

/** This node is called suspect or dead: a higher incarnation says that it isn't. */
function refute(ctx: StepContext, from: NodeId, rumour: Rumour): void {
  if (rumour.state === 'alive' || rumour.incarnation < ctx.state.incarnation) return;
  if (!isPlausible(ctx.state.incarnation, rumour.incarnation)) return ignorePart(ctx, from);
  if (!mayHurry(ctx, from)) return;
  change(ctx, { incarnation: rumour.incarnation + 1 });
  persist(ctx);
  announce(ctx);
  const { config, incarnation } = ctx.state;
  if (neighbourhoodOf(config).isLarge)
    queueRumour(ctx, { id: config.node.id, incarnation, state: 'alive' }, spreads(ctx.state));
}

function hearRumour(ctx: StepContext, from: NodeId, rumour: Rumour): void {
  const peer = ctx.state.peers[rumour.id];
  if (peer === undefined) return;
  if (neighbourhoodOf(ctx.state.config).isLarge) {
    if (!isPlausible(incarnationOf(peer), rumour.incarnation)) return ignorePart(ctx, from);
    spread(ctx, rumour);
    if (!isWatched(ctx.state, peer.id)) return believe(ctx, peer, rumour);
  }
  const known = peer.record?.incarnation ?? 0;
  if (rumour.incarnation < known) return;
  const at = ctx.now.at;
  if (rumour.state === 'alive') changePeer(ctx, peer.id, { vouchedAt: at, rumoured: null });
  else {
    const news = peer.rumoured !== rumour.state;
    changePeer(ctx, peer.id, { rumoured: rumour.state });
    if (peer.state === 'alive' && news && mayHurry(ctx, from)) speakTo(ctx, peer.id);
  }
}

/** In a large cluster: pass it on, if it is news here. */
function spread(ctx: StepContext, { id, incarnation, state }: Rumour): void {
  const told = ctx.state.peers[id]?.told ?? null;
  const isNews =
    told === null
      ? state !== 'alive'
      : incarnation === told.incarnation
        ? RANK[state] > RANK[told.state]
        : incarnation > told.incarnation;
  if (!isNews) return;
  changePeer(ctx, id, { told: { incarnation, state } });
  queueRumour(ctx, { id, incarnation, state }, spreads(ctx.state));
}

/** Of one incarnation the worse counts (SWIM, section 4.2): who is alive raises it. */
const RANK: Readonly<Record<Rumour['state'], number>> = { alive: 0, suspect: 1, dead: 2 };

/** Of a peer that this node doesn't watch it knows what is told. */
function believe(ctx: StepContext, peer: Peer, { state: told }: Rumour): void {
  const state = ctx.state.peers[peer.id]?.told?.state ?? told;
  if (state === peer.state) return;
  changePeer(ctx, peer.id, { state });
  emitFact(ctx, { kind: 'peer', peer: peer.id, from: peer.state, to: state, reason: 'others say so' });
}

/** In a large cluster: once a round a rumour is told again, in case that somebody has missed it. */
export function repeatRumour(ctx: StepContext): void {
  const { config, gossip, peers } = ctx.state;
  if (!neighbourhoodOf(config).isLarge || gossip.rumours.length >= MAX_RUMOURS) return;
  const told = config.peers.filter(({ id }) => (peers[id]?.told ?? null) !== null);
  const id = told[Math.floor(draw(ctx) * told.length)]?.id ?? '';
  const again = peers[id]?.told ?? null;
  if (again !== null) queueRumour(ctx, { id, ...again }, 1);
}

/** The highest incarnation of a peer that is known here. */
function incarnationOf({ record, told }: Peer): number {
  return Math.max(record?.incarnation ?? 0, told?.incarnation ?? 0);
}

function isWatched({ config }: State, id: NodeId): boolean {
  return neighbourhoodOf(config).watchedIds.has(id);
}

function roleOf(state: State, id: NodeId): 'candidate' | 'witness' | 'member' {
  return state.config.peers.find((peer) => peer.id === id)?.role ?? 'member';
}
