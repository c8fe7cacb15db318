/** CONTRIBUTING.md leads to files that exist, and its map shows every part of the sources. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LAYERS } from '../boundaries/layers.ts';

const ROOT = join(import.meta.dirname, '../..');
const page = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
const quoted = Array.from(page.matchAll(/`([^`\n]+)`/g), ([, text = '']) => text);

test('every file and folder that the page names exists', () => {
  const paths = quoted.filter((text) => /^(packages|test|docs|scripts|bench)\/\S*$/.test(text));
  expect(paths.length).toBeGreaterThan(40);
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('every link of the page leads to a file', () => {
  const targets = Array.from(page.matchAll(/\]\(([^)#]+)/g), ([, target = '']) => target);
  expect(targets.length).toBeGreaterThan(3);
  expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
});

test('the map shows every part that the table of imports has', () => {
  // The parts of the protocol are in its own map (protocol-map.test.ts).
  const parts = LAYERS.map(({ folder }) => folder).filter(
    (part) => !part.startsWith('packages/protocol/src/'),
  );
  expect(parts.filter((part) => !quoted.includes(part))).toEqual([]);
});

test('every script that the page tells of is one', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const named = Array.from(page.matchAll(/npm run ([a-z]+)/g), ([, name = '']) => name);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test('every package has a page of its own', () => {
  const without = readdirSync(join(ROOT, 'packages')).filter(
    (name) => !existsSync(join(ROOT, 'packages', name, 'README.md')),
  );
  expect(without).toEqual([]);
});
