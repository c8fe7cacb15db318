/** A text becomes a tree with places, and what is wrong with it as YAML is told with its place. */
import { expect, test } from 'vitest';
import { formatDuration, MAX_ALIASES, parseDuration, parseSpan, parseYaml } from '../src/index.ts';

function faultsOf(text: string): readonly string[] {
  return parseYaml('f.yaml', text).faults.map(
    ({ spot: { line, column }, path, found, hint }) => `${line}:${column} ${path}: ${found}; ${hint}`,
  );
}

test('each key and value has its place', () => {
  const { root, faults } = parseYaml('f.yaml', 'a: 1\nb:\n  - x\n  - { c: true }\n');
  expect(faults).toEqual([]);
  const list = root?.kind === 'map' ? root.entries.get('b') : undefined;
  expect(list?.spot).toEqual({ source: 'f.yaml', line: 2, column: 1 });
  const item = list?.value.kind === 'list' ? list.value.items[1] : undefined;
  expect(item).toMatchObject({ kind: 'map', spot: { line: 4, column: 5 } });
});

test('an empty text has no tree and no fault', () => {
  expect(parseYaml('f.yaml', '# nothing\n')).toEqual({ root: null, faults: [] });
});

test.each([
  ['a key twice', 'a: 1\na: 2\n', ['2:1 a: the key twice, first on line 1; ']],
  ['an alias without its anchor', 'a: *none\n', ['1:4 a: an alias, *none, without its anchor; ']],
  ['two documents', 'a: 1\n---\nb: 2\n', ['2:1 : the start of a second document; ']],
])('%s is a fault with its place', (_, text, faults) => {
  expect(faultsOf(text)).toEqual(faults);
});

test('a tab is told with a hint, and leaves no tree', () => {
  const { root, faults } = parseYaml('f.yaml', 'a:\n\tb: 1\n');
  expect(root).toBeNull();
  expect(faults[0]?.hint).toBe('YAML is indented with spaces, not tabs');
});

test.each([
  ['more aliases than are resolved', `a: &x 1\nb: [${'*x,'.repeat(MAX_ALIASES + 1)}]\n`],
  ['an anchor that contains itself', 'a: &x [*x]\n'],
  ['more levels than are followed', `${'['.repeat(20)}${']'.repeat(20)}\n`],
])('%s is one fault of the whole file', (_, text) => {
  expect(parseYaml('f.yaml', text)).toMatchObject({ root: null, faults: [{ path: '', spot: { line: 0 } }] });
});

test('durations are whole numbers of a unit; spans may be fractions and negative', () => {
  expect(['500ms', '2s', '1m', '1h', '1.5s', '-1s', '5', '2 s'].map(parseDuration)).toEqual([
    500,
    2_000,
    60_000,
    3_600_000,
    ...[null, null, null, null],
  ]);
  expect(['1.5s', '-2m', '0.3s', '5'].map(parseSpan)).toEqual([1_500, -120_000, 300, null]);
  expect([0, 500, 90_000, 120_000, -120_000, 1_500].map(formatDuration)).toEqual([
    ...['0s', '500ms', '90s', '2m', '-2m', '1500ms'],
  ]);
});
