/** The effective configuration: every value, defaults filled in, and where each came from. */
import { type RawNode, withoutPassword } from '@failtome/config';
import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { isForeignDriverKey } from './driver-kinds.ts';
import type { Origin } from './fault.ts';
import { ALL_KEYS, DRIVER_KIND, type Key, NODE_ROLE } from './file-keys.ts';
import { LISTS, OPTIONAL_SECTIONS, SWITCHED_SECTIONS } from './file-sections.ts';
import { get, lengthOf, originOf, pathOf, type Settings } from './settings.ts';

/** A value as YAML and JSON write it. */
export type Plain = string | number | boolean | null | readonly Plain[];

/** A key's value as it counts, and where it comes from. */
export interface EffectiveValue {
  readonly path: string;
  /** As it would be written; null where it is absent and nothing stands in for it. */
  readonly value: Plain;
  readonly origin: Origin;
  /** What to know besides: what absence means, or that it is ignored. */
  readonly note: string;
}

/** Every value that counts, in the order of the reference. */
export function effectiveValues(settings: Settings): readonly EffectiveValue[] {
  const role = get(settings, NODE_ROLE);
  const sections = new Set(ALL_KEYS.map(({ path }) => path.split('[]')[0] ?? ''));
  return [...sections].flatMap((section) => {
    const keys = ALL_KEYS.filter(({ path }) => path.split('[]')[0] === section);
    const count = keys[0]?.path.includes('[]') ? lengthOf(settings, section) : 1;
    return Array.from({ length: count }, (_, index) => index).flatMap((index) =>
      keys.filter((key) => counts(settings, key)).map((key) => effectiveValue(settings, key, index, role)),
    );
  });
}

function counts(settings: Settings, key: Key<unknown>): boolean {
  if ([...settings.off.keys()].some((section) => key.path.startsWith(`${section}.`))) return false;
  const optional = [...OPTIONAL_SECTIONS.keys()].find((section) => key.path.startsWith(`${section}.`));
  if (optional !== undefined && !settings.present.has(optional)) return false;
  const kind = get(settings, DRIVER_KIND);
  return kind === null || !isForeignDriverKey(kind, key.path);
}

function effectiveValue(
  settings: Settings,
  key: Key<unknown>,
  index: number,
  role: string | null,
): EffectiveValue {
  const path = pathOf(key, index);
  const node = settings.entries.get(path)?.node;
  const absent = node === undefined && key.fallback.kind === 'none' ? key.fallback.meaning : '';
  const ignored = role !== 'candidate' && /^(driver|local|notify\.(sns|webhook|exec|events))\b/.test(path);
  const note = ignored ? `ignored, because node.role is ${role}` : absent;
  return {
    path,
    value: node === undefined ? null : counted(key, node),
    origin: originOf(settings, key, index),
    note,
  };
}

/** As it counts: an address and a URL in their canonical form, whatever their spelling. */
function counted(key: Key<unknown>, node: RawNode): Plain {
  const reading = key.kind.read(node);
  if (reading.kind !== 'value' || typeof reading.value !== 'string') return plain(node);
  return (key.kind.shown ?? withoutPassword)(reading.value);
}

function plain(node: RawNode): Plain {
  if (node.kind === 'list') return node.items.map(plain);
  if (node.kind === 'map') return null; // No key has a map for its value.
  if (typeof node.value === 'string') return withoutPassword(node.value);
  return typeof node.value === 'bigint' ? String(node.value) : node.value;
}

/** YAML that loads again as the same configuration (but for a password in `local.url` and the URL of a web hook), each value with a comment on its origin. */
export function effectiveYaml(settings: Settings, file: string): string {
  const document = new Document(new YAMLMap());
  document.commentBefore = ` The effective configuration of ${file}`;
  for (const value of effectiveValues(settings)) put(document, value, whereIn(settings, value.path), file);
  for (const [section, meaning] of OPTIONAL_SECTIONS) {
    if (settings.present.has(section) || settings.off.has(section) || isBesideList(section)) continue;
    const node = new Scalar(null);
    node.comment = ` absent: ${meaning}`;
    document.setIn(section.split('.'), node);
  }
  for (const [section, line] of settings.off) {
    const node = new Scalar(offWord(section));
    node.comment = ` ${file}:${line}: ${SWITCHED_SECTIONS.get(section)?.meaning ?? ''}`;
    document.setIn(section.split('.'), node);
  }
  return document.toString({ lineWidth: 0, nullStr: 'null' });
}

/** The configuration as it counts, as JSON. */
export interface EffectiveJson {
  /** In the shape of the file. */
  readonly config: unknown;
  readonly origins: Readonly<Record<string, Origin>>;
}

/** The same for programs: the configuration, and beside it the origin of each value by its path. */
export function effectiveJson(settings: Settings): EffectiveJson {
  const values = effectiveValues(settings);
  const document = new Document(new YAMLMap());
  for (const value of values) put(document, value, whereIn(settings, value.path), '');
  for (const section of settings.off.keys()) document.setIn(section.split('.'), offWord(section));
  return {
    config: document.toJS(),
    origins: Object.fromEntries(values.map(({ path, origin }) => [path, origin])),
  };
}

function offWord(section: string): string {
  return SWITCHED_SECTIONS.get(section)?.word ?? 'off';
}

/** Where a list has something beside it, it stands under a name. */
function whereIn(settings: Settings, path: string): string {
  const list = LISTS.find((one) => one.within !== undefined && path.startsWith(`${one.path}[`));
  const isBeside = [...settings.present].some((section) => section.startsWith(`${list?.path}.`));
  return list === undefined || !isBeside
    ? path
    : `${list.path}.${list.within}${path.slice(list.path.length)}`;
}

/** In a plain list there is no place for it. */
function isBesideList(section: string): boolean {
  return LISTS.some(({ path }) => section.startsWith(`${path}.`));
}

function put(document: Document, value: EffectiveValue, path: string, file: string): void {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
  const last = steps.pop() ?? '';
  let section: unknown = document.contents;
  for (const [depth, step] of steps.entries()) {
    section = child(section, step, /^\d+$/.test(steps[depth + 1] ?? ''));
  }
  const node = document.createNode(value.value, { flow: true });
  node.comment = ` ${origin(value, file)}`;
  if (section instanceof YAMLMap) section.add(new Pair(new Scalar(last), node));
}

/** The section or item under `step`, made when it isn't there yet. */
function child(parent: unknown, step: string, isList: boolean): unknown {
  const made = isList ? new YAMLSeq() : new YAMLMap();
  if (parent instanceof YAMLSeq) {
    const index = Number(step);
    if (!parent.has(index)) parent.add(made);
    return parent.get(index);
  }
  if (!(parent instanceof YAMLMap)) return undefined;
  if (!parent.has(step)) parent.add(new Pair(new Scalar(step), made));
  return parent.get(step);
}

function origin(value: EffectiveValue, file: string): string {
  const note = value.note === '' ? '' : `: ${value.note}`;
  switch (value.origin.kind) {
    case 'file':
      return `${file}:${value.origin.line}${note}`;
    case 'preset':
      return `preset ${value.origin.name}${note}`;
    case 'environment':
      return `${value.origin.variable}${note}`;
    case 'default':
      return `default${note}`;
  }
}
