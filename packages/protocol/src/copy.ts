/**
 * Copies of what nearly every step changes, written out field by field.
 *
 * An object spread says the same in a line, and costs up to ten times as much here: V8 (11.3, Node 20) clones by a fast
 * path only where it meets few object layouts, and a chain of clones makes new ones by the dozen, which every reader of a
 * field then has to tell apart. Written out, all copies have one layout. Worst is a literal that begins with a spread and
 * goes on with fields (`{ ...a, b }`) where `a` comes in many layouts: each time it is made, it gets a layout that nothing
 * else has (`node --log-maps` shows which).
 */
import type { AddressState, IdleCalls } from './model/address-state.ts';
import type { CheckSeries, WayOut } from './model/observation-state.ts';
import type { Channel, GossipState, Peer } from './model/peer-state.ts';
import type { State, StorageHealth } from './model/state.ts';

/** A copy that its maker may still change. */
export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** Made once a step, by its context. */
export function copyState(state: State): Draft<State> {
  return {
    phase: state.phase,
    config: state.config,
    session: state.session,
    incarnation: state.incarnation,
    now: state.now,
    startedAt: state.startedAt,
    observedFrom: state.observedFrom,
    due: state.due,
    draws: state.draws,
    nextEffect: state.nextEffect,
    seq: state.seq,
    recordVersion: state.recordVersion,
    peers: state.peers,
    operators: state.operators,
    pendingSends: state.pendingSends,
    gossip: state.gossip,
    local: state.local,
    wayOut: state.wayOut,
    addresses: state.addresses,
    leaving: state.leaving,
    pause: state.pause,
    handovers: state.handovers,
    outbox: state.outbox,
    toldPause: state.toldPause,
    storage: state.storage,
    ready: state.ready,
    serial: state.serial,
    stopSince: state.stopSince,
    duplicateUntil: state.duplicateUntil,
    readsCountFrom: state.readsCountFrom,
  };
}

/** Made whenever a step changes anything of a peer, which each message does. */
export function copyPeer(peer: Peer): Draft<Peer> {
  return {
    id: peer.id,
    record: peer.record,
    recordAt: peer.recordAt,
    recordVersion: peer.recordVersion,
    unfitSince: peer.unfitSince,
    definiteFit: peer.definiteFit,
    acked: peer.acked,
    heardAt: peer.heardAt,
    silence: peer.silence,
    vouchedAt: peer.vouchedAt,
    state: peer.state,
    rttMs: peer.rttMs,
    channel: peer.channel,
    answersDue: peer.answersDue,
    releasesDue: peer.releasesDue,
    priorIncarnation: peer.priorIncarnation,
    provedRollback: peer.provedRollback,
    rumoured: peer.rumoured,
    duplicateUntil: peer.duplicateUntil,
    ordersDue: peer.ordersDue,
    saysDuplicateUntil: peer.saysDuplicateUntil,
    newsSpent: peer.newsSpent,
    newsAt: peer.newsAt,
    usurped: peer.usurped,
    // Recordings of earlier versions don't have them.
    told: peer.told ?? null,
    watchedFrom: peer.watchedFrom ?? 0,
  };
}

/** Made whenever a step changes anything of an address. */
export function copyAddress(address: AddressState): Draft<AddressState> {
  return {
    ip: address.ip,
    series: address.series,
    verdict: address.verdict,
    verdictSince: address.verdictSince,
    verdictReason: address.verdictReason,
    epoch: address.epoch,
    holder: address.holder,
    heldBefore: address.heldBefore,
    changes: address.changes,
    changedTo: address.changedTo,
    homing: address.homing,
    oldChanges: address.oldChanges,
    served: address.served,
    ended: address.ended,
    toldEnded: address.toldEnded,
    inForce: address.inForce,
    doubt: address.doubt,
    distrust: address.distrust,
    lent: address.lent,
    lendFrom: address.lendFrom,
    openBallots: address.openBallots,
    campaign: address.campaign,
    guard: address.guard,
    move: address.move,
    intent: address.intent,
    backoff: address.backoff,
    decision: address.decision,
    openSince: address.openSince,
    refusals: address.refusals,
    blockedTold: address.blockedTold,
    told: address.told,
    episode: address.episode,
    late: address.late,
    replaced: address.replaced,
    formerHolders: address.formerHolders ?? [],
    followedAt: address.followedAt ?? null,
    idle: address.idle,
    arbiter: address.arbiter,
  };
}

/** Made whenever a check starts, ends or is put forward. */
export function copySeries(series: CheckSeries): Draft<CheckSeries> {
  return {
    oks: series.oks,
    fails: series.fails,
    settledFails: series.settledFails,
    inFlight: series.inFlight,
    newestAt: series.newestAt,
    nextAt: series.nextAt,
    usualMs: series.usualMs,
    silent: series.silent,
    everChecked: series.everChecked,
    last: series.last,
    failingSince: series.failingSince,
  };
}

/** Made whenever a message of the other side is admitted or challenged. */
export function copyChannel(channel: Channel): Draft<Channel> {
  return {
    session: channel.session,
    highest: channel.highest,
    window: channel.window,
    latestT: channel.latestT,
    since: channel.since,
    challenged: channel.challenged,
    retired: channel.retired,
  };
}

/** Made whenever an idle read or a dry run starts, ends or is put forward. */
export function copyIdle(idle: IdleCalls): Draft<IdleCalls> {
  return {
    reading: idle.reading,
    readingAt: idle.readingAt,
    overtaken: idle.overtaken,
    nextReadAt: idle.nextReadAt,
    shown: idle.shown,
    displaces: idle.displaces,
    unread: idle.unread,
    permitting: idle.permitting,
    nextPermitAt: idle.nextPermitAt,
    permission: idle.permission,
  };
}

/** Made whenever the external-IP service is asked or answers. */
export function copyWayOut(wayOut: WayOut): Draft<WayOut> {
  return {
    provenAt: wayOut.provenAt,
    provenSince: wayOut.provenSince,
    failedAt: wayOut.failedAt,
    ip: wayOut.ip,
    reason: wayOut.reason,
    asking: wayOut.asking,
    nextAt: wayOut.nextAt,
  };
}

/** Made whenever a write is asked for, done or failed. */
export function copyStorage(storage: StorageHealth): Draft<StorageHealth> {
  return {
    waitingSince: storage.waitingSince,
    latest: storage.latest,
    durable: storage.durable,
    failing: storage.failing,
    retryAt: storage.retryAt,
    found: storage.found,
    foundDetail: storage.foundDetail,
  };
}

/** Made whenever a round of gossip is spoken or a rumour is told. */
export function copyGossip(gossip: GossipState): Draft<GossipState> {
  return {
    nextRoundAt: gossip.nextRoundAt,
    voterCursor: gossip.voterCursor,
    memberCursor: gossip.memberCursor,
    rumours: gossip.rumours,
  };
}
