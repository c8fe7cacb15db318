/** Credentials that AWS begins to refuse, and that are replaced while the agents run: without a restart or a signal. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { patienceMs, type Scene, scenario } from './support/scenario.ts';

/** An idle node reads once a minute; the rest is what a busy machine may take. */
const withinAMinuteMs = 60_000 + 15_000;

interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

async function writeKey(scene: Scene, { accessKeyId, secretAccessKey }: Key): Promise<string> {
  const folder = join(scene.cluster.node('neptune').folder, 'aws');
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'credentials');
  const lines = [
    '[default]',
    `aws_access_key_id = ${accessKeyId}`,
    `aws_secret_access_key = ${secretAccessKey}`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
}

scenario(
  'keys of a shared file that AWS refuses show within a minute, and the address moves as soon as the file has others',
  { nodes: [{ id: 'saturn' }, { id: 'neptune', start: 'later' }], begin: 'at once' },
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    const file = await writeKey(scene, cluster.cloud.accessKeyFor(neptune.instanceId));
    await neptune.web.start();
    neptune.agent.start({ AWS_SHARED_CREDENTIALS_FILE: file });
    await cluster.settled(patienceMs);
    await scene.eventually(
      'neptune to be ready',
      async () => (await scene.metric('neptune', 'takeover_ready')) === 1,
    );

    const fresh = cluster.cloud.replaceAccessKey(neptune.instanceId);
    const refused = await neptune.agent.log.waitFor(
      ({ event, msg }) => event === 'readiness' && msg.includes('AuthFailure'),
      { withinMs: withinAMinuteMs },
    );
    expect(refused.level).toBe('warn');
    expect(await scene.metric('neptune', 'takeover_ready')).toBe(0);
    expect((await scene.status('neptune')).node.problems.join()).toContain('read-refused');
    expect(neptune.agent.log.filter('credentials')[0]).toMatchObject({
      level: 'error',
      fields: { code: 'AuthFailure' },
    });

    // Down, and nothing to move it with: both calls would be refused.
    await cluster.node('saturn').web.kill();
    await scene.eventually('the move to be refused', () =>
      neptune.agent.log.filter('concluded').some(({ msg }) => msg.includes('AuthFailure')),
    );
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    await writeKey(scene, fresh);
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
    await scene.eventually(
      'neptune to be ready again',
      async () => (await scene.metric('neptune', 'takeover_ready')) === 1,
    );
  },
);

scenario(
  'a session of instance metadata that ends early costs nothing: the next one is taken in the same call',
  {},
  async (scene) => {
    const { cluster } = scene;
    cluster.cloud.expireCredentials(cluster.node('neptune').instanceId);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
    const refused = cluster
      .node('neptune')
      .agent.log.filter('concluded')
      .filter(({ fields }) => fields.result === 'refused');
    expect(refused).toEqual([]);
  },
);

scenario(
  'a signal to reload reads the credentials again, even where the configuration is refused',
  { nodes: [{ id: 'saturn' }, { id: 'neptune', start: 'later' }], begin: 'at once' },
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    const file = await writeKey(scene, cluster.cloud.accessKeyFor(neptune.instanceId));
    await neptune.web.start();
    neptune.agent.start({ AWS_SHARED_CREDENTIALS_FILE: file });
    await cluster.ready(patienceMs);
    await scene.logs('neptune', ({ event }) => event === 'warmed');
    await writeKey(scene, cluster.cloud.replaceAccessKey(neptune.instanceId));
    await writeFile(neptune.agent.configFile, 'cluster: [');
    neptune.agent.reload();
    await scene.logs('neptune', ({ event, msg }) => event === 'credentials' && msg.includes('new ones'));
    await scene.logs('neptune', ({ event }) => event === 'reload-refused');
  },
);
