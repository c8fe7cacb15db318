/**
 * A node before anything has happened to it, and the empty parts that its state is made of.
 */

import { neighbourhoodOf } from '../neighbours.ts';
import { NEW_EPISODE } from '../takeover/episode-state.ts';
import type { PauseRecord, PeerState } from '../wire/messages.ts';
import type { AddressState, Backoff, Holder, Homing, Told } from './address-state.ts';
import type { ProtocolConfig } from './config.ts';
import type { CheckSeries, WayOut } from './observation-state.ts';
import type { ArbiterLine, Channel, Peer } from './peer-state.ts';
import type { State } from './state.ts';
import type { Ip, NodeId } from './units.ts';

/** Nothing is paused. Version 0, which every order exceeds. */
export const NO_PAUSE: PauseRecord = {
  version: 0,
  by: '',
  paused: false,
  owner: '',
  reason: '',
  until: null,
};

/** People know nothing of the address by this node's word. */
export const NOTHING_TOLD: Told = {
  holds: false,
  outage: false,
  unfit: false,
  alone: false,
  changedSince: null,
};

/** No check has been made; the first is due at once. */
export const NEW_SERIES: CheckSeries = {
  oks: 0,
  fails: 0,
  settledFails: 0,
  inFlight: [],
  newestAt: null,
  nextAt: 0,
  usualMs: 0,
  silent: false,
  everChecked: false,
  last: null,
  failingSince: null,
};

/** No session of the other side is known; its first message will be challenged. */
export const NEW_CHANNEL: Channel = {
  session: null,
  highest: 0,
  window: 0,
  latestT: 0,
  since: 0,
  challenged: null,
  retired: [],
};

/** The external-IP service hasn't been asked. */
export const NEW_WAY_OUT: WayOut = {
  provenAt: null,
  provenSince: null,
  failedAt: null,
  ip: null,
  reason: 'not asked yet',
  asking: null,
  nextAt: 0,
};

/** A node before its first input. */
export function initialState(config: ProtocolConfig): State {
  return {
    phase: 'new',
    config,
    session: '',
    incarnation: 0,
    now: { at: 0, wall: 0 },
    startedAt: 0,
    observedFrom: 0,
    due: 0,
    draws: 1,
    nextEffect: 1,
    seq: 0,
    recordVersion: 1,
    peers: Object.fromEntries(config.peers.map(({ id }) => [id, newPeer(id, stateBefore(config, id))])),
    operators: [],
    pendingSends: [],
    gossip: { nextRoundAt: 0, voterCursor: 0, memberCursor: 0, rumours: [] },
    local: { series: NEW_SERIES, fit: config.local === null ? 'fit' : 'unknown', since: 0 },
    wayOut: { '4': NEW_WAY_OUT, '6': NEW_WAY_OUT },
    addresses: Object.fromEntries(config.addresses.map((address) => [address.ip, newAddress(address.ip)])),
    leaving: [],
    pause: NO_PAUSE,
    handovers: [],
    outbox: [],
    toldPause: null,
    storage: {
      waitingSince: null,
      latest: 0,
      durable: 0,
      failing: null,
      retryAt: 0,
      found: 'empty',
      foundDetail: '',
    },
    ready: { ready: false, problems: ['starting'] },
    serial: 0,
    stopSince: null,
    duplicateUntil: 0,
    readsCountFrom: 0,
  };
}

/** What a peer is before anything is known of it: one that isn't watched is alive until somebody says otherwise. */
export function stateBefore(config: ProtocolConfig, id: NodeId): PeerState {
  return neighbourhoodOf(config).watchedIds.has(id) ? 'unknown' : 'alive';
}

/** A configured peer that hasn't been heard since the start. */
export function newPeer(id: NodeId, state: PeerState = 'unknown'): Peer {
  return {
    id,
    record: null,
    recordAt: 0,
    recordVersion: 0,
    unfitSince: null,
    definiteFit: null,
    acked: 0,
    heardAt: null,
    silence: null,
    vouchedAt: null,
    state,
    rttMs: null,
    channel: NEW_CHANNEL,
    answersDue: [],
    releasesDue: [],
    priorIncarnation: 0,
    provedRollback: false,
    rumoured: null,
    duplicateUntil: 0,
    ordersDue: false,
    saysDuplicateUntil: 0,
    newsSpent: 0,
    newsAt: 0,
    usurped: null,
    told: null,
    watchedFrom: 0,
  };
}

/** Neither the cloud nor a peer has said who holds the address. */
export const UNKNOWN_HOLDER: Holder = {
  kind: 'unknown',
  node: null,
  instanceId: null,
  associationId: null,
  at: 0,
  toldBy: null,
  firsthand: false,
};

/** Nothing is known of the home yet. */
export const NO_HOMING: Homing = { ableSince: null, ordered: null, failures: 0, restsUntil: 0 };

/** A configured address of which nothing has been observed, read or agreed. */
export function newAddress(ip: Ip): AddressState {
  return {
    ip,
    series: NEW_SERIES,
    verdict: 'unknown',
    verdictSince: 0,
    verdictReason: 'not probed yet',
    epoch: 0,
    holder: UNKNOWN_HOLDER,
    heldBefore: [],
    changes: [],
    changedTo: [],
    homing: NO_HOMING,
    oldChanges: [],
    served: false,
    ended: [],
    toldEnded: [],
    inForce: null,
    doubt: null,
    distrust: {},
    lent: null,
    lendFrom: 0,
    openBallots: {},
    campaign: null,
    guard: null,
    move: null,
    intent: null,
    backoff: NO_BACKOFF,
    decision: { outcome: 'wait', reason: 'starting', detail: '', since: 0 },
    openSince: null,
    refusals: [],
    blockedTold: false,
    told: NOTHING_TOLD,
    episode: NEW_EPISODE,
    late: null,
    replaced: null,
    formerHolders: [],
    followedAt: null,
    idle: {
      reading: null,
      readingAt: 0,
      overtaken: null,
      nextReadAt: 0,
      shown: null,
      displaces: null,
      unread: null,
      permitting: null,
      nextPermitAt: 0,
      permission: { kind: 'unproven' },
    },
    arbiter: NEW_ARBITER_LINE,
  };
}

/** Nothing of the arbiter has been read. */
export const NEW_ARBITER_LINE: ArbiterLine = {
  seen: null,
  unsure: false,
  call: null,
  asked: null,
  giveBack: null,
  failures: 0,
  failure: null,
  restsUntil: 0,
  lookAt: 0,
  mayFound: true,
  problem: null,
};

/** Nothing is waited for; its reason is never shown. */
export const NO_BACKOFF: Backoff = {
  until: 0,
  delayMs: 0,
  reason: 'backing-off',
  detail: '',
  forLease: false,
};
