import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDuration, PRESETS } from '@failtome/config';
import { expect, test } from 'vitest';
import { presetSettings } from '../src/tune/candidates.ts';
import { describeSettings } from '../src/tune/tuning-text.ts';
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

const EVIDENCE = fileURLToPath(new URL('../../../docs/presets/', import.meta.url));
const measured = readdirSync(EVIDENCE).filter((name) => name.endsWith('.txt'));

test('there is evidence for the presets', () => {
  expect(measured).not.toEqual([]);
});

test.each(measured)(
  'docs/presets/%s was measured with the presets as they are, and is on the page',
  (name) => {
    const text = readFileSync(`${EVIDENCE}${name}`, 'utf8');
    expect(text).toMatch(/^\$ failtome-sim tune -c docs\/presets\/\w+\.yaml /);
    for (const preset of PRESETS) {
      const settings = describeSettings(presetSettings(base, preset));
      expect(text.split('\n').map((line) => line.replace(/ +/g, ' '))).toContain(`${preset} ${settings}`);
    }
    expect(page).toContain(text);
  },
);
