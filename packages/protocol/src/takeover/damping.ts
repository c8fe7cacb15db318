/**
 * What keeps the address from being moved too often, and candidates from starting at once (invariant I15).
 */

import { byText, isCandidate } from '../election/quorum.ts';
import type { AddressState } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import { fitnessOf, heldCount, isSilent } from '../observation/holder.ts';
import { hasServed } from '../observation/served.ts';
import { counted } from '../reporting/wording.ts';

/**
 * How long a new holder that is heard and fit has until the address must serve. An association takes from one to six
 * seconds, in which everybody sees it down: whoever took it then would start that time anew, and another after him.
 */
export const SERVES_WITHIN_MS: DurationMs = 15_000;

/** How many addresses each candidate has still to take. */
type Planned = ReadonlyMap<NodeId, number>;

/** Whether hold-down or the flap budget protect the present holder, until when, and why in words. */
export type Damping =
  | { readonly kind: 'free'; readonly detail: string }
  | {
      readonly kind: 'damped';
      readonly reason: 'held-down' | 'flapping' | 'move-did-not-help' | 'never-answered';
      readonly until: MonotonicMs;
      readonly detail: string;
    };

/**
 * Whether the address may be taken automatically so soon after it changed hands. The last healthy candidate is
 * never damped away: only a holder that is heard and fit is protected, and one that hasn't served only for as long as
 * it may take to.
 */
export function dampingOf(state: State, address: AddressState): Damping {
  const at = state.now.at;
  const { holdDownMs, flap } = state.config;
  const changes = knownChanges(address);
  const recent = changes.filter((changedAt) => at - changedAt < flap.withinMs);
  const flapsUntil = flappingUntil(state, address);
  const newest = changes[0];
  const heldUntil = newest === undefined ? 0 : newest + holdDownMs;
  const servesBy = newest === undefined || hasServed(state, address) ? 0 : newest + SERVES_WITHIN_MS;
  if (heldUntil <= at && flapsUntil <= at && servesBy <= at)
    return { kind: 'free', detail: 'no change of holder lately' };
  const excuse = whyUnprotected(state, address);
  if (excuse !== null) return { kind: 'free', detail: excuse };
  if (!hasServed(state, address)) {
    return servesBy > at
      ? {
          kind: 'damped',
          reason: 'held-down',
          until: servesBy,
          detail: `moved ${at - (newest ?? at)} ms ago, not in service yet`,
        }
      : { kind: 'free', detail: "it hasn't served since the change" };
  }
  if (flapsUntil > at) {
    return {
      kind: 'damped',
      reason: 'flapping',
      until: flapsUntil,
      detail: `${counted(recent.length, 'move')} within ${flap.withinMs} ms`,
    };
  }
  return {
    kind: 'damped',
    reason: 'held-down',
    until: heldUntil,
    detail: `moved ${at - (newest ?? at)} ms ago`,
  };
}

/** Whether the address changed hands so lately that it may not serve yet, whatever a probe that was on its way then has seen. */
export function isComingIntoService(state: State, address: AddressState): boolean {
  const newest = knownChanges(address)[0];
  return newest !== undefined && state.now.at - newest < SERVES_WITHIN_MS;
}

/** How long the hold-down after the last change still lasts, whoever holds the address; 0 when it is over. */
export function holdDownLeftMs(state: State, address: AddressState): DurationMs {
  const newest = knownChanges(address)[0];
  return newest === undefined ? 0 : Math.max(0, newest + state.config.holdDownMs - state.now.at);
}

/** When the flap budget is free again; 0: it isn't spent. */
export function flappingUntil(state: State, address: AddressState): MonotonicMs {
  const { moves, withinMs } = state.config.flap;
  const oldest = knownChanges(address).filter((changedAt) => state.now.at - changedAt < withinMs)[moves - 1];
  return oldest === undefined ? 0 : oldest + withinMs;
}

/** When it changed hands last, as far as this node knows; null: not since it began to look. */
export function newestChange(address: AddressState): MonotonicMs | null {
  return knownChanges(address)[0] ?? null;
}

/** What this run has seen or was told, and what the last one wrote down. */
function knownChanges(address: AddressState): readonly MonotonicMs[] {
  return [...address.changes, ...address.oldChanges].sort((a, b) => b - a);
}

/** Why nothing protects its holder: it isn't heard, isn't fit, or there is none; null: it is heard and fit. */
export function whyUnprotected(state: State, address: AddressState): string | null {
  const node = address.holder.node;
  if (node === null) return 'no node that is heard holds it';
  if (node !== state.config.node.id && isSilent(state, node)) return `its holder ${node} is silent`;
  if (fitnessOf(state, node) === 'unfit') return `its holder ${node} is unfit`;
  return null;
}

/** This node's place among the candidates that are heard, fit and don't hold the address; 0 is the first. */
export function liveRank(state: State, ip: Ip): number {
  const self = state.config.node.id;
  const planned = plannedBefore(state, ip);
  return rivalsFor(state, ip).filter((id) => goesBefore(state, ip, id, self, planned)).length;
}

