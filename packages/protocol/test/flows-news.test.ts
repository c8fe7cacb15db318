/** What receivers are told of besides moves and blocked addresses: once each, by one node, with its end. */
import { describe, expect, test } from 'vitest';
import { NOTICE_KINDS } from '../src/model/codes.ts';
import { type ProtocolConfig, TOPIC } from '../src/model/config.ts';
import type { PauseRecord } from '../src/wire/messages.ts';
import { handoverOf, IP, PAIR, PEER, SELF, WALL } from './support/fixtures.ts';
import { peerOf, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

const ALL: ProtocolConfig = {
  ...PAIR,
  notify: {
    ...PAIR.notify,
    receivers: [TOPIC, { name: 'ops', events: NOTICE_KINDS, timeoutMs: 5_000 }],
  },
};

/** What `ops` was told, each with its message's first line. */
function told(world: World): readonly string[] {
  return world.told.flatMap(({ receiver, event, message }) =>
    receiver === 'ops' ? [`${event}: ${message.split('\n')[0]}`] : [],
  );
}

function kinds(world: World): readonly string[] {
  return told(world).map((text) => text.split(':')[0] ?? '');
}

/** Saturn has taken it from neptune, whose HAProxy died, and neptune is well again. */
function holding(config = ALL): World {
  const world = standby(config);
  world.serving.delete(PEER);
  world.runUntil('it is told', ({ published }) => published.length > 0);
  world.serving.add(PEER);
  world.run(2_000);
  return world;
}

const PAUSE: PauseRecord = {
  version: 1,
  by: PEER,
  paused: true,
  owner: 'anna',
  reason: 'kernel upgrade',
  until: null,
};

function pausedBy(world: World, parts: Partial<PauseRecord> = {}): void {
  peerOf(world).say({ pause: { ...PAUSE, ...parts } });
  world.speak(PEER);
  world.run(2_000);
}

test('a node at rest, and its start, tell nobody of anything', () => {
  const world = standby(ALL);
  world.run(300_000);
  expect(world.told).toEqual([]);
});

test('the topic is told what it always was, word for word, whatever else others are told of', () => {
  const alone = holding(PAIR);
  const among = holding();
  const forTopic = among.told.filter(({ receiver }) => receiver === 'sns');
  expect(forTopic.map(({ message }) => message)).toEqual(alone.messages);
  expect(kinds(among)).toEqual(['taken']);
});

describe('losing an address', () => {
  test('is told by who held it, once, with who does now', () => {
    const world = holding();
    world.cloud.assign(PEER);
    world.run(120_000);
    expect(told(world).slice(1)).toEqual([`lost: ${SELF} no longer holds ${IP}: ${PEER} does`]);
  });

  test('is told after a restart as well, where it was lost meanwhile', () => {
    const world = holding();
    world.crash();
    world.cloud.assign(PEER);
    world.start();
    world.run(120_000);
    expect(kinds(world)).toEqual(['taken', 'lost']);
  });

  test('is no news to a node that never held it', () => {
    const world = standby(ALL);
    world.serving.add('pluto');
    world.cloud.assign('pluto');
    world.run(120_000);
    expect(world.told).toEqual([]);
  });
});

describe('an outage that people were told of', () => {
  test('is told to be over, once, when this node sees the address answer', () => {
    const world = standby(ALL);
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'paused' });
    world.serving.clear();
    world.runUntil('it is told', () => kinds(world).includes('blocked'), 200_000);
    world.serving.add(PEER);
    world.run(60_000);
    expect(kinds(world)).toEqual(['blocked', 'served']);
  });

  test('is told to be over by a later run, too', () => {
    const world = standby(ALL);
    peerOf(world).vote = () => ({ answer: 'refuse', reason: 'paused' });
    world.serving.clear();
    world.runUntil('it is told', () => kinds(world).includes('blocked'), 200_000);
    world.run(1_000);
    world.crash();
    world.serving.add(PEER);
    world.start();
    world.run(60_000);
    expect(kinds(world)).toEqual(['blocked', 'served']);
  });

  test('after a move that was not seen to answer is one', () => {
    const world = standby(ALL);
    world.serving.clear();
    world.runUntil('it is told', () => kinds(world).includes('taken'), 200_000);
    world.serving.add(SELF);
    world.run(30_000);
    expect(kinds(world)).toEqual(['taken', 'served']);
  });

  test('is no event of its own where a failover ended it in time', () => {
    expect(kinds(holding())).toEqual(['taken']);
  });
});

describe('a holder that is not fit', () => {
  test('says so at once, and that it is over once it has been for half a minute', () => {
    const world = holding();
    world.local = 'failed';
    world.run(5_000);
    expect(kinds(world)).toEqual(['taken', 'unfit-holder']);
    world.local = 'ok';
    world.run(20_000);
    expect(kinds(world)).toEqual(['taken', 'unfit-holder']);
    world.run(20_000);
    expect(kinds(world)).toEqual(['taken', 'unfit-holder', 'holder-fit']);
  });

  test('and whose check flaps is one trouble', () => {
    const world = holding();
    for (let i = 0; i < 6; i += 1) {
      world.local = 'failed';
      world.run(5_000);
      world.local = 'ok';
      world.run(10_000);
    }
    expect(kinds(world)).toEqual(['taken', 'unfit-holder']);
  });

  test('is over when another holds the address', () => {
    const world = holding();
    world.local = 'failed';
    world.run(5_000);
    world.cloud.assign(PEER);
    world.run(70_000);
    expect(kinds(world)).toEqual(['taken', 'unfit-holder', 'lost', 'holder-fit']);
  });
});

