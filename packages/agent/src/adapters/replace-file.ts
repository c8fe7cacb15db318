/** Puts a new text in the place of a file that somebody else has written, and may read. */
import { open, realpath, stat } from 'node:fs/promises';
import { putInPlace } from './durable-file.ts';

/**
 * The old text or the new one stands there at every moment, whole, with the owner and the rights that it had. Of a symbolic
 * link the file is replaced that it leads to.
 *
 * @throws the file system's error, with its `code`; `EEXIST` where another replacement is under way or was interrupted
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const real = await realpath(path);
  const { mode, uid, gid } = await stat(real);
  const temporary = `${real}.failtome-new`;
  // Opened before anything is cleaned up on failure: one that is there already is somebody else's.
  const handle = await open(temporary, 'wx', 0o600);
  await putInPlace(temporary, real, async () => {
    try {
      await handle.writeFile(text);
      if (process.geteuid?.() === 0) await handle.chown(uid, gid);
      await handle.chmod(mode & 0o7777);
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}
