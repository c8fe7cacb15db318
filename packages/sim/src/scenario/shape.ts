/**
 * Shapes: what may stand at a place of a file. Each reads a node of the tree, or tells what is wrong with it, and
 * describes itself as JSON Schema, so that what editors are told is what is read.
 */

import {
  describeNode,
  didYouMean,
  formatDuration,
  parseSpan,
  type RawNode,
  type RawScalar,
} from '@failtome/config';
import { counted } from '@failtome/protocol';
import { type Fault, listed } from './fault.ts';
import { parseShare } from './units.ts';

/** A part of a JSON Schema (draft 2020-12). */
export type Schema = { readonly [key: string]: unknown };

/** What has been read so far and what later parts refer to. */
export interface Context {
  readonly faults: Fault[];
  /** Null: not known, because their own part has faults. */
  nodes: readonly string[] | null;
  addresses: readonly string[] | null;
  /** Before which everything in its timeline has to begin; null: not known. */
  endMs: number | null;
  /** When all is over; null: not known. */
  lastMs: number | null;
  /** The cluster's settings, as far as they were given. */
  settings: ReadonlyMap<string, string | number | boolean | null>;
}

/** What is known before anything is read but the text's own faults. */
export function newContext(faults: readonly Fault[]): Context {
  return {
    faults: [...faults],
    nodes: null,
    addresses: null,
    endMs: null,
    lastMs: null,
    settings: new Map(),
  };
}

/** A place in the tree. */
export interface Reading {
  readonly path: string;
  readonly context: Context;
}

/** What a part of a scenario has to look like, and what it becomes. */
export interface Shape<T> {
  /** A noun phrase that ends the sentence "found X, expected …". */
  readonly expected: string;
  readonly schema: Schema;
  /** What stands there; undefined: something else, and that has been told. */
  readonly read: (node: RawNode, at: Reading) => T | undefined;
}

/** The reading of a part, by its key or position. */
export function at(reading: Reading, key: string | number): Reading {
  const { path, context } = reading;
  if (typeof key === 'number') return { path: `${path}[${key}]`, context };
  return { path: path === '' ? key : `${path}.${key}`, context };
}

/** Tell a fault; what it returns is what a shape returns then. */
export function reportFault(
  node: { readonly spot: Fault['spot'] },
  { path, context }: Reading,
  found: string,
  expected: string,
  hint = '',
): undefined {
  context.faults.push({ spot: node.spot, path, found, expected, hint });
  return undefined;
}

/** A scalar that `accept` makes something of; a text is what to add to the refusal. */
export function scalar<T>(
  expected: string,
  schema: Schema,
  accept: (value: RawScalar['value']) => { readonly value: T } | { readonly hint: string },
): Shape<T> {
  return {
    expected,
    schema,
    read(node, reading) {
      if (node.kind !== 'scalar') return reportFault(node, reading, describeNode(node), expected);
      const accepted = accept(node.value);
      return 'value' in accepted
        ? accepted.value
        : reportFault(node, reading, describeNode(node), expected, accepted.hint);
    },
  };
}

const NO = { hint: '' };

/** A text that matches a pattern. */
export function text(expected: string, pattern: RegExp): Shape<string> {
  return scalar(expected, { type: 'string', pattern: pattern.source }, (value) =>
    typeof value === 'string' && pattern.test(value) ? { value } : NO,
  );
}

