/**
 * What counts instead of what a scenario's file says: an agent's own configuration, and single values from the command
 * line. They are put into the tree before it is read, so that they are checked as everything else is.
 */
import { formatDuration, type RawMap, type RawNode } from '@failtome/config';
import type { AgentConfiguration } from './agent-file.ts';
import { settingsInFile } from './cluster-shape.ts';
import { type Given, SETTINGS, type Setting, type SettingValue } from './setting-table.ts';
import { type Context, reportFault } from './shape.ts';
import { parseText } from './source.ts';

/** What is changed in a scenario for one run. */
export interface Overlay {
  /** `key=value`, the key a setting (`probe.fall`) or any place of the file (`cluster.nodes[1].priority`). */
  readonly sets: readonly string[];
  readonly config: AgentConfiguration | null;
}

const SECTIONS: ReadonlySet<string> = new Set(SETTINGS.map(({ path }) => path.split('.')[0] ?? ''));
const MAX_INDEX = 10_000;

/** The tree with these words in it. What doesn't fit is told. */
export function overlaid(root: RawNode, { sets, config }: Overlay, context: Context): RawNode {
  if (root.kind !== 'map') return root;
  if (config !== null) root.entries.set('settings', { spot: config.spot, value: treeOf(config) });
  for (const one of sets) applySet(root, one, context);
  return root;
}

/** The settings among these words alone. */
export function settingsAmong(sets: readonly string[], context: Context): Given {
  const spot = { source: '--set', line: 0, column: 0 };
  const root: RawMap = { kind: 'map', spot, entries: new Map() };
  // Faults have been told where all of the tree was read.
  const aside: Context = { ...context, faults: [] };
  for (const one of sets) applySet(root, one, aside);
  const settings = root.entries.get('settings');
  if (settings === undefined) return new Map();
  return settingsInFile.read(settings.value, { path: 'settings', context: aside }) ?? new Map();
}

function applySet(root: RawMap, given: string, context: Context): void {
  const spot = { source: `--set ${given}`, line: 0, column: 0 };
  const mark = given.indexOf('=');
  const written = mark < 0 ? given : given.slice(0, mark);
  const steps = stepsOf(written);
  const reading = { path: '', context };
  if (mark < 0 || steps === null)
    return reportFault(
      { spot },
      reading,
      mark < 0 ? 'no =' : `the key ${written}`,
      'key=value, such as probe.fall=2',
    );
  const parsed = parseText(spot.source, given.slice(mark + 1));
  if (parsed.root === null)
    return reportFault({ spot }, reading, 'no value', 'a value after =, such as probe.fall=2');
  const value = moved(parsed.root, spot);
  const [first] = steps;
  const path = typeof first === 'string' && SECTIONS.has(first) ? ['settings', ...steps] : steps;
  if (!put(root, path, value))
    reportFault({ spot }, reading, `the place ${written}`, 'a place that the file has');
}

/** `a.b[0]` as its steps; null: it is none. */
function stepsOf(written: string): readonly (string | number)[] | null {
  if (!/^[A-Za-z$][\w-]*(\[\d{1,4}\]|\.[\w-]+)*$/.test(written)) return null;
  return [...written.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? '') : Math.min(Number(index), MAX_INDEX),
  );
}

/** Everything in it stands where the command line says it. */
function moved(node: RawNode, spot: RawNode['spot']): RawNode {
  switch (node.kind) {
    case 'scalar':
      return { ...node, spot };
    case 'list':
      return { kind: 'list', spot, items: node.items.map((item) => moved(item, spot)) };
    case 'map': {
      const entries = [...node.entries].map(
        ([name, { value }]) => [name, { spot, value: moved(value, spot) }] as const,
      );
      return { kind: 'map', spot, entries: new Map(entries) };
    }
  }
}

/** False: there is no such place, and none can be made. */
function put(root: RawMap, steps: readonly (string | number)[], value: RawNode): boolean {
  const { spot } = value;
  let here: RawNode = root;
  for (const [index, step] of steps.entries()) {
    const last = index === steps.length - 1;
    if (here.kind === 'map' && typeof step === 'string') {
      const before: RawNode | undefined = here.entries.get(step)?.value;
      const made: RawMap = { kind: 'map', spot, entries: new Map() };
      const next: RawNode = last ? value : before === undefined || before.kind === 'scalar' ? made : before;
      here.entries.set(step, { spot: here.entries.get(step)?.spot ?? spot, value: next });
      here = next;
    } else if (here.kind === 'list' && typeof step === 'number') {
      const before: RawNode | undefined = here.items[step];
      if (before === undefined) return false;
      // A node or an address by its name alone is one in full that says no more.
      const next: RawNode = last ? value : inFull(before, steps[index - 1]);
      here.items[step] = next;
      here = next;
    } else return false;
  }
  return true;
}

function inFull(node: RawNode, list: string | number | undefined): RawNode {
  const key = list === 'nodes' ? 'id' : list === 'addresses' ? 'ip' : null;
  if (node.kind !== 'scalar' || key === null) return node;
  return { kind: 'map', spot: node.spot, entries: new Map([[key, { spot: node.spot, value: node }]]) };
}

function treeOf({ settings, spot }: AgentConfiguration): RawMap {
  const root: RawMap = { kind: 'map', spot, entries: new Map() };
  for (const setting of SETTINGS) {
    const value = settings.get(setting.path);
    if (value === undefined) continue;
    put(root, setting.path.split('.'), { kind: 'scalar', spot, value: writtenValue(setting, value) });
  }
  return root;
}

/** A setting's value as it stands in a file. */
export function writtenValue({ write }: Setting, value: SettingValue): string | number | boolean | null {
  if (write === 'none') return 'none';
  return write === 'duration' && typeof value === 'number' ? formatDuration(value) : value;
}
