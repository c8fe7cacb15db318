/** How far a command is: one line that is written over on a terminal, a line now and then elsewhere. */
import { expect, test } from 'vitest';
import { startMeasuring, startProgress } from '../src/commands/progress.ts';

function shown(isTTY: boolean): string {
  let [text, nowMs] = ['', 0];
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  const progress = startProgress({ isTTY, write }, () => nowMs);
  for (const atMs of [100, 300, 400, 6_000]) {
    nowMs = atMs;
    progress.show(() => `${atMs}`);
  }
  progress.tell('found');
  progress.end('done');
  return text;
}

test('elsewhere than on a terminal a line is written every five seconds, and what is told at once', () => {
  expect(shown(false)).toBe('6 s: 6000\nfound\n6 s: done\n');
});

test('on a terminal one line is written over', () => {
  const over = '\r\u001b[K';
  expect(shown(true)).toBe(`${over}0 s: 300${over}6 s: 6000${over}found\n${over}6 s: done\n`);
});

test('of things that are measured one after the other it tells how many are, and which one last', () => {
  const lines: string[] = [];
  const add = (text: string): void => void lines.push(text);
  const measuring = startMeasuring({ show: (text) => add(text()), tell: add, end: add });
  measuring.onProgress('yours', { measured: 1, planned: 3 });
  measuring.onProgress('calm', { measured: 2, planned: 3 });
  measuring.end();
  expect(lines).toEqual([
    '1 of 3 measured, last yours',
    '2 of 3 measured, last calm',
    '2 of 3 measured, last calm',
  ]);
});
