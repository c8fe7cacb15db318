/** Three nodes that may all hold the address, or some of them: who takes it, and who never does. */
import { expect } from 'vitest';
import { scenario } from './support/scenario.ts';
import { patientSettings as settings } from './support/three-nodes.ts';

/** Of the scenarios' settings. */
const deadMs = 3_000;

const three = [{ id: 'saturn' }, { id: 'neptune', priority: 200 }, { id: 'pluto' }] as const;

scenario(
  'of two standbys that start at the same moment, one takes the address',
  { nodes: [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto' }], settings },
  async (scene) => {
    const { cluster } = scene;
    const standbys = [cluster.node('neptune'), cluster.node('pluto')];
    await Promise.all(standbys.map(({ agent }) => agent.kill()));
    await cluster.node('saturn').web.kill();
    await scene.sees('saturn', 'down');

    for (const { agent } of standbys) agent.start();
    const holder = await cluster.cloud.waitFor(
      'a standby to hold the address',
      () => standbys.find(({ instanceId }) => cluster.cloud.holderOf(cluster.address) === instanceId)?.id,
      60_000,
    );
    await scene.moved(holder);
    const other = holder === 'neptune' ? 'pluto' : 'neptune';
    await scene.sees(other, 'up');
    await scene.eventually(
      'the other to know the holder',
      async () => (await scene.view(other)).holder.node === holder,
    );
    await scene.probedMore(other, 5, 'ok');

    scene.expectOutcome({ holder, moves: 1 });
  },
);

scenario(
  'a voter without a way out does not keep the other two from replacing a dead holder',
  { nodes: three, settings },
  async (scene) => {
    const { cluster } = scene;
    cluster.node('pluto').setWayOut('broken');
    await scene.eventually(
      'pluto to lose sight of the address',
      async () => (await scene.view('pluto')).verdict === 'unknown',
    );

    await cluster.node('saturn').vanish();
    await scene.moved('neptune');

    const blind = cluster
      .node('neptune')
      .agent.log.filter(({ event, fields }) => event === 'ballot-answered' && fields.answer === 'blind');
    expect(blind[0]?.fields).toMatchObject({ voter: 'pluto', reason: 'no-way-out' });
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'a member neither votes nor takes the address, whoever else is gone',
  { nodes: [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto', role: 'member' }], settings },
  async (scene) => {
    const { cluster } = scene;
    const { electorate } = await scene.status('pluto');
    expect([...electorate.voters].sort()).toEqual(['neptune', 'saturn']);

    await cluster.node('neptune').agent.kill();
    await cluster.node('saturn').web.kill();
    await scene.sees('pluto', 'down');
    await scene.calls('pluto', 'neptune', 'dead');
    const why = await scene.explains(
      'pluto',
      'that it is a member',
      ({ reason }) => reason === 'not-a-candidate',
    );
    expect(why.outcome).toBe('hold');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    cluster.node('neptune').agent.start();
    await scene.moved('neptune');
    await scene.eventually(
      'the member to know',
      async () => (await scene.view('pluto')).holder.node === 'neptune',
    );
    expect(cluster.node('pluto').agent.log.filter('voted')).toEqual([]);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'with a bridge between two that do not hear each other nothing moves, and a dead web server once',
  { nodes: three, settings },
  async (scene) => {
    const { cluster } = scene;
    cluster.between('saturn', 'neptune', { kind: 'drop' });
    for (const [id, other] of [
      ['neptune', 'saturn'],
      ['saturn', 'neptune'],
    ] as const) {
      await scene.eventually(
        `${id} to have heard ${other} for the last time long enough ago to call it dead`,
        async () => {
          const peer = (await scene.status(id)).peers.find((each) => each.id === other);
          return (peer?.lastHeardMs ?? 0) > 2 * deadMs && peer?.state === 'suspect';
        },
      );
    }
    await scene.probedMore('neptune', 5, 'ok');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    await scene.eventually(
      'saturn to know the new holder',
      async () => (await scene.view('saturn')).holder.node === 'neptune',
    );
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'of three, the holder without a way out is replaced when the address fails for the others',
  { nodes: three, settings },
  async (scene) => {
    const { cluster } = scene;
    cluster.node('saturn').setWayOut('broken');
    await scene.eventually(
      'saturn to lose sight of the address',
      async () => (await scene.view('saturn')).verdict === 'unknown',
    );
    await scene.probedMore('neptune', 5, 'ok');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
