/** What a reload in the middle of a move must keep, and what it must drop. */
import { expect, test } from 'vitest';
import { UNKNOWN } from './support/cloud.ts';
import { IP, PAIR, PEER, SELF } from './support/fixtures.ts';
import { standby } from './support/standby.ts';
import type { World } from './support/world.ts';

const OTHER = '203.0.113.99';
const WITHOUT = { ...PAIR, addresses: PAIR.addresses.map((address) => ({ ...address, ip: OTHER })) };

/** The pair's configuration as it is read when nobody holds the address by this node's doing. */
function reloadedInAMove(): World {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: false }];
  world.runUntil('it has released', ({ cloud }) => cloud.holder === null);
  world.tell({ kind: 'configured', config: WITHOUT });
  return world;
}

const named = (world: World): readonly string[] => world.state().config.addresses.map(({ ip }) => ip);

test('an address that is left out while it moves is taken and told, and dropped then', () => {
  const world = reloadedInAMove();
  expect(named(world)).toEqual([OTHER, IP]);
  world.runUntil('it is told', () => world.published.length > 0);
  expect(world.cloud.holder?.node).toBe(SELF);
  world.run(1_000);
  expect(named(world)).toEqual([OTHER]);
  expect(Object.keys(world.state().addresses)).toEqual([OTHER]);
  expect(world.document()?.addresses.map(({ ip }) => ip)).toEqual([OTHER]);
});

test('an address that is named again before its move has ended stays', () => {
  const world = reloadedInAMove();
  world.run(500);
  world.tell({ kind: 'configured', config: PAIR });
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(60_000);
  expect(named(world)).toEqual([IP]);
  expect(world.state().addresses[IP]?.holder.node).toBe(SELF);
});

test('an address that is dropped and named again lends nothing for as long as an earlier lease may last', () => {
  const world = reloadedInAMove();
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(1_000);
  world.tell({ kind: 'configured', config: PAIR });
  expect(world.state().addresses[IP]?.lendFrom).toBe(world.now + PAIR.agreement.leaseMs);
});

test('a restart without the address tells of the move that the last run had accepted', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.serving.delete(SELF);
  world.runUntil('it is accepted', () => world.document()?.addresses[0]?.intent?.stage === 'accepted');
  world.crash();
  world.restartWith(WITHOUT);
  world.run(5_000);
  expect(world.published.map(({ first }) => first)).toEqual([`Instance i-saturn took over ${IP}`]);
});
