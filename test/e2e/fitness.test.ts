/** A node whose own program says that it isn't fit: it takes nothing, and says why in the program's words. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { scenario } from './support/scenario.ts';

const folder = await mkdtemp(join(tmpdir(), 'failtome-fitness-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = join(folder, 'fit.sh');
const flag = join(folder, 'in-maintenance');
await writeFile(program, '#!/bin/sh\n[ -e "$1" ] || exit 0\necho "the disk is being changed"\nexit 1\n');
await chmod(program, 0o755);
await writeFile(flag, '');

scenario(
  'a standby whose program says no takes nothing, and takes the address over once it says yes',
  {
    nodes: [{ id: 'saturn' }, { id: 'neptune', settings: { local: { command: [program, flag] } } }],
    begin: 'ready',
  },
  async (scene) => {
    const { cluster } = scene;
    await scene.explains('neptune', 'the program in its own words', ({ gates }) =>
      gates.some(({ name, passed }) => name === 'local' && passed === false),
    );
    await scene.logs(
      'neptune',
      ({ event, msg }) => event === 'local' && msg.includes('exit 1: the disk is being changed'),
    );
    await cluster.node('saturn').web.kill();
    await scene.sees('neptune', 'down');
    await scene.probedMore('neptune', 5);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    await rm(flag);
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
