/**
 * The text of a scenario or of an agent's configuration as a tree, with what is wrong with it as a whole.
 */
import { MAX_FILE_BYTES, parseYaml, type RawNode } from '@failtome/config';
import type { Fault } from './fault.ts';

/** A file as a tree of YAML, and what is wrong with it. */
export interface Parsed {
  /** Null: there is no tree that could be trusted. */
  readonly root: RawNode | null;
  readonly faults: readonly Fault[];
}

/** Read text; `source` is what to call it in messages. An empty one is a fault. */
export function parseText(source: string, text: string): Parsed {
  const unusable = (found: string, expected: string): Parsed => ({
    root: null,
    faults: [{ spot: { source, line: 0, column: 0 }, path: '', found, expected, hint: '' }],
  });
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return unusable('more than 1 MiB', 'at most 1 MiB');
  if (text.includes('\0')) return unusable('binary data', 'text');
  const parsed = parseYaml(source, text);
  return parsed.root === null && parsed.faults.length === 0 ? unusable('nothing', 'a map') : parsed;
}
