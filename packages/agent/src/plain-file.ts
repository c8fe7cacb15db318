/**
 * Opens files that must be plain ones. A FIFO, a device or a socket in their place, by mistake or with intent, would
 * hold the agent up for ever, or have effects of its own by being opened.
 */
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';

/** What stands there is no file; with a `code` like the file system's own errors. */
export class NotAFileError extends Error {
  readonly code: 'EISDIR' | 'ENOTFILE';

  constructor(path: string, stats: Stats) {
    super(`${path} is a directory, a pipe, a socket or a device, where a file must be`);
    this.code = stats.isDirectory() ? 'EISDIR' : 'ENOTFILE';
  }
}

/** A pipe that this process was given and that has its writer, as `-c /dev/stdin` and a shell's `<(…)` do. */
const GIVEN = /^\/(dev\/(stdin|fd\/\d+)|proc\/self\/fd\/\d+)$/;

/** @throws NotAFileError, or the file system's error with its `code` */
export async function openPlain(path: string): Promise<FileHandle> {
  if (GIVEN.test(path)) return open(path, 'r');
  // Looked at before it is opened, because opening a device may already do something, and after, because it may have changed.
  const stats = await stat(path);
  if (!stats.isFile()) throw new NotAFileError(path, stats);
  return onlyFile(path, await open(path, constants.O_RDONLY | constants.O_NONBLOCK));
}

/**
 * Opens a file for writing; one that isn't there is created, readable by its owner alone.
 *
 * @param flags what shall become of what it holds: `O_TRUNC` or `O_APPEND`
 * @throws NotAFileError, or the file system's error with its `code`
 */
export async function openPlainForWriting(path: string, flags: number): Promise<FileHandle> {
  // Without a reader a FIFO is refused at once (ENXIO) rather than waited for (open(2)).
  const { O_WRONLY, O_CREAT, O_NONBLOCK } = constants;
  return onlyFile(path, await open(path, flags | O_WRONLY | O_CREAT | O_NONBLOCK, 0o600));
}

async function onlyFile(path: string, handle: FileHandle): Promise<FileHandle> {
  const stats = await handle.stat();
  if (stats.isFile()) return handle;
  await handle.close();
  throw new NotAFileError(path, stats);
}
