import { expect, test } from 'vitest';
import type { MoveIntent } from '../src/durable.ts';
import { THROTTLED, UNKNOWN } from './support/cloud.ts';
import { PEER, SELF } from './support/fixtures.ts';
import type { FakePeer } from './support/peers.ts';
import { World } from './support/world.ts';

/** A pair that has run for half a minute: neptune holds the address and serves, saturn stands by. */
function standby(): World {
  const world = new World();
  world.start();
  world.run(30_000);
  world.transcript.begin();
  return world;
}

function peerOf(world: World): FakePeer {
  const peer = world.peers[PEER];
  if (peer === undefined) throw new Error(`${PEER} is not in this world`);
  return peer;
}

const opened = (epoch: number) => (world: World) =>
  world.facts.some((fact) => fact.kind === 'ballot-opened' && fact.epoch === epoch);
const closed = (result: 'won' | 'lost') => (world: World) =>
  world.facts.some((fact) => fact.kind === 'ballot-closed' && fact.result === result);
const concluded = (world: World) =>
  world.facts.some((fact) => fact.kind === 'concluded' && fact.entry.kind === 'takeover');

/** The transcript from the first line with `text` in it. */
function from({ transcript }: World, text: string): string {
  const whole = transcript.text();
  return whole.slice(whole.lastIndexOf('\n', whole.indexOf(text)) + 1);
}

/** The transcript from the moment the guard has passed: what comes before is the same in every takeover. */
function afterGuard(world: World): string {
  return from(world, '* guard passed');
}

test('the fast path: the holder says that it is unfit, and one failed probe is enough', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.peers[PEER]?.say({ fit: 'unfit' });
  world.speak(PEER);
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(1_000);
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "     0 > ask the external IP
        20 < probe: ok
        30 < external IP: 198.51.100.1
        50 < probe: refused
        50 * verdict up → down: refused: nobody listens
        50 * campaign: address-down
        50 * ballot opened: takeover, epoch 1
        50 > write: epoch 1, lent to saturn
        52 > ballot to neptune: takeover, epoch 1, ask 0
        56 * neptune: grant (down)
        56 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
        56 * guard: agreed
        56 > write: epoch 1, lent to saturn, intent planned
        56 > ask the external IP
        58 * wait: guard-asked
        86 < external IP: 198.51.100.1
        86 * guard passed
        86 * move: guard-passed
        86 > read
       186 < read: i-neptune
       186 > release eipassoc-1
       286 < released
       286 * held by nobody, by taken
       286 * wait: call-in-flight
       286 > write: epoch 1, lent to saturn, intent released
       286 > take
       386 < taken
       386 * held by saturn, by taken
       386 * verify: moved
       386 > write: epoch 1, lent to saturn, intent accepted
       406 < probe: ok
       406 * concluded: takeover served (refused: nobody listens)
       406 * hold: is-holder
       406 > write: epoch 1, lent to nobody, 1 to publish
       406 > lease back to neptune: epoch 1
       408 > publish: HAProxy failover notification
       454 > lease back to neptune: epoch 1
       458 < publication accepted
       458 * notification accepted
       458 > write: epoch 1, lent to nobody
       906 < probe: ok
       906 * verdict down → up: it answers
       906 > lease back to neptune: epoch 1
      1406 < probe: ok"
  `);
});

test('a ballot is lost to a voter that sees the address up, and is held again a second later', () => {
  const world = standby();
  world.serving.delete(PEER);
  const peer = peerOf(world);
  peer.vote = () => ({ answer: 'refuse', reason: 'up' });
  world.runUntil('the ballot is lost', closed('lost'));
  peer.vote = () => ({ answer: 'grant', reason: 'down' });
  world.runUntil('the next one is won', closed('won'));
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "    20 < probe: ok
      1020 < probe: refused
      1020 > ask the external IP
      1050 < external IP: 198.51.100.1
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 > write: epoch 1, lent to saturn
      2022 > ballot to neptune: takeover, epoch 1, ask 0
      2026 * neptune: refuse (up)
      2026 * ballot lost: 1 of 2 leases, 1 of 2 that aren't blind say down; saturn: grant (down), neptune: refuse (up)
      2026 * wait: ballot-lost
      2026 * concluded: refusal refused (ballot-lost: 1 of 2 leases, 1 of 2 that aren't blind say down; saturn: grant (down), neptune: refuse (up))
      2026 > write: epoch 1, lent to nobody
      2026 > lease back to neptune: epoch 1 (2 times)
      2520 < probe: refused
      2956 > lease back to neptune: epoch 1
      3020 < probe: refused
      3020 > ask the external IP
      3026 * campaign: address-down
      3026 * ballot opened: takeover, epoch 2
      3026 > write: epoch 2, lent to saturn
      3028 > ballot to neptune: takeover, epoch 2, ask 0
      3032 * neptune: grant (down)
      3032 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      3032 * guard: agreed
      3032 > write: epoch 2, lent to saturn, intent planned
      3032 > ask the external IP"
  `);
});

