/**
 * The end of a history: everything is healed, and the world goes on along one line until it has recovered.
 */
import type { Ip } from '@failtome/protocol';
import { boundMs } from '../world/liveness.ts';
import { ASSOCIATION_SETTLE_MS, AUTO_ADDRESS_MS, addressesOf, type Bounds, configsOf } from './bounds.ts';
import type { SimNode } from './explored-data.ts';
import { hasBallot } from './explored-node.ts';
import {
  type Global,
  holderIndex,
  isBlind,
  isGone,
  type Planned,
  servedBy,
  withWayOut,
} from './explored-world.ts';

/** The bound of PROTOCOL.md, "How long a failover takes", with what the cloud takes besides. */
export function recoversWithinMs(bounds: Bounds): number {
  const configs = configsOf(bounds);
  const candidates = configs.filter(({ node }) => node.role === 'candidate');
  const [first] = candidates;
  if (first === undefined) return 0;
  return boundMs(first, candidates.length) + ASSOCIATION_SETTLE_MS + AUTO_ADDRESS_MS;
}

/** Links, ways out and processes are back; what the reason broke stays broken, unless nobody could serve. */
export function healed(at: Global): Global {
  const stays = ({ kind }: Planned): boolean => kind === 'reason' || kind === 'server-up';
  let g: Global = { ...at, closed: [], planned: at.planned.filter(stays), faultsLeft: 0 };
  for (const { index } of g.nodes) if (isBlind(g, index)) g = withWayOut(g, index, 'open');
  const anyServes = g.nodes.some(
    ({ index, config }) => config.node.role === 'candidate' && g.servers[index] === 'up' && !isGone(g, index),
  );
  if (anyServes) return g;
  return { ...g, servers: g.servers.map((one, index) => (isGone(g, index) ? one : 'up')) };
}

/** Every address is in service with a node that all know of, nothing is under way, and everything is told. */
export function isWell(g: Global, bounds: Bounds): boolean {
  return addressesOf(bounds.addresses).every((ip) => isServedInPeace(g, ip));
}

function isServedInPeace(g: Global, ip: Ip): boolean {
  const holder = holderIndex(g, ip);
  if (holder === null || servedBy(g, ip) !== holder) return false;
  if (g.calls.some(({ purpose }) => purpose === 'move')) return false;
  const name = g.nodes[holder]?.id;
  return g.nodes.every(({ life, core, index }) => {
    if (life.kind !== 'up') return isGone(g, index);
    const address = core.state.addresses[ip];
    if (address?.verdict !== 'up' || address.holder.node !== name) return false;
    return address.move === null && address.campaign === null && core.state.outbox.length === 0;
  });
}

/**
 * Nothing is left that could happen but heartbeats and checks: no fault, nothing planned, broken, late or held back, every
 * node alive and known to be, and all well.
 */
export function isAtPeace(g: Global, bounds: Bounds): boolean {
  if (g.faultsLeft > 0 || g.planned.length + g.closed.length + g.calls.length > 0) return false;
  if (g.wire.some(({ duplicated, message }) => duplicated || hasBallot(message)) || !isWell(g, bounds))
    return false;
  return g.nodes.every((node) => isGone(g, node.index) || isUntroubled(g, node));
}

function isUntroubled(g: Global, { index, core, disk }: SimNode): boolean {
  const { peers, storage, addresses } = core.state;
  if (isBlind(g, index) || core.held.length > 0 || disk.writing !== null || storage.failing !== null)
    return false;
  const known = g.nodes.every(
    (other) =>
      other.index === index || peers[other.id]?.state === (isGone(g, other.index) ? 'dead' : 'alive'),
  );
  return known && Object.values(addresses).every(({ intent, late }) => intent === null && late === null);
}

/** What stands in the way, for people. */
export function whyUnwell(g: Global, bounds: Bounds): string {
  return addressesOf(bounds.addresses)
    .map((ip) => {
      const holder = g.nodes[holderIndex(g, ip) ?? -1]?.id ?? 'nobody';
      const views = g.nodes.map(({ id, life, core }) => {
        const address = core.state.addresses[ip];
        if (life.kind !== 'up' || address === undefined) return `${id} is ${life.kind}`;
        const { verdict, decision, holder: believed } = address;
        return `${id} sees it ${verdict}, held by ${believed.node ?? believed.kind}: ${decision.reason} (${decision.detail})`;
      });
      return [`${ip} is with ${holder}`, ...views].join('; ');
    })
    .join('; ');
}
