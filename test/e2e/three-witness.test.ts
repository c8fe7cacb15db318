/** Two candidates and a witness: which partitions move the address, and which don't. */
import { expect } from 'vitest';
import { scenario } from './support/scenario.ts';
import { patientSettings as settings } from './support/three-nodes.ts';

const nodes = [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto', role: 'witness' }] as const;

scenario('the holder is gone: the standby and the witness agree', { nodes, settings }, async (scene) => {
  const { cluster } = scene;
  await cluster.node('saturn').vanish();
  await scene.moved('neptune');
  const grants = cluster
    .node('neptune')
    .agent.log.filter(({ event, fields }) => event === 'ballot-answered' && fields.answer === 'grant');
  expect(grants[0]?.fields).toMatchObject({ voter: 'pluto', reason: 'down' });
  await scene.eventually(
    'the witness to know',
    async () => (await scene.view('pluto')).holder.node === 'neptune',
  );
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});

scenario(
  'the standby is cut off from both and sees the address down: it loses its ballots',
  { nodes, settings },
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    cluster.partition(['neptune']);
    await scene.calls('neptune', 'saturn', 'dead');
    await scene.calls('neptune', 'pluto', 'dead');
    cluster.cloud.setPath(neptune.instanceId, cluster.address, 'blackhole');
    await scene.sees('neptune', 'down');
    const lost = ({
      event,
      fields,
    }: {
      readonly event: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }) => event === 'ballot-closed' && fields.result === 'lost';
    await neptune.agent.log.waitFor(lost, { withinMs: 60_000 });
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    // Joined again, the others say that the address is up.
    const joined = neptune.agent.log.position;
    cluster.heal();
    const refused = await neptune.agent.log.waitFor(
      ({ event, fields }) => event === 'ballot-answered' && fields.answer === 'refuse',
      { since: joined, withinMs: 60_000 },
    );
    expect(refused.fields.reason).toBe('up');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'the witness is gone: the two candidates still agree on a dead web server',
  { nodes, settings },
  async (scene) => {
    const { cluster } = scene;
    await cluster.node('pluto').vanish();
    await scene.calls('saturn', 'pluto', 'dead');
    await scene.calls('neptune', 'pluto', 'dead');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'witness and holder are gone: one of three is no majority, and it moves when the witness is back',
  { nodes, settings },
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    await Promise.all([cluster.node('pluto').vanish(), cluster.node('saturn').vanish()]);
    await scene.sees('neptune', 'down');
    await neptune.agent.log.waitFor(
      ({ event, fields }) => event === 'ballot-closed' && fields.result === 'lost',
      { withinMs: 60_000 },
    );
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    await cluster.node('pluto').comeBack();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
