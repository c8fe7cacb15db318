import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ACTIONS, drawPlan } from '../src/plan/index.ts';
import { writeScenario } from '../src/scenario/index.ts';
import { schemaText } from './scenario-schema-text.ts';

const FOLDER = join(import.meta.dirname, '../scenarios');

test('the published schema is the one that the code reads by (vitest -u writes it)', async () => {
  await expect(schemaText()).toMatchFileSnapshot(join(FOLDER, 'scenario.schema.json'));
});

type Json = { readonly [key: string]: unknown };

const isMap = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The keywords that the schema uses; any other is refused, so that none goes unchecked. */
const KEYWORDS = new Set(
  '$schema $ref $defs title description examples format type properties required additionalProperties items minItems maxItems minProperties enum const pattern minimum maximum anyOf oneOf'.split(
    ' ',
  ),
);

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isMap,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

/** What of a value a schema refuses, by a reading of the specification that has nothing of the loader. */
function refused(given: Json, value: unknown, path: string): readonly string[] {
  const schema = definitionOf(given);
  for (const keyword of Object.keys(schema))
    if (!KEYWORDS.has(keyword)) throw new Error(`${path}: keyword ${keyword}`);
  const { type, enum: words, pattern, anyOf, oneOf, items, minProperties } = schema;
  const fits = (one: unknown): boolean => isMap(one) && refused(one, value, path).length === 0;
  const wrong: string[] = [];
  if (typeof type === 'string' && TYPES[type]?.(value) !== true) return [`${path} is no ${type}`];
  if (Array.isArray(words) && !words.includes(value)) wrong.push(`${path} is none of its words`);
  if ('const' in schema && value !== schema.const) wrong.push(`${path} is not ${String(schema.const)}`);
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(String(value)))
    wrong.push(`${path} !~ ${pattern}`);
  if (typeof value === 'number' && value < Number(schema.minimum ?? value)) wrong.push(`${path} too small`);
  if (typeof value === 'number' && value > Number(schema.maximum ?? value)) wrong.push(`${path} too great`);
  if (Array.isArray(anyOf) && !anyOf.some(fits)) wrong.push(`${path} fits none`);
  if (Array.isArray(oneOf) && oneOf.filter(fits).length !== 1) wrong.push(`${path} fits not one`);
  if (Array.isArray(value) && isMap(items))
    wrong.push(...value.flatMap((item, index) => refused(items, item, `${path}[${index}]`)));
  if (Array.isArray(value) && value.length < Number(schema.minItems ?? 0)) wrong.push(`${path} too short`);
  if (isMap(value)) wrong.push(...refusedMap(schema, value, path));
  if (isMap(value) && Object.keys(value).length < Number(minProperties ?? 0)) wrong.push(`${path} too few`);
  return wrong;
}

function definitionOf(given: Json): Json {
  const { $ref } = given;
  if (typeof $ref !== 'string') return given;
  const found = isMap(schema.$defs) ? schema.$defs[$ref.replace('#/$defs/', '')] : undefined;
  if (!isMap(found)) throw new Error(`there is no ${$ref}`);
  return found;
}

function refusedMap(schema: Json, value: Json, path: string): readonly string[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const known = isMap(properties) ? properties : {};
  const missing = (Array.isArray(required) ? required : []).filter((name) => !(String(name) in value));
  const inside = Object.entries(value).flatMap(([name, one]) => {
    const own = known[name] ?? additionalProperties;
    if (own === false) return [`${path}.${name} is unknown`];
    return isMap(own) ? refused(own, one, `${path}.${name}`) : [];
  });
  return [...missing.map((name) => `${path}.${name} is missing`), ...inside];
}

const schema: Json = JSON.parse(schemaText());

test('every scenario that comes with the package fits the schema', () => {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.yaml'));
  expect(files.length).toBeGreaterThan(40);
  for (const file of files)
    expect({ file, refused: refused(schema, parse(readFileSync(join(FOLDER, file), 'utf8')), '') }).toEqual({
      file,
      refused: [],
    });
});

test('so do plans that were drawn, and written down', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const text = writeScenario(drawPlan(seed), { name: 'drawn', proves: 'It fits.' });
    expect(refused(schema, parse(text), '')).toEqual([]);
  }
});

test.each([
  ['an unknown key', 'clusters: {}', '.clusters is unknown'],
  ['an unknown action', 'timeline: [{ at: 1s, crush: a }]', '.timeline[0].crush is unknown'],
  ['a number for a duration', 'timeline: [{ at: 30, crash: a }]', '.timeline[0].at is no string'],
  ['an unknown setting', 'settings: { probe: { falls: 3 } }', '.settings.probe.falls is unknown'],
  ['an unknown reason', 'expect: { decision: { a: held-up } }', '.expect fits none'],
])('the schema refuses %s', (_, part, wrong) => {
  const text = `scenario: x\nproves: Y.\ncluster: { nodes: [a, b] }\nrun: { for: 1m }\n${part}\n`;
  expect(refused(schema, parse(text), '')).toContain(wrong);
});

test('it knows every action there is', () => {
  for (const name of ACTIONS.keys()) expect(schemaText()).toContain(`"action-${name}": {`);
});
