/** A state directory that takes no writes: told of, lends and takes nothing, and all is well again when it is mended. */
import { describe, expect } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import {
  fill,
  makeReadOnly,
  makeRoom,
  makeWritable,
  mountSmallDisk,
  stateFolder,
  unmount,
} from './support/disk.ts';
import { scenario } from './support/scenario.ts';

scenario(
  'a standby whose state directory is read-only is not ready, takes nothing, and takes over once it can write',
  {},
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    const folder = stateFolder(cluster, 'neptune');
    await neptune.agent.stop();
    await makeReadOnly(folder);
    try {
      const since = neptune.agent.log.position;
      neptune.agent.start();
      await neptune.agent.ready();
      const told = await neptune.agent.log.waitFor('state-directory', { since });
      expect(told.level).toBe('error');
      expect(told.msg).toContain(`the state directory ${folder} cannot be written to: `);
      expect(told.msg).toMatch(/EROFS \(the file system is read-only\)|EACCES \(permission denied\)/);
      await scene.eventually(
        'neptune to find that it is not ready',
        async () => (await scene.metric('neptune', 'takeover_ready')) === 0,
      );
      expect(await scene.metric('neptune', 'storage_writable')).toBe(0);
      expect((await scene.status('neptune')).node.problems.join()).toMatch(/storage-failed: (EROFS|EACCES)/);

      await cluster.node('saturn').web.kill();
      const why = await scene.explains('neptune', 'its disk', ({ reason }) => reason === 'storage-failed');
      expect(why.outcome).toBe('wait');
      await scene.probedMore('neptune', 10, 'failed');
      scene.expectOutcome({ holder: 'saturn', moves: 0 });
    } finally {
      await makeWritable(folder);
    }
    await scene.moved('neptune');
    expect(await scene.metric('neptune', 'storage_writable')).toBe(1);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

const missing = has('root') ? '' : ' (skipped: only root may mount a disk; sudo npm test)';

describe.skipIf(!has('root'))(`a full disk${missing}`, () => {
  scenario(
    'of a voter: it lends nothing, an order is refused, and when there is room again the address moves',
    // Recordings would give way, and the disk wouldn't be full.
    { settings: { recorder: 'off' } },
    async (scene) => {
      const { cluster } = scene;
      const saturn = cluster.node('saturn');
      const neptune = cluster.node('neptune');
      const folder = stateFolder(cluster, 'saturn');
      await saturn.agent.stop();
      mountSmallDisk(folder);
      try {
        saturn.agent.start();
        await cluster.settled(60_000);
        await fill(folder);

        const order = await scene.command('saturn', 'pause', '--timeout', '2s');
        expect(order).toMatchObject({ code: 1, stdout: '' });
        await scene.eventually(
          'saturn to find that its disk is full',
          async () => (await scene.metric('saturn', 'storage_writable')) === 0,
        );
        await scene.eventually('saturn to say why', async () =>
          (await scene.status('saturn')).node.problems.includes('storage-failed: ENOSPC'),
        );
        const failed = await scene.logs(
          'saturn',
          ({ event, fields }) => event === 'storage' && fields.code === 'ENOSPC',
        );
        expect(failed.level).toBe('error');
        const again = await scene.command('saturn', 'pause');
        expect(again).toMatchObject({ code: 1, stdout: '' });
        expect(again.stderr).toContain("disk doesn't take writes: ENOSPC");

        await makeRoom(folder);
        await scene.eventually(
          'saturn to write again',
          async () => (await scene.metric('saturn', 'storage_writable')) === 1,
        );
        expect((await scene.command('saturn', 'resume')).code).toBe(0);

        await fill(folder);
        await saturn.web.kill();
        await neptune.agent.log.waitFor(
          ({ event, fields }) => event === 'ballot-answered' && fields.reason === 'storage',
          { withinMs: 60_000 },
        );
        scene.expectOutcome({ holder: 'saturn', moves: 0 });
        await makeRoom(folder);
        await scene.moved('neptune');
        scene.expectOutcome({ holder: 'neptune', moves: 1 });
      } finally {
        await saturn.agent.kill();
        unmount(folder);
      }
    },
  );
});
