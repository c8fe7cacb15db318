/** Whether an address must be served, by what is really broken. */
import { expect, test } from 'vitest';
import {
  ADDRESS,
  availabilityOf,
  type ClusterOptions,
  checkRecovery,
  settledCluster,
  type World,
} from '../src/world/index.ts';

const THREE = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
const FIVE = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id }));
const WITNESS = [{ id: 'a' }, { id: 'b' }, { id: 'w', role: 'witness' as const }];
const HOLD = { agreement: { silentPeer: 'hold' as const, leaseMs: 10_000 } };

const cut = (world: World, a: string, b: string): void => world.link(a, b, { state: 'closed' });
const dead = (world: World, ...ids: readonly string[]): void => {
  for (const id of ids) world.haproxy(id, 'dead');
};

const ROWS: readonly (readonly [
  says: string,
  options: ClusterOptions,
  breaks: (world: World) => void,
  expected: string,
])[] = [
  ['a pair in good health', {}, () => undefined, 'a'],
  ['a pair whose holder is gone', {}, (world) => world.vanish('a'), 'b'],
  ['a pair whose holder is stopped', {}, (world) => world.pause('a'), 'b'],
  [
    'a pair whose links are cut',
    {},
    (world) => {
      dead(world, 'a');
      cut(world, 'a', 'b');
    },
    'b',
  ],
  [
    'a pair that holds still when its peer is silent',
    { settings: HOLD },
    (world) => world.vanish('a'),
    "a doesn't run, b can borrow 1 of 2 leases",
  ],
  ['a pair without a web server', {}, (world) => dead(world, 'a', 'b'), 'a is unfit, b is unfit'],
  [
    'a pair whose standby has no way out',
    {},
    (world) => {
      dead(world, 'a');
      world.wayOut('b', 'broken');
    },
    'a is unfit, b has no way out',
  ],
  [
    'a pair whose holder refuses, for its disk fails',
    {},
    (world) => {
      dead(world, 'a');
      world.disk('a').fail('EIO');
    },
    'a is unfit, b can borrow 1 of 2 leases',
  ],
  ['a pair and a witness, the holder gone', { nodes: WITNESS }, (world) => world.vanish('a'), 'b'],
  [
    'a pair and a witness, both others gone',
    { nodes: WITNESS },
    (world) => {
      world.vanish('a');
      world.vanish('w');
    },
    "a doesn't run, b can borrow 1 of 3 leases",
  ],
  [
    'three, one cut off from the holder only',
    { nodes: THREE },
    (world) => {
      dead(world, 'a');
      cut(world, 'a', 'b');
    },
    'b',
  ],
  [
    'three, of which two are blind: the one that sees decides',
    { nodes: THREE },
    (world) => {
      world.wayOut('a', 'broken');
      world.wayOut('c', 'broken');
    },
    'b',
  ],
  [
    'three, of which one is blind and one refuses: nobody would be outvoted',
    { nodes: THREE },
    (world) => {
      world.wayOut('a', 'broken');
      world.disk('c').fail('EIO');
    },
    'a has no way out, b would have 1 against 1, c has a disk that takes no writes',
  ],
  [
    'five, two of them gone',
    { nodes: FIVE },
    (world) => {
      world.vanish('a');
      world.vanish('b');
    },
    'c',
  ],
  [
    'five, three of them gone',
    { nodes: FIVE },
    (world) => {
      world.vanish('a');
      world.vanish('b');
      world.vanish('c');
    },
    "a doesn't run, b doesn't run, c doesn't run, d can borrow 2 of 5 leases, e can borrow 2 of 5 leases",
  ],
  [
    'no external-IP service',
    {},
    (world) => {
      world.outside.ipService = { kind: 'down' };
    },
    'a has no way out, b has no way out',
  ],
  [
    'another address where this one would land',
    { world: { occupied: ['b'] } },
    (world) => dead(world, 'a'),
    'a is unfit, b would throw another address off',
  ],
];

