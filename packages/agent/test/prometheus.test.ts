import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
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

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What the file holds is checked by promtool, and by the tests here. */
const parsed: { readonly groups: readonly { readonly rules: readonly Rule[] }[] } = parse(rules);
const alerts = parsed.groups.flatMap((group) => group.rules);

/** The anchors that headings get: GitHub's rule, as far as these pages need it. */
function anchorsOf(page: string): readonly string[] {
  const markdown = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');
  return Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
}

test('every alert has one of three severities, a summary that never varies, a description, and a section of the docs', () => {
  expect(alerts.length).toBeGreaterThan(15);
  const anchors = anchorsOf('alerts.md');
  for (const { alert, labels, annotations } of alerts) {
    expect(labels, alert).toEqual({ severity: expect.stringMatching(/^(critical|warning|info)$/) });
    expect(Object.keys(annotations), alert).toEqual(['summary', 'description', 'runbook_url']);
    expect(annotations.summary, alert).toMatch(/^[A-Z][^{}]+\.$/);
    expect(annotations.description, alert).toMatch(/\{\{.+\.$/);
    const [, page = '', anchor = ''] =
      /^file:\/\/\/usr\/share\/doc\/failtome\/([a-z]+\.md)#(\w+)$/.exec(annotations.runbook_url ?? '') ?? [];
    expect({ page, anchor }, alert).toEqual({ page: 'alerts.md', anchor: alert.toLowerCase() });
    expect(anchors, alert).toContain(anchor);
  }
});

test('the docs have a section for each alert and no other, under its severity', () => {
  const page = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  const sections = Array.from(
    page.matchAll(/^### (Failtome\w+)$\n\n\*\*(\w+)\*\*/gm),
    ([, name, severity]) => [name, severity],
  );
  expect(sections).toEqual(alerts.map(({ alert, labels }) => [alert, labels.severity]));
});

/** As the docs write it. */
function inWords(duration: string): string {
  const [, count = '', unit = ''] = /^(\d+)([smh])$/.exec(duration) ?? [];
  if (count === '1') return { s: 'a second', m: 'a minute', h: 'an hour' }[unit] ?? duration;
  return `${count} ${unit === 'm' ? 'min' : unit}`;
}

test('the docs name the times that the rules go by', () => {
  const page = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  for (const { alert, expr, for: pending } of alerts) {
    const [, section = ''] = page.split(`### ${alert}\n`);
    const [own = ''] = section.split('\n##');
    if (pending !== undefined) expect(own, alert).toContain(inWords(pending));
    const days = / (\d+) \* 86400/.exec(expr)?.[1];
    if (days !== undefined) expect(own, alert).toContain(`${days} days`);
    if (own.includes('at least three times') || own.includes('Three takeovers')) {
      expect(expr, alert).toContain('> 2.5');
      const [, range = ''] = /\[(\w+)\]/.exec(expr) ?? [];
      expect(own, alert).toContain(range === '30m' ? 'half an hour' : inWords(range));
    }
  }
});

test('alerts ask only for metrics that the agent has', () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const known = new Set(Array.from(docs.matchAll(/^\| `(failtome_\w+)`/gm), ([, name]) => name));
  const asked = new Set(Array.from(rules.matchAll(/\b(failtome_[a-z_]+)\b/g), ([, name]) => name));
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
