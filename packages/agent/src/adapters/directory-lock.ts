/**
 * One process a state directory: two that write the same document would undo each other's votes.
 *
 * The lock is a listening Unix socket in the directory. It is held exactly as long as its process lives, because the
 * kernel closes it at any end; neither a crash, nor a reboot, nor a process id that comes again can leave it locked. What a
 * crash leaves is a name that nobody listens at.
 *
 * Each process listens at a name of its own first and looks for others afterwards. So of two that start together one at
 * least sees the other; whoever sees one withdraws, and tries again for a moment in case both did.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { access, type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DurationMs } from '@failtome/protocol';
import { errnoOf } from './durable-file.ts';

/** A listener that doesn't even accept lives all the same: its queue is full, or it stands still. */
const KNOCK_TIMEOUT_MS: DurationMs = 1_000;

/** So often it is tried while another is there, with pauses of so long. */
const TRIES = 6;
const PAUSE_MS: readonly [least: DurationMs, most: DurationMs] = [10, 100];

/** What a name in the directory tells: the process that listens there. */
const NAME = /^lock\.(\d{1,10})\.[0-9a-f]{12}\.sock$/;

/** What an attempt to lock a directory came to. */
export type LockOutcome =
  | { readonly kind: 'locked'; readonly lock: DirectoryLock }
  | { readonly kind: 'held'; readonly pid: number }
  /** Nothing could be created there: the directory can't be written to, or its file system has no sockets. */
  | { readonly kind: 'impossible'; readonly code: string };

/** A directory that no other agent uses, as long as this is held. */
export class DirectoryLock {
  readonly #server: Server;
  readonly #directory: Directory;

  private constructor(server: Server, directory: Directory) {
    this.#server = server;
    this.#directory = directory;
  }

  /** Make the directory where there is none, and lock it. Never throws for what is wrong with it. */
  static async take(stateDir: string): Promise<LockOutcome> {
    try {
      await mkdir(stateDir, { recursive: true, mode: 0o700 });
      const directory = await Directory.open(stateDir);
      try {
        const outcome = await tryToLock(directory);
        if (outcome.kind === 'locked')
          return { kind: 'locked', lock: new DirectoryLock(outcome.server, directory) };
        await directory.close();
        return outcome;
      } catch (error) {
        await directory.close();
        throw error;
      }
    } catch (error) {
      return { kind: 'impossible', code: errnoOf(error) };
    }
  }

  /** Let another process have the directory. */
  async release(): Promise<void> {
    await closed(this.#server);
    await this.#directory.close();
  }
}

/** A directory by its descriptor, because the path of a socket may have 107 bytes at most (unix(7)). */
class Directory {
  readonly #handle: FileHandle;
  readonly #base: string;

  private constructor(handle: FileHandle, base: string) {
    this.#handle = handle;
    this.#base = base;
  }

  static async open(path: string): Promise<Directory> {
    const handle = await open(path, 'r');
    return new Directory(handle, process.platform === 'linux' ? `/proc/self/fd/${handle.fd}` : path);
  }

  at(name: string): string {
    return join(this.#base, name);
  }

  async locks(): Promise<readonly string[]> {
    return (await readdir(`${this.#base}/`)).filter((name) => NAME.test(name));
  }

  async close(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }
}

type Try =
  | { readonly kind: 'locked'; readonly server: Server }
  | { readonly kind: 'held'; readonly pid: number };

async function tryToLock(directory: Directory): Promise<Try> {
  for (let tries = 1; ; tries += 1) {
    const own = `lock.${process.pid}.${randomBytes(6).toString('hex')}.sock`;
    const server = await listen(directory.at(own));
    const { alive, dead } = await others(directory, own);
    if (alive === null && (await exists(directory.at(own)))) {
      for (const name of dead) await rm(directory.at(name), { force: true }).catch(() => undefined);
      return { kind: 'locked', server };
    }
    await closed(server);
    if (alive !== null && tries >= TRIES) return { kind: 'held', pid: pidIn(alive) };
    await delay(randomInt(...PAUSE_MS));
  }
}

/**
 * Whether the name is still there. One that was created and not listened at yet looks dead, and may have been cleared
 * away by a process that has ended since.
 */
function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function others(
  directory: Directory,
  own: string,
): Promise<{ readonly alive: string | null; readonly dead: readonly string[] }> {
  const dead: string[] = [];
  for (const name of await directory.locks()) {
    if (name === own) continue;
    if (await isAlive(directory.at(name))) return { alive: name, dead };
    dead.push(name);
  }
  return { alive: null, dead };
}

/** Whether somebody listens there. Only a definite no counts as one. */
function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(KNOCK_TIMEOUT_MS, () => answer(true));
    socket.once('connect', () => answer(true));
    socket.once('error', (error) => answer(!['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(errnoOf(error))));
  });
}

function pidIn(name: string): number {
  return Number(NAME.exec(name)?.[1]);
}

/** Every user may knock: who may enter the directory is the directory's own matter. */
function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen({ path, readableAll: true, writableAll: true }, () => {
      server.off('error', reject);
      // A knock that fails is nothing to the one who is knocked at.
      server.on('error', () => undefined);
      server.unref();
      resolve(server);
    });
  });
}

/** Removes its name as well. */
function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
