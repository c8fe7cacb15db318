/** On a disk that really is full: a small tmpfs, which only root may mount. */
import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeDurably } from '../src/adapters/durable-file.ts';
import { loadState, Store } from '../src/adapters/store.ts';
import { Inbox, temporaryFolder } from './support/loopback.ts';

const PAGE = 4_096;

function mount(folder: string, options: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
}

function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

/** Some machines let nobody mount, root included. */
async function canMount(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = await temporaryFolder().catch(() => null);
  if (folder === null) return false;
  const mounted = mount(folder, 'size=16k');
  if (mounted) unmount(folder);
  return mounted;
}

test('a disk that fills up in the middle of a write keeps the old document, whole', async ({ skip }) => {
  if (!(await canMount())) skip('needs root, to mount a small tmpfs');
  const stateDir = await temporaryFolder();
  mount(stateDir, 'size=16k');
  onTestFinished(() => unmount(stateDir));
  const path = join(stateDir, 'state.json');
  await writeDurably(path, 'a'.repeat(PAGE));
  const inbox = new Inbox();
  const store = new Store({ stateDir }, inbox);
  // Three pages of it fit.
  store.persist({ kind: 'persist', writeId: 1, text: 'b'.repeat(4 * PAGE) });
  expect(await inbox.next()).toEqual({ kind: 'persist-failed', writeId: 1, code: 'ENOSPC' });
  expect(await readFile(path, 'utf8')).toBe('a'.repeat(PAGE));
  expect(await readdir(stateDir)).toEqual(['state.json']);
  store.persist({ kind: 'persist', writeId: 2, text: 'c'.repeat(PAGE) });
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 2 });
});

test('a full disk is found at the start', async ({ skip }) => {
  if (!(await canMount())) skip('needs root, to mount a small tmpfs');
  const stateDir = await temporaryFolder();
  mount(stateDir, 'size=16k');
  onTestFinished(() => unmount(stateDir));
  await writeFile(join(stateDir, 'other'), 'x'.repeat(3 * PAGE));
  const { storage, problem } = await loadState(
    { stateDir, cluster: 'web', node: 'saturn' },
    { decode: () => ({ kind: 'fault', detail: '' }) },
  );
  expect(storage).toEqual({ kind: 'empty' });
  expect(problem?.message).toBe(
    `the state directory ${stateDir} cannot be written to: ENOSPC (the disk is full)`,
  );
});

test('a read-only file system is found at the start', async ({ skip }) => {
  if (!(await canMount())) skip('needs root, to mount a small tmpfs');
  const stateDir = await temporaryFolder();
  mount(stateDir, 'size=16k,ro');
  onTestFinished(() => unmount(stateDir));
  const { storage, problem } = await loadState(
    { stateDir, cluster: 'web', node: 'saturn' },
    { decode: () => ({ kind: 'fault', detail: '' }) },
  );
  expect(storage).toEqual({ kind: 'empty' });
  expect(problem?.message).toContain('EROFS (the file system is read-only)');
});
