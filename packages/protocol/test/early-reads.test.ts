/** The association is read before the move needs it, and what was read counts only while nothing contradicts it. */
import { describe, expect, test } from 'vitest';
import type { AddressState } from '../src/model/address-state.ts';
import type { ProtocolConfig } from '../src/model/config.ts';
import type { Association } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { earlyRead } from '../src/observation/early-reads.ts';
import { THROTTLED, UNKNOWN } from './support/cloud.ts';
import {
  AT,
  addressIn,
  handoverOf,
  heldBy,
  PAIR,
  PEER,
  SELF,
  stateOf,
  withAddress,
} from './support/fixtures.ts';
import { afterGuard, closed, concluded, opened, peerOf, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

const SINGLE_CALL: ProtocolConfig = {
  ...PAIR,
  driver: { style: 'single-call', swap: false, displace: 'refuse' },
};

function linesOf(world: World, what: RegExp): readonly string[] {
  return world.transcript
    .text()
    .split('\n')
    .filter((line) => what.test(line));
}

function reads(world: World): number {
  return linesOf(world, /> read$/).length;
}

/** The peer's server has just died, and saturn will find out. */
function dying(config: ProtocolConfig = PAIR): World {
  const world = standby(config);
  world.serving.delete(PEER);
  return world;
}

describe('a fenced move', () => {
  test('makes two calls after the guard, where the first failed probe had the association read', () => {
    const world = dying();
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /> (read|release|take)|guard passed|ballot won/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)",
        "  2056 * guard passed",
        "  2056 > release eipassoc-1",
        "  2156 > take",
      ]
    `);
  });

  test('waits for the longer of the guard and a read that is asked for beside it', () => {
    const world = standby();
    world.cloud.faults = [{ op: 'read', answer: THROTTLED, applied: false }];
    world.serving.delete(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /(read|release|take)|guard passed|ballot won/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  2020 * ballot opened: takeover, epoch 1",
        "  2022 > ballot to neptune: takeover, epoch 1, ask 0",
        "  2026 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)",
        "  2026 > read",
        "  2056 * guard passed",
        "  2126 < read: i-neptune",
        "  2126 > release eipassoc-1",
        "  2226 < released",
        "  2226 * held by nobody, by taken",
        "  2226 > write: epoch 1, lent to saturn, intent released",
        "  2226 > take",
      ]
    `);
  });

  test('gives a read up that has been out for a second when it is needed, for another beside the guard', () => {
    const world = standby();
    world.cloud.faults = [{ op: 'read', answer: UNKNOWN, applied: false }];
    world.serving.delete(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /(read|release|take|unknown)|guard passed/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  2020 * ballot opened: takeover, epoch 1",
        "  2022 > ballot to neptune: takeover, epoch 1, ask 0",
        "  2026 > read",
        "  2056 * guard passed",
        "  2126 < read: i-neptune",
        "  2126 > release eipassoc-1",
        "  2226 < released",
        "  2226 * held by nobody, by taken",
        "  2226 > write: epoch 1, lent to saturn, intent released",
        "  2226 > take",
      ]
    `);
  });

  test('reads once more for itself, where the read that it waits for is not answered in time', () => {
    const world = standby();
    world.cloud.faults = [1, 2].map(() => ({ op: 'read', answer: UNKNOWN, applied: false }));
    world.serving.delete(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /(read|release|take|unknown)|guard passed/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  2020 * ballot opened: takeover, epoch 1",
        "  2022 > ballot to neptune: takeover, epoch 1, ask 0",
        "  2026 > read",
        "  2056 * guard passed",
        "  3186 < unknown: TimeoutError",
        "  4192 < unknown: TimeoutError",
        "  4192 > read",
        "  4292 < read: i-neptune",
        "  4292 > release eipassoc-1",
        "  4392 < released",
        "  4392 * held by nobody, by taken",
        "  4392 > write: epoch 1, lent to saturn, intent released",
        "  4392 > take",
      ]
    `);
  });

  test('finds out by its release that the association has changed since it was read', () => {
    const world = dying();
    world.runUntil('the ballot is open', opened(1));
    world.cloud.assign(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(afterGuard(world)).toMatchInlineSnapshot(`
      "  2056 * guard passed
        2056 * move: guard-passed
        2056 > release eipassoc-1
        2156 < stale
        2156 * wait: call-in-flight
        2156 > read
        2256 < read: i-neptune
        2256 * held by neptune, by read
        2256 * wait: failure-not-current
        2256 * concluded: takeover abandoned (failure-not-current: too few failures in a row so far that count against its present holder)
        2256 > write: epoch 1, lent to nobody
        2258 > lease back to neptune: epoch 1
        2276 < probe: refused
        2439 > lease back to neptune: epoch 1
        2776 < probe: refused
        2939 > lease back to neptune: epoch 1
        3020 > ask the external IP
        3050 < external IP: 198.51.100.1
        3276 < probe: refused
        3276 * hold: held-down
        3776 < probe: refused (3 times)
        5020 > ask the external IP
        5050 < external IP: 198.51.100.1
        5276 < probe: refused (2 times)
        6020 > read
        6120 < read: i-neptune
        6276 < probe: refused (2 times)
        7020 > ask the external IP
        7050 < external IP: 198.51.100.1
        7276 < probe: refused (4 times)
        9020 > ask the external IP
        9050 < external IP: 198.51.100.1
        9276 < probe: refused (4 times)
       11020 > ask the external IP
       11050 < external IP: 198.51.100.1
       11276 < probe: refused (4 times)
       13020 > ask the external IP
       13050 < external IP: 198.51.100.1
       13276 < probe: refused (4 times)
       15020 > ask the external IP
       15050 < external IP: 198.51.100.1
       15276 < probe: refused (4 times)
       17020 > ask the external IP
       17050 < external IP: 198.51.100.1
       17256 * campaign: address-down
       17256 * ballot opened: takeover, epoch 2
       17256 * wait: ballot-open
       17256 > write: epoch 2, lent to saturn
       17256 > read
       17258 > ballot to neptune: takeover, epoch 2, ask 0
       17262 * neptune: grant (down)
       17262 * ballot won: 2 of 2 leases, 2 of 2 that aren't blind say down; saturn: grant (down), neptune: grant (down)
       17262 * guard: agreed
       17262 > write: epoch 2, lent to saturn, intent planned
       17262 > ask the external IP
       17264 * wait: guard-asked
       17276 < probe: refused
       17292 < external IP: 198.51.100.1
       17292 * guard passed
       17292 * move: guard-passed
       17356 < read: i-neptune
       17356 > release eipassoc-2
       17432 * wait: call-in-flight
       17456 < released
       17456 * held by nobody, by taken
       17456 > write: epoch 2, lent to saturn, intent released
       17456 > take"
    `);
  });

  test('takes an address that nobody holds at once', () => {
    const world = dying();
    world.cloud.assign(null);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /> (read|release|take)|guard passed/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  2456 * guard passed",
        "  2456 > take",
      ]
    `);
  });

  test('tells how long it waited for what it read, and not how long ago that began', () => {
    const world = dying();
    world.runUntil('the attempt ends', concluded);
    const steps = world.facts.flatMap((fact) => (fact.kind === 'step' && fact.step === 'read' ? [fact] : []));
    expect(steps).toEqual([expect.objectContaining({ durationMs: 0, result: 'early' })]);
  });
});

describe('a call without a fence', () => {
  test('follows a read that begins after the guard: a single call', () => {
    const world = dying(SINGLE_CALL);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /> (read|release|take)|guard passed/)).toMatchInlineSnapshot(`
      [
        "  2056 * guard passed",
        "  2056 > read",
        "  2156 > take from whoever has it",
      ]
    `);
  });

  test('follows a read that begins after the guard: a swap by consent, of an address that fails besides', () => {
    const world = dying();
    world.run(1_100);
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    peerOf(world).say({ handovers: [handoverOf()] });
    world.speak(PEER);
    world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
    expect(linesOf(world, /> (read|release|take)|guard passed/)).toMatchInlineSnapshot(`
      [
        "  1020 > read",
        "  1500 * guard passed",
        "  1500 > read",
        "  1600 > take from whoever has it",
      ]
    `);
  });
});

describe('early reads are bounded', () => {
  test('one for an address that stays down, and one for each later ballot', () => {
    const world = dying();
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'up' });
    world.runUntil('a ballot is lost', closed('lost'));
    world.run(60_000);
    const ballots = world.facts.filter(({ kind }) => kind === 'ballot-opened').length;
    expect(reads(world)).toBeLessThanOrEqual(ballots + 2);
  });

  test('one every five seconds for an address that comes and goes', () => {
    const world = standby();
    let count = 0;
    world.probes = () => {
      count += 1;
      return count % 2 === 0
        ? { kind: 'ok', status: 200, durationMs: 20 }
        : { kind: 'failed', reason: 'refused', detail: 'nobody listens', durationMs: 20 };
    };
    world.run(60_000);
    expect(reads(world)).toBeGreaterThan(2);
    expect(reads(world)).toBeLessThanOrEqual(13);
  });

  test('none while nothing is wrong, but the one a minute', () => {
    const world = standby();
    world.run(600_000);
    expect(reads(world)).toBe(10);
  });

  test('none by a node that could not take it', () => {
    const world = standby();
    world.local = 'failed';
    world.run(3_000);
    world.serving.delete(PEER);
    world.run(10_000);
    expect(reads(world)).toBe(0);
  });
});

const HELD: Association = {
  kind: 'associated',
  associationId: 'eipassoc-1',
  instanceId: 'i-neptune',
  node: null,
  self: false,
};

/** A standby that read a second ago that its peer holds the address. */
function afterRead(parts: Partial<AddressState> = {}, shown: Association = HELD, agoMs = 1_000): State {
  const state = heldBy(stateOf(PAIR), PEER);
  const { idle } = addressIn(state);
  const at = AT - agoMs;
  const read = { association: shown, displaces: null, at, requestIds: [] };
  return withAddress(state, { idle: { ...idle, shown: read, readingAt: at }, ...parts });
}

describe('what was read early counts', () => {
  const known = afterRead();
  const { holder, idle } = addressIn(known);
  const other = '203.0.113.99';
  const displacing = {
    ...idle,
    shown: { association: HELD, displaces: other, at: AT - 1_000, requestIds: [] },
  };
  const allowed: ProtocolConfig = { ...PAIR, driver: { style: 'fenced', swap: true, displace: 'allow' } };
  const unnamed = { ...HELD, associationId: null } as const;
  const rows: readonly (readonly [string, State, boolean])[] = [
    ['for some seconds', known, true],
    [
      'where nobody holds it',
      withAddress(afterRead({}, { kind: 'none' }), {
        holder: { ...holder, kind: 'none', node: null, instanceId: null, associationId: null },
      }),
      true,
    ],
    ['not when it is too old', afterRead({}, HELD, 6_001), false],
    ['not when it shows what has ended', afterRead({ ended: ['eipassoc-1'] }), false],
    [
      'not when a peer has named another association since',
      afterRead({ holder: { ...holder, associationId: 'eipassoc-2' } }),
      false,
    ],
    [
      'not when a peer has said since that it holds it',
      afterRead({ holder: { ...holder, node: SELF } }),
      false,
    ],
    ['not when the association has no id to release it by', afterRead({}, unnamed), false],
    ['not when it shows this node', afterRead({}, { ...HELD, self: true }), false],
    ['not when it would throw another address off', afterRead({ idle: displacing }), false],
    ['when it would, and may', { ...afterRead({ idle: displacing }), config: allowed }, true],
    ['not when it began before a standstill', { ...known, observedFrom: AT - 500 }, false],
    [
      'not when it began before a call of this node for any address',
      { ...known, readsCountFrom: AT - 500 },
      false,
    ],
    ['not for a single call', { ...known, config: SINGLE_CALL }, false],
  ];
  test.each(rows)('%s', (_, state, counts) => {
    expect(earlyRead(state, addressIn(state)) !== null).toBe(counts);
  });
});
