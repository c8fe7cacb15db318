/**
 * What happens, and when: the actions of `plan/`, as a file says them. A parameter loses the unit of its name
 * (`slowMs` is `slow: 500ms`, `lossPerMille` is `loss: 30 %`), and the only one that is required can stand by itself.
 */
import { describeNode, didYouMean, type RawEntry, type RawMap, type RawNode } from '@failtome/config';
import {
  ACTIONS,
  type ActionKind,
  type Arguments,
  type Entry,
  type Parameter,
  ROLES_OF_THE_MOMENT,
  type Value,
} from '../plan/index.ts';
import { listed } from './fault.ts';
import { ipv4, movable } from './ip-shapes.ts';
import { merge, NODE_SETTINGS, overridesOf, settingsOf } from './setting-table.ts';
import { reportClashes, settingsShape } from './settings-shape.ts';
import {
  at,
  choice,
  duration,
  map,
  mapSchema,
  named,
  type Reading,
  reportFault,
  reportUnknown,
  required,
  type Schema,
  type Shape,
  share,
  text,
  whole,
} from './shape.ts';

const DAY_MS = 86_400_000;
const MAX_REPEATS = 1_000;
/** The most entries of a timeline, repetitions included. */
export const MAX_ENTRIES = 10_000;

/** What a parameter is called in a file. */
export function writtenName(name: string): string {
  return name.replace(/(Ms|PerMille)$/, '');
}

/** Whether a file has to say it. An address need not be said where there is only one. */
export function isRequired(parameter: Parameter): boolean {
  return parameter.optional === undefined && parameter.kind !== 'address';
}

/** The only parameter that has to be said: it may stand without its name. */
export function shortFor({ parameters }: ActionKind): string | null {
  const needed = Object.entries(parameters).filter(([, parameter]) => isRequired(parameter));
  const [only] = needed;
  return needed.length === 1 && only !== undefined ? only[0] : null;
}

/** A node by name, or by the part that it plays at that moment. */
export const someNode: Shape<string> = {
  expected: 'a node, holder or standby',
  schema: { type: 'string' },
  read(node, reading) {
    const { nodes } = reading.context;
    const known = [...(nodes ?? []), ...ROLES_OF_THE_MOMENT];
    const expected = `one of ${known.join(', ')}`;
    if (node.kind !== 'scalar' || typeof node.value !== 'string')
      return reportFault(node, reading, describeNode(node), expected);
    if (nodes === null || known.includes(node.value)) return node.value;
    return reportFault(node, reading, describeNode(node), expected, didYouMean(node.value, known));
  },
};

/** One of the cluster's addresses. */
export const someAddress: Shape<string> = {
  expected: "one of the cluster's addresses",
  schema: movable.schema,
  read(node, reading) {
    const { addresses } = reading.context;
    const value = movable.read(node, reading);
    if (value === undefined || addresses === null || addresses.includes(value)) return value;
    return reportFault(node, reading, describeNode(node), `one of ${addresses.join(', ')}`);
  },
};

const changesOfSettings: Shape<Value> = (() => {
  const shape = named('node-settings', settingsShape(NODE_SETTINGS));
  return {
    ...shape,
    read(node, reading) {
      const given = shape.read(node, reading);
      if (given === undefined) return undefined;
      const { settings } = reading.context;
      reportClashes(node, reading, settingsOf(merge(settings, given)));
      return overridesOf(given, settings);
    },
  };
})();

function shapeOf(parameter: Parameter): Shape<Value> {
  switch (parameter.kind) {
    case 'node':
      return someNode;
    case 'address':
      return someAddress;
    case 'duration':
      return duration(parameter.signed ? -1_000 * DAY_MS : 0, 1_000 * DAY_MS);
    case 'whole':
      return whole(parameter.least, parameter.most);
    case 'share':
      return share;
    case 'choice':
      return choice(parameter.of);
    case 'ip':
      return ipv4;
    case 'text':
      return text('text of at most 200 characters', /^[^\p{Cc}]{0,200}$/u);
    case 'settings':
      return changesOfSettings;
  }
}