test('a node that stood still drops its mandate and looks afresh before it asks again', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the ballot is won', closed('won'));
  world.stall(6_000);
  world.runUntil('it asks again', opened(2));
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "    20 < probe: ok
      1020 < probe: refused
      1020 > ask the external IP
      1050 < external IP: 198.51.100.1
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 > write: epoch 1, lent to saturn
      2022 > ballot to neptune: takeover, epoch 1, ask 0
      2026 * neptune: grant (down)
      2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      2026 * guard: agreed
      2026 > write: epoch 1, lent to saturn, intent planned
      2026 > ask the external IP
      8026 * stood still for 5587 ms
      8026 * verdict down → unknown: stood still, looking afresh
      8026 * ballot dropped: this node stood still
      8026 * wait: starting
      8026 > write: epoch 1, lent to nobody
      8026 > ask the external IP
      8026 < external IP: 198.51.100.1
      8028 > lease back to neptune: epoch 1
      8031 * own HAProxy unknown → fit
      8031 > lease back to neptune: epoch 1
      8046 < probe: refused
      8046 * wait: verdict-unknown
      8046 > lease back to neptune: epoch 1
      8056 < external IP: 198.51.100.1
      8546 < probe: refused (2 times)
      9046 * verdict unknown → down: refused: nobody listens
      9046 * campaign: address-down
      9046 * ballot opened: takeover, epoch 2
      9046 > write: epoch 2, lent to saturn"
  `);
});

test('a node that is told to stop in the middle of a move finishes it first', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('it has released', ({ cloud }) => cloud.holder === null);
  world.tell({ kind: 'stop' });
  world.runUntil('it is done', ({ stopped }) => stopped);
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "    20 < probe: ok
      1020 < probe: refused
      1020 > ask the external IP
      1050 < external IP: 198.51.100.1
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 > write: epoch 1, lent to saturn
      2022 > ballot to neptune: takeover, epoch 1, ask 0
      2026 * neptune: grant (down)
      2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      2026 * guard: agreed
      2026 > write: epoch 1, lent to saturn, intent planned
      2026 > ask the external IP
      2028 * wait: guard-asked
      2056 < external IP: 198.51.100.1
      2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2206 < stop
      2206 * wait: call-in-flight
      2206 > goodbye to neptune
      2256 < released
      2256 * held by nobody, by taken
      2256 > write: epoch 1, lent to saturn, intent released
      2256 > take
      2258 > goodbye to neptune
      2356 < taken
      2356 * held by saturn, by taken
      2356 * verify: moved
      2356 > write: epoch 1, lent to saturn, intent accepted
      2358 > goodbye to neptune
      2376 < probe: ok
      2376 * concluded: takeover served (refused: nobody listens)
      2376 * hold: stopping
      2376 > write: epoch 1, lent to nobody, 1 to publish
      2376 > lease back to neptune: epoch 1
      2378 > publish: HAProxy failover notification
      2428 < publication accepted
      2428 * notification accepted
      2428 > write: epoch 1, lent to nobody
      2430 stopped"
  `);
  expect(world.cloud.holder?.node).toBe(SELF);
});

