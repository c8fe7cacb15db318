/**
 * A YAML file as a tree of maps, lists and scalars, each with its line. Everything that is wrong with
 * the file as YAML is a fault here; what its values mean is the business of `settings.ts`.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Fault } from './fault.ts';
import { shown } from './fault.ts';

/** The largest configuration file that is read. 1024 peers take about a tenth of it. */
export const MAX_CONFIG_BYTES: number = 1024 * 1024;

/** The most values a file may hold once its aliases are resolved: bounds the classic anchor bomb. */
export const MAX_NODES = 50_000;

/** The most aliases that are resolved; each costs a walk through the file. */
export const MAX_ALIASES = 100;

/** The deepest nesting that is followed; the configuration itself needs four. */
export const MAX_DEPTH = 16;

export type RawNode = RawMap | RawList | RawScalar;

export interface RawMap {
  readonly kind: 'map';
  readonly line: number;
  readonly entries: ReadonlyMap<string, RawEntry>;
}

export interface RawEntry {
  /** Where the key stands. */
  readonly line: number;
  readonly value: RawNode;
}

export interface RawList {
  readonly kind: 'list';
  readonly line: number;
  readonly items: readonly RawNode[];
}

export interface RawScalar {
  readonly kind: 'scalar';
  readonly line: number;
  readonly value: string | number | boolean | bigint | null;
}

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
  if (bytes.length > MAX_CONFIG_BYTES) return unusable(file, 'more than 1 MiB', WANTED);
  const text = decodeText(bytes);
  if (text === null) return unusable(file, 'binary data', 'text in UTF-8');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const faults = [...document.errors, ...document.warnings].map((error): Fault => {
    const line = lines.linePos(error.pos[0]).line;
    const hint = error.code === 'TAB_AS_INDENT' ? 'YAML is indented with spaces, not tabs' : '';
    const multiple = error.code === 'MULTIPLE_DOCS';
    const found = multiple ? 'the start of a second document' : `invalid YAML (${error.message})`;
    return { path: `${file}:${line}`, found, expected: 'one valid YAML document', hint, origin: null };
  });
  // After a syntax error the tree is a guess, and faults found in a guess would mislead.
  if (faults.length > 0) return { root: emptyMap(), faults };
  return treeOf(file, document, lines);
}

function treeOf(file: string, document: Document.Parsed, lines: LineCounter): Source {
  const copy: Copy = { document, lines, faults: [], nodes: 0, aliases: 0, exhausted: false };
  const root = document.contents === null ? emptyMap() : nodeOf(copy, document.contents, '', 0);
  if (copy.exhausted) {
    return unusable(
      file,
      'more values or aliases than a configuration can need',
      `at most ${MAX_NODES} values, ${MAX_ALIASES} aliases and ${MAX_DEPTH} levels`,
    );
  }
  if (root.kind === 'map') return { root, faults: copy.faults };
  if (root.kind === 'scalar' && root.value === null) return { root: emptyMap(), faults: copy.faults };
  return unusable(file, describe(root), "a map of the configuration's sections");
}

function unusable(file: string, found: string, expected: string): Source {
  return { root: emptyMap(), faults: [{ path: file, found, expected, hint: '', origin: null }] };
}

function emptyMap(): RawMap {
  return { kind: 'map', line: 1, entries: new Map() };
}

function decodeText(bytes: Uint8Array): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null; // Not UTF-8: the caller says so.
  }
}

/** How a message names a value that stands where another shape was wanted. */
export function describe(node: RawNode): string {
  switch (node.kind) {
    case 'map':
      return 'a map';
    case 'list':
      return 'a list';
    case 'scalar':
      return node.value === null ? 'nothing' : shown(node.value);
  }
}

/** One copying of the library's tree. It counts, because aliases can multiply a small file without bound. */
interface Copy {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  readonly faults: Fault[];
  nodes: number;
  aliases: number;
  exhausted: boolean;
}

function nodeOf(copy: Copy, node: unknown, path: string, depth: number): RawNode {
  copy.nodes += 1;
  if (isAlias(node)) copy.aliases += 1;
  if (copy.nodes > MAX_NODES || copy.aliases > MAX_ALIASES || depth > MAX_DEPTH) copy.exhausted = true;
  if (copy.exhausted) return { kind: 'scalar', line: 1, value: null };
  const line = lineOf(copy, node);
  if (isAlias(node)) {
    const target = node.resolve(copy.document);
    if (target !== undefined) return nodeOf(copy, target, path, depth + 1);
    copy.faults.push({
      path,
      found: `an alias, *${node.source}, without its anchor`,
      expected: `&${node.source} at an earlier value`,
      hint: '',
      origin: { kind: 'file', line },
    });
  }
  if (isMap(node)) return { kind: 'map', line, entries: entriesOf(copy, node.items, path, depth) };
  if (isSeq(node)) {
    const items: RawNode[] = [];
    for (const [index, item] of node.items.entries()) {
      if (copy.exhausted) break;
      items.push(nodeOf(copy, item, `${path}[${index}]`, depth + 1));
    }
    return { kind: 'list', line, items };
  }
  return { kind: 'scalar', line, value: isScalar(node) ? scalarValue(node.value) : null };
}

function entriesOf(
  copy: Copy,
  pairs: readonly { readonly key: unknown; readonly value: unknown }[],
  path: string,
  depth: number,
): ReadonlyMap<string, RawEntry> {
  const entries = new Map<string, RawEntry>();
  for (const { key, value } of pairs) {
    if (copy.exhausted) break;
    const name = isScalar(key) ? String(key.value) : '(a key that is not text)';
    const line = lineOf(copy, key);
    const child = path === '' ? name : `${path}.${name}`;
    const earlier = entries.get(name);
    if (earlier === undefined) entries.set(name, { line, value: nodeOf(copy, value, child, depth + 1) });
    else copy.faults.push(duplicateKey(child, earlier.line, line));
  }
  return entries;
}

function lineOf(copy: Copy, node: unknown): number {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
  return Array.isArray(range) && typeof range[0] === 'number' ? copy.lines.linePos(range[0]).line : 1;
}

function duplicateKey(path: string, first: number, second: number): Fault {
  return {
    path,
    found: `the key twice, first on line ${first}`,
    expected: 'it once',
    hint: '',
    origin: { kind: 'file', line: second },
  };
}

function scalarValue(value: unknown): RawScalar['value'] {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      return value;
    default:
      return value === null || value === undefined ? null : String(value);
  }
}

/** A scalar that stands in no file: a default, or a variable of the environment. */
export function scalarNode(value: RawScalar['value']): RawScalar {
  return { kind: 'scalar', line: 0, value };
}
