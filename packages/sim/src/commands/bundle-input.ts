/** Bundles that commands are given as files. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { counted } from '@failtome/protocol';
import { type Bundle, MAX_BUNDLE_BYTES, readBundle } from '@failtome/recording';
import { type Incident, incidentOf } from '../import/index.ts';
import { UsageError } from './context.ts';

/** How a gzip file begins. */
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Whether a file is a bundle, as far as its first bytes tell; one that isn't there is none. */
export function isBundle(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const start = Buffer.alloc(GZIP.length);
  const handle = openSync(file, 'r');
  try {
    readSync(handle, start, 0, start.length, 0);
  } finally {
    closeSync(handle);
  }
  return start.equals(GZIP);
}

/**
 * Replay the bundle in a file.
 *
 * @throws UsageError when it can't be read, is no bundle, or has nothing to replay
 */
export async function incidentIn(file: string): Promise<Incident> {
  return replayed(await bundleIn(file), file);
}

/** @throws UsageError when it can't be read, or is no bundle */
async function bundleIn(file: string): Promise<Bundle> {
  try {
    // Before it is read: whatever it is, it isn't taken into memory as a whole.
    if (statSync(file).size > MAX_BUNDLE_BYTES)
      throw new Error(`it has more than ${counted(MAX_BUNDLE_BYTES, 'byte')}`);
    return await readBundle(readFileSync(file));
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function replayed(bundle: Bundle, file: string): Incident {
  try {
    return incidentOf(bundle);
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
