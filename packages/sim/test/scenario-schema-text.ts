/**
 * The JSON Schema of scenario files, for editors: made of the very shapes that read them.
 */
import { fileSchema } from '../src/scenario/scenario-file.ts';

/** The text of `scenarios/scenario.schema.json`. */
export function schemaText(): string {
  const definitions = new Map<string, unknown>();
  const whole = gathered(fileSchema, definitions);
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A scenario for failtome-sim',
    ...(isMap(whole) ? whole : {}),
    $defs: Object.fromEntries([...definitions].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

/** The same without the definitions in its depths, which go to `definitions`. */
function gathered(schema: unknown, definitions: Map<string, unknown>): unknown {
  if (Array.isArray(schema)) return schema.map((one) => gathered(one, definitions));
  if (!isMap(schema)) return schema;
  const { $defs, ...rest } = schema;
  for (const [name, one] of Object.entries(isMap($defs) ? $defs : {}))
    if (!definitions.has(name)) definitions.set(name, gathered(one, definitions));
  return Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, gathered(one, definitions)]));
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
