/** How far a command is: one line that is written over on a terminal, a line now and then elsewhere. */
import { expect, test } from 'vitest';
import { startProgress } from '../src/commands/progress.ts';

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
  expect(shown(false)).toBe('6000\nfound\ndone\n');
});

test('on a terminal one line is written over', () => {
  const over = '\r\u001b[K';
  expect(shown(true)).toBe(`${over}300${over}6000${over}found\n${over}done\n`);
});
