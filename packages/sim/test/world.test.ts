import { expect, test } from 'vitest';
import { runSeed } from '../src/world/index.ts';

/** How many seeds run with every test run; the command line runs as many as anyone wants. */
const SWARM_SEEDS = 10;

test('the same seed gives the same trace, and another seed another', () => {
  const [first, again, other] = [runSeed(7), runSeed(7), runSeed(8)];
  expect(again.hash).toBe(first.hash);
  expect(again.events).toBe(first.events);
  expect(other.hash).not.toBe(first.hash);
}, 60_000);

test('a small swarm is sound, and has seen takeovers, refusals and restarts', () => {
  const seen = new Map<string, number>();
  for (let seed = 1; seed <= SWARM_SEEDS; seed += 1) {
    const result = runSeed(seed);
    expect({ seed, violation: result.violation }).toEqual({ seed, violation: null });
    for (const [what, times] of result.seen) seen.set(what, (seen.get(what) ?? 0) + times);
  }
  const wanted = [
    'concluded: takeover served',
    'ballot-closed: won',
    'ballot-closed: lost',
    'voted: up',
    'voted: down',
  ];
  for (const what of wanted) expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
}, 120_000);
