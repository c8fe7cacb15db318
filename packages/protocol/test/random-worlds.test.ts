import fc from 'fast-check';
import { expect, test } from 'vitest';
import { statusOf } from '../src/reporting/status.ts';
import { type Change, changes, play } from './support/changes.ts';
import { SELF, WALL } from './support/fixtures.ts';
import { World } from './support/world.ts';

/** The faults stop: this node is well, its peer answers but serves no more. */
function heal(world: World): void {
  world.local = 'ok';
  world.outside = 'ok';
  world.disk = 'ok';
  world.sns = 'ok';
  world.cloud.faults = [];
  world.serving.clear();
  world.serving.add(SELF);
  play(world, { kind: 'peer', reachable: true });
  play(world, { kind: 'vote', answer: 'grant' });
}

test('whatever has gone wrong, a node whose faults stop takes the dead address, and tells of what it took', () => {
  let takes = 0;
  fc.assert(
    fc.property(fc.array(changes, { minLength: 10, maxLength: 40, size: 'max' }), (list) => {
      const world = new World();
      world.start();
      world.run(15_000);
      for (const one of list) play(world, one);
      heal(world);
      // Detection, a lease that may be out, the longest back-off, a ballot, the guard and three calls; and a hold-down.
      world.run(110_000);
      expect(world.cloud.holder?.node).toBe(SELF);
      expect(world.state().outbox).toEqual([]);
      expect(world.state().addresses['203.0.113.7']?.intent).toBeNull();
      const told = world.published.filter(({ first }) =>
        first.startsWith('Instance i-saturn took over'),
      ).length;
      if (world.cloud.taken > 0) expect(told).toBeGreaterThan(0);
      takes += world.cloud.taken;
    }),
    { numRuns: 20, seed: 17 },
  );
  expect(takes).toBeGreaterThan(12);
});

test('whatever happens, the word on an address fits what is told beside it', () => {
  const met = new Set<string>();
  fc.assert(
    fc.property(fc.array(changes, { minLength: 10, maxLength: 40, size: 'max' }), (list) => {
      const world = new World();
      world.start();
      for (const one of list) {
        play(world, one);
        const status = statusOf(world.state(), { at: world.now, wall: WALL });
        for (const { protection, holder, takeover, verdict } of status.addresses) {
          const { state, next, reasons } = protection;
          met.add(state);
          // Nobody is his own standby.
          if (state === 'protected') expect([next === null, next === holder.node]).toEqual([false, false]);
          else expect(reasons).not.toEqual([]);
          // A move that is under way is never called an outage.
          if (takeover !== null && takeover.phase !== 'campaign') expect(state).toBe('failing-over');
          if (state === 'outage') expect(next).toBeNull();
          if (state === 'protected') expect(verdict).not.toBe('down');
          for (const reason of reasons) expect(reason).toMatch(/^[a-z-]+(: |$)/);
        }
      }
    }),
    { numRuns: 25, seed: 19 },
  );
  expect([...met].sort()).toEqual(['failing-over', 'no-standby', 'outage', 'protected']);
});

test('the same inputs give the same transcript', () => {
  const run = (list: readonly Change[]): string => {
    const world = new World();
    world.start();
    world.transcript.begin();
    for (const one of list) play(world, one);
    world.run(20_000);
    return world.transcript.text();
  };
  fc.assert(
    fc.property(fc.array(changes, { minLength: 5, maxLength: 20 }), (list) => {
      expect(run(list)).toBe(run(list));
    }),
    { numRuns: 4, seed: 18 },
  );
});
