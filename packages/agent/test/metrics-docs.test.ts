/** docs/metrics.md lists the metrics that there are, with their labels; Prometheus' own tool finds no fault with them. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findProgram, has } from '../../../scripts/requirements.mjs';
import { configured, takeover, view } from './support/metrics.ts';

const namesIn = (text: string) =>
  Array.from(text.matchAll(/^# TYPE (failtome_\w+) (\w+)$/gm), ([, name, type]) => `${name} ${type}`).sort();

test('every metric stands in docs/metrics.md with its type, and nothing else does', async () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const listed = Array.from(
    docs.matchAll(/^\| `(failtome_\w+)` +\| (\w+) +\|/gm),
    ([, name, type]) => `${name} ${type}`,
  ).sort();
  expect(namesIn(await configured().render(view))).toEqual(listed);
});

test('the documented labels are those that are exposed', async () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const metrics = configured();
  metrics.observe([takeover({ kind: 'takeover', result: 'served' })]);
  const text = await metrics.render(view);
  for (const [, name = '', type, labels = ''] of docs.matchAll(
    /^\| `(failtome_\w+)` +\| (\w+) +\| ([^|]*) \|/gm,
  )) {
    const series = type === 'histogram' ? `${name}_count` : name;
    const line = text.split('\n').find((candidate) => new RegExp(`^${series}[{ ]`).test(candidate)) ?? '';
    const shown = Array.from(line.matchAll(/(\w+)="/g), ([, label]) => label);
    expect({ name, labels: shown.sort() }).toEqual({
      name,
      labels: [...(labels.match(/\w+/g) ?? [])].sort(),
    });
  }
});

test('the documented values of labels are those that are counted from the start', async () => {
  const docs = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const text = await configured().render(view);
  const known = (name: string): readonly string[] => {
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name}_count{`));
    return lines.flatMap((line) =>
      Array.from(line.matchAll(/(?:result|step|state|verdict)="([^"]*)"/g), ([, value = '']) => value),
    );
  };
  const rows = docs.matchAll(
    /^\| `(failtome_\w+)` \| \w+ \| .*`(?:result|step|state|verdict)`[^|]* \| (.+) \|$/gm,
  );
  let seen = 0;
  for (const [, name = '', meaning = ''] of rows) {
    // Explained elsewhere.
    if (['failtome_votes_total', 'failtome_handovers_total'].includes(name)) continue;
    const listed = Array.from(meaning.matchAll(/`([a-z-]+)`/g), ([, value = '']) => value);
    const told = listed.filter((value) => value !== 'exec');
    expect({ name, values: [...new Set(told)].sort() }).toEqual({
      name,
      values: [...new Set(known(name))].sort(),
    });
    seen += 1;
  }
  expect(seen).toBeGreaterThan(8);
});

test.skipIf(!has('prometheus'))('promtool finds no fault with them', async () => {
  const metrics = configured();
  metrics.observe([takeover({ kind: 'takeover', result: 'served' })]);
  const result = spawnSync(findProgram('promtool') ?? '', ['check', 'metrics'], {
    input: await metrics.render(view),
    encoding: 'utf8',
  });
  expect(`${result.stdout}${result.stderr}`).toBe('');
  expect(result.status).toBe(0);
});
