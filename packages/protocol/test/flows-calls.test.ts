import { expect, test } from 'vitest';
import { THROTTLED, UNKNOWN } from './support/cloud.ts';
import { PEER, SELF } from './support/fixtures.ts';
import { afterGuard, concluded, peerOf, standby } from './support/standby.ts';

test('a throttled release is made again, until it is done', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [1, 2].map(() => ({ op: 'release', answer: THROTTLED, applied: false }));
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > release eipassoc-1
      2156 < refused: RequestLimitExceeded
      2332 > release eipassoc-1
      2432 < refused: RequestLimitExceeded
      2520 < probe: refused
      2659 > release eipassoc-1
      2759 < released
      2759 * held by nobody, by taken
      2759 * wait: call-in-flight
      2759 > write: epoch 1, lent to saturn, intent released
      2759 > take"
  `);
});

test('where associations have no ids, a release names the instance that was read, also when it is made again', () => {
  const world = standby();
  world.cloud.named = false;
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'release', answer: THROTTLED, applied: false }];
  world.runUntil('it is told', () => world.published.length > 0);
  const releases = afterGuard(world).match(/(?<=> )release.*/g);
  expect(releases).toEqual([`release from i-${PEER}`, `release from i-${PEER}`]);
  expect(world.cloud.holder).toMatchObject({ node: SELF });
});

test('a throttled release is given up once the leases no longer outlast the calls', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = Array.from({ length: 30 }, () => ({
    op: 'release',
    answer: THROTTLED,
    applied: false,
  }));
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > release eipassoc-1
      2156 < refused: RequestLimitExceeded
      2332 > release eipassoc-1
      2432 < refused: RequestLimitExceeded
      2520 < probe: refused
      2659 > release eipassoc-1
      2759 < refused: RequestLimitExceeded
      3020 < probe: refused
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3379 > release eipassoc-1
      3460 * wait: call-in-flight
      3479 < refused: RequestLimitExceeded
      3479 * move: guard-passed
      3520 < probe: refused
      3881 > release eipassoc-1
      3974 * wait: call-in-flight
      3981 < refused: RequestLimitExceeded
      3981 * move: guard-passed
      4020 < probe: refused (3 times)
      5020 > ask the external IP
      5050 < external IP: 198.51.100.1
      5520 < probe: refused (2 times)
      6384 > release eipassoc-1
      6395 * wait: call-in-flight
      6484 < refused: RequestLimitExceeded
      6484 * move: guard-passed
      6520 < probe: refused (2 times)
      7020 > ask the external IP
      7050 < external IP: 198.51.100.1
      7520 < probe: refused
      7918 * wait: lease-too-short
      7918 * concluded: takeover abandoned (lease-too-short: 4102 ms are left of the leases, the calls may take 4332 ms)
      7918 > write: epoch 1, lent to nobody
      7918 > lease back to neptune: epoch 1"
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
      2056 > release eipassoc-1
      2156 < released
      2156 * held by nobody, by taken
      2156 * wait: call-in-flight
      2156 > write: epoch 1, lent to saturn, intent released
      2156 > take
      2520 < probe: ok (2 times)
      3020 * verdict down → up: it answers
      3520 < probe: ok (2 times)
      4322 < unknown: TimeoutError
      4322 * wait: settling
      4322 > read
      4422 < read: i-saturn
      4422 * held by saturn, by read
      4422 * verify: moved
      4422 > write: epoch 1, lent to saturn, intent accepted
      4422 > ask the external IP
      4422 > read
      4442 < probe: ok
      4442 * concluded: takeover served (refused: nobody listens)
      4442 * hold: is-holder
      4442 > write: epoch 1, lent to nobody, 1 to publish
      4444 > publish: HAProxy failover notification
      4444 > lease back to neptune: epoch 1
      4452 < external IP: 198.51.100.1
      4489 > lease back to neptune: epoch 1
      4494 < publication accepted
      4494 * notification accepted
      4494 > write: epoch 1, lent to nobody"
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
      2056 > release eipassoc-1
      2156 < released
      2156 * held by nobody, by taken
      2156 * wait: call-in-flight
      2156 > write: epoch 1, lent to saturn, intent released
      2156 > take
      2520 < probe: refused (2 times)
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused (2 times)
      4322 < unknown: TimeoutError
      4322 * wait: settling
      4322 > read
      4422 < read: nobody
      4422 * move: finish-move
      4422 > take
      4489 * wait: call-in-flight
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

test('a release whose answer is lost is read until it is known, and the address is taken', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'release', answer: UNKNOWN, applied: true }];
  world.runUntil('it is told', () => world.published.length > 0);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 > release eipassoc-1
      2439 * wait: call-in-flight
      2520 < probe: refused (2 times)
      3020 > ask the external IP
      3050 < external IP: 198.51.100.1
      3520 < probe: refused (2 times)
      4222 < unknown: TimeoutError
      4222 * wait: settling
      4222 > read
      4322 < read: nobody
      4322 * held by nobody, by read
      4322 * wait: call-in-flight
      4322 > write: epoch 1, lent to saturn, intent released
      4322 > take
      4422 < taken
      4422 * held by saturn, by taken
      4422 * verify: moved
      4422 > write: epoch 1, lent to saturn, intent accepted
      4442 < probe: ok
      4442 * concluded: takeover served (refused: nobody listens)
      4442 * hold: is-holder
      4442 > write: epoch 1, lent to nobody, 1 to publish
      4444 > publish: HAProxy failover notification
      4444 > lease back to neptune: epoch 1 (2 times)
      4494 < publication accepted
      4494 * notification accepted
      4494 > write: epoch 1, lent to nobody"
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
      2056 > release eipassoc-1
      2156 < released
      2156 * held by nobody, by taken
      2156 * wait: call-in-flight
      2156 > write: epoch 1, lent to saturn, intent released
      2156 > take
      2256 < held
      2256 > read
      2356 < read: i-mars
      2356 * held by i-mars, by read
      2356 * concluded: takeover lost-race (i-mars took it first)
      2356 * wait: failure-not-current
      2356 > write: epoch 1, lent to nobody"
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
      2056 > release eipassoc-1
      2056 * wait: call-in-flight
      2058 < write failed: ENOSPC
      2058 * the disk takes no writes: ENOSPC
      2156 < released
      2156 * held by nobody, by taken
      2156 > write: epoch 1, lent to saturn, intent released
      2156 > take
      2158 < write failed: ENOSPC"
  `);
});
