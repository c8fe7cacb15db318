/** Files that are made and never overwritten. */
import { lstat, mkdir, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './durable-file.ts';
import { serviceGroup } from './service-user.ts';

/** A file that must not be there yet. */
export interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

/** Those of the paths at which there is something already, whatever it is. */
export async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      try {
        await lstat(path);
        return [path];
      } catch (error) {
        // What can't be looked at is told when it is to be written.
        if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(errnoOf(error))) return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

/**
 * Write all of them, or none: what was written goes again when one fails. Root gives them to the service's group.
 *
 * @throws the file system's error with its `code`; `EEXIST` where one has come into being meanwhile
 */
export async function createFiles(files: readonly NewFile[]): Promise<void> {
  const gid = process.geteuid?.() === 0 ? await serviceGroup() : null;
  const written: string[] = [];
  try {
    for (const { path, text, mode } of files) {
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      const handle = await open(path, 'wx', 0o600);
      written.push(path);
      try {
        await handle.writeFile(text);
        if (gid !== null) await handle.chown(0, gid);
        // The mask of the process may have taken rights away that the file is to have.
        await handle.chmod(mode);
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  } catch (error) {
    await Promise.all(written.map((path) => rm(path, { force: true })));
    throw error;
  }
}

/**
 * Write one file that must not be there yet, for nobody but whoever runs this.
 *
 * @throws the file system's error with its `code`; `EEXIST` where there is something already
 */
export async function createPrivate(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}
