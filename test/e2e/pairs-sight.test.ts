import { expect } from 'vitest';
import type { LogLine } from '../../packages/cluster/src/index.ts';
import { type Driver, patienceMs, type Scene, scenario } from './support/scenario.ts';

/** A pair in which somebody doesn't see or hear what the other does. */

const drivers: readonly Driver[] = ['ec2', 'opsworks'];

/** Nothing passes between the two, and each calls the other dead. */
async function cutOff(scene: Scene): Promise<void> {
  scene.cluster.partition(['saturn']);
  await Promise.all([scene.calls('saturn', 'neptune', 'dead'), scene.calls('neptune', 'saturn', 'dead')]);
}

const agreed = ({ event, fields }: LogLine): boolean => event === 'ballot-closed' && fields.result === 'won';

for (const driver of drivers) {
  scenario(
    `${driver}: cut off from each other, with the address fine: nothing moves`,
    { driver },
    async (scene) => {
      await cutOff(scene);
      await Promise.all([scene.probedMore('saturn', 6, 'ok'), scene.probedMore('neptune', 6, 'ok')]);
      expect(await scene.why('neptune')).toMatchObject({ outcome: 'hold', reason: 'address-up' });
      scene.cluster.heal();
      await Promise.all([
        scene.calls('saturn', 'neptune', 'alive'),
        scene.calls('neptune', 'saturn', 'alive'),
      ]);
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
    },
  );
}

