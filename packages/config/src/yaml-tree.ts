/**
 * YAML text as a tree of maps, lists and scalars, each with its place. Whatever is wrong with it as YAML is told here;
 * what its values mean is the business of whoever reads the tree.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { shown } from './fault-text.ts';

/** The largest file that is read. A configuration with 1024 peers takes about a tenth of it. */
export const MAX_FILE_BYTES: number = 1024 * 1024;

/** The most values a file may hold once its aliases are resolved: bounds the classic anchor bomb. */
export const MAX_VALUES = 50_000;

/** The most aliases that are resolved; each costs a walk through the file. */
export const MAX_ALIASES = 100;

/** The deepest nesting that is followed; the configuration itself needs four. */
export const MAX_DEPTH = 16;

/** Where something stands: in a file, or in what a command line says instead of it. */
export interface Spot {
  readonly source: string;
  /** From 1; 0: the source as a whole, or a value that stands in none. */
  readonly line: number;
  readonly column: number;
}

/** Something that is wrong with a text as YAML. */
export interface YamlFault {
  readonly spot: Spot;
  /** Where in the tree: `timeline[0].at`; empty: all of it. */
  readonly path: string;
  readonly found: string;
  readonly expected: string;
  /** What was probably meant; empty when there is nothing to add. */
  readonly hint: string;
}

/** A place of the tree. */
export type RawNode = RawMap | RawList | RawScalar;

/** Keys with what stands under them, in the order of the file. */
export interface RawMap {
  readonly kind: 'map';
  readonly spot: Spot;
  readonly entries: Map<string, RawEntry>;
}

/** One key of a map. */
export interface RawEntry {
  /** Where the key stands. */
  readonly spot: Spot;
  readonly value: RawNode;
}

/** Items in their order. */
export interface RawList {
  readonly kind: 'list';
  readonly spot: Spot;
  readonly items: RawNode[];
}

/** A single value. */
export interface RawScalar {
  readonly kind: 'scalar';
  readonly spot: Spot;
  readonly value: string | number | boolean | bigint | null;
}

/** What a text was read into. */
export interface ParsedYaml {
  /** Null: the text is empty, or there is no tree that could be trusted, as the faults say then. */
  readonly root: RawNode | null;
  readonly faults: readonly YamlFault[];
}

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'YAML is indented with spaces, not tabs',
  BLOCK_AS_IMPLICIT_KEY: 'text that holds a colon and a space stands in quotation marks',
};

/** Read text of at most `MAX_FILE_BYTES`; `source` is what to call it in messages. Faulty places are left out. */
export function parseYaml(source: string, text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const spotAt = (offset: number): Spot => {
    const { line, col } = lines.linePos(offset);
    return { source, line, column: col };
  };
  const faults = [...document.errors, ...document.warnings].map((error): YamlFault => {
    const multiple = error.code === 'MULTIPLE_DOCS';
    return {
      spot: spotAt(error.pos[0]),
      path: '',
      found: multiple ? 'the start of a second document' : `invalid YAML (${error.message})`,
      expected: 'one valid YAML document',
      hint: HINTS[error.code] ?? '',
    };
  });
  // After a syntax error the tree is a guess, and faults found in a guess would mislead.
  if (faults.length > 0 || document.contents === null) return { root: null, faults };
  const copy: Copy = { document, spotAt, faults: [], values: 0, aliases: 0, exhausted: false };
  const root = nodeOf(copy, document.contents, '', 0);
  return copy.exhausted ? tooLarge(source) : { root, faults: copy.faults };
}

function tooLarge(source: string): ParsedYaml {
  const fault: YamlFault = {
    spot: { source, line: 0, column: 0 },
    path: '',
    found: 'more values, aliases or levels than a file can need',
    expected: `at most ${MAX_VALUES} values, ${MAX_ALIASES} aliases and ${MAX_DEPTH} levels`,
    hint: '',
  };
  return { root: null, faults: [fault] };
}

/** How a message names a value that stands where another shape was wanted. */
export function describeNode(node: RawNode): string {
  switch (node.kind) {
    case 'map':
      return 'a map';
    case 'list':
      return 'a list';
    case 'scalar':
      return node.value === null ? 'nothing' : shown(node.value);
  }
}

/** A scalar that stands in no file: a default, or a variable of the environment. */
export function scalarNode(value: RawScalar['value']): RawScalar {
  return { kind: 'scalar', spot: { source: '', line: 0, column: 0 }, value };
}

/** One copying of the library's tree. It counts, because aliases can multiply a small file without bound. */
interface Copy {
  readonly document: Document.Parsed;
  readonly spotAt: (offset: number) => Spot;
  readonly faults: YamlFault[];
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
    const found = `an alias, *${node.source}, without its anchor`;
    copy.faults.push({ spot, path, found, expected: `&${node.source} at an earlier value`, hint: '' });
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
