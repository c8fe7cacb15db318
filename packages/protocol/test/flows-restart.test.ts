import { expect, test } from 'vitest';
import type { MoveIntent } from '../src/storage/durable.ts';
import { PEER, SELF } from './support/fixtures.ts';
import { closed, from, standby } from './support/standby.ts';

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
      2020 * wait: ballot-open
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
      2020 * wait: ballot-open
      2020 > write: epoch 1, lent to saturn
      2022 > ballot to neptune: takeover, epoch 1, ask 0
      2026 * neptune: grant (down)
      2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
      2026 * guard: agreed
      2026 > write: epoch 1, lent to saturn, intent planned
      2026 > ask the external IP
      2026 < stop
      2026 * ballot dropped: this node is shutting down
      2026 * hold: stopping
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
      2528 * wait: call-in-flight
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
      2758 * wait: call-in-flight
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
      2880 > publish: HAProxy failover notification
      2880 > lease back to neptune: epoch 1
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
      2880 > lease back to neptune: epoch 1
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
      2706 * wait: call-in-flight
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
