/** What the benchmark of decisions takes for others' time, so that the rest is the agent's own. */
import { expect, test } from 'vitest';
import { othersMs, type Trips } from '../bench/others.ts';
import type { Trial } from '../bench/trials.ts';

const TRIPS: Trips = { peer: 2, disk: 1, call: 204 };

/** The taker sees it down by one refusal at 120, and its ballot and guard take 9 ms of others. */
const TRIAL: Trial = {
  fault: 'killed',
  outage: { beganAt: 0, endedAt: 700 },
  firstFailure: { taker: { endedAt: 118, tookMs: 1 }, loser: { endedAt: 115, tookMs: 1 } },
  word: 115,
  down: { taker: 120, loser: 115 },
  ballotOpenedAt: 120,
  ballotWonAt: 124,
  lastHeardAt: null,
  guardMs: 5,
  stepMs: { read: 0, release: 204, take: 204 },
  read: null,
  diskMs: [1],
  firstCallAt: 330,
};

const read = (arrivedAt: number, earlierAt: number | null = null): Trial => ({
  ...TRIAL,
  read: { arrivedAt, answeredAt: arrivedAt + 200, earlierAt },
});

test('a read that is over before the guard leaves the ballot and the guard', () => {
  expect(othersMs(TRIAL, TRIPS)).toBe(9);
  expect(othersMs(read(-200), TRIPS)).toBe(9);
});

test('one that was on its way before the first sign is over when the cloud answers it', () => {
  expect(othersMs(read(50), TRIPS)).toBe(250 - 120);
});

test('one that the agent begins late is its own loss', () => {
  const inTime = othersMs(read(118), TRIPS);
  expect(inTime).toBeGreaterThan(190);
  for (const lateMs of [20, 200, 2_000]) expect(othersMs(read(118 + lateMs), TRIPS)).toBeLessThan(inTime + 5);
});

test('one that the read before holds back is late for as long as that, and no longer', () => {
  const heldBackMs = othersMs(read(160, 140 - 5_000), TRIPS) - othersMs(read(160), TRIPS);
  expect(heldBackMs).toBeGreaterThan(10);
  expect(othersMs(read(5_000, 140 - 5_000), TRIPS)).toBe(140 + TRIPS.call - 120);
});
