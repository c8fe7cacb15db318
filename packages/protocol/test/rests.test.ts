/** What has failed while nobody serves the address comes again soon, then less soon, and not at one moment on all nodes. */
import { describe, expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import { jittered } from '../src/move/calls.ts';
import { newContext } from '../src/step-context.ts';
import { type Fault, THROTTLED, UNKNOWN } from './support/cloud.ts';
import { AT, PAIR, PEER, stateOf, WALL } from './support/fixtures.ts';
import { standby } from './support/standby.ts';
import type { World } from './support/world.ts';

/** Many rests of up to so long, each of a node with a seed of its own. */
function rests(longestMs: number): readonly number[] {
  return Array.from({ length: 2_000 }, (_, seed) => {
    const state: State = { ...stateOf(PAIR), draws: Math.imul(seed + 1, 0x9e3779b1) };
    return jittered(newContext(state, { at: AT, wall: WALL }), longestMs);
  });
}

describe.each([200, 400, 4_000])('a rest of up to %i ms', (longestMs) => {
  const all = rests(longestMs);

  test('is never at once, and never longer', () => {
    expect(Math.min(...all)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...all)).toBeLessThan(longestMs);
  });

  test('is spread over the whole of it', () => {
    const mean = all.reduce((sum, ms) => sum + ms, 0) / all.length;
    expect(Math.abs(mean - (50 + longestMs) / 2)).toBeLessThan(0.05 * longestMs);
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
      const least = 50 + share * (longestMs - 50);
      expect(all.some((ms) => Math.abs(ms - least) < 0.05 * longestMs)).toBe(true);
    }
  });
});

/** How long each call of a kind rested after the answer before it. */
function restsOf(world: World, call: string): readonly number[] {
  const lines = world.transcript.text().split('\n');
  const at = (line: string): number => Number(line.trim().split(' ')[0]);
  return lines.flatMap((line, index) => {
    if (!line.endsWith(`> ${call}`)) return [];
    const failed = lines.slice(0, index).findLast((before) => /< (refused: Req|unknown)/.test(before));
    return failed === undefined ? [] : [at(line) - at(failed)];
  });
}

function failing(faults: readonly Fault[]): World {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [...faults];
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  return world;
}

test.each(['release', 'take'] as const)(
  'three throttles of the %s cost less than a second and a half',
  (op) => {
    const world = failing([1, 2, 3].map(() => ({ op, answer: THROTTLED, applied: false })));
    const waited = restsOf(world, op === 'take' ? 'take' : 'release eipassoc-1');
    expect(waited).toHaveLength(3);
    for (const [index, ms] of waited.entries()) {
      expect(ms).toBeGreaterThanOrEqual(50);
      expect(ms).toBeLessThanOrEqual(200 * 2 ** index);
    }
  },
);

test('a take that the cloud refuses for a while is asked for again after a read, ten seconds apart at most', () => {
  const world = standby();
  world.serving.delete(PEER);
  const refused = {
    kind: 'refused',
    throttled: false,
    code: 'UnauthorizedOperation',
    message: 'no',
  } as const;
  world.cloud.faults = Array.from({ length: 500 }, () => ({ op: 'take', answer: refused, applied: false }));
  world.run(120_000);
  const takes = world.transcript
    .text()
    .split('\n')
    .filter((line) => line.endsWith('> take'))
    .map((line) => Number(line.trim().split(' ')[0]));
  const gaps = takes.slice(1).map((at, index) => at - (takes[index] ?? 0));
  expect(gaps.slice(0, 3).reduce((sum, ms) => sum + ms, 0)).toBeLessThan(2_500);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000 + 300);
  // Polite: on average half of the longest rest, and so some twenty in two minutes.
  expect(takes.length).toBeLessThan(60);
});

test('a restart that cannot read what became of its last move asks again soon', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('it is released', ({ cloud }) => cloud.holder === null);
  world.crash();
  world.cloud.faults = [1, 2, 3].map(() => ({ op: 'read', answer: THROTTLED, applied: false }));
  world.start();
  const startedAt = world.now;
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  expect(world.now - startedAt).toBeLessThan(2_500);
});

test('takes that are not answered are each settled by one read, and made again soon', () => {
  const world = failing([1, 2, 3].map(() => ({ op: 'take', answer: UNKNOWN, applied: false })));
  const takes = world.transcript.text().match(/> take/g) ?? [];
  expect(takes).toHaveLength(4);
  for (const [index, ms] of restsOf(world, 'take').entries())
    expect(ms - 100).toBeLessThanOrEqual(index === 0 ? 0 : 200 * 2 ** (index - 1));
});
