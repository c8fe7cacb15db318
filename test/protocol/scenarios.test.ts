import { expect, test } from 'vitest';
import { ADDRESS, settledCluster, type World } from '../../packages/sim/src/world/index.ts';

/** Who took the address, in order, since the world began. */
function moves(world: World): readonly string[] {
  return world
    .cloudEvents()
    .flatMap((event) =>
      event.kind === 'associated' ? [world.nodeOf(event.association.instanceId) ?? '?'] : [],
    );
}

function expectSound(world: World): void {
  expect(world.violation()).toBeNull();
}

test('a killed web server on the holder moves the address once, within the fast path', () => {
  const world = settledCluster();
  const at = world.now();
  world.haproxy('a', 'dead');
  expect(world.runTill(() => world.premises.servedBy(ADDRESS) === 'b', 20_000)).toBe(true);
  expect(world.now() - at).toBeLessThan(3_000);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a standby that is isolated takes nothing', () => {
  const world = settledCluster();
  world.link('a', 'b', { state: 'closed' });
  world.wayOut('b', 'broken');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
});