test('a node that is told to stop before the first call gives its leases back and goes', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the ballot is won', closed('won'));
  world.tell({ kind: 'stop' });
  world.runUntil('it is done', ({ stopped }) => stopped);
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "    20 < probe: ok
      1020 < probe: refused
      1020 > ask the external IP
      1050 < external IP: 198.51.100.1
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 > write: epoch 1, lent to saturn
      2022 > ballot to neptune: takeover, epoch 1, ask 0
      2026 * neptune: grant (down)
      2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      2026 * guard: agreed
      2026 > write: epoch 1, lent to saturn, intent planned
      2026 > ask the external IP
      2026 < stop
      2026 * ballot dropped: this node is shutting down
      2026 > write: epoch 1, lent to nobody
      2028 > lease back to neptune: epoch 1
      2028 > goodbye to neptune
      2032 stopped"
  `);
  expect(world.cloud.holder?.node).toBe(PEER);
});

function restartedWith(stage: MoveIntent['stage']): string {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil(`the intent is ${stage}`, () => world.document()?.addresses[0]?.intent?.stage === stage);
  world.crash();
  world.run(500);
  world.start();
  world.runUntil('the intent is closed', () => world.document()?.addresses[0]?.intent === null);
  world.run(1_000);
  return from(world, '< started');
}

test('a restart that finds a planned move reads, and closes it where nothing was done', () => {
  expect(restartedWith('planned')).toMatchInlineSnapshot(`
    "  2528 < started, loaded
      2528 > read
      2528 > ask the external IP
      2533 * own HAProxy unknown → fit
      2534 * neptune unknown → alive
      2548 < probe: refused
      2558 < external IP: 198.51.100.1
      2628 < read: i-neptune
      2628 * held by neptune, by read
      2628 * concluded: takeover abandoned (a restart ended the move before it began)
      2628 * wait: verdict-unknown
      2628 > write: epoch 1, lent to saturn
      2628 > read
      2628 > permit
      2728 < read: i-neptune
      2728 < permitted
      3048 < probe: refused (2 times)
      3548 * verdict unknown → down: refused: nobody listens
      3548 * wait: backing-off"
  `);
});

test('a restart that finds a released address reads first, and sees the move through', () => {
  expect(restartedWith('released')).toMatchInlineSnapshot(`
    "  2758 < started, loaded
      2758 > read
      2758 > ask the external IP
      2763 * own HAProxy unknown → fit
      2764 * neptune unknown → alive
      2778 < probe: ok
      2778 * verdict unknown → up: it answers
      2788 < external IP: 198.51.100.1
      2858 < read: i-saturn
      2858 * held by saturn, by read
      2858 * verify: moved
      2858 > write: epoch 1, lent to saturn, intent accepted
      2878 < probe: ok
      2878 * concluded: takeover served (refused: nobody listens)
      2878 * hold: is-holder
      2878 > write: epoch 1, lent to saturn, 1 to publish
      2878 > read
      2878 > permit
      2878 > lease back to neptune: epoch 1
      2880 > publish: HAProxy failover notification
      2930 < publication accepted
      2930 * notification accepted
      2930 > write: epoch 1, lent to saturn
      2978 < read: i-saturn
      2978 < permitted
      2978 > lease back to neptune: epoch 1 (2 times)
      3378 < probe: ok"
  `);
});

test('a restart that finds an accepted move tells it', () => {
  expect(restartedWith('accepted')).toMatchInlineSnapshot(`
    "  2858 < started, loaded
      2858 * concluded: takeover moved (refused: nobody listens)
      2858 > write: epoch 1, lent to saturn, 1 to publish
      2858 > ask the external IP
      2858 > read
      2858 > permit
      2860 > publish: HAProxy failover notification
      2860 > lease back to neptune: epoch 1
      2863 * own HAProxy unknown → fit
      2863 > lease back to neptune: epoch 1
      2864 * neptune unknown → alive
      2878 < probe: ok
      2878 * verdict unknown → up: it answers
      2878 * hold: address-up
      2878 > lease back to neptune: epoch 1
      2888 < external IP: 198.51.100.1
      2910 < publication accepted
      2910 * notification accepted
      2910 > write: epoch 1, lent to saturn
      2958 < read: i-saturn
      2958 * held by saturn, by read
      2958 * hold: is-holder
      2958 < permitted"
  `);
});

test('a crash between a release and its writing leaves the address with nobody for no longer than the restart', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the release is applied', ({ cloud }) => cloud.holder === null);
  world.crash();
  expect(world.document()?.addresses[0]?.intent?.stage).toBe('planned');
  world.run(500);
  world.start();
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 2_000);
  expect(from(world, '< started')).toMatchInlineSnapshot(`
    "  2706 < started, loaded
      2706 > read
      2706 > ask the external IP
      2711 * own HAProxy unknown → fit
      2712 * neptune unknown → alive
      2726 < probe: refused
      2736 < external IP: 198.51.100.1
      2806 < read: nobody
      2806 * held by nobody, by read
      2806 > take"
  `);
});

test('a throttled release is made again, until it is done', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [1, 2].map(() => ({ op: 'release', answer: THROTTLED, applied: false }));
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2256 < refused: RequestLimitExceeded
      2520 < probe: refused
      2756 > release eipassoc-1
      2856 < refused: RequestLimitExceeded
      3020 < probe: refused
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused
      3856 > release eipassoc-1
      3956 < released
      3956 * held by nobody, by taken
      3956 * wait: call-in-flight
      3956 > write: epoch 1, lent to saturn, intent released
      3956 > take"
  `);
});

