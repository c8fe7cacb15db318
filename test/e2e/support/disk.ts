/** What goes wrong with the disk under a node's state directory, and is mended again. */
import { spawnSync } from 'node:child_process';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../../../packages/cluster/src/index.ts';
import { has } from '../../../scripts/requirements.mjs';
import { must } from './programs.ts';

export function stateFolder(cluster: Cluster, id: string): string {
  return join(cluster.node(id).folder, 'state');
}

/** A disk of this size holds a node's state, and not much more. */
const smallDisk = '256k';
const ballast = 'ballast';

/** Makes a folder read-only: root needs a mount for it, others are held by the mode. */
export async function makeReadOnly(folder: string): Promise<void> {
  if (!has('root')) return chmod(folder, 0o500);
  must('mount', '--bind', folder, folder);
  must('mount', '-o', 'remount,bind,ro', folder);
}

export async function makeWritable(folder: string): Promise<void> {
  if (!has('root')) return chmod(folder, 0o700);
  spawnSync('umount', ['-l', folder]);
}

/** Puts a small disk of its own under a folder; only root may. */
export function mountSmallDisk(folder: string): void {
  must('mount', '-t', 'tmpfs', '-o', `size=${smallDisk}`, 'tmpfs', folder);
}

export function unmount(folder: string): void {
  spawnSync('umount', ['-l', folder]);
}

/** Leaves no room on the disk. */
export async function fill(folder: string): Promise<void> {
  const path = join(folder, ballast);
  try {
    await writeFile(path, Buffer.alloc(8 * 1024 * 1024));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
    throw error;
  }
  throw new Error(`${folder} took 8 MiB, and should be full.`);
}

export async function makeRoom(folder: string): Promise<void> {
  await rm(join(folder, ballast), { force: true });
}
