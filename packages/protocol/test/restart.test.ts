import { describe, expect, test } from 'vitest';
import { PEER, SELF } from './support/fixtures.ts';
import { World } from './support/world.ts';

/** A standby whose peer's HAProxy dies, watched from there on. */
function dyingHolder(crashAfter: number): World {
  const world = new World();
  world.start();
  world.run(15_000);
  world.serving.delete(PEER);
  world.crashAt = world.moments + crashAfter;
  return world;
}

/** How many inputs and effects the whole takeover takes. */
function momentsOfATakeover(): number {
  const world = dyingHolder(Number.POSITIVE_INFINITY);
  const before = world.moments;
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(100);
  return world.moments - before;
}

/** How often it was told that the node took the address. */
function toldOf(world: World): number {
  return world.published.filter(({ first }) => first === 'Instance i-saturn took over 203.0.113.7').length;
}

describe('a crash at any moment of a takeover', () => {
  const moments = momentsOfATakeover();
  const every = Array.from({ length: moments }, (_, i) => i + 1);

  test('the takeover has enough moments for this to mean something', () => {
    expect(moments).toBeGreaterThan(50);
  });

  test.each([0, 700, 15_000])(
    'leaves the address with this node, and told of, %i ms after the restart',
    (downMs) => {
      const toldTwice: number[] = [];
      for (const moment of every) {
        const world = dyingHolder(moment);
        world.runUntil('it crashes', () => !world.isRunning());
        world.run(downMs);
        world.start();
        world.runUntil('the address is held and the outbox empty', isSettled, 40_000);
        world.run(2_000);
        expect(world.cloud.holder?.node, `crash at moment ${moment}`).toBe(SELF);
        expect(world.cloud.taken, `takes after a crash at moment ${moment}`).toBe(1);
        expect(world.published.length, `tellings after a crash at moment ${moment}`).toBe(toldOf(world));
        expect([1, 2], `tellings after a crash at moment ${moment}`).toContain(toldOf(world));
        if (toldOf(world) === 2) toldTwice.push(moment);
      }
      // Only what SNS had accepted, and the disk hadn't been told of yet, is told again.
      expect(toldTwice.length).toBeGreaterThan(0);
      expect(toldTwice.length).toBeLessThan(12);
      expect(Math.min(...toldTwice)).toBeGreaterThan(moments - 15);
    },
  );

  test('once and again at the same moment of the next run ends no differently', () => {
    for (const moment of every) {
      const world = dyingHolder(moment);
      world.runUntil('it crashes', () => !world.isRunning());
      world.start();
      world.crashAt = world.moments + moment;
      world.run(20_000);
      if (!world.isRunning()) world.start();
      world.runUntil('the address is held and the outbox empty', isSettled, 40_000);
      expect(world.cloud.holder?.node, `crashes at moment ${moment}`).toBe(SELF);
      expect(toldOf(world), `tellings after crashes at moment ${moment}`).toBeGreaterThan(0);
    }
  });
});

function isSettled(world: World): boolean {
  if (!world.isRunning() || world.cloud.holder?.node !== SELF || toldOf(world) === 0) return false;
  const document = world.document();
  return document?.addresses[0]?.intent === null && document.outbox.length === 0;
}
