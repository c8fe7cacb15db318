import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { ACTIONS } from '../src/plan/index.ts';
import { expectFields } from '../src/scenario/expectation.ts';
import { formatFault } from '../src/scenario/fault.ts';
import { readScenario } from '../src/scenario/index.ts';
import { writtenName } from '../src/scenario/timeline-shape.ts';
import { actionTable, claimTable, observableTable } from './scenario-reference.ts';

const PAGE = fileURLToPath(new URL('../../../docs/scenarios.md', import.meta.url));
const page = readFileSync(PAGE, 'utf8');

function withTable(text: string, name: string, made: string): string {
  const place = new RegExp(`(<!-- ${name}: [^>]*-->\\n)[\\s\\S]*?(\\n<!-- end -->)`);
  expect(text).toMatch(place);
  return text.replace(place, (_, before: string, after: string) => before + made + after);
}

test('docs/scenarios.md has the tables that the code makes (vitest -u writes them)', async () => {
  const tables = [
    ['actions', actionTable()],
    ['claims', claimTable()],
    ['observations', observableTable()],
  ] as const;
  const made = tables.reduce((text, [name, table]) => withTable(text, name, table), page);
  await expect(made).toMatchFileSnapshot(PAGE);
});

test('every example of docs/scenarios.md that is a whole scenario is a good one', () => {
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
  const whole = examples.filter((text) => text.includes('scenario: '));
  expect(whole).toHaveLength(2);
  for (const text of whole) {
    const read = readScenario('docs/scenarios.md', text);
    expect(read.kind === 'faulty' ? read.faults.map(formatFault) : []).toEqual([]);
  }
});

test('no two parameters of an action have the same name in a file, and none is a word of the timeline', () => {
  for (const { name, parameters } of ACTIONS.values()) {
    const names = Object.keys(parameters).map(writtenName);
    expect({ name, names: new Set(names).size }).toEqual({ name, names: names.length });
    expect(['at', 'for', 'repeat']).not.toContain(name);
  }
});

test('a claim that can be written as a map is documented with every key of it', () => {
  const rows = claimTable().split('\n');
  const keysOf = (schema: object): readonly string[] => {
    const { properties = {}, anyOf = [] } = schema as { properties?: object; anyOf?: readonly object[] }; // JSON Schema
    return [...Object.keys(properties), ...anyOf.flatMap(keysOf)];
  };
  const asMap = Object.entries(expectFields).filter(([, { shape }]) => keysOf(shape.schema).length > 0);
  expect(asMap.map(([name]) => name)).toEqual(['served']);
  for (const [name, { shape }] of asMap)
    for (const key of keysOf(shape.schema))
      expect(rows.find((row) => row.startsWith(`| \`${name}\``))).toContain(`\`${key}\``);
});