scenario(
  'cut off from each other, and the holder dead: its silence counts as blind, and the address moves',
  { settings: { agreement: { silentPeer: 'takeover' } } },
  async (scene) => {
    await cutOff(scene);
    await scene.cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'cut off from each other, and the holder dead, where silence is a refusal: nothing moves, and `why` says so',
  { settings: { agreement: { silentPeer: 'hold' } } },
  async (scene) => {
    await cutOff(scene);
    await scene.cluster.node('saturn').web.kill();
    const why = await scene.explains(
      'neptune',
      'that silence is a refusal here',
      ({ reason, lastBallot }) => reason === 'ballot-lost' && (lastBallot ?? '').includes('saturn'),
    );
    expect(why.lastBallot).toContain('saturn: silent');
    expect(why.lastBallot).toContain('silentPeer: hold');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    scene.cluster.heal();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  "the standby's way out is broken while its peer reaches it: nothing moves, and `why` says no-way-out",
  {},
  async (scene) => {
    const { cluster } = scene;
    cluster.node('neptune').setWayOut('broken');
    await scene.explains(
      'neptune',
      'that it has no way out',
      ({ outcome, reason, gates }) =>
        outcome === 'wait' &&
        reason === 'verdict-unknown' &&
        gates.some(({ name, code }) => name === 'way-out' && code === 'no-way-out'),
    );
    await scene.probedMore('neptune', 10, 'failed');
    expect((await scene.view('neptune')).verdict).toBe('unknown');
    await scene.calls('saturn', 'neptune', 'alive');
    expect(cluster.node('saturn').agent.log.filter('voted')).toEqual([]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    cluster.node('neptune').setWayOut('open');
    await scene.sees('neptune', 'up');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  "a standby that alone can't see the address is refused by its peer, and `why` says so",
  {},
  async (scene) => {
    const { cluster } = scene;
    const { instanceId } = cluster.node('neptune');
    cluster.cloud.setPath(instanceId, cluster.address, 'blackhole');
    await scene.explains('neptune', "its peer's refusal", ({ reason, lastBallot }) =>
      Boolean(reason === 'ballot-lost' && lastBallot?.includes('saturn: refuse (up)')),
    );
    const refusals = (): Promise<number> => scene.metric('saturn', 'votes_total', { reason: 'up' });
    await scene.eventually('saturn to refuse a second ballot', async () => (await refusals()) >= 2);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    cluster.cloud.setPath(instanceId, cluster.address, 'clear');
    await scene.sees('neptune', 'up');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'a holder that loses its way out, and is still reached from outside, keeps the address',
  {},
  async (scene) => {
    const { cluster } = scene;
    cluster.node('saturn').setWayOut('broken');
    await cluster
      .node('saturn')
      .agent.log.waitFor(({ event, msg }) => event === 'way-out' && !msg.startsWith('way out: seen as '));
    await Promise.all([scene.probedMore('saturn', 8, 'failed'), scene.probedMore('neptune', 8, 'ok')]);
    await scene.calls('neptune', 'saturn', 'alive');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'a holder cut off from the outside, while its peer reaches it, is blind and lends: the address moves',
  {},
  async (scene) => {
    const { cluster } = scene;
    const [saturn, neptune] = [cluster.node('saturn'), cluster.node('neptune')];
    cluster.cloud.setNetwork(saturn.instanceId, 'gone');
    await scene.moved('neptune');
    const answers = neptune.agent.log.filter('ballot-answered').map(({ fields }) => fields.answer);
    expect(answers).toContain('blind');
    await scene.calls('neptune', 'saturn', 'alive');
    cluster.cloud.setNetwork(saturn.instanceId, 'attached');
    await scene.sees('saturn', 'up');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

for (const kind of ['down', 'html'] as const) {
  scenario(
    `the external-IP service ${kind === 'down' ? 'is down' : 'answers HTML'}: nothing moves, and \`why\` says so`,
    {},
    async (scene) => {
      const { cluster } = scene;
      cluster.cloud.setGuard({ kind });
      await cluster.node('saturn').web.kill();
      await scene.explains('neptune', 'what the external-IP service answered', ({ gates }) =>
        gates.some(
          ({ name, code, reason }) =>
            name === 'way-out' &&
            code === 'no-way-out' &&
            (kind === 'down' ? /refused/ : /html/i).test(reason),
        ),
      );
      await scene.probedMore('neptune', 10, 'failed');
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
      cluster.cloud.clearGuard();
      await scene.moved('neptune');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );

  scenario(
    `the external-IP service ${kind === 'down' ? 'goes down' : 'begins to answer HTML'} after the agreement: the guard refuses`,
    {},
    async (scene) => {
      const { cluster } = scene;
      const saturn = cluster.node('saturn');
      // No agreement until the service has failed: after the way-out proof, and before the guard.
      saturn.agent.pause();
      await saturn.web.kill();
      await scene.logs('neptune', 'ballot-opened');
      cluster.cloud.setGuard({ kind });
      saturn.agent.resume();
      // Where the guard takes longer than the way-out proof lasts, that stops the move before it answers.
      await scene.explains('neptune', 'that the outside stood in the way', ({ refusals }) =>
        refusals.some((reason) => reason === 'guard-refused' || reason === 'no-way-out'),
      );
      await scene.logs('neptune', agreed);
      await scene.probedMore('neptune', 6, 'failed');
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
      cluster.cloud.clearGuard();
      await scene.moved('neptune');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario(
  'held by nobody, and cut off from each other: both want it, one gets it, and there is no fight',
  { addresses: [{}], begin: 'at once' },
  async (scene) => {
    const { cluster } = scene;
    cluster.partition(['saturn']);
    await cluster.ready(patienceMs);
    await scene.eventually('somebody to hold the address', () => cluster.holder() !== null);
    await Promise.all([scene.sees('saturn', 'up'), scene.sees('neptune', 'up')]);
    const winner = cluster.holder()?.id ?? '';
    await scene.moved(winner);
    // Past the hold-down, still cut off.
    await scene.eventually('the hold-down to be over', async () => {
      const views = await Promise.all([scene.view('saturn'), scene.view('neptune')]);
      return views.every(({ holdDownMs }) => holdDownMs === 0);
    });
    await Promise.all([scene.probedMore('saturn', 6, 'ok'), scene.probedMore('neptune', 6, 'ok')]);
    scene.expectOutcome({ holder: winner, moves: 1 });
  },
);
