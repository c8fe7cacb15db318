/**
 * How often the relay looks into the store and writes there. All of it follows from `gossip`, so that what comes through the
 * store comes in time for those who count silence.
 */
import type { DurationMs, ProtocolConfig } from '@failtome/protocol';

/** The settings that it follows from. */
export type RelayGossip = Pick<ProtocolConfig['gossip'], 'intervalMs' | 'deadMs'>;

/** Never more often than this, whatever the settings say: five times a second. */
export const LEAST_PACE_MS: DurationMs = 200;

/** For so long the relay is as quick as it may be after a ballot or an answer to one. */
export const HURRY_MS: DurationMs = 3_000;

/** A peer of which nothing has come through the store for so long is written to seldom. */
export const SLOW_AFTER_MS: DurationMs = 60_000;

/** So seldom. Reading goes on as before, so that it is answered at once when it is back. */
export const SLOW_WRITE_MS: DurationMs = 10_000;

/** From one proof that the store works to the next, while nothing is relayed. */
export const PROOF_EVERY_MS: DurationMs = 600_000;

/** The same while it doesn't. */
export const PROOF_AGAIN_MS: DurationMs = 60_000;

/** So many paces pass before who isn't heard is silent. */
const PACES_IN_DEAD = 6;

/** The longest rest after calls that failed, in paces: rests double up to it. */
const MOST_PACES = 8;

/** The times of a relay, all in milliseconds. */
export interface RelayPace {
  /** From one write to the next, and from one read to the next. */
  readonly paceMs: DurationMs;
  /** The same while a ballot is open. */
  readonly hurriedMs: DurationMs;
  /** So long after the first request that wasn't answered directly, the path has failed, where one has come to nothing. */
  readonly failedAfterMs: DurationMs;
  /** What is older isn't written any more: it wouldn't count. */
  readonly staleAfterMs: DurationMs;
  /** The longest that one call may take. */
  readonly callTimeoutMs: DurationMs;
  /** The longest rest after calls that failed. */
  readonly mostRestMs: DurationMs;
}

/** The times that these settings mean. */
export function relayPace({ deadMs }: RelayGossip): RelayPace {
  const paceMs = Math.max(LEAST_PACE_MS, Math.round(deadMs / PACES_IN_DEAD));
  return {
    paceMs,
    hurriedMs: Math.max(LEAST_PACE_MS, Math.round(paceMs / 2)),
    failedAfterMs: Math.round(deadMs / 4),
    staleAfterMs: 2 * deadMs,
    callTimeoutMs: Math.max(500, Math.round(deadMs / 2)),
    mostRestMs: MOST_PACES * paceMs,
  };
}

/** The most writes an hour of one node, by what it does. */
export interface RelayCost {
  /** While every direct path works. */
  readonly atRest: number;
  /** To one peer that can be reached through the store alone, without a ballot. */
  readonly cutOff: number;
  /** To one peer of which nothing comes through the store either. */
  readonly unanswered: number;
}

const HOUR_MS: DurationMs = 3_600_000;

/** What the relay costs, in writes an hour. Each write goes with a read; a node that is cut off reads as often as it may write. */
export function relayCost(gossip: RelayGossip): RelayCost {
  return {
    atRest: Math.ceil(HOUR_MS / PROOF_EVERY_MS),
    cutOff: Math.ceil(HOUR_MS / relayPace(gossip).paceMs),
    unanswered: Math.ceil(HOUR_MS / SLOW_WRITE_MS),
  };
}