test('a throttled release is given up once the leases no longer outlast the calls', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [1, 2, 3, 4].map(() => ({ op: 'release', answer: THROTTLED, applied: false }));
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2256 < refused: RequestLimitExceeded
      2520 < probe: refused
      2756 > release eipassoc-1
      2856 < refused: RequestLimitExceeded
      3020 < probe: refused
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused
      3856 > release eipassoc-1
      3956 < refused: RequestLimitExceeded
      4020 < probe: refused (3 times)
      5020 > ask the external IP
      5050 < external IP: 198.51.100.1
      5520 < probe: refused
      5956 > release eipassoc-1
      5990 * wait: call-in-flight
      6020 < probe: refused
      6056 < refused: RequestLimitExceeded
      6056 * move: guard-passed
      6520 < probe: refused (2 times)
      7020 > ask the external IP
      7050 < external IP: 198.51.100.1
      7520 < probe: refused
      7937 * wait: lease-too-short
      7937 * concluded: takeover abandoned (lease-too-short: 4083 ms are left of the leases, the calls may take 4332 ms)
      7937 > write: epoch 1, lent to nobody
      7937 > lease back to neptune: epoch 1"
  `);
});

test('a take whose answer is lost though it was done is known by a read', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: true }];
  world.runUntil('it is told', () => world.published.length > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2256 < released
      2256 * held by nobody, by taken
      2256 * wait: call-in-flight
      2256 > write: epoch 1, lent to saturn, intent released
      2256 > take
      2520 < probe: ok (2 times)
      3020 * verdict down → up: it answers
      3520 < probe: ok (2 times)
      4422 < unknown: TimeoutError
      4422 * wait: settling
      4422 > read
      4520 < probe: ok
      4522 < read: i-saturn
      4522 * held by saturn, by read
      4522 * verify: moved
      4522 > write: epoch 1, lent to saturn, intent accepted
      4522 > ask the external IP
      4542 < probe: ok
      4542 * concluded: takeover served (refused: nobody listens)
      4542 * hold: is-holder
      4542 > write: epoch 1, lent to nobody, 1 to publish
      4542 > lease back to neptune: epoch 1
      4544 > publish: HAProxy failover notification
      4552 < external IP: 198.51.100.1
      4594 < publication accepted
      4594 * notification accepted
      4594 > write: epoch 1, lent to nobody"
  `);
});

