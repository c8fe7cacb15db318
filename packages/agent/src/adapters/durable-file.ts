/**
 * Replaces a file so that a crash at any moment leaves the old text or the new one, whole.
 *
 * Written by hand because write-file-atomic 7 does two things less: it ignores a short write, so that
 * a disk that fills up in the middle replaces the good file with half a one; and it does not sync the
 * directory, without which the rename itself may be lost with the power (fsync(2)).
 */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openPlainForWriting } from '../plain-file.ts';

/** Where the next text of a file is written before it takes the file's place. */
export function temporaryOf(path: string): string {
  return `${path}.new`;
}

/**
 * Make `text` the durable content of `path`, readable by its owner alone.
 *
 * One call at a time for a path. A call that fails may have replaced the file already, if it was
 * syncing the directory that failed.
 *
 * @throws the file system's error, with its `code`.
 */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = temporaryOf(path);
  await putInPlace(temporary, path, () => writeSynced(temporary, text));
}

/**
 * Put what `write` makes of `temporary`, whole and synced, in the place of `path`, in the same folder. When it fails before
 * that, `temporary` is gone.
 *
 * @throws what `write` throws; the file system's error, with its `code`.
 */
export async function putInPlace(temporary: string, path: string, write: () => Promise<void>): Promise<void> {
  // A vote waits for this: what needn't wait for anything goes on beside the rest.
  const [replaced, opened] = await Promise.allSettled([
    replace(temporary, path, write),
    open(dirname(path), 'r'),
  ]);
  try {
    if (replaced.status === 'rejected') throw replaced.reason;
    if (opened.status === 'rejected') throw opened.reason;
    await opened.value.sync();
  } finally {
    if (opened.status === 'fulfilled') closeLater(opened.value);
  }
}

async function replace(temporary: string, path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
    await rename(temporary, path);
  } catch (error) {
    // On a full disk half a file would only take up room.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** What was synced is on the disk, and the descriptor is gone, even when closing it fails (close(2)). */
function closeLater(handle: FileHandle): void {
  handle.close().catch(() => undefined);
}

/** Write a file, and see it onto the disk. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const file = await openPlainForWriting(path, constants.O_TRUNC);
  try {
    await file.writeFile(text);
    // The length is part of what is needed to read it back, so this syncs it too (fdatasync(2)).
    await file.datasync();
  } finally {
    closeLater(file);
  }
}

/** The errno code of a file system's error, such as `ENOSPC`; `EUNKNOWN` where it has none. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'EUNKNOWN';
}
