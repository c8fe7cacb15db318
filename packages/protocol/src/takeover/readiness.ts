/**
 * Whether a node could take an address over now, if it went down: the word that people read under READY.
 *
 * `idle-reads.ts` knows what this node has proven in quiet times. Here comes to it what would stand in the way just now, a pause
 * or a lease that isn't free, and what is known of the peers.
 */

import type { AddressState } from '../model/address-state.ts';
import type { Role } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { NodeId } from '../model/units.ts';
import { heldCount, isSilent } from '../observation/holder.ts';
import { readinessProblems } from '../observation/idle-reads.ts';
import { isPaused } from '../orders/pause.ts';

/**
 * `ready`: nothing would stand in the way. `not-ready`: something would. `holder`: it holds every address, so there is
 * none to take. `witness`, `member`: it never takes one. `dead`, `unknown`: nobody can say.
 */
export type ReadinessWord = 'ready' | 'not-ready' | 'holder' | 'witness' | 'member' | 'dead' | 'unknown';

/** Whether a node could take over now, for status, preflight and the page. */
export interface ReadinessView {
  readonly word: ReadinessWord;
  /** What would stand in the way, each beginning with a reason code; empty unless `not-ready`. */
  readonly because: readonly string[];
}

/** Of this node. */
export function ownReadiness(state: State): ReadinessView {
  const { id, role } = state.config.node;
  if (role !== 'candidate') return { word: role, because: [] };
  if (state.phase === 'stopping' || state.phase === 'stopped') return notReady('stopping');
  if (holdsAll(state, id)) return { word: 'holder', because: [] };
  const because = [
    ...pauseProblems(state),
    ...readinessProblems(state),
    ...Object.values(state.addresses).flatMap((address) => momentaryProblems(state, address)),
  ];
  return because.length === 0 ? { word: 'ready', because } : { word: 'not-ready', because };
}

/** Of a peer, by what it last said and by what is known of it. */
export function peerReadiness(state: State, id: NodeId, role: Role): ReadinessView {
  const peer = state.peers[id];
  if (peer?.state === 'dead') return { word: 'dead', because: [] };
  if (role !== 'candidate') return { word: role, because: [] };
  const record = peer?.record ?? null;
  if (record === null || isSilent(state, id)) return { word: 'unknown', because: [] };
  if (record.leaving) return notReady('stopping');
  if (holdsAll(state, id)) return { word: 'holder', because: [] };
  const because = [
    ...pauseProblems(state),
    ...(record.fit === 'fit' ? [] : [`local-${record.fit}`]),
    // It says which part of its preflight doesn't hold, but not over the wire.
    ...(record.ready || record.fit !== 'fit' ? [] : [`preflight: ${id} itself shows what is missing`]),
  ];
  return because.length === 0 ? { word: 'ready', because } : { word: 'not-ready', because };
}

function notReady(why: string): ReadinessView {
  return { word: 'not-ready', because: [why] };
}

function holdsAll(state: State, id: NodeId): boolean {
  const count = Object.keys(state.addresses).length;
  return count > 0 && heldCount(state, id) === count;
}

function pauseProblems(state: State): readonly string[] {
  return isPaused(state) ? [`paused: by ${state.pause.owner}`] : [];
}

/** What passes by itself, and yet would stand in the way at this moment. */
function momentaryProblems(
  state: State,
  { ip, holder, lent, lendFrom, series }: AddressState,
): readonly string[] {
  const { id } = state.config.node;
  const at = state.now.at;
  if (holder.node === id) return [];
  if (series.last === null) return [`starting: ${ip}: not probed yet`];
  if (lendFrom > at)
    return [
      `lease-unknown: ${ip}: what this node lent before its start may last another ${Math.ceil(lendFrom - at)} ms`,
    ];
  return lent !== null && lent.candidate !== id && lent.expiresAt > at
    ? [
        `lent: ${ip}: this node's own lease is with ${lent.candidate} for another ${Math.ceil(lent.expiresAt - at)} ms`,
      ]
    : [];
}
