/**
 * The file's tree and the environment, read by the table of keys: every value with its origin, every
 * default filled in, and every fault that a single value can have. Combinations are the business of `rules.ts`.
 */
import { describeNode, nearest, presetNamed, type RawMap, type RawNode, scalarNode } from '@failtome/config';
import { defaultBy } from '@failtome/config/keys';
import { counted } from '@failtome/protocol';
import type { Fault, Origin } from './fault.ts';
import { ALL_KEYS, type Key, PRESET } from './file-keys.ts';
import { LISTS, type List, OPTIONAL_SECTIONS, SWITCHED_SECTIONS } from './file-sections.ts';

/** What a message says was found where a required value is absent. */
export const NOTHING = 'nothing';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value in the file or the environment. */
export interface Entry {
  readonly node: RawNode;
  readonly origin: Origin;
}

/** What was read. Paths are concrete: `addresses[0].ip`. */
export interface Settings {
  readonly entries: ReadonlyMap<string, Entry>;
  /** How many items each list has. */
  readonly lengths: ReadonlyMap<string, number>;
  /** The optional sections that are there. */
  readonly present: ReadonlySet<string>;
  /** The sections in whose place a word stands that switches them off, with the line that says so. */
  readonly off: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
}

/** A key's place: `addresses[].ip` at 0 is `addresses[0].ip`. */
export function pathOf(key: Key<unknown>, index = 0): string {
  return key.path.replace('[]', `[${index}]`);
}

/** The value, or null where the key is absent and has no default, or is faulty. */
export function get<T>(settings: Settings, key: Key<T>, index = 0): T | null {
  const entry = settings.entries.get(pathOf(key, index));
  if (entry === undefined) return null;
  const reading = key.kind.read(entry.node);
  return reading.kind === 'value' ? reading.value : null;
}

/** Where a key's value comes from. */
export function originOf(settings: Settings, key: Key<unknown>, index = 0): Origin {
  return settings.entries.get(pathOf(key, index))?.origin ?? { kind: 'default' };
}

/** How many items a list of the file has. */
export function lengthOf(settings: Settings, list: string): number {
  return settings.lengths.get(list) ?? 0;
}

/** The table as a tree, in the shape of the file. */
type Spec =
  | { readonly kind: 'key'; readonly key: Key<unknown> }
  | { readonly kind: 'section'; readonly path: string; readonly children: ReadonlyMap<string, Spec> }
  | {
      readonly kind: 'list';
      readonly path: string;
      readonly item: Spec;
      /** What else may be told beside the list, where a map stands in its place. */
      readonly beside: ReadonlyMap<string, Spec>;
    };

const ROOT: Spec = specOf('', ALL_KEYS);

function specOf(path: string, keys: readonly Key<unknown>[]): Spec {
  const prefix = path === '' ? '' : `${path}.`;
  const names = new Set(keys.map((key) => key.path.slice(prefix.length).split('.')[0] ?? ''));
  const children = new Map<string, Spec>();
  for (const name of names) {
    const child = prefix + name;
    if (names.has(`${name}[]`)) continue; // stands beside that list
    const leaf = keys.find((key) => key.path === child);
    const below = keys.filter((key) => key.path.startsWith(`${child}.`));
    const spec: Spec = leaf === undefined ? specOf(child, below) : { kind: 'key', key: leaf };
    const list = name.endsWith('[]');
    const listPath = child.slice(0, -2);
    if (list)
      children.set(name.slice(0, -2), {
        kind: 'list',
        path: listPath,
        item: spec,
        beside: besides(listPath),
      });
    else children.set(name, spec);
  }
  return { kind: 'section', path, children };

  function besides(listPath: string): ReadonlyMap<string, Spec> {
    const more = keys.filter((key) => key.path.startsWith(`${listPath}.`));
    const spec = specOf(listPath, more);
    return spec.kind === 'section' ? spec.children : new Map();
  }
}

/** Everything under way in one reading. */
interface Reading {
  readonly environment: Environment;
  readonly entries: Map<string, Entry>;
  readonly lengths: Map<string, number>;
  readonly present: Set<string>;
  readonly off: Map<string, number>;
  readonly faults: Fault[];
}

/** Read every value of a file, with those of the environment over it. */
export function readSettings(root: RawMap, environment: Environment): Settings {
  const reading: Reading = {
    environment,
    entries: new Map(),
    lengths: new Map(),
    present: new Set(),
    off: new Map(),
    faults: [],
  };
  visit(reading, ROOT, '', root);
  return reading;
}

