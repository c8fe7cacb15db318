import fc from 'fast-check';
import { expect, test } from 'vitest';
import { THROTTLED, UNKNOWN } from './support/cloud.ts';
import { PEER, SELF } from './support/fixtures.ts';
import { World } from './support/world.ts';

/** One thing that goes wrong, or right again. */
type Change =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'stall'; readonly ms: number }
  | { readonly kind: 'serving'; readonly node: string; readonly is: boolean }
  | { readonly kind: 'local'; readonly is: 'ok' | 'failed' }
  | { readonly kind: 'outside'; readonly is: 'ok' | 'timeout' }
  | { readonly kind: 'disk'; readonly is: 'ok' | 'full' }
  | { readonly kind: 'sns'; readonly is: 'ok' | 'failed' }
  | { readonly kind: 'peer'; readonly reachable: boolean }
  | { readonly kind: 'vote'; readonly answer: 'grant' | 'blind' | 'refuse' | 'pending' }
  | { readonly kind: 'fault'; readonly op: 'read' | 'release' | 'take'; readonly applied: boolean }
  | { readonly kind: 'throttle'; readonly op: 'read' | 'release' | 'take' }
  | { readonly kind: 'assign'; readonly node: string | null }
  | { readonly kind: 'restart'; readonly downMs: number };

const op = fc.constantFrom('read', 'release', 'take');
const pass = fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9_000 }) });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: pass },
  fc.record({ kind: fc.constant('stall' as const), ms: fc.integer({ min: 100, max: 9_000 }) }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('serving' as const),
      node: fc.constantFrom(SELF, PEER),
      is: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('local' as const), is: fc.constantFrom('ok', 'failed') }),
  fc.record({ kind: fc.constant('outside' as const), is: fc.constantFrom('ok', 'timeout') }),
  fc.record({ kind: fc.constant('disk' as const), is: fc.constantFrom('ok', 'full') }),
  fc.record({ kind: fc.constant('sns' as const), is: fc.constantFrom('ok', 'failed') }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('peer' as const), reachable: fc.boolean() }) },
  fc.record({
    kind: fc.constant('vote' as const),
    answer: fc.constantFrom('grant', 'blind', 'refuse', 'pending'),
  }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fault' as const), op, applied: fc.boolean() }) },
  fc.record({ kind: fc.constant('throttle' as const), op }),
  fc.record({ kind: fc.constant('assign' as const), node: fc.constantFrom(SELF, PEER, 'mars', null) }),
  fc.record({ kind: fc.constant('restart' as const), downMs: fc.integer({ min: 0, max: 5_000 }) }),
);

const REASONS = { grant: 'down', blind: 'no-way-out', refuse: 'up', pending: 'undecided' } as const;

function apply(world: World, one: Change): void {
  const peer = world.peers[PEER];
  if (peer === undefined) throw new Error(`${PEER} is not in this world`);
  switch (one.kind) {
    case 'pass':
      return world.run(one.ms);
    case 'stall':
      return world.stall(one.ms);
    case 'serving':
      if (one.is) world.serving.add(one.node);
      else world.serving.delete(one.node);
      return;
    case 'local':
      world.local = one.is;
      return;
    case 'outside':
      world.outside = one.is;
      return;
    case 'disk':
      world.disk = one.is;
      return;
    case 'sns':
      world.sns = one.is;
      return;
    case 'peer':
      peer.reachable = one.reachable;
      return;
    case 'vote':
      peer.vote = () => ({ answer: one.answer, reason: REASONS[one.answer] });
      return;
    case 'fault':
      world.cloud.faults.push({ op: one.op, answer: UNKNOWN, applied: one.applied });
      return;
    case 'throttle':
      world.cloud.faults.push({ op: one.op, answer: THROTTLED, applied: false });
      return;
    case 'assign':
      return world.cloud.assign(one.node);
    case 'restart':
      world.crash();
      world.run(one.downMs);
      return world.start();
  }
}

/** The faults stop: this node is well, its peer answers but serves no more. */
function heal(world: World): void {
  world.local = 'ok';
  world.outside = 'ok';
  world.disk = 'ok';
  world.sns = 'ok';
  world.cloud.faults = [];
  world.serving.clear();
  world.serving.add(SELF);
  apply(world, { kind: 'peer', reachable: true });
  apply(world, { kind: 'vote', answer: 'grant' });
}

test('whatever has gone wrong, a node whose faults stop takes the dead address, and tells of what it took', () => {
  let takes = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 10, maxLength: 40, size: 'max' }), (changes) => {
      const world = new World();
      world.start();
      world.run(15_000);
      for (const one of changes) apply(world, one);
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

test('the same inputs give the same transcript', () => {
  const run = (changes: readonly Change[]): string => {
    const world = new World();
    world.start();
    world.transcript.begin();
    for (const one of changes) apply(world, one);
    world.run(20_000);
    return world.transcript.text();
  };
  fc.assert(
    fc.property(fc.array(change, { minLength: 5, maxLength: 20 }), (changes) => {
      expect(run(changes)).toBe(run(changes));
    }),
    { numRuns: 4, seed: 18 },
  );
});
