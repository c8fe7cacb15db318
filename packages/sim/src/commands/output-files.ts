/** Files that a command will write: looked at before a long run begins, not after it. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { UsageError } from './context.ts';

/** Where one flag leads; undefined when it isn't given. */
export type Outputs = Readonly<Record<`--${string}`, string | undefined>>;

/**
 * Refuses a file that can't be written where it is to go, two flags with one file, and a flag that would overwrite what
 * the command reads.
 *
 * @throws UsageError with the flag, the file and the reason
 */
export function refuseUnwritable(outputs: Outputs, reads?: string): void {
  const taken = new Map<string, string>(reads === undefined ? [] : [[resolve(reads), 'the input']]);
  for (const [flag, file] of Object.entries(outputs)) {
    if (file === undefined) continue;
    const other = taken.get(resolve(file));
    if (other !== undefined) throw new UsageError(`${flag} ${file}: that is ${other} already`);
    taken.set(resolve(file), `the file of ${flag}`);
    const reason = reasonNotToWrite(resolve(file));
    if (reason !== null) throw new UsageError(`${flag} ${file}: ${reason}`);
  }
}

/**
 * Refuses a folder that can't be made or written to; those above it are made with it.
 *
 * @throws UsageError with the flag, the folder and the reason
 */
export function refuseUnwritableFolder(flag: string, folder: string): void {
  let there = resolve(folder);
  while (kindOf(there) === 'missing' && dirname(there) !== there) there = dirname(there);
  const reason = kindOf(there) === 'folder' ? unwritable(there) : `${there} is not a folder`;
  if (reason !== null) throw new UsageError(`${flag} ${folder}: ${reason}`);
}

function reasonNotToWrite(file: string): string | null {
  switch (kindOf(file)) {
    case 'folder':
      return 'that is a folder; name a file in it';
    case 'other':
      return unwritable(file);
    case 'missing':
      return reasonNotToCreateIn(dirname(file));
  }
}

function reasonNotToCreateIn(folder: string): string | null {
  switch (kindOf(folder)) {
    case 'missing':
      return `there is no folder ${folder}; make it first`;
    case 'other':
      return `${folder} is not a folder`;
    case 'folder':
      return unwritable(folder);
  }
}

function kindOf(path: string): 'missing' | 'folder' | 'other' {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'other';
  } catch (error) {
    // ENOTDIR: something above it is a file; whoever asks then looks at that.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return 'missing';
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function unwritable(path: string): string | null {
  try {
    accessSync(path, constants.W_OK);
    return null;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return `${path} can't be written to (${code})`;
  }
}
