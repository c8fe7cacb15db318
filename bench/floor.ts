/**
 * How soon the settings allow a failover to be over: the sum of what has to happen, each part at its measured round trip.
 *
 * It begins with the first failed probe or the holder's own word, whichever comes first. Then: the probes still owed (they
 * overlap, `fastInterval` apart from the first one that got no usual answer, and the one that completes the verdict started
 * after the way-out proof and, on the fast path, after the holder's word); the vote; the guard; the read and the two calls of the move; the client's next answer.
 */
import type { Profile, Trial } from './trials.ts';

/** Measured round trips, in milliseconds. */
export interface RoundTrips {
  /** A heartbeat and its answer. */
  readonly peer: number;
  /** A durable write of the state. */
  readonly disk: number;
  /** A question to the external-IP service. */
  readonly guard: number;
  readonly read: number;
  readonly release: number;
  /** From the take's beginning until the cloud has applied it. */
  readonly takeApplied: number;
  /** A client's request that is answered. */
  readonly client: number;
}

/** The least silence that is a sign of trouble (PROTOCOL.md, "Observation"); the address answers at once, as a rule. */
const SIGN_MS = 50;

export interface Floor {
  /** The first failed probe or the holder's own word. */
  readonly beginsAt: number;
  readonly endsAt: number;
}

export function floorOf(trial: Trial, profile: Profile, trips: RoundTrips): Floor {
  const { firstFailure, word } = trial;
  const moments = [firstFailure.taker?.endedAt, firstFailure.loser?.endedAt, word];
  const beginsAt = Math.min(...moments.filter((moment) => moment !== undefined && moment !== null));
  const takerDown = downAt(
    firstFailure.taker,
    beginsAt,
    word === null ? null : word + trips.peer / 2,
    profile,
    trips,
  );
  const agreedAt =
    trial.lastHeardAt === null
      ? votedAt(trial, takerDown, beginsAt, profile, trips)
      : Math.max(takerDown + trips.disk + profile.gossipTimeoutMs, trial.lastHeardAt + profile.deadMs);
  const guardedAt = agreedAt + Math.max(trips.guard, trips.disk);
  return { beginsAt, endsAt: guardedAt + trips.read + trips.release + trips.takeApplied + trips.client };
}

/** The taker's own write, its question, the voter's sight and write, the answer. */
function votedAt(
  trial: Trial,
  takerDown: number,
  beginsAt: number,
  profile: Profile,
  trips: RoundTrips,
): number {
  const loserDown = holderDownAt(trial, beginsAt, profile, trips);
  return Math.max(takerDown + trips.disk + trips.peer / 2, loserDown) + trips.disk + trips.peer / 2;
}

/** When a node can know that the address is down, by its own series of failures or by the holder's word as it hears it. */
function downAt(
  first: Trial['firstFailure']['taker'],
  beginsAt: number,
  wordAt: number | null,
  { fall, fastIntervalMs }: Profile,
  trips: RoundTrips,
): number {
  const tookMs = first?.tookMs ?? 0;
  // Whoever hears of trouble looks at once.
  const failedAt = Math.min(first?.endedAt ?? Number.POSITIVE_INFINITY, beginsAt + trips.peer / 2 + tookMs);
  // The proof is asked for at the first sign: an answer that is out for too long, or a failure.
  const silenceMs = Math.min(tookMs, SIGN_MS);
  const signAt = failedAt - tookMs + silenceMs;
  const provenAt = Math.min(signAt, wordAt ?? signAt) + trips.guard;
  const gapMs = Math.max(fastIntervalMs, silenceMs) + (fall - 2) * fastIntervalMs;
  const bySeries = Math.max(failedAt + (fall < 2 ? 0 : gapMs), provenAt + tookMs);
  const byWord = wordAt === null ? Number.POSITIVE_INFINITY : Math.max(wordAt, provenAt) + tookMs;
  return Math.min(bySeries, byWord);
}

/** The holder completes its own verdict with one failed probe while it is unfit. */
function holderDownAt(
  { firstFailure, word }: Trial,
  beginsAt: number,
  profile: Profile,
  trips: RoundTrips,
): number {
  const bySeries = downAt(firstFailure.loser, beginsAt, null, profile, trips);
  if (word === null) return bySeries;
  const heardAt = beginsAt + trips.peer / 2;
  const oneProbe = heardAt + trips.guard + (firstFailure.loser?.tookMs ?? 0);
  return Math.min(bySeries, Math.max(word, oneProbe));
}