/** One of a few words. */
export function choice<const T extends string>(words: readonly T[]): Shape<T> {
  const expected =
    words.length === 1 ? `${words[0]}` : `one of ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  return scalar(expected, { enum: words }, (value) => {
    const word = words.find((one) => one === value);
    return word === undefined ? { hint: didYouMean(String(value), words) } : { value: word };
  });
}

/** A whole number between two bounds, both included. */
export function whole(least: number, most: number): Shape<number> {
  const schema = { type: 'integer', minimum: least, maximum: most };
  return scalar(`a whole number from ${least} to ${most}`, schema, (value) => {
    if (typeof value === 'string' && /^-?\d+$/.test(value))
      return { hint: 'write it without quotation marks' };
    return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
      ? { value }
      : NO;
  });
}

/** True or false. */
export const flag: Shape<boolean> = scalar('true or false', { type: 'boolean' }, (value) =>
  typeof value === 'boolean' ? { value } : NO,
);

const DURATION_SCHEMA = {
  type: 'string',
  pattern: '^-?\\d+(\\.\\d+)?(ms|s|m|h)$',
  examples: ['500ms', '10s', '2m'],
};

/** @param whole only whole numbers of a unit, as in the agent's own configuration */
export function duration(
  leastMs: number,
  mostMs: number,
  digits: 'whole' | 'decimal' = 'decimal',
): Shape<number> {
  const range = `from ${formatDuration(leastMs)} to ${formatDuration(mostMs)}`;
  return scalar(`a duration ${range}, such as 500ms, 2s or 1m`, DURATION_SCHEMA, (value) => {
    if (typeof value === 'number') return { hint: `write ${value}s for seconds or ${value}ms` };
    const ms = typeof value === 'string' ? parseSpan(value) : null;
    if (ms === null) return { hint: durationHint(value) };
    if (digits === 'whole' && !/^\d{1,9}[a-z]/.test(String(value)))
      return { hint: `write ${formatDuration(Math.round(ms))}` };
    return ms >= leastMs && ms <= mostMs ? { value: ms } : NO;
  });
}

/** `2 s`, `5sec` and `1m30s` are understood, and told how to be written. */
function durationHint(value: unknown): string {
  if (typeof value !== 'string') return '';
  const parts = [...value.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h)[a-z]*\s*/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== value.toLowerCase()) return '';
  const ms = parts.reduce((sum, [, digits, unit]) => sum + (parseSpan(`${digits}${unit}`) ?? 0), 0);
  return `write ${formatDuration(ms)}`;
}

/** Thousandths, written as a percentage. */
export const share: Shape<number> = scalar(
  'a percentage from 0 % to 100 %, such as 30 %',
  { type: 'string', pattern: '^\\d{1,3}(\\.\\d)? ?%$', examples: ['30 %'] },
  (value) => {
    if (typeof value === 'number') return { hint: `write ${value} %` };
    const parsed = typeof value === 'string' ? parseShare(value) : null;
    return parsed === null ? NO : { value: parsed };
  },
);

/** One word, and what it stands for. */
export function word<T>(written: string, meaning: T): Shape<T> {
  return scalar(written, { const: written }, (value) => (value === written ? { value: meaning } : NO));
}

/** A list; its faulty items are left out. */
export function listOf<T>(item: Shape<T>, most: number, least = 0): Shape<readonly T[]> {
  const expected = `a list of ${least === 0 ? 'at most' : `${least} to`} ${most}, each ${item.expected}`;
  return {
    expected,
    schema: { type: 'array', items: item.schema, minItems: least, maxItems: most },
    read(node, reading) {
      if (node.kind !== 'list')
        return reportFault(node, reading, describeNode(node), expected, 'begin each item with a hyphen');
      if (node.items.length > most || node.items.length < least)
        reportFault(
          node,
          reading,
          counted(node.items.length, 'item'),
          `${least === 0 ? 'at most' : `${least} to`} ${most}`,
        );
      return node.items.slice(0, most).flatMap((one, index) => {
        const value = item.read(one, at(reading, index));
        return value === undefined ? [] : [value];
      });
    },
  };
}

/** A list, or its only item by itself. */
export function oneOrMore<T>(item: Shape<T>, most: number): Shape<readonly T[]> {
  const many = listOf(item, most);
  return {
    expected: `${item.expected}, or a list of such`,
    schema: { anyOf: [item.schema, many.schema] },
    read(node, reading) {
      if (node.kind === 'list') return many.read(node, reading);
      const value = item.read(node, reading);
      return value === undefined ? undefined : [value];
    },
  };
}

/** The first shape for scalars, the second for maps and lists. */
export function scalarOr<A, B>(short: Shape<A>, long: Shape<B>): Shape<A | B> {
  return {
    expected: `${short.expected}, or ${long.expected}`,
    schema: { anyOf: [short.schema, long.schema] },
    read: (node, reading) => (node.kind === 'scalar' ? short.read(node, reading) : long.read(node, reading)),
  };
}

/** Of two scalars, whichever fits. */
export function eitherOf<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  const expected = `${first.expected}, or ${second.expected}`;
  return {
    expected,
    schema: { anyOf: [first.schema, second.schema] },
    read(node, reading) {
      const aside: Reading = { ...reading, context: { ...reading.context, faults: [] } };
      const value = first.read(node, aside);
      if (value !== undefined) return value;
      const other = second.read(node, aside);
      if (other !== undefined) return other;
      const hint = aside.context.faults.find((fault) => fault.hint !== '')?.hint ?? '';
      return reportFault(node, reading, describeNode(node), expected, hint);
    },
  };
}

/** What a shape read, made into something else. */
export function mapped<A, B>(shape: Shape<A>, make: (value: A) => B): Shape<B> {
  return {
    ...shape,
    read(node, reading) {
      const value = shape.read(node, reading);
      return value === undefined ? undefined : make(value);
    },
  };
}

/** A shape whose schema stands once in the whole, under this name; `schema.ts` gathers them. */
export function named<T>(name: string, shape: Shape<T>): Shape<T> {
  return { ...shape, schema: { $ref: `#/$defs/${name}`, $defs: { [name]: shape.schema } } };
}

