/**
 * Strangers who ask for all they can, at every node, before, during and after a failover. The nodes go on hearing each
 * other, stay small, and move the address.
 */
import { expect } from 'vitest';
import { Flood } from './support/flood.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { OPEN_READS, REFUSED_REQUESTS } from './support/waves.ts';

/** What the service unit allows an agent. */
const memoryBytes = 256 * 1_048_576;

async function expectCalm(scene: Scene, flood: Flood): Promise<void> {
  for (const { id, agent } of scene.cluster.nodes) {
    const dead = agent.log.filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
    expect(dead, `${id} called a peer dead`).toEqual([]);
    expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
    expect(await scene.metric(id, 'process_resident_memory_bytes')).toBeLessThan(memoryBytes);
  }
  expect(flood.opened).toBeGreaterThan(0);
}

for (const [what, waves] of [
  ['pipelined reads', OPEN_READS],
  ['forged, refused, deaf and broken requests', REFUSED_REQUESTS],
] as const) {
  scenario(
    `${what} at every node keep no peer from being heard, and no address from moving`,
    {},
    async (scene) => {
      const { cluster } = scene;
      const flood = new Flood(
        cluster.nodes.map(({ agent }) => agent.api.url),
        waves,
      );
      try {
        await scene.probedMore('saturn', 10, 'ok');
        await scene.probedMore('neptune', 10, 'ok');
        await expectCalm(scene, flood);
        await cluster.node('saturn').web.kill();
        await scene.moved('neptune');
        await expectCalm(scene, flood);
      } finally {
        flood.end();
      }
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario('a flood that begins in the middle of a failover does not end it', {}, async (scene) => {
  const { cluster } = scene;
  await cluster.node('saturn').web.kill();
  await scene.sees('neptune', 'down');
  const flood = new Flood(
    cluster.nodes.map(({ agent }) => agent.api.url),
    [...OPEN_READS, ...REFUSED_REQUESTS],
  );
  try {
    await scene.moved('neptune');
    await expectCalm(scene, flood);
  } finally {
    flood.end();
  }
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
