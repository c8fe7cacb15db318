import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDuration, PRESETS } from '@failtome/config';
import { expect, test } from 'vitest';
import { presetSettings } from '../src/tune/candidates.ts';
import { pairWith } from './tuned-pair.ts';

const PAGE = fileURLToPath(new URL('../../../docs/tuning.md', import.meta.url));
const page = readFileSync(PAGE, 'utf8');
const base = pairWith().settings;

/** Every setting of every preset, as a table in Markdown. */
function presetTable(): string {
  const sets = PRESETS.map((preset) => presetSettings(base, preset));
  const keys = [...(sets[0]?.keys() ?? [])].filter((key) => key !== 'preset');
  const shown = (key: string, value: unknown): string =>
    key.endsWith('.fall') ? String(value) : formatDuration(Number(value));
  const rows = keys.map((key) => [`\`${key}\``, ...sets.map((set) => shown(key, set.get(key)))]);
  return [['', ...PRESETS.map((preset) => `\`${preset}\``)], ['---', ...PRESETS.map(() => '---')], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

test('docs/tuning.md has the settings of the presets as the code has them (vitest -u writes them)', async () => {
  const place = /(<!-- presets: [^>]*-->\n)[\s\S]*?(<!-- end -->)/;
  expect(page).toMatch(place);
  const made = page.replace(
    place,
    (_, before: string, after: string) => `${before}${presetTable()}\n${after}`,
  );
  await expect(made).toMatchFileSnapshot(PAGE);
});