function visit(reading: Reading, spec: Spec, path: string, node: RawNode | undefined): void {
  // `gossip:` with everything under it commented out is a null, and means the same as leaving it out.
  const given = node?.kind === 'scalar' && node.value === null ? undefined : node;
  switch (spec.kind) {
    case 'key':
      return visitKey(reading, spec.key, path, given);
    case 'section':
      return visitSection(reading, spec.path, spec.children, path, given);
    case 'list':
      return visitList(reading, spec, path, given);
  }
}

function visitSection(
  reading: Reading,
  specPath: string,
  children: ReadonlyMap<string, Spec>,
  path: string,
  node: RawNode | undefined,
): void {
  const names = [...children.keys()];
  const off = SWITCHED_SECTIONS.get(specPath)?.word;
  if (off !== undefined && node?.kind === 'scalar' && node.value === off) {
    reading.off.set(specPath, node.spot.line);
    return;
  }
  if (node !== undefined && node.kind !== 'map') {
    const expected = `a map with ${listed(names)}${off === undefined ? '' : `, or ${off}`}`;
    reading.faults.push(faultAt(path, node, describeNode(node), expected));
    return;
  }
  if (OPTIONAL_SECTIONS.has(specPath)) {
    if (node === undefined) return;
    reading.present.add(specPath);
  }
  for (const [name, child] of children) {
    visit(reading, child, path === '' ? name : `${path}.${name}`, node?.entries.get(name)?.value);
  }
  for (const [name, entry] of node?.entries ?? []) {
    if (!children.has(name)) reading.faults.push(unknownKey(path, name, names, entry.spot.line));
  }
}

function visitList(
  reading: Reading,
  spec: Extract<Spec, { kind: 'list' }>,
  path: string,
  node: RawNode | undefined,
): void {
  const { path: specPath, item } = spec;
  const list = LISTS.find(({ path: listPath }) => listPath === specPath) ?? { max: 1, of: '' };
  const { max, of, optional, single, within }: Partial<List> & Pick<List, 'max' | 'of'> = list;
  if (node?.kind === 'map' && within !== undefined) {
    const told = [within, ...spec.beside.keys()];
    // Without any of these it is an item that lacks its hyphen.
    if (told.some((name) => node.entries.has(name))) return visitWithin(reading, spec, within, path, node);
  }
  if (node === undefined && optional === true) return;
  if (node?.kind === 'map' && single === true) {
    reading.lengths.set(specPath, 1);
    return visit(reading, item, `${path}[0]`, node);
  }
  if (node?.kind !== 'list') {
    const [found, hint] =
      node === undefined ? [NOTHING, ''] : [describeNode(node), 'begin each item with a hyphen'];
    reading.faults.push({ ...faultAt(path, node, found, `a list of at least one ${of}`), hint });
    return;
  }
  const count = node.items.length;
  reading.lengths.set(specPath, Math.min(count, max));
  if (count === 0) reading.faults.push(faultAt(path, node, 'an empty list', `at least one ${of}`));
  if (count > max) reading.faults.push(faultAt(path, node, counted(count, 'item'), `at most ${max}`));
  for (const [index, element] of node.items.slice(0, max).entries()) {
    const place = `${path}[${index}]`;
    // An item cannot be left out, so a null one is a mistake and not an absence.
    if (element.kind === 'map') visit(reading, item, place, element);
    else reading.faults.push(faultAt(place, element, describeNode(element), `a map ${of}`));
  }
}

/** A map in the place of a list: the list under its name, and what is told beside it. */
function visitWithin(
  reading: Reading,
  spec: Extract<Spec, { kind: 'list' }>,
  within: string,
  path: string,
  node: RawMap,
): void {
  for (const [name, child] of spec.beside)
    visit(reading, child, `${path}.${name}`, node.entries.get(name)?.value);
  const known = [...spec.beside.keys(), within];
  for (const [name, entry] of node.entries)
    if (!known.includes(name)) reading.faults.push(unknownKey(path, name, known, entry.spot.line));
  const list = node.entries.get(within)?.value;
  if (list?.kind === 'map')
    reading.faults.push(faultAt(`${path}.${within}`, list, describeNode(list), 'a list'));
  else visit(reading, spec, path, list);
}

