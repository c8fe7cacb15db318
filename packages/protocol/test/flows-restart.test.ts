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
      1020 > read
      1050 < external IP: 198.51.100.1
      1120 < read: i-neptune
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
      2056 > release eipassoc-1
      2106 < stop
      2106 * wait: call-in-flight
      2106 > goodbye to neptune
      2156 < released
      2156 * held by nobody, by taken
      2156 > write: epoch 1, lent to saturn, intent released
      2156 > take
      2158 > goodbye to neptune
      2256 < taken
      2256 * held by saturn, by taken
      2256 * verify: moved
      2256 > write: epoch 1, lent to saturn, intent accepted
      2258 > goodbye to neptune
      2276 < probe: ok
      2276 * concluded: takeover served (refused: nobody listens)
      2276 * hold: stopping
      2276 > write: epoch 1, lent to nobody, 1 to publish
      2278 > publish: HAProxy failover notification
      2278 > lease back to neptune: epoch 1
      2278 > goodbye to neptune
      2328 < publication accepted
      2328 * notification accepted
      2328 > write: epoch 1, lent to nobody
      2330 stopped"
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
      1020 > read
      1050 < external IP: 198.51.100.1
      1120 < read: i-neptune
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
    "  2658 < started, loaded
      2658 * wait: call-in-flight
      2658 > read
      2658 > ask the external IP
      2663 * own HAProxy unknown → fit
      2664 * neptune unknown → alive
      2678 < probe: ok
      2678 * verdict unknown → up: it answers
      2688 < external IP: 198.51.100.1
      2758 < read: i-saturn
      2758 * held by saturn, by read
      2758 * verify: moved
      2758 > write: epoch 1, lent to saturn, intent accepted
      2758 > read
      2758 > permit
      2778 < probe: ok
      2778 * concluded: takeover served (refused: nobody listens)
      2778 * hold: is-holder
      2778 > write: epoch 1, lent to saturn, 1 to publish
      2780 > publish: HAProxy failover notification
      2780 > lease back to neptune: epoch 1
      2830 < publication accepted
      2830 * notification accepted
      2830 > write: epoch 1, lent to saturn
      2858 < read: i-saturn
      2858 < permitted
      2858 > lease back to neptune: epoch 1 (2 times)
      3278 < probe: ok"
  `);
});

test('a restart that finds an accepted move tells it', () => {
  expect(restartedWith('accepted')).toMatchInlineSnapshot(`
    "  2758 < started, loaded
      2758 * concluded: takeover moved (refused: nobody listens)
      2758 > write: epoch 1, lent to saturn, 1 to publish
      2758 > ask the external IP
      2758 > read
      2758 > permit
      2760 > publish: HAProxy failover notification
      2760 > lease back to neptune: epoch 1
      2763 * own HAProxy unknown → fit
      2763 > lease back to neptune: epoch 1
      2764 * neptune unknown → alive
      2778 < probe: ok
      2778 * verdict unknown → up: it answers
      2778 * hold: address-up
      2780 > lease back to neptune: epoch 1
      2788 < external IP: 198.51.100.1
      2810 < publication accepted
      2810 * notification accepted
      2810 > write: epoch 1, lent to saturn
      2858 < read: i-saturn
      2858 * held by saturn, by read
      2858 * hold: is-holder
      2858 < permitted"
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
    "  2606 < started, loaded
      2606 * wait: call-in-flight
      2606 > read
      2606 > ask the external IP
      2611 * own HAProxy unknown → fit
      2612 * neptune unknown → alive
      2626 < probe: refused
      2636 < external IP: 198.51.100.1
      2706 < read: nobody
      2706 * held by nobody, by read
      2706 > take"
  `);
});
