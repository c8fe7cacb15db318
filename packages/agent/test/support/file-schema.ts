/**
 * The JSON Schema (draft 2020-12) of the configuration file, for editors: made of the table of keys, so that what an
 * editor offers is what is read. A file that fits may still be refused, for what a schema can't say.
 */
import { ALL_KEYS, type Key } from '../../src/config/file-keys.ts';
import { LISTS, SWITCHED_SECTIONS } from '../../src/config/file-sections.ts';
import type { JsonSchema } from '../../src/config/value-kind.ts';

/** What a key is, by its path; undefined: nothing is said. */
export type Describe = (path: string) => string | undefined;

/** The schema as the text of its file. */
export function fileSchemaText(describe: Describe): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'The configuration of a failtome agent',
    ...sectionSchema('', ALL_KEYS, describe),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** @param path where the section stands; empty: the file itself */
function sectionSchema(path: string, keys: readonly Key<unknown>[], describe: Describe): JsonSchema {
  const prefix = path === '' ? '' : `${path}.`;
  const names = [...new Set(keys.map((key) => key.path.slice(prefix.length).split('.')[0] ?? ''))];
  const properties = names
    .filter((name) => !names.includes(`${name}[]`))
    .map((name): [string, JsonSchema] => {
      const child = prefix + name;
      const beside = keys.filter((key) => key.path.startsWith(`${child.replace(/\[\]$/, '')}.`));
      const leaf = keys.find((key) => key.path === child);
      const below = keys.filter((key) => key.path.startsWith(`${child}.`));
      const section = leaf === undefined ? sectionSchema(child, below, describe) : keySchema(leaf, describe);
      const off = SWITCHED_SECTIONS.get(child)?.word;
      const schema = off === undefined ? section : { anyOf: [section, { const: off }] };
      return name.endsWith('[]')
        ? [name.slice(0, -2), listSchema(child, schema, beside, describe)]
        : [name, schema];
    });
  const required = keys
    // What the environment can say need not stand in the file.
    .filter(
      ({ path: own, fallback, variable }) =>
        fallback.kind === 'required' && variable === null && !own.slice(prefix.length).includes('.'),
    )
    .map((key) => key.path.slice(prefix.length));
  const lists = LISTS.filter(
    (list) => list.optional !== true && list.path.split('.').slice(0, -1).join('.') === path,
  ).map((list) => list.path.slice(prefix.length));
  return {
    // A section whose keys are all commented out is as good as left out.
    type: path === '' || path.endsWith('[]') ? 'object' : ['object', 'null'],
    properties: Object.fromEntries(properties),
    required: [...required, ...lists],
    additionalProperties: false,
  };
}

function listSchema(
  path: string,
  items: JsonSchema,
  beside: readonly Key<unknown>[],
  describe: Describe,
): JsonSchema {
  const { max, optional, single, within } = LISTS.find((list) => `${list.path}[]` === path) ?? { max: 1 };
  const many = { type: optional === true ? ['array', 'null'] : 'array', items, minItems: 1, maxItems: max };
  if (within !== undefined) {
    const section = sectionSchema(path.slice(0, -2), beside, describe);
    const { properties } = section;
    const whole = { ...section, type: 'object', properties: { ...Object(properties), [within]: many } };
    return { anyOf: [many, { ...whole, required: [within] }] };
  }
  return single === true ? { anyOf: [many, items] } : many;
}

function keySchema({ path, kind, fallback }: Key<unknown>, describe: Describe): JsonSchema {
  const description = describe(path);
  return {
    ...(description === undefined ? {} : { description }),
    ...kind.schema,
    ...(fallback.kind === 'value' ? { default: fallback.value } : {}),
  };
}
