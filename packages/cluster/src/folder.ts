import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atExit } from './cleanup.ts';

/** A temporary folder. It goes with `remove`, and with this process, unless it is to be kept. */
export class TemporaryFolder {
  readonly path: string;
  readonly #forget: () => void;
  #kept = false;

  constructor(path: string) {
    this.path = path;
    // Whoever writes into it has been killed a moment ago, and may still be at it.
    const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    this.#forget = atExit(remove, { kind: 'folder', path });
  }

  keep(): void {
    this.#kept = true;
    this.#forget();
  }

  async remove(): Promise<void> {
    if (!this.#kept) await rm(this.path, { recursive: true, force: true });
    this.#forget();
  }
}

/** Make a folder of its own for one cluster, in the system's one for temporary files by default. */
export async function makeFolder(parent: string = tmpdir()): Promise<TemporaryFolder> {
  return new TemporaryFolder(await mkdtemp(join(parent, 'failtome-')));
}
