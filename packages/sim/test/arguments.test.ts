/** What options of `failtome-sim` take, and how their help shows what they are without being said. */
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { describeOption, spanAboveZero, spanIn, wholeIn } from '../src/commands/arguments.ts';

test('a time is written with its unit, and is never negative', () => {
  expect([spanIn('500ms'), spanIn('1.5s'), spanIn('0s'), spanIn('3d')]).toEqual([500, 1_500, 0, 259_200_000]);
  for (const text of ['5', '-5m', '5 m', '', 'soon'])
    expect(() => spanIn(text)).toThrow('not a time such as');
  expect(() => spanAboveZero('0ms')).toThrow('longer than nothing');
});

test('a whole number is written in digits, also in groups of them, within its bounds', () => {
  expect([wholeIn(1)('1_000_000'), wholeIn(0, 5)('0')]).toEqual([1_000_000, 0]);
  for (const text of ['', '1e9', '1.5', '-1', '0x10', '_1'])
    expect(() => wholeIn(0)(text)).toThrow('0 or more');
  expect(() => wholeIn(2, 5)('6')).toThrow('not a whole number, 2 to 5');
});

test('the help shows a time with its unit, and no default where there is none', () => {
  const command = new Command('x')
    .configureHelp({ optionDescription: describeOption })
    .option('--for <time>', 'how long', spanIn, 90_000)
    .option('--slow-for <time,…>', 'how long each', (text) => text.split(',').map(spanIn), [500, 2_000])
    .option('--until <time>', 'till when', spanIn, Number.POSITIVE_INFINITY)
    .option('--json', 'as JSON', false)
    .option('--set <change>', 'again for more', (one, before: string[]) => [...before, one], [])
    .option('--members <n,…>', 'how many', (text) => text.split(',').map(wholeIn(1)), [3, 10])
    .option('--jobs <n>', 'at once', wholeIn(1), 2);
  const lines = command
    .helpInformation()
    .split('\n')
    .map((line) => line.trim());
  expect(lines.filter((line) => line.startsWith('--'))).toEqual([
    '--for <time>         how long (default: 90s)',
    '--slow-for <time,…>  how long each (default: 500ms,2s)',
    '--until <time>       till when',
    '--json               as JSON',
    '--set <change>       again for more',
    '--members <n,…>      how many (default: 3,10)',
    '--jobs <n>           at once (default: 2)',
  ]);
});