function visitKey(reading: Reading, key: Key<unknown>, path: string, node: RawNode | undefined): void {
  const entry =
    overridden(reading, key) ?? (node === undefined ? defaultOf(reading, key, path) : fileEntry(node));
  if (entry === null) {
    const required = key.fallback.kind === 'required';
    if (required) reading.faults.push(missing(key, path));
    return;
  }
  reading.entries.set(path, entry);
  const outcome = key.kind.read(entry.node);
  if (outcome.kind === 'value' || entry.origin.kind === 'default') return;
  const { found, hint } = outcome;
  reading.faults.push({ path, found, expected: key.kind.expected, hint, origin: entry.origin });
}

function missing(key: Key<unknown>, path: string): Fault {
  const hint = key.variable === null ? '' : `or set ${key.variable}`;
  return { path, found: NOTHING, expected: key.kind.expected, hint, origin: null };
}

function fileEntry(node: RawNode): Entry {
  return { node, origin: { kind: 'file', line: node.spot.line } };
}

/** What the environment says instead. An empty variable counts as unset: that is how env files leave one out. */
function overridden(reading: Reading, key: Key<unknown>): Entry | null {
  const variable = key.variable;
  const text = variable === null ? undefined : reading.environment[variable];
  if (variable === null || text === undefined || text === '') return null;
  const origin: Origin = { kind: 'environment', variable };
  // The environment has only text; digits are a number where a number is wanted.
  const number = /^-?\d{1,15}$/.test(text) ? scalarNode(Number(text)) : null;
  const asNumber = number !== null && key.kind.name === 'whole number';
  return { node: asNumber ? number : scalarNode(text), origin };
}

function defaultOf(reading: Reading, key: Key<unknown>, path: string): Entry | null {
  const origin: Origin = { kind: 'default' };
  const { fallback } = key;
  switch (fallback.kind) {
    case 'required':
    case 'none':
      return null;
    case 'value':
      return { node: nodeOfDefault(fallback.value), origin };
    case 'preset':
    case 'derived': {
      const value = defaultBy(fallback, (name) => siblingOf(reading, path, name));
      const chosen = fallback.kind === 'preset' ? presetOrigin(reading) : origin;
      return value === null ? null : { node: nodeOfDefault(value), origin: chosen };
    }
  }
}

/** Where nobody has chosen one, its values are the defaults. */
function presetOrigin({ entries }: Reading): Origin {
  const entry = entries.get(PRESET.path);
  if (entry === undefined || entry.origin.kind === 'default' || entry.node.kind !== 'scalar')
    return { kind: 'default' };
  return { kind: 'preset', name: presetNamed(entry.node.value) };
}

function nodeOfDefault(value: string | number | boolean | readonly string[]): RawNode {
  if (typeof value !== 'object') return scalarNode(value);
  return { kind: 'list', spot: scalarNode(null).spot, items: value.map((item) => scalarNode(item)) };
}

/** The table lists a key after those that its default follows from, so they have been read by now. */
function siblingOf(reading: Reading, path: string, name: string): unknown {
  const node = reading.entries.get(siblingPath(path, name))?.node;
  return node?.kind === 'scalar' ? node.value : undefined;
}

function siblingPath(path: string, name: string): string {
  if (name.startsWith('/')) return name.slice(1);
  const section = path.slice(0, path.lastIndexOf('.'));
  return name.startsWith('../')
    ? `${section.slice(0, section.lastIndexOf('.'))}.${name.slice(3)}`
    : `${section}.${name}`;
}

function faultAt(path: string, node: RawNode | undefined, found: string, expected: string): Fault {
  const origin: Origin | null = node === undefined ? null : { kind: 'file', line: node.spot.line };
  return { path, found, expected, hint: '', origin };
}

function unknownKey(section: string, name: string, known: readonly string[], line: number): Fault {
  const path = section === '' ? name : `${section}.${name}`;
  const meant = nearest(name, known) ?? keyElsewhere(name);
  return {
    path,
    found: 'an unknown key',
    expected: listed(known),
    hint: meant === null ? '' : `did you mean ${meant}?`,
    origin: { kind: 'file', line },
  };
}

/** A right name in the wrong section, or written as one word with its section. */
function keyElsewhere(name: string): string | null {
  const folded = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  const paths = [...ALL_KEYS.map((key) => key.path), ...OPTIONAL_SECTIONS.keys(), 'peers', 'addresses'];
  const leaf = paths.find((path) => path.split('.').at(-1)?.toLowerCase() === folded);
  return (
    leaf ??
    nearest(
      name,
      paths.map((path) => path.split('.')[0] ?? '').map((path) => path.replace('[]', '')),
    )
  );
}

function listed(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return unique.length === 1
    ? `${unique[0]}`
    : `one of ${unique.slice(0, -1).join(', ')} and ${unique.at(-1)}`;
}
