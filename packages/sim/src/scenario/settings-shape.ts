/** Settings as they stand in a file: sections with keys, as in the agent's own. */
import { describeNode, type RawNode } from '@failtome/config';
import type { Settings } from '../world/index.ts';
import { clashesOf, type Given, type Setting, type SettingValue } from './setting-table.ts';
import { at, type Reading, reportFault, reportUnknown, type Schema, type Shape } from './shape.ts';

/** Keys of the agent's file that nothing simulated depends on. */
export const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'probe.scheme',
  'probe.host',
  'probe.port',
  'probe.path',
  'probe.expect',
  'local.url',
  'local.socket',
  'local.command',
  'local.need',
  'guard.urls',
  'guard.allowPrivate',
  'driver.region',
  'driver.instanceId',
  'driver.networkInterfaceId',
  'driver.routeTables',
  'driver.assumeRole',
  'driver.command',
  'handover.on',
  'stateDir',
  'recorder.keep',
  'recorder.size',
  'recorder',
  'log.level',
  'log',
]);

interface Section {
  /** Of a key without a section of its own, or of a section that can be one word. */
  readonly leaf: Setting | null;
  readonly keys: ReadonlyMap<string, Setting>;
}

/** A map of sections, read into what was given, by path. */
export function settingsShape(settings: readonly Setting[]): Shape<Given> {
  const sections = sectionsOf(settings);
  const names = [...sections.keys()];
  return {
    expected: "settings as in the agent's configuration",
    schema: objectSchema([...sections].map(([name, section]) => [name, schemaOf(section)])),
    read(node, reading) {
      const given = new Map<string, SettingValue>();
      if (node.kind !== 'map')
        return reportFault(node, reading, describeNode(node), `a map with ${names.join(', ')}`);
      for (const [name, entry] of node.entries) {
        const section = sections.get(name);
        if (section !== undefined) readSection(given, name, section, entry.value, at(reading, name));
        else reportKey(entry, at(reading, name), name, names, name);
      }
      return given;
    },
  };
}

/** The keys of one section, such as an address's own probe. */
export function sectionShape(name: string, settings: readonly Setting[]): Shape<Given> {
  const section = sectionsOf(settings).get(name) ?? { leaf: null, keys: new Map() };
  return {
    expected: `a map with ${[...section.keys.keys()].join(', ')}`,
    schema: schemaOf(section),
    read(node, reading) {
      const given = new Map<string, SettingValue>();
      readSection(given, name, section, node, reading);
      return given;
    },
  };
}

/** Tell the combinations of settings that can't work. */
export function reportClashes(
  node: { readonly spot: RawNode['spot'] },
  reading: Reading,
  settings: Settings,
): void {
  for (const { path, found, expected } of clashesOf(settings)) {
    const place = { ...reading, path: reading.path === '' ? path : `${reading.path}.${path}` };
    reportFault(node, place, found, expected);
  }
}

function sectionsOf(settings: readonly Setting[]): ReadonlyMap<string, Section> {
  const sections = new Map<string, { leaf: Setting | null; keys: Map<string, Setting> }>();
  for (const setting of settings) {
    const [name = '', key] = setting.path.split('.');
    const section = sections.get(name) ?? { leaf: null, keys: new Map() };
    sections.set(name, section);
    if (key === undefined) section.leaf = setting;
    else section.keys.set(key, setting);
  }
  return sections;
}

function readSection(
  given: Map<string, SettingValue>,
  name: string,
  { leaf, keys }: Section,
  node: RawNode,
  reading: Reading,
): void {
  // A section whose keys are all commented out is as good as left out.
  if (node.kind === 'scalar' && node.value === null) return;
  if (leaf !== null && (keys.size === 0 || node.kind === 'scalar'))
    return readLeaf(given, leaf, node, reading);
  if (node.kind !== 'map')
    return reportFault(node, reading, describeNode(node), `a map with ${[...keys.keys()].join(', ')}`);
  for (const [key, entry] of node.entries) {
    const setting = keys.get(key);
    if (setting !== undefined) readLeaf(given, setting, entry.value, at(reading, key));
    else reportKey(entry, at(reading, key), key, [...keys.keys()], `${name}.${key}`);
  }
}

function readLeaf(given: Map<string, SettingValue>, setting: Setting, node: RawNode, reading: Reading): void {
  if (node.kind === 'scalar' && node.value === null) return;
  const value = setting.shape.read(node, reading);
  if (value !== undefined) given.set(setting.path, value);
}

function reportKey(
  entry: { readonly spot: RawNode['spot'] },
  reading: Reading,
  key: string,
  known: readonly string[],
  path: string,
): void {
  if (!WITHOUT_EFFECT.has(path)) return reportUnknown(entry, reading, key, known);
  reportFault(
    entry,
    reading,
    'a setting that nothing simulated depends on',
    `one of ${known.join(', ')}`,
    'leave it out',
  );
}

function schemaOf({ leaf, keys }: Section): Schema {
  const own = leaf === null ? null : { description: leaf.says, ...leaf.shape.schema };
  if (keys.size === 0) return own ?? {};
  const all = [...keys].map(
    ([key, { says, shape }]) => [key, { description: says, ...shape.schema }] as const,
  );
  const section = objectSchema(all);
  return own === null ? section : { anyOf: [own, section] };
}

function objectSchema(properties: readonly (readonly [string, Schema])[]): Schema {
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}
