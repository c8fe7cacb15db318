/**
 * A witness's machine is stolen, and with it the cluster's key: whatever it says, to agents as they are shipped, before
 * and in the middle of a failover, the others hear each other, move the address once, and start again from their disks.
 */
import { expect } from 'vitest';
import type { NodeSpec } from '../../packages/cluster/src/index.ts';
import { LIES } from './support/lies.ts';
import { type Lie, Rogue } from './support/rogue.ts';
import { type Scene, scenario } from './support/scenario.ts';

const both = ['saturn', 'neptune'];
const nodes: [NodeSpec, ...NodeSpec[]] = [
  { id: 'saturn' },
  { id: 'neptune' },
  { id: 'pluto', role: 'witness', start: 'later' },
];

/** Messages to each node, of each lie while nothing else happens, and in the course of a failover at most. */
const ofEach = 60;
const inAFailover = 2_000;

const unheard = ['malformed', 'status'] as const;

/** How often each of the two has had no proper answer of the other: a node that is still finding out who it is refuses a heartbeat at its start. */
async function unheardIn(scene: Scene): Promise<readonly number[]> {
  const counts = both.flatMap((id) =>
    unheard.map((result) =>
      scene.metric(id, 'heartbeats_total', { peer: both.find((each) => each !== id) ?? '', result }),
    ),
  );
  return Promise.all(counts);
}

/** What the peers say of each other, and to each other: none dead, and since `before` nothing that the other couldn't read. */
async function expectHeard(scene: Scene, before: readonly number[], during: string): Promise<void> {
  expect(await unheardIn(scene), during).toEqual(before);
  for (const id of both) {
    const { agent } = scene.cluster.node(id);
    const other = both.find((each) => each !== id);
    const dead = agent.log.filter(
      ({ event, fields }) => event === 'peer' && fields.peer === other && fields.to === 'dead',
    );
    expect(dead, `${id} called ${other} dead, during: ${during}`).toEqual([]);
    expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
  }
}

/** Every node starts from what it wrote while it was lied to, and would fail over if it had to. */
async function expectRestarts(scene: Scene): Promise<void> {
  for (const id of both) {
    const { agent } = scene.cluster.node(id);
    const since = agent.log.position;
    await agent.restart();
    await agent.ready(60_000);
    const unread = agent.log.lines
      .slice(since)
      .filter(({ event, fields }) => event === 'storage' && fields.ok === false);
    expect(unread, `${id} can't read its own state`).toEqual([]);
  }
}

/** One lie after the other, in every message to each. */
function allInTurn(): Lie {
  const all = Object.values(LIES);
  return (occasion) => all[occasion.count % all.length]?.(occasion) ?? {};
}

/** Lies on until the address has moved, and people were told. */
async function movesMeanwhile(scene: Scene, rogue: Rogue, before: readonly number[]): Promise<void> {
  const over = new AbortController();
  const talking = rogue.talk(both, inAFailover, over.signal);
  try {
    await scene.moved('neptune');
  } finally {
    over.abort();
    await talking;
  }
  await expectHeard(scene, before, 'a failover');
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
}

scenario('a stolen witness stops nothing, whatever it tells', { nodes }, async (scene) => {
  const { cluster } = scene;
  const rogue = await Rogue.open(cluster, 'pluto');
  try {
    await rogue.talk(both, 5);
    for (const id of both) await scene.calls(id, 'pluto', 'alive');
    const before = await unheardIn(scene);
    for (const [what, lie] of Object.entries(LIES)) {
      rogue.say(lie);
      await rogue.talk(both, ofEach);
      await expectHeard(scene, before, what);
      expect(cluster.moves(), what).toBe(0);
      for (const id of both) expect((await scene.view(id)).lent?.candidate, what).not.toBe('pluto');
    }
    rogue.say(allInTurn());
    await cluster.node('saturn').web.kill();
    await movesMeanwhile(scene, rogue, before);
    await cluster.node('saturn').web.start();
    await expectRestarts(scene);
  } finally {
    await rogue.close();
  }
});

scenario('a witness that is stolen in the middle of a failover does not end it', { nodes }, async (scene) => {
  const { cluster } = scene;
  const rogue = await Rogue.open(cluster, 'pluto');
  try {
    await rogue.talk(both, 5);
    const before = await unheardIn(scene);
    await cluster.node('saturn').web.kill();
    await scene.sees('neptune', 'down');
    rogue.say(allInTurn());
    await movesMeanwhile(scene, rogue, before);
  } finally {
    await rogue.close();
  }
});
