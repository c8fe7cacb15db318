/** PROTOCOL.md's map of the protocol's source: every file is on it, and a folder stays small enough to be looked over. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const PACKAGE = join(import.meta.dirname, '../../packages/protocol');
/** A folder with more files than this wants to be two. */
const MAX_FILES = 12;

const files = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && file !== 'index.ts')
  .sort();

/** The files that the map names, by the folder under whose heading they stand. */
function filesOnTheMap(): readonly string[] {
  const map =
    readFileSync(join(PACKAGE, 'PROTOCOL.md'), 'utf8').split('## The shape')[1]?.split('\n## ')[0] ?? '';
  const rows = map.split('\n').filter((line) => line.startsWith('|'));
  let folder = '.';
  return rows
    .flatMap((row) => {
      const [, first = ''] = row.split('|');
      const heading = /\*\*`([a-z]+)?[./]`\*\*/.exec(first);
      if (heading) folder = heading[1] ?? '.';
      return [...first.matchAll(/`([a-z-]+\.ts)`/g)].map(([, name = '']) => join(folder, name));
    })
    .sort();
}

test('the map of PROTOCOL.md names each source file of the protocol once, in its folder', () => {
  expect(files.length).toBeGreaterThan(0);
  expect(filesOnTheMap()).toEqual(files);
});

test(`no folder of the protocol has more than ${MAX_FILES} files`, () => {
  const folders = [...new Set(files.map((file) => dirname(file)))];
  const crowded = folders.filter(
    (folder) => files.filter((file) => dirname(file) === folder).length > MAX_FILES,
  );
  expect(crowded).toEqual([]);
});
