/** No function and no file is longer than one can take in, and every export says what it is. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packagesIn, readSource, sourcesOf, testsOf } from '../boundaries/imports.ts';
import { linesIn, type Measured, measureSources } from './source-shape.ts';

const MAX_FUNCTION_LINES = 60;
const MAX_FILE_LINES = 350;
const MAX_TEST_FILE_LINES = 400;

/** Functions that are still longer: take out what has become shorter, and put nothing in. */
const LONG_FUNCTIONS: readonly string[] = [];

/** Files that are still longer: take out what has become shorter, and put nothing in. */
const LONG_FILES: readonly string[] = [];

const root = join(import.meta.dirname, '../..');
const shape = measureSources(root);

/** As `PACKAGE/FILE`, with a function's name: no two files of a package share one, and files may be moved. */
function longerThan(lines: number, measured: readonly Measured[]): readonly string[] {
  return measured
    .filter((one) => one.lines > lines)
    .map(({ name }) => name.replace(/^packages\/(\w+)\/\S*\/(?=[^/]+$)/, '$1/'))
    .sort();
}

test('every source of the packages is measured', () => {
  const named = sourcesOf(root);
  expect(named.length).toBeGreaterThan(300);
  expect(shape.files.map(({ name }) => name).sort()).toEqual([...named].sort());
  expect(shape.functions.length).toBeGreaterThan(3_000);
});

test(`no function of the packages has more than ${MAX_FUNCTION_LINES} lines`, () => {
  expect(longerThan(MAX_FUNCTION_LINES, shape.functions)).toEqual([...LONG_FUNCTIONS].sort());
});

test(`no source file of the packages has more than ${MAX_FILE_LINES} lines`, () => {
  expect(longerThan(MAX_FILE_LINES, shape.files)).toEqual([...LONG_FILES].sort());
});

test(`no file of the tests has more than ${MAX_TEST_FILE_LINES} lines`, () => {
  const files = testsOf(root).map((name) => ({
    name,
    lines: linesIn(readSource(root, name)),
  }));
  expect(files.length).toBeGreaterThan(300);
  expect(longerThan(MAX_TEST_FILE_LINES, files)).toEqual([]);
});

test.each(packagesIn(root))('the exports of %s have doc comments', (name) => {
  expect(shape.undocumented.filter((one) => one.startsWith(`packages/${name}/`))).toEqual([]);
});
