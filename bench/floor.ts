/**
 * How soon the settings allow a failover to be over: the sum of what has to happen, each part at its measured round trip.
 *
 * It begins with the first failed probe or the holder's own word, whichever comes first. Then: the probes still owed (they
 * overlap, `fastInterval` apart from the first one that got no usual answer, and the one that completes the verdict started
 * after the way-out proof and, on the fast path, after the holder's word); the vote; whatever takes longer of the guard and the rest of the read,
 * which began at the first sign of trouble; the two calls of the move; what the cloud takes until the association works; the client's next answer.
 */
import type { Profile } from './profiles.ts';
import type { Trial } from './trials.ts';

/** Measured round trips, in milliseconds. */
export interface RoundTrips {
  /** A heartbeat and its answer. */
  readonly peer: number;
  /** A durable write of the state. */
  readonly disk: number;
  /** A question to the external-IP service. */
  readonly guard: number;
  /** The whole of a call that reads. */
  readonly read: number;
  readonly release: number;
  /** From the take's beginning until the cloud has applied it. */
  readonly takeApplied: number;
  /** From there until the association works. */
  readonly settles: number;
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
  const beginsAt = knownAt(trial);
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
  const readAt = signAt(firstFailure.taker, beginsAt, trips) + trips.read;
  const { release, takeApplied, settles, client } = trips;
  return { beginsAt, endsAt: Math.max(guardedAt, readAt) + release + takeApplied + settles + client };
}

/** The first failed probe or the holder's own word: from then on somebody knows. */
export function knownAt({ firstFailure, word }: Trial): number {
  const moments = [firstFailure.taker?.endedAt, firstFailure.loser?.endedAt, word];
  return Math.min(...moments.filter((moment) => moment !== undefined && moment !== null));
}

/** When the taker can first have seen that something is wrong: an answer that is out for too long, or a failure. */
export function signAt(
  first: Trial['firstFailure']['taker'],
  beginsAt: number,
  trips: Pick<RoundTrips, 'peer'>,
): number {
  const tookMs = first?.tookMs ?? 0;
  // Whoever hears of trouble looks at once.
  const failedAt = Math.min(first?.endedAt ?? Number.POSITIVE_INFINITY, beginsAt + trips.peer / 2 + tookMs);
  return failedAt - tookMs + Math.min(tookMs, SIGN_MS);
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
  const silenceMs = Math.min(tookMs, SIGN_MS);
  const seenAt = signAt(first, beginsAt, trips);
  const failedAt = seenAt + tookMs - silenceMs;
  // The proof is asked for at the first sign.
  const provenAt = Math.min(seenAt, wordAt ?? seenAt) + trips.guard;
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