test('a take whose answer is lost and that was not done is made again after one read', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: false }];
  world.runUntil('it is told', () => world.published.length > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2256 < released
      2256 * held by nobody, by taken
      2256 * wait: call-in-flight
      2256 > write: epoch 1, lent to saturn, intent released
      2256 > take
      2520 < probe: refused (2 times)
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused (2 times)
      4422 < unknown: TimeoutError
      4422 * wait: settling
      4422 > read
      4520 < probe: refused
      4522 < read: nobody
      4522 * move: finish-move
      4522 > take
      4622 < taken
      4622 * held by saturn, by taken
      4622 * verify: moved
      4622 > write: epoch 1, lent to saturn, intent accepted
      4642 < probe: ok
      4642 * concluded: takeover served (refused: nobody listens)
      4642 * hold: is-holder
      4642 > write: epoch 1, lent to nobody, 1 to publish
      4642 > lease back to neptune: epoch 1
      4644 > publish: HAProxy failover notification
      4694 < publication accepted
      4694 * notification accepted
      4694 > write: epoch 1, lent to nobody"
  `);
});

test('a release whose answer is lost is read until it is known, and the address is taken', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'release', answer: UNKNOWN, applied: true }];
  world.runUntil('it is told', () => world.published.length > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2439 * wait: call-in-flight
      2520 < probe: refused (2 times)
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused (2 times)
      4322 < unknown: TimeoutError
      4322 * wait: settling
      4322 > read
      4422 < read: nobody
      4422 * held by nobody, by read
      4422 * wait: call-in-flight
      4422 > write: epoch 1, lent to saturn, intent released
      4422 > take
      4520 < probe: ok
      4522 < taken
      4522 * held by saturn, by taken
      4522 * verify: moved
      4522 > write: epoch 1, lent to saturn, intent accepted
      4542 < probe: ok
      4542 * verdict down → up: it answers
      4542 * concluded: takeover served (refused: nobody listens)
      4542 * hold: is-holder
      4542 > write: epoch 1, lent to nobody, 1 to publish
      4544 > publish: HAProxy failover notification
      4544 > lease back to neptune: epoch 1
      4594 < publication accepted
      4594 * notification accepted
      4594 > write: epoch 1, lent to nobody"
  `);
});

test('somebody was faster: the race is lost, which is no failure', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('it has released', ({ cloud }) => cloud.holder === null);
  world.cloud.assign('mars');
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2256 < released
      2256 * held by nobody, by taken
      2256 * wait: call-in-flight
      2256 > write: epoch 1, lent to saturn, intent released
      2256 > take
      2356 < held
      2356 > read
      2456 < read: i-mars
      2456 * held by i-mars, by read
      2456 * concluded: takeover lost-race (i-mars took it first)
      2456 * wait: failure-not-current
      2456 > write: epoch 1, lent to nobody"
  `);
});

test('a disk that takes no writes: no ballot leaves, and nothing is moved until it does', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.disk = 'full';
  world.run(5_000);
  expect(world.cloud.holder?.node).toBe(PEER);
  world.disk = 'ok';
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "    20 < probe: ok
      1020 < probe: refused
      1020 > ask the external IP
      1050 < external IP: 198.51.100.1
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 > write: epoch 1, lent to saturn
      2022 < write failed: ENOSPC
      2022 * the disk takes no writes: ENOSPC
      2022 * ballot dropped: the disk doesn't take writes: ENOSPC
      2022 * wait: storage-failed
      2022 * concluded: refusal refused (storage-failed: the disk doesn't take writes: ENOSPC)
      2022 > write: epoch 1, lent to nobody
      2022 > lease back to neptune: epoch 1
      2024 < write failed: ENOSPC
      2439 > lease back to neptune: epoch 1
      2520 < probe: refused
      2956 > lease back to neptune: epoch 1
      3020 < probe: refused
      3020 > ask the external IP
      3026 < write failed: ENOSPC
      3050 < external IP: 198.51.100.1
      3520 < probe: refused (2 times)
      4028 < write failed: ENOSPC
      4520 < probe: refused (2 times)
      5020 > ask the external IP
      5030 * the disk takes writes again
      5030 * campaign: address-down
      5030 * ballot opened: takeover, epoch 2
      5030 > write: epoch 2, lent to saturn
      5032 > ballot to neptune: takeover, epoch 2, ask 0
      5036 * neptune: grant (down)
      5036 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      5036 * guard: agreed
      5036 > write: epoch 2, lent to saturn, intent planned
      5036 > ask the external IP
      5038 * wait: guard-asked
      5050 < external IP: 198.51.100.1 (2 times)
      5066 * guard passed
      5066 * move: guard-passed
      5066 > read
      5166 < read: i-neptune
      5166 > release eipassoc-1
      5266 < released
      5266 * held by nobody, by taken
      5266 * wait: call-in-flight
      5266 > write: epoch 2, lent to saturn, intent released
      5266 > take"
  `);
});

