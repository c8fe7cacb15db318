import { expect, test } from 'vitest';
import { UNKNOWN } from './support/cloud.ts';
import { PEER } from './support/fixtures.ts';
import { afterGuard, closed, concluded, isReading, opened, peerOf, standby } from './support/standby.ts';

test('the fast path: the holder says that it is unfit, and one failed probe is enough', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.peers[PEER]?.say({ fit: 'unfit' });
  world.speak(PEER);
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(1_000);
  expect(world.transcript.text()).toMatchInlineSnapshot(`
    "     0 > ask the external IP
         0 > read
        20 < probe: ok
        30 < external IP: 198.51.100.1
        50 < probe: refused
        50 * verdict up → down: refused: nobody listens
        50 * campaign: address-down
        50 * ballot opened: takeover, epoch 1
        50 * wait: ballot-open
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
       100 < read: i-neptune
       100 > release eipassoc-1
       200 < released
       200 * held by nobody, by taken
       200 * wait: call-in-flight
       200 > write: epoch 1, lent to saturn, intent released
       200 > take
       300 < taken
       300 * held by saturn, by taken
       300 * verify: moved
       300 > write: epoch 1, lent to saturn, intent accepted
       320 < probe: ok
       320 * concluded: takeover served (refused: nobody listens)
       320 * hold: is-holder
       320 > write: epoch 1, lent to nobody, 1 to publish
       322 > publish: HAProxy failover notification
       322 > lease back to neptune: epoch 1
       372 < publication accepted
       372 * notification accepted
       372 > write: epoch 1, lent to nobody
       454 > lease back to neptune: epoch 1
       820 < probe: ok
       820 * verdict down → up: it answers
       822 > lease back to neptune: epoch 1
      1320 < probe: ok"
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
      3026 * wait: ballot-open
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
      8046 > read
      8046 > lease back to neptune: epoch 1
      8056 < external IP: 198.51.100.1
      8146 < read: i-neptune
      8546 < probe: refused (2 times)
      9046 * verdict unknown → down: refused: nobody listens
      9046 * campaign: address-down
      9046 * ballot opened: takeover, epoch 2
      9046 * wait: ballot-open
      9046 > write: epoch 2, lent to saturn"
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
      1020 > read
      1050 < external IP: 198.51.100.1
      1120 < read: i-neptune
      1520 < probe: refused (2 times)
      2020 * verdict up → down: refused: nobody listens
      2020 * campaign: address-down
      2020 * ballot opened: takeover, epoch 1
      2020 * wait: ballot-open
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
      5030 * wait: ballot-open
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
      5066 > release eipassoc-1
      5166 < released
      5166 * held by nobody, by taken
      5166 * wait: call-in-flight
      5166 > write: epoch 2, lent to saturn, intent released
      5166 > take"
  `);
});

test('a silent peer that is heard while the first read is on its way ends the mandate before anything is taken apart', () => {
  const world = standby();
  world.serving.delete(PEER);
  peerOf(world).reachable = false;
  world.cloud.faults = [{ op: 'read', answer: UNKNOWN, applied: false }];
  world.runUntil('the move waits for its read', isReading);
  world.speak(PEER);
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2976 * guard passed
      2976 * move: guard-passed
      2976 * neptune dead → alive
      2976 * ballot dropped: neptune, whose silence it rested on, was heard
      2976 * wait: call-in-flight
      3040 < unknown: TimeoutError
      3046 < read: i-neptune
      3046 * wait: failure-not-current
      3046 * concluded: takeover abandoned (failure-not-current: its holder is heard again after a silence, and no probe since has failed)
      3046 > write: epoch 1, lent to nobody"
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
      2976 > release eipassoc-1
      2976 * neptune dead → alive
      2976 * ballot dropped: neptune, whose silence it rested on, was heard
      2976 * wait: call-in-flight
      3076 < released
      3076 * held by nobody, by taken
      3076 > write: epoch 1, lent to saturn, intent released
      3076 > take
      3176 < taken
      3176 * held by saturn, by taken
      3176 * verify: moved
      3176 > write: epoch 1, lent to saturn, intent accepted
      3196 < probe: ok
      3196 * concluded: takeover served (refused: nobody listens)
      3196 * hold: is-holder
      3196 > write: epoch 1, lent to nobody, 1 to publish
      3198 > publish: HAProxy failover notification
      3198 > lease back to neptune: epoch 1
      3248 < publication accepted
      3248 * notification accepted
      3248 > write: epoch 1, lent to nobody"
  `);
});

test('a pause that arrives during the first read stops the move before anything is taken apart', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'read', answer: UNKNOWN, applied: false }];
  world.runUntil('the move waits for its read', isReading);
  peerOf(world).say({ pause: { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null } });
  world.speak(PEER);
  world.runUntil('the attempt ends', concluded);
  expect(afterGuard(world)).toMatchInlineSnapshot(`
    "  2056 * guard passed
      2056 * move: guard-passed
      2056 * wait: call-in-flight
      2126 < read: i-neptune
      2126 * hold: paused
      2126 * concluded: refusal refused (paused: paused by ann: )
      2126 * concluded: takeover abandoned (paused: paused by ann: )
      2126 > write: epoch 1, lent to nobody"
  `);
  expect(world.cloud.holder?.node).toBe(PEER);
});