/** What stands under an action's name. */
function argumentsShape(kind: ActionKind): Shape<Arguments> {
  const { parameters } = kind;
  const shapes = Object.entries(parameters).map(
    ([name, parameter]) =>
      ({ name, written: writtenName(name), parameter, shape: shapeOf(parameter) }) as const,
  );
  const short = shapes.find(({ name }) => name === shortFor(kind));
  const names = shapes.map(({ written }) => written);
  const expected = `a map with ${listed(names)}`;

  function readMap(node: RawMap, reading: Reading): Arguments {
    const given: Record<string, Value> = {};
    for (const { name, written, parameter, shape } of shapes) {
      const entry = node.entries.get(written);
      const here = at(reading, written);
      const absent = entry === undefined || (entry.value.kind === 'scalar' && entry.value.value === null);
      const value = absent ? otherwise(parameter, entry ?? node, here, shape) : shape.read(entry.value, here);
      if (value !== undefined) given[name] = value;
    }
    for (const [name, entry] of node.entries)
      if (!names.includes(name)) reportUnknown(entry, at(reading, name), name, names);
    return given;
  }

  return {
    expected,
    schema: argumentsSchema(kind, shapes),
    read(node, reading) {
      if (node.kind === 'map') return readMap(node, reading);
      const empty = node.kind === 'scalar' && node.value === null;
      if (node.kind === 'list' || (short === undefined && !empty))
        return reportFault(node, reading, describeNode(node), expected);
      // `crash: a` is `crash: { node: a }`.
      const alone: RawMap['entries'] = new Map();
      if (short !== undefined && !empty) alone.set(short.written, { spot: node.spot, value: node });
      return readMap({ kind: 'map', spot: node.spot, entries: alone }, reading);
    },
  };
}

/** What a parameter is that a file doesn't mention. */
function otherwise(
  parameter: Parameter,
  place: { readonly spot: RawNode['spot'] },
  reading: Reading,
  shape: Shape<Value>,
): Value | undefined {
  if (parameter.optional !== undefined) return parameter.optional;
  const { addresses } = reading.context;
  if (parameter.kind === 'address' && (addresses === null || addresses.length === 1))
    return addresses?.[0] ?? null;
  return reportFault(place, reading, 'nothing', shape.expected);
}

function argumentsSchema(
  kind: ActionKind,
  shapes: readonly {
    readonly name: string;
    readonly written: string;
    readonly parameter: Parameter;
    readonly shape: Shape<Value>;
  }[],
): Schema {
  const long = mapSchema(
    Object.fromEntries(
      shapes.map(({ written, parameter, shape }) => [
        written,
        { shape, says: parameter.says, required: isRequired(parameter) },
      ]),
    ),
  );
  const short = shapes.find(({ name }) => name === shortFor(kind));
  const ways = [long, ...(short === undefined ? [] : [short.shape.schema])];
  if (shapes.every(({ parameter }) => !isRequired(parameter))) ways.push({ type: 'null' });
  return { description: kind.says, ...(ways.length === 1 ? long : { anyOf: ways }) };
}

const ARGUMENTS: ReadonlyMap<string, Shape<Arguments>> = new Map(
  [...ACTIONS].map(([name, kind]) => [name, named(`action-${name}`, argumentsShape(kind))]),
);

const moment = duration(0, 1_000 * DAY_MS);
const repeat = map('a repetition', {
  every: required(duration(1, DAY_MS), 'from one to the next'),
  times: required(whole(2, MAX_REPEATS), 'how many'),
});
const TIMES = ['at', 'for', 'repeat'] as const;

/** An action by itself: `{ vanish: a }`. */
export const brokenShape: Shape<Omit<Entry, 'atMs' | 'forMs'>> = {
  expected: 'an action, such as { vanish: a }',
  schema: entrySchema([]),
  read: (node, reading) => readAction(node, reading, []),
};

