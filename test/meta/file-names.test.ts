/**
 * Within a package a file's name says what is in it without its folder's help, so no two have the same. A decision record is known by
 * its number.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { packagesIn, sourcesOf } from '../boundaries/imports.ts';

const root = join(import.meta.dirname, '../..');

/** A folder's `index.ts` has nothing in it but what the folder exports. */
function namesTwiceIn(name: string): readonly string[] {
  const files = sourcesOf(root).filter((file) => file.startsWith(`packages/${name}/`));
  const names = files.map((file) => basename(file)).filter((file) => file !== 'index.ts');
  return [...new Set(names.filter((file, index) => names.indexOf(file) !== index))].sort();
}

test('no two source files of one package have the same name', () => {
  const twice = packagesIn(root).flatMap((name) => namesTwiceIn(name).map((file) => `${name}/${file}`));
  expect(twice).toEqual([]);
});

test('each decision record has a number of its own, which its heading has as well', () => {
  const folder = join(root, 'docs/decisions');
  const numbers = readdirSync(folder).map((file) => {
    const [, digits] = /^(\d{4})-[a-z0-9-]+\.md$/.exec(file) ?? [];
    const number = Number(digits);
    expect(readFileSync(join(folder, file), 'utf8'), file).toMatch(new RegExp(`^# ${number}\\. `));
    return number;
  });
  expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
});
