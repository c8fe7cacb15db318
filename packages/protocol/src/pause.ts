/**
 * The cluster-wide pause of automatic moves (invariant I16).
 */

import { isSilent } from './holder.ts';
import type { PauseRecord } from './messages.ts';
import { majorityOf, votersOf } from './quorum.ts';
import type { State } from './state.ts';
import { announce, change, persist, type Turn, tell } from './turn.ts';
import type { NodeId } from './units.ts';

/** The wall clock decides this alone: an expiry is a promise made to people. */
export function isPaused(state: State): boolean {
  const { paused, until } = state.pause;
  return paused && (until === null || state.now.wall < until);
}

/** Take in a pause that is newer than the one known: the greatest version, then the greater id. */
export function adoptPause(turn: Turn, told: PauseRecord): void {
  const known = turn.state.pause;
  if (told.version < known.version || (told.version === known.version && told.by <= known.by)) return;
  setPause(turn, told);
}

export function setPause(turn: Turn, pause: PauseRecord): void {
  change(turn, { pause });
  tell(turn, {
    kind: 'pause',
    paused: pause.paused,
    owner: pause.owner,
    reason: pause.reason,
    version: pause.version,
  });
  persist(turn);
  announce(turn);
}

/** Which voters are known to have stored the present pause. */
export function pauseStoredBy(state: State): readonly NodeId[] {
  const { version, by } = state.pause;
  return votersOf(state.config).filter((voter) => {
    if (voter === state.config.node.id) return state.storage.failing === null;
    const told = state.peers[voter]?.record?.pause;
    return told !== undefined && told.version === version && told.by === by;
  });
}

/** How many must have stored it: a majority, or in a pair whose other is silent the one. */
export function pauseNeeds(state: State): number {
  const voters = votersOf(state.config);
  const others = voters.filter((voter) => voter !== state.config.node.id);
  if (voters.length === 2 && others.every((voter) => isSilent(state, voter))) return 1;
  return majorityOf(voters.length);
}
