/** Two addresses on two nodes, each the other's standby: one node ends up with both. */
import { expect } from 'vitest';
import { scenario } from './support/scenario.ts';

const mutual = {
  nodes: [
    { id: 'saturn', instance: { privateIps: [['10.0.1.11', '10.0.1.21']] } },
    { id: 'neptune', instance: { privateIps: [['10.0.1.12', '10.0.1.22']] } },
  ],
  addresses: [
    { holder: 'saturn', landing: { saturn: '10.0.1.11', neptune: '10.0.1.22' } },
    { holder: 'neptune', landing: { saturn: '10.0.1.21', neptune: '10.0.1.12' } },
  ],
} as const;

scenario(
  "a dead web server's address joins the other's on the second private address",
  mutual,
  async (scene) => {
    const { cluster } = scene;
    const [first, second] = [cluster.addresses[0] ?? '', cluster.addresses[1] ?? ''];
    const neptune = cluster.node('neptune');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    await scene.sees('saturn', 'up');

    const associationOf = (ip: string) => cluster.cloud.state.addresses.get(ip)?.association;
    expect(associationOf(first)).toMatchObject({ instanceId: neptune.instanceId, privateIp: '10.0.1.22' });
    expect(associationOf(second)).toMatchObject({ instanceId: neptune.instanceId, privateIp: '10.0.1.12' });
    expect(await neptune.agent.api.holds(first)).toBe(true);
    expect(await neptune.agent.api.holds(second)).toBe(true);

    // Repaired, it gets nothing back by itself, and is the standby of both.
    await cluster.node('saturn').web.start();
    await cluster.settled();
    await scene.probedMore('saturn', 10, 'ok');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
    expect(cluster.moves(second)).toBe(0);

    await neptune.web.kill();
    for (const ip of [first, second]) await cluster.held('saturn', { withinMs: 60_000 }, ip);
    await scene.eventually('people to be told of both', () => cluster.cloud.published.length === 3);
    expect([cluster.moves(first), cluster.moves(second)]).toEqual([2, 1]);
    expect(associationOf(first)).toMatchObject({ privateIp: '10.0.1.11' });
    expect(associationOf(second)).toMatchObject({ privateIp: '10.0.1.21' });
  },
);

scenario(
  'with one private address only, a node would throw its own address off, and does not take the other',
  {
    ...mutual,
    nodes: [{ id: 'saturn' }, { id: 'neptune' }],
    addresses: [{ holder: 'saturn' }, { holder: 'neptune' }],
    begin: 'ready',
  },
  async (scene) => {
    const { cluster } = scene;
    const problems = async (): Promise<boolean> => {
      const { node } = await scene.status('neptune');
      return !node.ready && node.problems.some((text) => text.includes(cluster.addresses[1] ?? '?'));
    };
    await scene.eventually('neptune to find that it is not ready, long before it has to be', problems);
    expect(await scene.metric('neptune', 'takeover_ready')).toBe(0);

    await cluster.node('saturn').web.kill();
    await scene.sees('neptune', 'down');
    const why = await scene.explains(
      'neptune',
      'what it would displace',
      ({ reason }) => reason === 'would-displace',
    );
    expect(why.outcome).toBe('hold');
    await scene.probedMore('neptune', 10);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    expect(cluster.moves(cluster.addresses[1])).toBe(0);
  },
);
