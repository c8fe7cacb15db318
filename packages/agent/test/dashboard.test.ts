/** The shipped Grafana dashboard: made by Grafana's own builders, and true of the metrics that the agent has. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { findProgram, has } from '../../../scripts/requirements.mjs';
import { dashboard } from './dashboard/dashboard.ts';
import { expressionsOf, filledIn } from './dashboard/queries.ts';

const file = join(import.meta.dirname, '../deploy/grafana/failtome.json');
const text = `${JSON.stringify(dashboard(), null, 2)}\n`;
const expressions = expressionsOf(JSON.parse(text));

test("the shipped dashboard is what Grafana's builders make (vitest -u writes it)", async () => {
  await expect(text).toMatchFileSnapshot(file);
});

test('no data source is named: it is chosen by a variable, in every panel, query and variable', () => {
  const named = Array.from(text.matchAll(/"uid": "([^"]*)"/g), ([, uid]) => uid);
  expect(new Set(named)).toEqual(new Set(['failtome', '$datasource']));
});

test('every panel says what it shows, has an id of its own, and lies within the 24 columns', () => {
  const { panels = [] } = dashboard();
  const seen = new Set<string>();
  const ids = new Set(panels.map(({ id }) => id));
  expect(ids.size).toBe(panels.length);
  for (const panel of panels) {
    if (panel.type === 'row') continue;
    expect('description' in panel ? panel.description : '', panel.title ?? '').toMatch(/\.$/);
    const { x = 0, w = 0 } = panel.gridPos ?? {};
    expect(x + w).toBeLessThanOrEqual(24);
    seen.add(panel.title ?? '');
  }
  expect(seen.size).toBe(panels.filter(({ type }) => type !== 'row').length);
  expect(seen.size).toBeGreaterThan(20);
});

test('it asks only for metrics that the agent has', () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const known = new Set(Array.from(docs.matchAll(/^\| `(failtome_\w+)`/gm), ([, name]) => name));
  const asked = expressions.flatMap(({ expr }) =>
    Array.from(expr.matchAll(/\b(failtome_\w+?)(?:_(?:bucket|sum|count))?\{/g), ([, name]) => name),
  );
  expect(asked.length).toBeGreaterThan(30);
  expect(asked.filter((name) => !known.has(name))).toEqual([]);
});

test.skipIf(!has('prometheus'))('promtool can read every query of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dashboard-'));
  try {
    const rules = expressions.map(({ expr }, index) => ({ record: `q:${index}`, expr: filledIn(expr) }));
    writeFileSync(join(folder, 'rules.yml'), stringify({ groups: [{ name: 'dashboard', rules }] }));
    const { status, stdout, stderr } = spawnSync(
      findProgram('promtool') ?? '',
      ['check', 'rules', join(folder, 'rules.yml')],
      { encoding: 'utf8' },
    );
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout).toContain(`${rules.length} rules found`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
