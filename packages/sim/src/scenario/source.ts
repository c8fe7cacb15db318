/**
 * YAML text as a tree of maps, lists and scalars, each with its place. Whatever is wrong with it as YAML is told here;
 * what it means is the business of the shapes.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Fault, Spot } from './fault.ts';

/** The largest file that is read. */
export const MAX_FILE_BYTES: number = 1024 * 1024;
/** The most values once aliases are resolved: a small file can stand for very many. */
export const MAX_VALUES = 50_000;
const MAX_ALIASES = 100;
const MAX_DEPTH = 16;

export type RawNode = RawMap | RawList | RawScalar;

export interface RawMap {
  readonly kind: 'map';
  readonly spot: Spot;
  readonly entries: Map<string, RawEntry>;
}

export interface RawEntry {
  /** Where the key stands. */
  readonly spot: Spot;
  readonly value: RawNode;
}

export interface RawList {
  readonly kind: 'list';
  readonly spot: Spot;
  readonly items: RawNode[];
}

export interface RawScalar {
  readonly kind: 'scalar';
  readonly spot: Spot;
  readonly value: string | number | boolean | bigint | null;
}

export interface Parsed {
  /** Null: there is no tree that could be trusted. */
  readonly root: RawNode | null;
  readonly faults: readonly Fault[];
}

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'YAML is indented with spaces, not tabs',
  BLOCK_AS_IMPLICIT_KEY: 'text that holds a colon and a space stands in quotation marks',
};

/** Read text; `source` is what to call it in messages. */
export function parseText(source: string, text: string): Parsed {
  const whole: Spot = { source, line: 0, column: 0 };
  const unusable = (found: string, expected: string): Parsed => ({
    root: null,
    faults: [{ spot: whole, path: '', found, expected, hint: '' }],
  });
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return unusable('more than 1 MiB', 'at most 1 MiB');
  if (text.includes('\0')) return unusable('binary data', 'text');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const spotAt = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const faults = [...document.errors, ...document.warnings].map((error): Fault => {
    return {
      spot: spotAt(error.pos[0]),
      path: '',
      found:
        error.code === 'MULTIPLE_DOCS' ? 'the start of a second document' : `invalid YAML (${error.message})`,
      expected: 'one valid YAML document',
      hint: HINTS[error.code] ?? '',
    };
  });
  // After a syntax error the tree is a guess, and faults found in a guess would mislead.
  if (faults.length > 0) return { root: null, faults };
  if (document.contents === null) return unusable('nothing', 'a map');
  const copy: Copy = { document, spotAt, faults: [], values: 0, aliases: 0, exhausted: false };
  const root = nodeOf(copy, document.contents, '', 0);
  if (!copy.exhausted) return { root, faults: copy.faults };
  return unusable(
    'more values, aliases or levels than anything here needs',
    `at most ${MAX_VALUES} values, ${MAX_ALIASES} aliases and ${MAX_DEPTH} levels`,
  );
}

/** One copying of the library's tree. It counts, because aliases can multiply a small file without bound. */
interface Copy {
  readonly document: Document.Parsed;
  readonly spotAt: (offset: number) => Spot;
  readonly faults: Fault[];
  values: number;
  aliases: number;
  exhausted: boolean;
}

function nodeOf(copy: Copy, node: unknown, path: string, depth: number): RawNode {
  copy.values += 1;
  if (isAlias(node)) copy.aliases += 1;
  if (copy.values > MAX_VALUES || copy.aliases > MAX_ALIASES || depth > MAX_DEPTH) copy.exhausted = true;
  const spot = spotOf(copy, node);
  if (copy.exhausted) return { kind: 'scalar', spot, value: null };
  if (isAlias(node)) {
    const target = node.resolve(copy.document);
    if (target !== undefined) return nodeOf(copy, target, path, depth + 1);
    const expected = `&${node.source} at an earlier value`;
    copy.faults.push({ spot, path, found: `*${node.source} without its anchor`, expected, hint: '' });
    return { kind: 'scalar', spot, value: null };
  }
  if (isMap(node)) return { kind: 'map', spot, entries: entriesOf(copy, node.items, path, depth) };
  if (isSeq(node)) {
    const items: RawNode[] = [];
    for (const [index, item] of node.items.entries()) {
      if (copy.exhausted) break;
      items.push(nodeOf(copy, item, `${path}[${index}]`, depth + 1));
    }
    return { kind: 'list', spot, items };
  }
  return { kind: 'scalar', spot, value: isScalar(node) ? scalarOf(node.value) : null };
}

function entriesOf(
  copy: Copy,
  pairs: readonly { readonly key: unknown; readonly value: unknown }[],
  path: string,
  depth: number,
): Map<string, RawEntry> {
  const entries = new Map<string, RawEntry>();
  for (const { key, value } of pairs) {
    if (copy.exhausted) break;
    const name = isScalar(key) ? String(key.value) : '(a key that is not text)';
    const spot = spotOf(copy, key);
    const child = path === '' ? name : `${path}.${name}`;
    const earlier = entries.get(name);
    if (earlier === undefined) entries.set(name, { spot, value: nodeOf(copy, value, child, depth + 1) });
    else {
      const found = `the key twice, first on line ${earlier.spot.line}`;
      copy.faults.push({ spot, path: child, found, expected: 'it once', hint: '' });
    }
  }
  return entries;
}

function spotOf(copy: Copy, node: unknown): Spot {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
  return copy.spotAt(Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0);
}

function scalarOf(value: unknown): RawScalar['value'] {
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
