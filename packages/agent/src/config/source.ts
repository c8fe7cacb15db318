/**
 * A configuration file as a tree, and what is wrong with the file as a whole. What its values mean is the business of
 * `settings.ts`.
 */
import { describeNode, MAX_FILE_BYTES, parseYaml, type RawMap, type YamlFault } from '@failtome/config';
import type { Fault } from './fault.ts';

/** A file as a tree of YAML, and what is wrong with it. */
export interface Source {
  readonly root: RawMap;
  readonly faults: readonly Fault[];
}

const WANTED = 'a YAML file of at most 1 MiB';

/** What a failed reading of the file means to the person who named it. */
export function unreadableFault(file: string, error: unknown): Fault {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const known: Record<string, readonly [found: string, hint: string]> = {
    ENOENT: ['no such file', 'name the file with --config FILE'],
    EACCES: ['a file that may not be read', 'give the user that runs failtome the right to read it'],
    EISDIR: ['a directory', 'name the file in it'],
    ENOTDIR: ['no such file', 'a part of the path is not a directory'],
    ENOTFILE: ['a pipe, a socket or a device', 'name a file, or /dev/stdin for a pipe'],
  };
  const [found, hint] = known[code] ?? [`a file that cannot be read (${code})`, ''];
  return { path: file, found, expected: WANTED, hint, origin: null };
}

/** Decode and parse a whole file. The tree holds what could be read, faulty places left out. */
export function parseSource(file: string, bytes: Uint8Array): Source {
  if (bytes.length > MAX_FILE_BYTES) return unusable(file, 'more than 1 MiB', WANTED);
  const text = decodeText(bytes);
  if (text === null) return unusable(file, 'binary data', 'text in UTF-8');
  const parsed = parseYaml(file, text);
  const faults = parsed.faults.map(faultOf);
  const { root } = parsed;
  if (root === null || (root.kind === 'scalar' && root.value === null)) return { root: emptyMap(), faults };
  if (root.kind === 'map') return { root, faults };
  return unusable(file, describeNode(root), "a map of the configuration's sections");
}

/** A fault of the file as a whole is told with the file's name, one of its values with its key. */
function faultOf({ spot, path, found, expected, hint }: YamlFault): Fault {
  const { source, line } = spot;
  if (path !== '') return { path, found, expected, hint, origin: { kind: 'file', line } };
  return { path: line === 0 ? source : `${source}:${line}`, found, expected, hint, origin: null };
}

function unusable(file: string, found: string, expected: string): Source {
  return { root: emptyMap(), faults: [{ path: file, found, expected, hint: '', origin: null }] };
}

function emptyMap(): RawMap {
  return { kind: 'map', spot: { source: '', line: 1, column: 1 }, entries: new Map() };
}

function decodeText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // Not UTF-8: the caller says so.
  }
}
