import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findProgram, has } from '../../../scripts/requirements.mjs';

const folder = fileURLToPath(new URL('../deploy/prometheus/', import.meta.url));
const rules = readFileSync(`${folder}alerts.yml`, 'utf8');

function promtool(...args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(findProgram('promtool') ?? '', args, {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, output: `${stdout}${stderr}` };
}

test('alerts ask only for metrics that the agent has', () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const known = new Set(Array.from(docs.matchAll(/^\| `(failtome_\w+)`/gm), ([, name]) => name));
  const asked = new Set(Array.from(rules.matchAll(/\b(failtome_\w+)\{/g), ([, name]) => name));
  expect(asked.size).toBeGreaterThan(10);
  expect([...asked].filter((name) => !known.has(name))).toEqual([]);
});

test('every alert has its test', () => {
  const tested = readFileSync(`${folder}alerts.test.yml`, 'utf8');
  const names = Array.from(rules.matchAll(/- alert: (\w+)/g), ([, name]) => name);
  expect(names.filter((name) => !tested.includes(`alertname: ${name}\n        exp_alerts:\n`))).toEqual([]);
});

test.skipIf(!has('prometheus'))('promtool finds no fault with rules and scrape configuration', () => {
  expect(promtool('check', 'rules', 'alerts.yml')).toMatchObject({ status: 0 });
  expect(promtool('check', 'config', '--syntax-only', 'scrape.yml')).toMatchObject({ status: 0 });
});

test.skipIf(!has('prometheus'))('the alerts fire when they should, and not before', () => {
  const { status, output } = promtool('test', 'rules', 'alerts.test.yml');
  expect(output).toContain('SUCCESS');
  expect(status).toBe(0);
});
