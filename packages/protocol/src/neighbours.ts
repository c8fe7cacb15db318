/**
 * Whom a node watches and speaks to in a large cluster (PROTOCOL.md, "Large clusters").
 *
 * Up to `MANY_NODES` nodes everybody speaks to everybody in turn. Beyond, that would be ever more seldom, and the voters would
 * hear from ever more members. There each node has eight neighbours: the one before it and the one after it in each of four
 * rings. A ring is all nodes in the order of a hash of their ids, so all that have the same list of nodes see the same rings, and to be a neighbour is
 * mutual. A union of a few random rings is an expander with high probability: news crosses it in a number of hops that grows with the logarithm of
 * the nodes (J. Friedman, "A proof of Alon's second eigenvalue conjecture", 2003).
 */

import type { PeerConfig, ProtocolConfig } from './model/config.ts';
import type { NodeId } from './model/units.ts';
import { fnv1a } from './text-hash.ts';

/** Up to so many nodes everybody speaks to everybody. */
export const MANY_NODES = 10;
const RINGS = 4;

/** What follows from the list of nodes. */
export interface Neighbourhood {
  /** Whether there are more nodes than `MANY_NODES`. */
  readonly isLarge: boolean;
  /** Whose silence this node judges itself, in the order of the configuration: all peers, or neighbours, and for a voter the other voters. */
  readonly watched: readonly PeerConfig[];
  readonly watchedIds: ReadonlySet<NodeId>;
  /** The peers in the rings beside this node, in the order of the configuration; empty in a small cluster. */
  readonly neighbours: readonly PeerConfig[];
  /** Two numbers from 0 up to, not including, 1, of this node's own: what all do now and then they don't do at one moment. */
  readonly phases: readonly [number, number];
}

/** It is a function of the configuration alone, and asked for in every step. */
const known = new WeakMap<ProtocolConfig, Neighbourhood>();

/** Whom a node of that configuration watches. */
export function neighbourhoodOf(config: ProtocolConfig): Neighbourhood {
  const before = known.get(config);
  if (before !== undefined) return before;
  const made = workedOut(config);
  known.set(config, made);
  return made;
}

function workedOut({ node, peers }: ProtocolConfig): Neighbourhood {
  if (peers.length < MANY_NODES)
    return {
      isLarge: false,
      watched: peers,
      watchedIds: new Set(peers.map(({ id }) => id)),
      neighbours: [],
      phases: [0, 0],
    };
  const near = new Set<NodeId>();
  for (let ring = 0; ring < RINGS; ring += 1) for (const id of besideIn(ring, node.id, peers)) near.add(id);
  const votes = node.role !== 'member';
  const watched = peers.filter(({ id, role }) => near.has(id) || (votes && role !== 'member'));
  return {
    isLarge: true,
    watched,
    watchedIds: new Set(watched.map(({ id }) => id)),
    neighbours: peers.filter(({ id }) => near.has(id)),
    phases: [placeOf(RINGS, node.id) / PLACES, placeOf(RINGS + 1, node.id) / PLACES],
  };
}

/** The nodes before and after one in a ring; of those with one place the ids decide. */
function besideIn(ring: number, self: NodeId, peers: readonly PeerConfig[]): readonly NodeId[] {
  const own = placeOf(ring, self);
  let after = { id: '', gap: Number.POSITIVE_INFINITY };
  let before = { id: '', gap: Number.POSITIVE_INFINITY };
  for (const { id } of peers) {
    const place = placeOf(ring, id);
    const isFirst = place === own ? id > self : place > own;
    const forward = place - own + (isFirst ? 0 : PLACES);
    const backward = own - place + (isFirst ? PLACES : 0);
    if (forward < after.gap || (forward === after.gap && id < after.id)) after = { id, gap: forward };
    if (backward < before.gap || (backward === before.gap && id > before.id)) before = { id, gap: backward };
  }
  return [after.id, before.id];
}

/** How many places a ring has. */
const PLACES = 2 ** 32;

/** FNV-1a of the id, another one for each ring, with MurmurHash3's finalizer, so that ids which are nearly alike lie far apart. */
function placeOf(ring: number, id: NodeId): number {
  let hash = fnv1a(id, ring);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
