/** The file of `failtome-sim cloud --state`. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { SavedCloud } from './saved-cloud.ts';

const FORMAT = 'failtome-cloud';
const VERSION = 1;

/**
 * What a cloud has saved, or null where there is no such file.
 *
 * @throws Error when it is not a file of this kind
 */
export function readState(file: string): SavedCloud | null {
  const text = textOf(file);
  if (text === null) return null;
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file} isn't JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (typeof read !== 'object' || read === null || !('format' in read) || read.format !== FORMAT)
    throw new Error(`${file} isn't the state of a cloud.`);
  const { version, cloud } = read as unknown as { readonly version: unknown; readonly cloud: SavedCloud }; // as its format and version say
  if (version !== VERSION) throw new Error(`${file} has version ${String(version)}, not ${VERSION}.`);
  return cloud;
}

/** Replaces the file as a whole: whoever reads it sees the old or the new one. */
export function writeState(file: string, cloud: SavedCloud): void {
  const fresh = `${file}.${process.pid}.new`;
  try {
    writeFileSync(fresh, `${JSON.stringify({ format: FORMAT, version: VERSION, cloud }, null, 1)}\n`);
    renameSync(fresh, file);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
