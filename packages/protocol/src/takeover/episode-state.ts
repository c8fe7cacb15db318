/**
 * What is kept of an episode of failure: from the last time that anybody saw the address up, until it is seen up again
 * (PROTOCOL.md, "Episodes of failure"). A part of an address's state (`state.ts`).
 */
import type { DurationMs, Epoch, MonotonicMs, NodeId, WallMs } from '../model/units.ts';

/**
 * An automatic move that the cloud accepted, named by its epoch and its taker: where a silent peer doesn't count, both candidates
 * of a pair may win one epoch, each by the other's silence.
 */
export interface Try {
  readonly node: NodeId;
  readonly epoch: Epoch;
  /** Whom it was taken from: a node's id, an instance id, `nobody` or `unknown`. */
  readonly from: string;
  /** When, as this node knows: a message or a restart makes it look later than it was, never earlier. */
  readonly at: MonotonicMs;
}

/** The moves that were followed by the address being seen up: they are over. */
export interface UpSince {
  /** Those of lower epochs are. Only grows. */
  readonly upEpoch: Epoch;
  /** Whose of that very epoch is; null: each. */
  readonly upBy: NodeId | null;
}

/** What this node knows of the present episode, from its own probes, from the cloud and from peers. */
export interface Episode extends UpSince {
  /** A candidate's fitness has changed since the moves up to this epoch: the doubling begins anew. Only grows. */
  readonly anewEpoch: Epoch;
  /** Moves that didn't help, newest first, at most `MAX_TRIES`. */
  readonly tries: readonly Try[];
  /** The digest of the probe under which somebody has seen the address up; empty: nobody has. */
  readonly answered: string;
  /** When anybody last saw it up, for people; 0: not known. While this node sees it up, that is now. */
  readonly upWall: WallMs;
  /** Since when it has not been seen up, found down, and in the same hands; null: it hasn't been found down. */
  readonly downSince: MonotonicMs | null;
  /** When an earlier run told people that it is blocked; null: this run did, or nobody. */
  readonly toldBefore: WallMs | null;
  /** A peer that has told people in this episode. */
  readonly heardTold: NodeId | null;
}

/** Nobody has seen the address up, and it wasn't moved. */
export const NEW_EPISODE: Episode = {
  upEpoch: 0,
  upBy: null,
  anewEpoch: 0,
  tries: [],
  answered: '',
  upWall: 0,
  downSince: null,
  toldBefore: null,
  heardTold: null,
};

/** The most moves of one episode that are remembered: one for each of the most voters, and one more. */
export const MAX_TRIES = 8;
/** The newest of them that are told to peers, so that the largest cluster's record fits into a message. */
export const MAX_TOLD_TRIES = 4;

/** After one move that didn't help, a holder that is heard and fit is left alone for this long; after each further one twice as long. */
export const FIRST_WAIT_MS: DurationMs = 2 * 60_000;
/** The longest that it is left alone. */
export const LONGEST_WAIT_MS: DurationMs = 4 * 60 * 60_000;
/** A move as it is told and written down. */
export interface ToldTry extends Omit<Try, 'at'> {
  /** How long before the telling or the writing. */
  readonly ageMs: DurationMs;
}

/** No candidate is tried twice within this, and no more moves than there are candidates happen within it. */
export const ROUND_MS: DurationMs = 60 * 60_000;

/** Whether that move is over. */
export function isOver({ node, epoch }: Pick<Try, 'node' | 'epoch'>, { upEpoch, upBy }: UpSince): boolean {
  return epoch < upEpoch || (epoch === upEpoch && (upBy === null || upBy === node));
}

/** Both are over: the moves of the one and of the other. */
export function upSinceBoth(a: UpSince, b: UpSince): UpSince {
  if (a.upEpoch !== b.upEpoch) return a.upEpoch > b.upEpoch ? a : b;
  return a.upBy === b.upBy ? a : { upEpoch: a.upEpoch, upBy: null };
}
