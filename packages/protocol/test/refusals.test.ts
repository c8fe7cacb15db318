import { describe, expect, test } from 'vitest';
import type { HistoryEntry } from '../src/reporting/facts.ts';
import { addressRecordOf, PEER, SELF } from './support/fixtures.ts';
import { peerOf, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

function refusals({ facts }: World): readonly HistoryEntry[] {
  return facts.flatMap((fact) =>
    fact.kind === 'concluded' && fact.entry.kind === 'refusal' ? [fact.entry] : [],
  );
}

describe('what goes into the history as a refusal', () => {
  test('an address that fails while it moves, seen by the node that lost it: no refusal', () => {
    const world = standby();
    world.cloud.assign(SELF);
    world.serving.add(SELF);
    world.run(120_000);
    expect(world.state().addresses['203.0.113.7']?.holder.node).toBe(SELF);
    // As after a handover: it belongs to the peer, and serves only some seconds later.
    world.cloud.assign(PEER);
    world.serving.clear();
    const holder = {
      kind: 'node',
      node: PEER,
      instanceId: 'i-neptune',
      associationId: 'eipassoc-of-neptune',
      ageMs: 0,
    } as const;
    peerOf(world).say({ addresses: [addressRecordOf({ holder, changes: [0], ended: [], served: false })] });
    world.speak(PEER);
    world.run(8_000);
    expect(world.state().addresses['203.0.113.7']?.verdict).toBe('down');
    world.serving.add(PEER);
    world.run(20_000);
    expect(refusals(world)).toEqual([]);
  });

  test('one failed probe during a pause is none; an address that is down then is one, told once', () => {
    const world = standby();
    const pause = { version: 1, by: PEER, paused: true, owner: 'ann', reason: 'work', until: null };
    peerOf(world).say({ pause });
    world.speak(PEER);
    world.serving.clear();
    world.runUntil('a probe has failed', (one) => one.state().addresses['203.0.113.7']?.series.fails === 1);
    world.serving.add(PEER);
    world.run(5_000);
    expect(refusals(world)).toEqual([]);
    world.serving.clear();
    world.run(30_000);
    expect(refusals(world).map(({ reason }) => reason)).toEqual(['paused: paused by ann: work']);
  });

  test('what stands in the way of an address that stays down after a move is told once it has had its time', () => {
    const world = standby();
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'up' });
    world.serving.clear();
    world.run(30_000);
    expect(refusals(world).map(({ reason }) => reason.split(':')[0])).toEqual(['ballot-lost']);
  });
});
