import { expect } from 'vitest';
import { type Driver, type Scene, scenario } from './support/scenario.ts';

/** A pair in which something that serves fails: a web server, an agent, a machine. */

const drivers: readonly Driver[] = ['ec2', 'opsworks'];

async function blockedTold(scene: Scene, id: string): Promise<number> {
  return scene.cluster.node(id).agent.log.filter('blocked').length;
}

// The longest first: the others take turns beside them.
scenario(
  'a web server that hangs and goes on in turn loses the address once, and does not get it back',
  { settings: { holdDown: '1s' } },
  async (scene) => {
    const { cluster } = scene;
    const saturn = cluster.node('saturn');
    const stop = saturn.web.flap({ upMs: 2_500, downMs: 4_500 });
    await scene.moved('neptune');
    // Fit and unfit again and again, each time for long enough to be noticed, and past every hold-down.
    const turns = (): number => saturn.agent.log.filter('local').length;
    const before = turns();
    await scene.eventually('saturn to be unfit twice more', () => turns() >= before + 4);
    stop();
    await scene.sees('saturn', 'up');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'two web servers that hang in turn, each while the other serves: no more than two moves while they do',
  { settings: { holdDown: '1m' } },
  async (scene) => {
    const { cluster } = scene;
    const [saturn, neptune] = [cluster.node('saturn'), cluster.node('neptune')];
    // Long enough for a probe to fail, and too short for as many in a row as make a verdict.
    const stops = [
      saturn.web.flap({ upMs: 1_200, downMs: 1_600 }),
      neptune.web.flap({ upMs: 1_500, downMs: 1_400 }),
    ];
    await Promise.all([scene.probedMore('saturn', 6, 'failed'), scene.probedMore('neptune', 6, 'failed')]);
    for (const stop of stops) stop();
    await Promise.all([scene.sees('saturn', 'up'), scene.sees('neptune', 'up')]);
    expect(cluster.moves()).toBeLessThanOrEqual(2);
    const holder = cluster.holder()?.id ?? null;
    expect(holder).not.toBeNull();
  },
);

for (const driver of drivers) {
  scenario(
    `${driver}: a killed web server loses the address to the other node`,
    { driver },
    async (scene) => {
      await scene.cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      await scene.sees('saturn', 'up');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );

  scenario(`${driver}: a hung web server loses the address to the other node`, { driver }, async (scene) => {
    scene.cluster.node('saturn').web.hang();
    await scene.moved('neptune');
    await scene.sees('saturn', 'up');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  });

  scenario(
    `${driver}: the holder's agent is killed and the address answers: nothing moves`,
    { driver },
    async (scene) => {
      await scene.cluster.node('saturn').agent.kill();
      await scene.calls('neptune', 'saturn', 'dead');
      await scene.probedMore('neptune', 6, 'ok');
      expect(await scene.why('neptune')).toMatchObject({ outcome: 'hold', reason: 'address-up' });
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
    },
  );

  scenario(
    `${driver}: the holder's whole node is gone: the other takes the address`,
    { driver },
    async (scene) => {
      await scene.cluster.node('saturn').vanish();
      await scene.moved('neptune');
      await scene.sees('neptune', 'up');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario(
  'with every kept-alive connection dead after the move, it is finished and told all the same',
  { cloud: { moveEffect: 'blackhole' } },
  async (scene) => {
    await scene.cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    await scene.sees('saturn', 'up');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario('the standby is gone: nothing moves', {}, async (scene) => {
  await scene.cluster.node('neptune').vanish();
  await scene.calls('saturn', 'neptune', 'dead');
  await scene.probedMore('saturn', 6, 'ok');
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});

scenario(
  'both web servers are dead: nothing moves, each node tells people once, and the first to be fit serves again',
  { settings: { notify: { blockedAfter: '1s' } } },
  async (scene) => {
    const { cluster } = scene;
    const [saturn, neptune] = [cluster.node('saturn'), cluster.node('neptune')];
    await neptune.web.kill();
    await scene.eventually(
      'neptune to be unfit',
      async () => (await scene.status('neptune')).node.fit === 'unfit',
    );
    await saturn.web.kill();
    const message = await scene.tells(`${cluster.address} is down and no node may take it`);
    expect(message).toContain('local-unfit');
    await scene.eventually('both to have told people', () => cluster.cloud.published.length >= 2);
    // Long past the time of a second notification, if there were one.
    await Promise.all([scene.probedMore('saturn', 12, 'failed'), scene.probedMore('neptune', 12, 'failed')]);
    expect(await Promise.all([blockedTold(scene, 'saturn'), blockedTold(scene, 'neptune')])).toEqual([1, 1]);
    expect(await scene.why('neptune')).toMatchObject({ outcome: 'hold', reason: 'local-unfit' });
    scene.expectOutcome({ holder: 'saturn', moves: 0, blocked: 2 });
    await neptune.web.start();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1, blocked: 2 });
  },
);

scenario(
  'the address is down and the only voter left may not decide: people are told, once',
  // Longer than it takes until the silent voter's answer isn't waited for any more.
  { settings: { agreement: { silentPeer: 'hold' }, notify: { blockedAfter: '6s' } } },
  async (scene) => {
    await scene.cluster.node('saturn').vanish();
    const message = await scene.tells(`${scene.cluster.address} is down and no node may take it`);
    expect(message).toContain('ballot-lost');
    await scene.probedMore('neptune', 20, 'failed');
    expect(await blockedTold(scene, 'neptune')).toBe(1);
    scene.expectOutcome({ holder: 'saturn', moves: 0, blocked: 1 });
  },
);
