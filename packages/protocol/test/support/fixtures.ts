/** States and messages as the tests of single rules need them: everything fine, but for what a test changes. */

import type { AddressState, Campaign, VoterAnswer } from '../../src/model/address-state.ts';
import { type PeerConfig, type ProtocolConfig, TOPIC } from '../../src/model/config.ts';
import { initialState, newAddress } from '../../src/model/initial.ts';
import type { CheckSeries } from '../../src/model/observation-state.ts';
import type { Peer } from '../../src/model/peer-state.ts';
import type { State } from '../../src/model/state.ts';
import type { NodeId } from '../../src/model/units.ts';
import type { MoveIntent } from '../../src/storage/durable.ts';
import { probeDigest } from '../../src/takeover/episode.ts';
import type { Episode } from '../../src/takeover/episode-state.ts';
import type {
  AddressRecord,
  Ballot,
  BallotAnswer,
  Envelope,
  HandoverRecord,
  NodeRecord,
} from '../../src/wire/messages.ts';

export const IP = '203.0.113.7';
/** The present, on the monotonic clock. */
export const AT = 1_000_000;
/** The present, on the wall clock: 2026-01-02T03:04:05Z. */
export const WALL = 1_767_323_045_000;
export const SELF = 'saturn';
export const PEER = 'neptune';

export const EXPECTS = 'GET http://www.example.org/ on port 80 answers 200-399';
export const CHECK = { intervalMs: 1_000, fastIntervalMs: 500, timeoutMs: 1_000, fall: 3, rise: 2 } as const;
export const LOCAL = { intervalMs: 1_000, fastIntervalMs: 200, timeoutMs: 1_000, fall: 2, rise: 2 } as const;

/** The configuration of `saturn`, one candidate of a pair, with every default. */
export const PAIR: ProtocolConfig = {
  cluster: 'web',
  orders: 'any',
  node: { id: SELF, role: 'candidate', priority: 100, instanceId: 'i-saturn', version: '1.0.0' },
  peers: [candidate(PEER)],
  addresses: [{ ip: IP, probe: CHECK, expects: EXPECTS }],
  local: LOCAL,
  gossip: { intervalMs: 500, timeoutMs: 400, deadMs: 3_000, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 10_000 },
  guard: { timeoutMs: 3_000 },
  driver: { style: 'fenced', swap: true, displace: 'refuse' },
  notify: { receivers: [TOPIC], blockedAfterMs: 60_000 },
  holdDownMs: 60_000,
  flap: { moves: 4, withinMs: 600_000 },
};

export function candidate(id: NodeId, priority = 100): PeerConfig {
  return { id, role: 'candidate', priority };
}

/** `saturn` and these peers, all of them candidates unless said otherwise. */
export function clusterOf(...peers: readonly (NodeId | PeerConfig)[]): ProtocolConfig {
  return { ...PAIR, peers: peers.map((peer) => (typeof peer === 'string' ? candidate(peer) : peer)) };
}

/** A node that has been running for long; every peer is heard and fit, and of the address only that it has answered. */
export function stateOf(config: ProtocolConfig = PAIR, parts: Partial<State> = {}): State {
  const empty = initialState(config);
  const peers = config.peers.map((peer) => [peer.id, heardPeer(empty, peer.id)] as const);
  const addresses = config.addresses.map((one) => {
    const address = empty.addresses[one.ip] ?? newAddress(one.ip);
    return [one.ip, { ...address, episode: { ...address.episode, answered: probeDigest(one) } }] as const;
  });
  return {
    ...empty,
    addresses: Object.fromEntries(addresses),
    phase: 'running',
    session: 'saturn-0001',
    incarnation: 1,
    now: { at: AT, wall: WALL },
    peers: Object.fromEntries(peers),
    local: { ...empty.local, fit: 'fit' },
    due: AT + 100,
    ...parts,
  };
}

export function heardPeer(state: State, id: NodeId, parts: Partial<Peer> = {}): Peer {
  const peer = state.peers[id];
  if (peer === undefined) throw new Error(`${id} is not configured`);
  const record = recordOf(id);
  return {
    ...peer,
    heardAt: AT - 100,
    state: 'alive',
    record,
    recordAt: AT - 100,
    recordVersion: 1,
    ...parts,
  };
}

/** The state with parts of one peer replaced. */
export function withPeer(state: State, id: NodeId, parts: Partial<Peer>): State {
  const peer = state.peers[id];
  if (peer === undefined) throw new Error(`${id} is not configured`);
  return { ...state, peers: { ...state.peers, [id]: { ...peer, ...parts } } };
}

/** A peer that hasn't been heard for longer than `gossip.dead`. */
export function silenced(state: State, id: NodeId): State {
  return withPeer(state, id, { heardAt: state.now.at - state.config.gossip.deadMs - 1, state: 'dead' });
}

/** The state with parts of the address replaced. */
export function withAddress(state: State, parts: Partial<AddressState>): State {
  return { ...state, addresses: { ...state.addresses, [IP]: { ...addressIn(state), ...parts } } };
}