test('a write that fails while the release is on its way does not end the move', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the release is on its way', ({ transcript }) => transcript.text().includes('> release'));
  world.disk = 'full';
  peerOf(world).say({ pause: { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null } });
  world.speak(PEER);
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 5_000);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 > release eipassoc-1
      2156 * wait: call-in-flight
      2158 < write failed: ENOSPC
      2158 * the disk takes no writes: ENOSPC
      2256 < released
      2256 * held by nobody, by taken
      2256 > write: epoch 1, lent to saturn, intent released
      2256 > take
      2258 < write failed: ENOSPC"
  `);
});

test('a silent peer that is heard while the first read is on its way ends the mandate before anything is taken apart', () => {
  const world = standby();
  world.serving.delete(PEER);
  peerOf(world).reachable = false;
  world.runUntil('the read is on its way', ({ transcript }) => transcript.text().includes('> read'));
  world.speak(PEER);
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2976 * guard passed
      2976 * move: guard-passed
      2976 > read
      2976 * neptune dead → alive
      2976 * ballot dropped: neptune, whose silence it rested on, was heard
      3020 < probe: refused
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3076 < read: i-neptune
      3076 * campaign: address-down
      3076 * concluded: takeover abandoned (its mandate ended before anything was taken apart)
      3076 > write: epoch 1, lent to nobody"
  `);
  expect(world.cloud.holder?.node).toBe(PEER);
});

test('a silent peer that is heard while the release is on its way does not get its lease back before the move has ended', () => {
  const world = standby();
  world.serving.delete(PEER);
  peerOf(world).reachable = false;
  world.runUntil('the release is on its way', ({ transcript }) => transcript.text().includes('> release'));
  peerOf(world).reachable = true;
  world.speak(PEER);
  world.runUntil('it is told', () => world.published.length > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2976 * guard passed
      2976 * move: guard-passed
      2976 > read
      3000 * wait: call-in-flight
      3020 < probe: refused
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3076 < read: i-neptune
      3076 * move: guard-passed
      3076 > release eipassoc-1
      3076 * neptune dead → alive
      3076 * ballot dropped: neptune, whose silence it rested on, was heard
      3176 < released
      3176 * held by nobody, by taken
      3176 > write: epoch 1, lent to saturn, intent released
      3176 > take
      3276 < taken
      3276 * held by saturn, by taken
      3276 * verify: moved
      3276 > write: epoch 1, lent to saturn, intent accepted
      3296 < probe: ok
      3296 * concluded: takeover served (refused: nobody listens)
      3296 * hold: is-holder
      3296 > write: epoch 1, lent to nobody, 1 to publish
      3296 > lease back to neptune: epoch 1
      3298 > publish: HAProxy failover notification
      3348 < publication accepted
      3348 * notification accepted
      3348 > write: epoch 1, lent to nobody"
  `);
});

test('a pause that arrives during the first read stops the move before anything is taken apart', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the read is on its way', ({ transcript }) => transcript.text().includes('> read'));
  peerOf(world).say({ pause: { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null } });
  world.speak(PEER);
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > read
      2156 < read: i-neptune
      2156 * hold: paused
      2156 * concluded: refusal refused (paused: paused by ann: )
      2156 * concluded: takeover abandoned (paused: paused by ann: )
      2156 > write: epoch 1, lent to nobody"
  `);
  expect(world.cloud.holder?.node).toBe(PEER);
});