/** One entry of the timeline; repeated, it is several. */
export const entryShape: Shape<readonly Entry[]> = {
  expected: 'an entry, such as { at: 30s, haproxy: { node: a, state: dead } }',
  schema: entrySchema(TIMES),
  read(node, reading) {
    if (node.kind !== 'map') return reportFault(node, reading, describeNode(node), entryShape.expected);
    const atMs = readTime(node, reading, 'at');
    const forMs = readTime(node, reading, 'for');
    const action = readAction(node, reading, TIMES);
    const entry = node.entries.get('repeat');
    const again = entry === undefined ? null : repeat.read(entry.value, at(reading, 'repeat'));
    if (atMs === null) reportFault(node, at(reading, 'at'), 'nothing', 'when it happens, such as 30s');
    if (action === undefined || atMs == null || forMs === undefined || again === undefined) return undefined;
    if (forMs !== null && ACTIONS.get(action.action)?.lastsMs === null)
      reportFault(
        placeOf(node, 'for'),
        at(reading, 'for'),
        'a span',
        'none',
        `${action.action} happens, and is over`,
      );
    const entries = Array.from({ length: again?.times ?? 1 }, (_, index) => ({
      atMs: atMs + index * (again?.every ?? 0),
      ...action,
      forMs,
    }));
    checkEnd(node, reading, entries.at(-1)?.atMs ?? atMs);
    return entries;
  },
};

/** Null: nothing is said. */
function readTime(node: RawMap, reading: Reading, key: 'at' | 'for'): number | null | undefined {
  const entry = node.entries.get(key);
  if (entry === undefined || (entry.value.kind === 'scalar' && entry.value.value === null)) return null;
  return moment.read(entry.value, at(reading, key));
}

function checkEnd(node: RawMap, reading: Reading, lastMs: number): void {
  const { endMs } = reading.context;
  if (endMs !== null && lastMs >= endMs)
    reportFault(
      placeOf(node, 'at'),
      at(reading, 'at'),
      `${lastMs / 1_000} s`,
      `a moment before the end, ${endMs / 1_000} s`,
    );
}

function placeOf(node: RawMap, key: string): RawEntry | RawMap {
  return node.entries.get(key) ?? node;
}

function readAction(
  node: RawNode,
  reading: Reading,
  besides: readonly string[],
): Omit<Entry, 'atMs' | 'forMs'> | undefined {
  if (node.kind !== 'map') return reportFault(node, reading, describeNode(node), brokenShape.expected);
  const known = [...besides, ...ACTIONS.keys()];
  const named: [string, RawEntry][] = [];
  for (const [name, entry] of node.entries) {
    if (ACTIONS.has(name)) named.push([name, entry]);
    else if (!besides.includes(name))
      reportFault(
        entry,
        at(reading, name),
        'no action of that name',
        `one of ${[...ACTIONS.keys()].join(', ')}`,
        didYouMean(name, known),
      );
  }
  const [first, second] = named;
  if (first === undefined) {
    const unknown = [...node.entries.keys()].some((name) => !known.includes(name));
    return unknown
      ? undefined
      : reportFault(node, reading, 'no action', `one of ${[...ACTIONS.keys()].join(', ')}`);
  }
  const [name, { value }] = first;
  if (second !== undefined)
    reportFault(
      second[1],
      at(reading, second[0]),
      'a second action',
      `one an entry, after ${name}`,
      'make it an entry of its own',
    );
  const given = ARGUMENTS.get(name)?.read(value, at(reading, name));
  return given === undefined ? undefined : { action: name, with: given };
}

function entrySchema(besides: readonly (typeof TIMES)[number][]): Schema {
  const times: Readonly<Record<(typeof TIMES)[number], Schema>> = {
    at: { description: 'when it happens, from the beginning', ...moment.schema },
    for: { description: 'after so long it is undone; without it, it stays', ...moment.schema },
    repeat: { description: 'the same again', ...repeat.schema },
  };
  return {
    type: 'object',
    properties: Object.fromEntries([
      ...besides.map((key) => [key, times[key]] as const),
      ...[...ARGUMENTS].map(([name, { schema }]) => [name, schema] as const),
    ]),
    required: besides.filter((key) => key === 'at'),
    minProperties: besides.length === 0 ? 1 : 2,
    additionalProperties: false,
  };
}
