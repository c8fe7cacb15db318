import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createExecDriver } from '../../packages/agent/src/adapters/exec.ts';
import { openExec } from '../contracts/agent-drivers.ts';
import { type DriverWorld, drive, driveUntilTimeout } from '../contracts/driver-world.ts';
import { collectPosts } from './aws-world.ts';

describe('the driver exec at its edges', () => {
  let world: Awaited<ReturnType<typeof openExec>>;
  beforeEach(async () => {
    world = await openExec();
  });
  afterEach(() => world.close());

  /** The driver of a shell script of the test's. */
  async function scripted(lines: string): Promise<DriverWorld> {
    const file = join(world.folder, 'mover.sh');
    await writeFile(file, `#!/bin/sh\n${lines}\n`);
    await chmod(file, 0o755);
    return commanded([file]);
  }

  function commanded(command: readonly string[]): DriverWorld {
    const posts = collectPosts();
    const driver = createExecDriver(
      { command, nodeId: 'saturn' },
      { post: posts.post, logStderr: () => undefined },
    );
    return { ...world, ...posts, drive: (effect) => driver.drive(effect) };
  }

  test('names the node that holds the address', async () => {
    await world.move('them');
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { node: 'neptune' } });
  });

  test('logs what a command writes to standard error', async () => {
    await world.fault('refuse', 'take');
    const { answer } = await drive(world, { op: 'take', reassociate: false });
    expect(answer).toMatchObject({ kind: 'refused', code: 'Misconfigured' });
    expect(world.stderr).toEqual(['bad settings\n']);
  });

  test('passes arguments as they are, through no shell', async () => {
    const there = await scripted(`printf '{"holder":"%s"}' "$#"`);
    expect((await drive({ ...there, address: '$(touch x); 1' }, { op: 'read' })).answer).toMatchObject({
      association: { node: '2' },
    });
  });

  test.each([
    ['exit 3', 'Exit3'],
    ['kill -TERM $$', 'SIGTERM'],
    ['echo nobody', 'MalformedResponse'],
    [`echo '{"holder": 7}'`, 'MalformedResponse'],
    ['head -c 70000 /dev/zero', 'OutputTooLarge'],
  ])('takes a read by `%s` for unknown', async (script, code) => {
    const { answer } = await drive(await scripted(script), { op: 'read' });
    expect(answer).toMatchObject({ kind: 'unknown', code });
  });

  test('takes a read that exits with 1 for a no, not for nobody', async () => {
    expect((await drive(await scripted('exit 1'), { op: 'read' })).answer).toMatchObject({ kind: 'refused' });
  });

  test('refuses what it cannot start, and permits no move with it', async () => {
    const there = commanded([join(world.folder, 'missing')]);
    expect((await drive(there, { op: 'read' })).answer).toMatchObject({ kind: 'refused', code: 'ENOENT' });
    expect((await drive(there, { op: 'permit' })).answer).toMatchObject({ kind: 'refused', code: 'ENOENT' });
  });

  test('ends everything that a command has started when its time is over', async () => {
    const there = await scripted('sleep 1000 & echo $! > "$(dirname "$0")/child"; wait');
    let pid = 0;
    const { answer } = await driveUntilTimeout(there, { op: 'take', reassociate: false }, async () => {
      pid = Number(await readFile(join(world.folder, 'child'), 'utf8').catch(() => '0'));
      return pid > 1;
    });
    expect(answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('does not wait for what a command left behind', async () => {
    // It outlasts any time-out: a driver that waited would answer that it knows nothing.
    const there = await scripted(`sleep 1000 & echo $! > "$(dirname "$0")/child"; echo '{"holder": null}'`);
    const { answer } = await drive(there, { op: 'read' });
    process.kill(Number(await readFile(join(world.folder, 'child'), 'utf8')));
    expect(answer).toMatchObject({ association: { kind: 'none' } });
  });

  test('refuses a release that names no holder, and runs nothing', async () => {
    const { answer, requests } = await drive(world, {
      op: 'release',
      associationId: null,
      instanceId: null,
      node: null,
    });
    expect(answer).toMatchObject({ kind: 'refused', code: 'HolderUnknown' });
    expect(requests).toEqual([]);
  });
});

/** A zombie has ended; only its parent hasn't looked yet. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return stat !== null && !/\) Z /.test(stat);
}
