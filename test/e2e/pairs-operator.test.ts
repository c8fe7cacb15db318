import { expect } from 'vitest';
import { type Driver, patienceMs, type Scene, scenario } from './support/scenario.ts';

/** A pair under an operator's hands: restarts, planned handovers, pauses. */

const drivers: readonly Driver[] = ['ec2', 'opsworks'];

async function handOver(scene: Scene, to: string): Promise<void> {
  const done = await scene.command('saturn', 'handover', '--to', to, '--reason', 'maintenance');
  expect(done, `${done.stdout}${done.stderr}`).toMatchObject({ code: 0 });
  expect(scene.cluster.holder()?.id).toBe(to);
}

for (const driver of drivers) {
  scenario(
    `${driver}: both agents are restarted in turn: nothing moves, and each would take over again afterwards`,
    { driver },
    async (scene) => {
      const { cluster } = scene;
      for (const id of ['saturn', 'neptune']) {
        const { agent } = cluster.node(id);
        await agent.stop();
        agent.start();
        await cluster.settled(patienceMs);
      }
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );

  scenario(
    `${driver}: a planned handover, and one back within the hold-down`,
    { driver, settings: { holdDown: '10m' } },
    async (scene) => {
      await handOver(scene, 'neptune');
      expect((await scene.view('saturn')).holdDownMs).toBeGreaterThan(0);
      await scene.eventually(
        'saturn to be able to take it back',
        async () => (await scene.status('saturn')).node.ready,
      );
      await handOver(scene, 'saturn');
      await scene.eventually('both to be told', () => scene.cluster.cloud.published.length >= 2);
      scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
    },
  );
}

scenario(
  'a planned handover there and back, with every kept-alive connection dead after each move',
  { cloud: { moveEffect: 'blackhole' } },
  async (scene) => {
    await handOver(scene, 'neptune');
    await scene.eventually(
      'saturn to be able to take it back',
      async () => (await scene.status('saturn')).node.ready,
    );
    await handOver(scene, 'saturn');
    await scene.eventually('both to be told', () => scene.cluster.cloud.published.length >= 2);
    scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
  },
);

scenario(
  'a handover to a node that is not fit is refused with the reason, and nothing moves',
  {},
  async (scene) => {
    await scene.cluster.node('neptune').web.kill();
    await scene.eventually(
      'neptune to be unfit',
      async () => (await scene.status('neptune')).node.fit === 'unfit',
    );
    const refused = await scene.command('saturn', 'handover', '--to', 'neptune');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Not done: ');
    expect(refused.stderr).toMatch(/unfit|not fit/);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'paused, an address that is down stays where it is, and after resume it moves by itself',
  {},
  async (scene) => {
    const { cluster } = scene;
    const paused = await scene.command('saturn', 'pause', '--reason', 'maintenance');
    expect(paused, paused.stderr).toMatchObject({ code: 0 });
    await scene.eventually('neptune to know it', async () => (await scene.metric('neptune', 'paused')) === 1);
    await cluster.node('saturn').web.kill();
    await scene.sees('neptune', 'down');
    const why = await scene.explains('neptune', 'the pause', ({ reason }) => reason === 'paused');
    expect(why).toMatchObject({ outcome: 'hold', detail: expect.stringContaining('maintenance') });
    await scene.probedMore('neptune', 10, 'failed');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    const resumed = await scene.command('neptune', 'resume');
    expect(resumed, resumed.stderr).toMatchObject({ code: 0 });
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario('paused, a planned handover is made all the same', {}, async (scene) => {
  const { cluster } = scene;
  const paused = await scene.command('neptune', 'pause', '--for', '1h');
  expect(paused, paused.stderr).toMatchObject({ code: 0 });
  await handOver(scene, 'neptune');
  await scene.moved('neptune');
  expect((await scene.status('saturn')).pause.paused).toBe(true);
  expect(cluster.node('neptune').agent.log.filter('concluded')).toHaveLength(1);
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});

scenario('a pause outlives the restart of every agent', {}, async (scene) => {
  const { cluster } = scene;
  const paused = await scene.command('saturn', 'pause');
  expect(paused, paused.stderr).toMatchObject({ code: 0 });
  await scene.eventually('neptune to know it', async () => (await scene.metric('neptune', 'paused')) === 1);
  await Promise.all(cluster.nodes.map(({ agent }) => agent.kill()));
  for (const { agent } of cluster.nodes) agent.start();
  await cluster.ready(patienceMs);
  await cluster.node('saturn').web.kill();
  await scene.explains('neptune', 'the pause', ({ reason }) => reason === 'paused');
  await scene.probedMore('neptune', 10, 'failed');
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});

/** A target without a way out can't take it for now. */
async function orderInVain(scene: Scene, ...more: readonly string[]): Promise<string> {
  scene.cluster.cloud.setGuard({ kind: 'down' });
  const order = ['--to', 'neptune', '--reason', 'kernel update', '--timeout', '2s'];
  const { code, stderr } = await scene.command('saturn', 'handover', ...order, ...more);
  expect(code, stderr).toBe(1);
  return stderr;
}

async function neptuneSees(scene: Scene, state: string): Promise<void> {
  await scene.eventually(`neptune to know that it is ${state}`, async () =>
    (await scene.status('neptune')).handovers.some((one) => one.state === state),
  );
}

scenario(
  'a handover that is not done in time is taken back, and does not happen when it could',
  {},
  async (scene) => {
    expect(await orderInVain(scene)).toMatch(/Not done: not done within 2\.0 s .*neptune has stored it/);
    scene.cluster.cloud.clearGuard();
    await scene.probedMore('neptune', 10, 'ok');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    const history = await scene.command('saturn', 'history', '--node');
    expect(history.stdout).toMatch(/handover of .* to neptune, as ordered: (withdrawn|expired)/);
    expect(history.stdout).toMatch(/ordered by .*: kernel update/);
  },
);

scenario(
  'a handover that is kept is shown on both nodes, and a pause that comes later ends it',
  {},
  async (scene) => {
    expect(await orderInVain(scene, '--keep')).toContain('and kept: it may still happen');
    for (const verb of ['status', 'why'] as const) {
      const { stdout } = await scene.command('neptune', verb);
      expect(stdout).toMatch(/Handover of .* to neptune is open until .*, ordered by .*: kernel update/);
    }
    const paused = await scene.command('neptune', 'pause', '--for', '1h');
    expect(paused.stdout).toMatch(/It ends the handover of .* to neptune, ordered by .*: kernel update\./);
    await neptuneSees(scene, 'withdrawn');
    scene.cluster.cloud.clearGuard();
    await scene.probedMore('neptune', 10, 'ok');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    const shorter = await scene.command('saturn', 'pause', '--for', '1m');
    expect(shorter.stdout).toContain('Automatic takeover stays paused, longer than asked for');
  },
);

scenario('a handover that is kept is taken back by --cancel, asked of the other node', {}, async (scene) => {
  await orderInVain(scene, '--keep');
  const cancelled = await scene.command('neptune', 'handover', '--cancel', '--reason', 'not today');
  expect(cancelled, cancelled.stderr).toMatchObject({ code: 0 });
  expect(cancelled.stdout).toContain('withdrawn: neptune has stored it');
  scene.cluster.cloud.clearGuard();
  await scene.probedMore('neptune', 10, 'ok');
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});