test.each(ROWS)('%s', (_says, options, breaks, expected) => {
  const world = settledCluster(options);
  breaks(world);
  world.runFor(1);
  const availability = availabilityOf(world, ADDRESS);
  expect(availability.kind === 'must-serve' ? availability.by : availability.why).toBe(expected);
});

test('a holder that is heard and fit, and serves nobody, is protected for as long as it was moved lately', () => {
  const world = settledCluster({ world: { autoAddressDelayMs: 1_000 } });
  world.haproxy('a', 'dead');
  expect(world.runTill(() => world.outside.servedBy(ADDRESS) === 'b', 60_000)).toBe(true);
  world.haproxy('a', 'up');
  world.runFor(20_000);
  world.wayOut('b', 'broken');
  const availability = availabilityOf(world, ADDRESS);
  expect(availability).toMatchObject({ kind: 'must-serve', by: 'a' });
  expect(availability.kind === 'must-serve' ? availability.dampedMs : 0).toBeGreaterThan(30_000);
  world.haproxy('b', 'dead');
  expect(availabilityOf(world, ADDRESS)).toMatchObject({ kind: 'must-serve', dampedMs: 0 });
});

test('a holder is heard through the store, and on connections that it keeps, while the other way is cut', () => {
  const dampedMs = (store: boolean, ...ways: readonly (readonly [string, string])[]): number => {
    const world = settledCluster({ world: { autoAddressDelayMs: 1_000 }, settings: { store } });
    world.haproxy('a', 'dead');
    expect(world.runTill(() => world.outside.servedBy(ADDRESS) === 'b', 60_000)).toBe(true);
    world.haproxy('a', 'up');
    world.runFor(20_000);
    world.wayOut('b', 'broken');
    for (const [from, to] of ways) world.oneWay(from, to, { state: 'closed' });
    const availability = availabilityOf(world, ADDRESS);
    return availability.kind === 'must-serve' ? availability.dampedMs : Number.NaN;
  };
  expect(dampedMs(false, ['a', 'b'])).toBeGreaterThan(30_000);
  expect(dampedMs(false, ['b', 'a'])).toBe(0);
  expect(dampedMs(false, ['a', 'b'], ['b', 'a'])).toBe(0);
  expect(dampedMs(true, ['a', 'b'], ['b', 'a'])).toBeGreaterThan(30_000);
});

test('an address that nobody can serve is no violation once every candidate says why and people are told', () => {
  const world = settledCluster();
  world.haproxy('a', 'dead');
  world.haproxy('b', 'dead');
  expect(checkRecovery(world, 'served')).toMatchObject([{ kind: 'rightly-unavailable' }]);
  expect(world.violation()).toBeNull();
});

test('an address that nobody can serve, and of which nobody is told, breaks L1', () => {
  const world = settledCluster();
  world.haproxy('a', 'dead');
  world.haproxy('b', 'dead');
  world.arm({ action: 'sns:Publish', effect: { kind: 'hang' } });
  checkRecovery(world, 'served');
  expect(world.violation()).toMatchObject({
    invariant: 'L1',
    detail: expect.stringContaining('nobody was told'),
  });
});

test('an address that must be served and is not breaks L1', () => {
  const world = settledCluster({ nodes: THREE });
  world.haproxy('a', 'dead');
  // Out of everybody's sight: the ground truth has no word for calls that never work.
  world.arm({ action: 'ec2:*', effect: { kind: 'throttle' } });
  checkRecovery(world, 'served');
  expect(world.violation()?.invariant).toBe('L1');
});

test('a view that stays wrong breaks L3, an outbox that stays full L4', () => {
  const views = settledCluster({ nodes: THREE });
  views.process('c')?.host.close();
  views.runFor(5_000);
  checkRecovery(views, 'converged');
  expect(views.violation()?.invariant).toBe('L3');
  const outbox = settledCluster();
  outbox.arm({ action: 'sns:Publish', effect: { kind: 'hang' } });
  outbox.haproxy('a', 'dead');
  checkRecovery(outbox, 'converged');
  expect(outbox.violation()?.invariant).toBe('L4');
});
