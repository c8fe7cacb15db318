/** What the page on settings says of partitions is what scenarios show. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const scenarios = join(root, 'packages/sim/scenarios');

/** The scenarios that the table under this heading names. */
function namedUnder(heading: string): readonly string[] {
  const page = readFileSync(join(root, 'docs/settings-leave-open.md'), 'utf8');
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return Array.from(section.matchAll(/`((?:store|cut-off)-[a-z-]+)`/g), ([, name]) => name ?? '');
}

test('each row on the store is a scenario, and each scenario on the store a row', () => {
  const named = namedUnder('A store');
  expect(named.filter((name) => !existsSync(join(scenarios, `${name}.yaml`)))).toEqual([]);
  const all = readdirSync(scenarios).flatMap((file) => /^(store-.*)\.yaml$/.exec(file)?.[1] ?? []);
  // How often it is written to is no matter of partitions.
  expect(all.filter((name) => !named.includes(name))).toEqual(['store-carries-while-it-must']);
});
