/**
 * Alive, suspect, dead: plain arithmetic over when a peer was last heard.
 */
import type { PeerConfig } from '../model/config.ts';
import type { Peer } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, NodeId } from '../model/units.ts';
import { neighbourhoodOf } from '../neighbours.ts';
import { isSilent } from '../observation/holder.ts';
import type { PeerState } from '../wire/messages.ts';

/** How often a peer of that role is spoken to, when all take their turns. */
export function contactPeriodMs(state: State, role: PeerConfig['role']): DurationMs {
  const { gossip, peers } = state.config;
  // A neighbour speaks to this node as often as a member does to it, whoever of the two votes.
  if (isNeighbourly(state, role))
    return Math.ceil(neighbourhoodOf(state.config).neighbours.length / gossip.fanout) * gossip.intervalMs;
  const alike = peers.filter((peer) => (peer.role === 'member') === (role === 'member')).length;
  const places = role === 'member' && gossip.fanout > 1 ? 1 : gossip.fanout;
  return Math.ceil(Math.max(1, alike) / places) * gossip.intervalMs;
}

/** Whether a peer of that role is watched as a neighbour: in a large cluster, but for a voter's other voters. */
function isNeighbourly({ config }: State, role: PeerConfig['role']): boolean {
  const areVoters = config.node.role !== 'member' && role !== 'member';
  return !areVoters && neighbourhoodOf(config).isLarge;
}

/** Not heard for this long is suspect: two turns missed and an answer late, or half of `dead`. */
export function suspectAfterMs(state: State, role: PeerConfig['role']): DurationMs {
  const { gossip } = state.config;
  return Math.min(
    deadAfterMs(state, role),
    Math.max(2 * contactPeriodMs(state, role) + gossip.timeoutMs, gossip.deadMs / 2),
  );
}

/** Not heard for this long, and vouched for by nobody, is dead. Members take turns less often, and get longer. */
export function deadAfterMs(state: State, role: PeerConfig['role']): DurationMs {
  const { gossip } = state.config;
  if (role !== 'member' && !isNeighbourly(state, role)) return gossip.deadMs;
  return Math.max(gossip.deadMs, 3 * contactPeriodMs(state, role) + gossip.timeoutMs);
}

/** How long peers of one role may be silent; the same for all of them, and as much work as there are peers. */
export interface SilenceLimits {
  readonly suspectMs: DurationMs;
  readonly deadMs: DurationMs;
}

/** The limits for that role. */
export function silenceLimits(state: State, role: PeerConfig['role']): SilenceLimits {
  return { suspectMs: suspectAfterMs(state, role), deadMs: deadAfterMs(state, role) };
}

/** What a peer is now. `unknown` only until it was first heard, or could have been. */
export function peerStateNow(
  state: State,
  peer: Peer,
  { suspectMs, deadMs }: SilenceLimits,
): { readonly state: PeerState; readonly reason: string } {
  const at = state.now.at;
  const from = Math.max(state.observedFrom, peer.watchedFrom ?? 0);
  if (peer.heardAt === null && at - from < deadMs) return { state: 'unknown', reason: 'not heard yet' };
  const quietMs = at - Math.max(peer.heardAt ?? from, from);
  if (peer.heardAt !== null && quietMs < suspectMs)
    return { state: 'alive', reason: `heard ${quietMs} ms ago` };
  const vouched = peer.vouchedAt !== null && at - peer.vouchedAt < deadMs;
  if (vouched)
    return { state: quietMs < deadMs ? 'alive' : 'suspect', reason: 'not heard here, but by another' };
  if (quietMs < deadMs && peer.rumoured !== 'dead')
    return { state: 'suspect', reason: `not heard for ${quietMs} ms` };
  return { state: 'dead', reason: `not heard for ${quietMs} ms` };
}

/**
 * Whether a ballot goes to that voter on a connection of its own at once: a kept one to a peer that has missed its turns is
 * probably dead, and only on a fresh one does the ballot's failure count.
 */
export function needsNewConnection(state: State, voter: NodeId): boolean {
  return isSilent(state, voter) || state.peers[voter]?.state === 'suspect';
}
