/** How soon a failover can be over, as the benchmark counts it. */
import { expect, test } from 'vitest';
import { floorOf, type RoundTrips } from '../bench/floor.ts';
import { presetProfile } from '../bench/profiles.ts';
import type { Trial } from '../bench/trials.ts';

const TRIPS: RoundTrips = {
  peer: 2,
  disk: 1,
  guard: 5,
  read: 0,
  release: 0,
  takeApplied: 0,
  settles: 0,
  client: 0,
};

/** Killed: the holder finds itself unfit, and both see refusals. */
const KILLED: Trial = {
  fault: 'killed',
  outage: { beganAt: 0, endedAt: 300 },
  firstFailure: { taker: { endedAt: 110, tookMs: 1 }, loser: { endedAt: 120, tookMs: 1 } },
  word: 100,
  down: { taker: 120, loser: 120 },
  ballotOpenedAt: 120,
  ballotWonAt: 125,
  lastHeardAt: null,
  guardMs: 5,
  stepMs: { read: 0, release: 0, take: 0 },
  read: null,
  diskMs: [1],
  firstCallAt: 130,
};

const endsAt = (trips: Partial<RoundTrips>): number =>
  floorOf(KILLED, presetProfile('quick'), { ...TRIPS, ...trips }).endsAt;

test('a read that is over before the guard costs nothing, and a longer one only its rest', () => {
  expect(endsAt({ read: 5 })).toBe(endsAt({}));
  const longer = endsAt({ read: 200 });
  expect(longer).toBeGreaterThan(endsAt({}));
  expect(longer - endsAt({})).toBeLessThan(200);
  expect(endsAt({ read: 250 }) - longer).toBe(50);
});

test('both calls, and what the association takes, count in full', () => {
  expect(endsAt({ release: 200, takeApplied: 100, settles: 300 }) - endsAt({})).toBe(600);
});

test('a machine that is gone costs one time-out of a heartbeat after the verdict, or its silence', () => {
  const gone: Trial = { ...KILLED, fault: 'vanished', word: null, lastHeardAt: -50 };
  const quick = presetProfile('quick');
  const floor = floorOf(
    { ...gone, firstFailure: { taker: { endedAt: 250, tookMs: 150 }, loser: null } },
    quick,
    TRIPS,
  );
  expect(floor.endsAt).toBeGreaterThanOrEqual(-50 + quick.deadMs);
  expect(floor.endsAt).toBeGreaterThan(250 + (quick.fall - 2) * quick.fastIntervalMs + quick.gossipTimeoutMs);
});
