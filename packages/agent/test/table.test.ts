import { describe, expect, test } from 'vitest';
import { fold, folded, table } from '../src/cli/table.ts';
import { age, cell, lookOf } from '../src/cli/text.ts';

const plain = (text: string): string => text;
const within = (width: number) => ({ paint: plain, width });

describe('a table', () => {
  const rows = [
    ['saturn', 'candidate', 'paused: by ann until the racks have been moved to the other room'],
    ['neptune', 'witness', '-'],
  ];

  test('that fits has a line for each row', () => {
    expect(table(['node', 'role', 'why'], rows, within(100))).toEqual([
      'NODE     ROLE       WHY',
      'saturn   candidate  paused: by ann until the racks have been moved to the other room',
      'neptune  witness    -',
    ]);
  });

  test('that does not fit folds its widest column at spaces', () => {
    expect(table(['node', 'role', 'why'], rows, within(50))).toEqual([
      'NODE     ROLE       WHY',
      'saturn   candidate  paused: by ann until the racks',
      '                    have been moved to the other',
      '                    room',
      'neptune  witness    -',
    ]);
  });

  test('folds long names behind their points and hyphens before it gives up', () => {
    const node = 'saturn-in-the-first-room.eu-central-1.compute.internal';
    expect(table(['node', 'role', 'version'], [[node, 'candidate', '1.2.3']], within(60))).toEqual([
      'NODE                                      ROLE       VERSION',
      'saturn-in-the-first-room.eu-central-1.    candidate  1.2.3',
      'compute.internal',
    ]);
  });

  test('whose words alone are too wide becomes a paragraph a row, with nothing lost', () => {
    const node = 'n'.repeat(64);
    const address = '2001:db8:1111:2222:3333:4444:5555:6666';
    expect(
      table(['address', 'node', 'verdict', 'decision'], [[address, node, 'up', '-']], within(80)),
    ).toEqual([`ADDRESS ${address}`, `  NODE      ${node}`, '  VERDICT   up']);
  });

  test.each([40, 60, 80, 100])('of long ids and IPv6 addresses never has a line of more than %i', (width) => {
    const id = 'n'.repeat(64);
    const ip = '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff';
    const words = 'hold (verdict-unknown), while the way out is asked for';
    const lines = table(
      ['address', 'seen by', 'how old', 'decision'],
      [[ip, id, '300 ms ago', words]],
      within(width),
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(
      Math.max(width, id.length + 11),
    );
    expect(lines.join(' ').replace(/\s+/g, ' ')).toContain(ip);
  });

  test('without headings has none, and keeps the colours of each line that it folds', () => {
    const marked = { paint: (text: string, tone: string) => `<${tone}>${text}</>`, width: 12 };
    expect(table(['', ''], [[cell('bad', 'bad'), cell('one two three', 'faint')]], marked)).toEqual([
      '<bad>bad</>  <faint>one two</>',
      '     <faint>three</>',
    ]);
  });

  test('cleans what another machine sent before it is measured', () => {
    expect(table(['a', 'b'], [['x\u001b[2J', 'y']], within(80))[1]).toBe('x [2J  y');
  });
});

test.each([
  ['short', 10, ['short']],
  ['one two three', 7, ['one two', 'three']],
  ['abcdefghij', 4, ['abcd', 'efgh', 'ij']],
  ['a abcdefghij b', 4, ['a', 'abcd', 'efgh', 'ij b']],
  ['', 10, ['']],
  ['took 12 ms, all 3 s', 9, ['took', '12 ms,', 'all 3 s']],
  ['a.bc-de.fghi', 6, ['a.bc-', 'de.', 'fghi']],
])('%j within %i columns', (text, width, lines) => {
  expect(fold(text, width)).toEqual(lines);
});

test('a sentence goes on two spaces further in', () => {
  expect(folded('  one two three four', { width: 12 })).toEqual(['  one two', '    three', '    four']);
  expect(folded('one', { width: 12 })).toEqual(['one']);
});

test.each([
  [0, '0 ms'],
  [0.4, '0 ms'],
  [430, '430 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [2_140, '2.1 s'],
  [12_400, '12 s'],
  [90_000, '90 s'],
  [300_000, '5 min'],
  [3_600_000, '1 h'],
  [7_200_000, '2 h'],
  [259_200_000, '3 d'],
])('%d ms is %s', (ms, text) => {
  expect(age(ms)).toBe(text);
});

test.each([
  ['a terminal is as wide as it says', { isTTY: true, columns: 140 }, { COLUMNS: '80' }, 140],
  ['without a terminal COLUMNS counts', { isTTY: false, columns: 140 }, { COLUMNS: '80' }, 80],
  ['what says nothing has 100', { isTTY: false }, {}, 100],
  ['nonsense is nothing', { isTTY: false }, { COLUMNS: 'wide' }, 100],
  ['a sliver is taken for 40', { isTTY: true, columns: 3 }, {}, 40],
])('%s', (_, output, env, width) => {
  expect(lookOf({ stdout: { write: () => true, ...output }, env }).width).toBe(width);
});