/** A field of a map. */
export interface Field<T> {
  readonly shape: Shape<T>;
  readonly says: string;
  readonly required: boolean;
}

/** The fields of a map, by name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** A field that must be there. */
export function required<T>(shape: Shape<T>, says: string): Field<T> & { readonly required: true } {
  return { shape, says, required: true };
}

/** A field that may be absent. */
export function optional<T>(shape: Shape<T>, says: string): Field<T> & { readonly required: false } {
  return { shape, says, required: false };
}

/** What a map's fields hold; an optional one that isn't there is undefined. */
export type FieldsRead<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> & { readonly required: true }
    ? T
    : F[K] extends Field<infer T>
      ? T | undefined
      : never;
};

/** A map with these keys, read in this order. A null stands for what isn't there. */
export function map<const F extends Fields>(expected: string, fields: F): Shape<FieldsRead<F>> {
  const names = Object.keys(fields);
  return {
    expected,
    schema: mapSchema(fields),
    read(node, reading) {
      if (node.kind !== 'map')
        return reportFault(node, reading, describeNode(node), `${expected}: a map with ${listed(names)}`);
      const read: Record<string, unknown> = {};
      let whole = true;
      for (const [name, field] of Object.entries(fields)) {
        const entry = node.entries.get(name);
        const given = entry?.value.kind === 'scalar' && entry.value.value === null ? undefined : entry?.value;
        if (given !== undefined) read[name] = field.shape.read(given, at(reading, name));
        else if (field.required)
          reportFault(entry ?? node, at(reading, name), 'nothing', field.shape.expected);
        if (field.required && read[name] === undefined) whole = false;
      }
      for (const [name, entry] of node.entries)
        if (!names.includes(name)) reportUnknown(entry, at(reading, name), name, names);
      return whole ? (read as FieldsRead<F>) : undefined; // each was read by the shape of its own name
    },
  };
}

/** Tell of a key that there isn't, and which was probably meant. */
export function reportUnknown(
  entry: { readonly spot: Fault['spot'] },
  reading: Reading,
  name: string,
  known: readonly string[],
): void {
  reportFault(entry, reading, 'an unknown key', `one of ${listed(known)}`, didYouMean(name, known));
}

/** The JSON Schema of a map. */
export function mapSchema(fields: Fields): Schema {
  const needed = Object.entries(fields).flatMap(([name, field]) => (field.required ? [name] : []));
  return {
    type: 'object',
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, { shape, says }]) => [name, { description: says, ...shape.schema }]),
    ),
    ...(needed.length === 0 ? {} : { required: needed }),
    additionalProperties: false,
  };
}