/** The state with parts of what is known of the episode of failure replaced. */
export function withEpisode(state: State, parts: Partial<Episode>): State {
  return withAddress(state, { episode: { ...addressIn(state).episode, ...parts } });
}

export function addressIn(state: State): AddressState {
  const address = state.addresses[IP];
  if (address === undefined) throw new Error(`${IP} is not configured`);
  return address;
}

export function heldBy(state: State, node: NodeId | null): State {
  const instanceId = node === null ? null : `i-${node}`;
  const kind = node === null ? 'none' : 'node';
  return withAddress(state, {
    holder: { kind, node, instanceId, associationId: 'eipassoc-1', at: 0, toldBy: null, firsthand: true },
  });
}

/** A series whose last check ended a moment ago. */
export function seriesOf(ok: boolean, parts: Partial<CheckSeries> = {}): CheckSeries {
  return {
    oks: ok ? 5 : 0,
    fails: ok ? 0 : 3,
    settledFails: parts.fails ?? (ok ? 0 : 3),
    inFlight: [],
    newestAt: AT - 500,
    nextAt: AT + 500,
    usualMs: 0,
    silent: false,
    everChecked: true,
    last: { ok, startedAt: AT - 300, endedAt: AT - 200, reason: ok ? 'ok' : 'refused' },
    failingSince: ok ? null : AT - 2_000,
    ...parts,
  };
}

export function seenDown(state: State): State {
  return withAddress(proven(state), {
    series: seriesOf(false),
    verdict: 'down',
    verdictSince: AT - 200,
    verdictReason: 'refused',
  });
}

export function seenUp(state: State): State {
  return withAddress(state, { series: seriesOf(true), verdict: 'up', verdictSince: AT - 60_000 });
}

/** The state with a way-out proof that came a while ago and was renewed since. */
export function proven(state: State): State {
  const proof = { provenAt: AT - 1_000, provenSince: AT - 4_000, ip: '198.51.100.1', reason: 'seen' };
  return { ...state, wayOut: { ...state.wayOut, '4': { ...state.wayOut['4'], ...proof } } };
}

/** The state in which the last question to the outside wasn't answered. */
export function cutOff(state: State): State {
  const failed = { provenAt: null, provenSince: null, failedAt: AT - 100, reason: 'timeout' };
  return { ...state, wayOut: { ...state.wayOut, '4': { ...state.wayOut['4'], ...failed } } };
}

export function recordOf(id: NodeId, parts: Partial<NodeRecord> = {}): NodeRecord {
  return {
    id,
    incarnation: 1,
    role: 'candidate',
    priority: 100,
    instanceId: `i-${id}`,
    fit: 'fit',
    leaving: false,
    ready: true,
    electorate: '',
    version: '1.0.0',
    addresses: [],
    pause: { version: 0, by: '', paused: false, owner: '', reason: '', until: null },
    handovers: [],
    ...parts,
  };
}

export function addressRecordOf(parts: Partial<AddressRecord> = {}): AddressRecord {
  return {
    ip: IP,
    verdict: 'up',
    trouble: false,
    epoch: 0,
    holder: null,
    changes: [],
    ended: [],
    served: true,
    ...parts,
  };
}

/** The intent of a takeover whose calls are still to come. */
export function intentOf(parts: Partial<MoveIntent> = {}): MoveIntent {
  return {
    epoch: 1,
    mode: 'takeover',
    handoverId: null,
    from: PEER,
    associationId: null,
    stage: 'accepted',
    startedWall: WALL,
    reason: '',
    agreed: '',
    steps: [],
    requestIds: [],
    ...parts,
  };
}

export function ballotOf(electorate: string, parts: Partial<Ballot> = {}): Ballot {
  return {
    address: IP,
    epoch: 5,
    candidate: PEER,
    mode: 'takeover',
    electorate,
    ask: 0,
    fit: true,
    ...parts,
  };
}

export function campaignOf(
  answers: Readonly<Record<NodeId, VoterAnswer>>,
  parts: Partial<Campaign> = {},
): Campaign {
  return {
    epoch: 5,
    mode: 'takeover',
    handoverId: null,
    openedAt: AT - 500,
    asks: [AT - 500],
    answers,
    unreachable: [],
    won: null,
    ...parts,
  };
}

export function voterAnswer(
  answer: BallotAnswer['answer'],
  reason: BallotAnswer['reason'],
  leaseUntil = AT + 9_900,
): VoterAnswer {
  return { answer, reason, leaseUntil, retryMs: 0 };
}

export function handoverOf(parts: Partial<HandoverRecord> = {}): HandoverRecord {
  return {
    id: 'saturn-1-1',
    address: IP,
    to: SELF,
    by: 'operator',
    reason: 'maintenance',
    state: 'open',
    detail: '',
    ttlMs: 120_000,
    ...parts,
  };
}

export function envelopeOf(parts: Partial<Envelope> = {}): Envelope {
  return {
    v: 1,
    cluster: 'web',
    from: PEER,
    session: 'neptune-001',
    seq: 1,
    to: SELF,
    t: 1_000,
    echo: null,
    re: null,
    payload: { version: 1, ack: 0 },
    ...parts,
  };
}