/** This node's place among all configured candidates but the holder, heard or not. */
export function configuredRank(state: State, ip: Ip): number {
  const self = state.config.node.id;
  const holder = state.addresses[ip]?.holder.node;
  const rivals = state.config.peers.filter((peer) => peer.role === 'candidate' && peer.id !== holder);
  const isBefore = (id: NodeId): boolean => {
    const byHome = compareHomes(state, ip, id, self);
    if (byHome !== 0) return byHome < 0;
    const byPriority = priorityOf(state, self) - priorityOf(state, id);
    return byPriority !== 0 ? byPriority < 0 : byText(id, self) < 0;
  };
  return rivals.filter(({ id }) => isBefore(id)).length;
}

/** The other candidates that are heard, and not known to be unfit or to hold it. */
function rivalsFor(state: State, ip: Ip): readonly NodeId[] {
  const holder = state.addresses[ip]?.holder.node;
  return state.config.peers
    .filter(
      ({ id, role }) =>
        role === 'candidate' && id !== holder && !isSilent(state, id) && fitnessOf(state, id) !== 'unfit',
    )
    .map(({ id }) => id);
}

/** The best-ranked candidate that is heard, fit, not leaving and doesn't hold the address; null: there is none. */
export function bestCandidate(state: State, ip: Ip): NodeId | null {
  return candidatesInOrder(state, ip).find((id) => isAble(state, id)) ?? null;
}

/** All configured candidates but the holder, heard or not: who goes first comes first. */
export function candidatesInOrder(state: State, ip: Ip): readonly NodeId[] {
  const { node: self, peers } = state.config;
  const holder = state.addresses[ip]?.holder.node;
  const ids = peers.filter(({ role }) => role === 'candidate').map(({ id }) => id);
  if (self.role === 'candidate') ids.push(self.id);
  const planned = plannedBefore(state, ip);
  return ids.filter((id) => id !== holder).sort((a, b) => (goesBefore(state, ip, a, b, planned) ? -1 : 1));
}

function isAble(state: State, id: NodeId): boolean {
  if (fitnessOf(state, id) !== 'fit') return false;
  return id === state.config.node.id || state.peers[id]?.record?.leaving === false;
}

/** Live rank is staggered by more than a round trip; a driver without a condition on its call by its settle time. */
export function staggerUntil(state: State, address: AddressState, callTimeoutMs: DurationMs): MonotonicMs {
  const { config } = state;
  const stepMs = config.driver?.style === 'single-call' ? 2 * callTimeoutMs : config.gossip.timeoutMs;
  const rank =
    config.driver?.style === 'single-call' ? configuredRank(state, address.ip) : liveRank(state, address.ip);
  // Counted from when this node could have gone itself, so that what ends for all at once, a pause say, ends in order.
  return (address.openSince ?? state.now.at) + rank * stepMs;
}

/**
 * Who has to take what the same holder has lost besides, of the addresses that are configured before this one. So those that were
 * lost together are shared among all who could have them, by every node alike.
 */
function plannedBefore(state: State, ip: Ip): Planned {
  const { addresses, node, peers } = state.config;
  const planned = new Map<NodeId, number>();
  const lost = state.addresses[ip]?.holder.node;
  for (const { ip: other } of addresses) {
    if (other === ip) break;
    const address = state.addresses[other];
    if (address === undefined || address.holder.node !== lost || address.verdict === 'up') continue;
    const able = [node, ...peers]
      .map(({ id }) => id)
      .filter((id) => isCandidate(state.config, id) && id !== lost && isAble(state, id));
    const best = able.sort((a, b) => (goesBefore(state, other, a, b, planned) ? -1 : 1))[0];
    if (best !== undefined) planned.set(best, (planned.get(best) ?? 0) + 1);
  }
  return planned;
}

function goesBefore(state: State, ip: Ip, a: NodeId, b: NodeId, planned: Planned): boolean {
  const byHome = compareHomes(state, ip, a, b);
  if (byHome !== 0) return byHome < 0;
  const byPriority = priorityOf(state, b) - priorityOf(state, a);
  if (byPriority !== 0) return byPriority < 0;
  const share = (id: NodeId): number => heldCount(state, id) + (planned.get(id) ?? 0);
  const byShare = share(a) - share(b);
  return byShare !== 0 ? byShare < 0 : byText(a, b) < 0;
}

/** An address's home goes before all others. */
function compareHomes({ config }: State, ip: Ip, a: NodeId, b: NodeId): number {
  const home = config.addresses.find((one) => one.ip === ip)?.home ?? null;
  if (home === null || (a !== home && b !== home)) return 0;
  return a === home ? -1 : 1;
}

function priorityOf(state: State, id: NodeId): number {
  if (id === state.config.node.id) return state.config.node.priority;
  const configured = state.config.peers.find((peer) => peer.id === id)?.priority ?? 0;
  return state.peers[id]?.record?.priority ?? configured;
}