describe('an address that nobody stands by for', () => {
  test('is told by its holder after as long as a blocked one, and that somebody does again', () => {
    const world = holding();
    peerOf(world).reachable = false;
    world.run(50_000);
    expect(kinds(world)).toEqual(['taken']);
    world.run(30_000);
    expect(told(world).slice(1)).toEqual([
      `no-standby: ${IP} has no standby: should it fail, nobody would take it over`,
    ]);
    peerOf(world).reachable = true;
    world.run(60_000);
    expect(told(world).slice(2)).toEqual([`standby: ${IP} has a standby again: ${PEER}`]);
  });

  test('is not told of where the standby is only restarted', () => {
    const world = holding();
    peerOf(world).reachable = false;
    world.run(40_000);
    peerOf(world).reachable = true;
    world.run(100_000);
    expect(kinds(world)).toEqual(['taken']);
  });
});

describe('a pause', () => {
  test('is told by the candidate that was asked alone', () => {
    const world = standby(ALL);
    pausedBy(world);
    expect(world.state().pause.paused).toBe(true);
    pausedBy(world, { version: 2, paused: false });
    expect(world.told).toEqual([]);
  });

  test('and its end are told by the first candidate, where a witness was asked', () => {
    const world = standby({ ...ALL, peers: [{ id: 'zeus', role: 'witness', priority: 100 }] });
    world.peers.zeus?.say({ pause: { ...PAUSE, by: 'zeus' } });
    world.speak('zeus');
    world.run(2_000);
    world.peers.zeus?.say({ pause: { ...PAUSE, by: 'zeus', version: 2, paused: false, reason: '' } });
    world.speak('zeus');
    world.run(2_000);
    expect(told(world)).toEqual([
      'paused: Automatic takeovers of the cluster web are paused by anna',
      'resumed: Automatic takeovers of the cluster web are on again by anna',
    ]);
  });

  test('that this node was asked for is told, and that its time is up', () => {
    const world = standby(ALL);
    pausedBy(world, { by: SELF, until: WALL + world.now + 60_000 });
    expect(kinds(world)).toEqual(['paused']);
    world.run(61_000);
    expect(told(world).slice(1)).toEqual([
      'resumed: Automatic takeovers of the cluster web are on again, because the time of the pause by anna is up',
    ]);
  });

  test('is told once, across a restart', () => {
    const world = standby(ALL);
    pausedBy(world, { by: SELF });
    world.crash();
    world.start();
    world.run(10_000);
    expect(kinds(world)).toEqual(['paused']);
  });
});

describe('a handover', () => {
  test('is told by its target: that it was asked for, the move, and how it ended', () => {
    const world = standby(ALL);
    peerOf(world).vote = () => ({ answer: 'grant', reason: 'consent' });
    peerOf(world).say({ handovers: [handoverOf()] });
    world.speak(PEER);
    world.run(20_000);
    expect(kinds(world)).toEqual(['handover-asked', 'taken', 'handover-ended']);
    expect(told(world).at(-1)).toBe(
      `handover-ended: The handover of ${IP} to ${SELF}, asked for by operator, is done`,
    );
  });

  test('that is given up is told to have ended, also by the next run', () => {
    const world = standby(ALL);
    peerOf(world).vote = () => ({ answer: 'pending', reason: 'undecided' });
    peerOf(world).say({ handovers: [handoverOf({ ttlMs: 20_000 })] });
    world.speak(PEER);
    world.run(2_000);
    world.crash();
    world.start();
    world.run(60_000);
    expect(kinds(world)).toEqual(['handover-asked', 'handover-ended']);
  });

  test('to another is its own to tell', () => {
    const world = standby(ALL);
    peerOf(world).say({ handovers: [handoverOf({ to: PEER })] });
    world.speak(PEER);
    world.run(20_000);
    expect(world.told).toEqual([]);
  });
});

describe('a receiver that is down', () => {
  test('holds up no other, and is told all of it in order when it is back, by the same ids', () => {
    const world = standby(ALL);
    world.deaf.add('ops');
    world.serving.delete(PEER);
    world.runUntil('it is told', ({ published }) => published.length > 0);
    world.serving.add(PEER);
    world.local = 'failed';
    world.run(30_000);
    world.cloud.assign(PEER);
    world.run(100_000);
    expect(kinds(world)).toEqual([]);
    world.crash();
    world.start();
    world.run(2_000);
    world.deaf.clear();
    world.run(40_000);
    expect(kinds(world)).toEqual(['taken', 'unfit-holder', 'lost', 'holder-fit']);
    const ids = world.told.filter(({ event }) => event === 'taken').map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
  });

  test('is told again what it may have been told when the node died before it knew', () => {
    const world = standby(ALL);
    world.serving.delete(PEER);
    world.runUntil('it is accepted', () => world.told.some(({ receiver }) => receiver === 'ops'));
    // The answer is there, and the forgetting isn't on the disk yet.
    world.crash();
    world.start();
    world.run(5_000);
    const ids = world.told.filter(({ receiver }) => receiver === 'ops').map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });
});
