/** Thousands of new connections at every node, before and during a failover: those beyond the budget are closed unread. */
import { expect } from 'vitest';
import { ArrivalFlood } from './support/arrival-flood.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { rejected } from './support/unchanged.ts';

async function expectCalm(scene: Scene): Promise<void> {
  for (const { id, agent } of scene.cluster.nodes) {
    const dead = agent.log.filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
    expect(dead, `${id} called a peer dead`).toEqual([]);
    expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
  }
}

scenario(
  'new connections without end keep no peer from being heard, and no address from moving',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { nodes } = cluster;
    const before = await Promise.all(nodes.map(({ id }) => rejected(scene, id, 'overloaded')));
    const flood = new ArrivalFlood(nodes.map(({ agent }) => agent.api.url));
    try {
      await scene.probedMore('saturn', 10, 'ok');
      await scene.probedMore('neptune', 10, 'ok');
      for (const [index, { id }] of nodes.entries())
        await scene.eventually(
          `${id} to have closed some unread`,
          async () => (await rejected(scene, id, 'overloaded')) > (before[index] ?? 0),
        );
      await expectCalm(scene);
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      await expectCalm(scene);
    } finally {
      flood.end();
    }
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
