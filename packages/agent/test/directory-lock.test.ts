import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { has } from '../../../scripts/requirements.mjs';
import { DirectoryLock, type LockOutcome } from '../src/adapters/directory-lock.ts';

let folder: string;
const locks: DirectoryLock[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'failtome-lock-'));
});

afterEach(async () => {
  for (const lock of locks.splice(0)) await lock.release();
  await rm(folder, { recursive: true });
});

async function take(path: string = folder): Promise<LockOutcome> {
  const outcome = await DirectoryLock.take(path);
  if (outcome.kind === 'locked') locks.push(outcome.lock);
  return outcome;
}

/** Another process that listens in the directory as an agent does, and does nothing else. */
async function otherProcess(): Promise<{ readonly pid: number; kill(): Promise<void> }> {
  const code = `const { createServer } = require('node:net');
    createServer().listen(${JSON.stringify(folder)} + '/lock.' + process.pid + '.0123456789ab.sock', () => console.log('up'));`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return {
    pid: child.pid ?? 0,
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('a second lock of the directory is refused, and names the process that has it', async () => {
  expect(await take()).toMatchObject({ kind: 'locked' });
  expect(await take()).toEqual({ kind: 'held', pid: process.pid });
});

test('it is free again when it is released, and nothing is left of it', async () => {
  const first = await take();
  if (first.kind !== 'locked') throw new Error(first.kind);
  await locks.pop()?.release();
  expect(await readdir(folder)).toEqual([]);
  expect(await take()).toMatchObject({ kind: 'locked' });
});

test('a process that is killed leaves a name and no lock; the next one clears it away', async () => {
  const other = await otherProcess();
  expect(await take()).toEqual({ kind: 'held', pid: other.pid });
  await other.kill();
  expect(await readdir(folder)).toEqual([`lock.${other.pid}.0123456789ab.sock`]);
  expect(await take()).toMatchObject({ kind: 'locked' });
  expect(await readdir(folder)).not.toContain(`lock.${other.pid}.0123456789ab.sock`);
});

test('of many that start together one at most gets it, and one does in the end', async () => {
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => take()));
  const locked = outcomes.filter(({ kind }) => kind === 'locked').length;
  expect(locked).toBeLessThanOrEqual(1);
  if (locked === 0) expect(await take()).toMatchObject({ kind: 'locked' });
});

test('two directories are two locks, however long their paths are', async () => {
  const long = join(folder, 'x'.repeat(120), 'y'.repeat(120));
  await mkdir(long, { recursive: true });
  expect(await take(long)).toMatchObject({ kind: 'locked' });
  expect(await take(long)).toMatchObject({ kind: 'held' });
  expect(await take()).toMatchObject({ kind: 'locked' });
});

test('a plain file with the name of a lock is none, and is left in nobody’s way', async () => {
  await writeFile(join(folder, 'lock.1.0123456789ab.sock'), 'x');
  expect(await take()).toMatchObject({ kind: 'locked' });
});

test('a directory that can not be used is no lock, and no error', async () => {
  const file = join(folder, 'file');
  await writeFile(file, '');
  expect(await take(join(file, 'state'))).toEqual({ kind: 'impossible', code: 'ENOTDIR' });
});

test.skipIf(has('root'))('neither is one that can not be written to', async () => {
  await chmod(folder, 0o500);
  expect(await take()).toMatchObject({ kind: 'impossible', code: 'EACCES' });
  await chmod(folder, 0o700);
});
