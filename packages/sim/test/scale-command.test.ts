import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterAll, describe, expect, it } from 'vitest';
import type { CommandContext } from '../src/commands/context.ts';
import { addScale } from '../src/commands/scale-command.ts';

const folder = mkdtempSync(join(tmpdir(), 'failtome-scale-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A few seconds of two small clusters. */
const SHORT = ['--settle', '5s', '--count', '2s', '--within', '20s', '--watch', '5s'];

describe('failtome-sim scale', () => {
  it('prints a table, and writes a page with the same numbers', () => {
    const html = join(folder, 'scale.html');
    const text = scaled('--members', '3,4', '--slow', '5%', '--slow-for', '1s', ...SHORT, '--html', html);
    expect(text).toMatch(/^ *3 {2}failtome +\d+ +\d+/m);
    expect(text).toMatch(/^ *4 {2}swim +\d+ +\d+/m);
    expect(text).toMatch(/healthy: dead/);
    const bytes = /^ *3 {2}failtome +(\d+)/m.exec(text)?.[1] ?? 'none';
    expect(readFileSync(html, 'utf8')).toContain(`<td>${bytes}</td>`);
  });

  it('gives the result as JSON', () => {
    const { quiet, options } = JSON.parse(scaled('--members', '3..3', ...SHORT, '--json')) as {
      quiet: { protocol: string; members: number; meanBytes: number }[];
      options: { seed: number };
    };
    expect(quiet.map(({ protocol }) => protocol)).toEqual(['failtome', 'swim']);
    for (const { meanBytes } of quiet) expect(meanBytes).toBeGreaterThan(0);
    expect(options.seed).toBe(1);
  });

  it.each([
    ['--members', '2..10'],
    ['--members', '3..1001'],
    ['--members', '30..3'],
    ['--members', 'many'],
    ['--slow', '100%'],
    ['--slow', 'few'],
    ['--slow-for', 'long'],
    ['--loss', '2'],
    ['--seed', '0'],
  ])('refuses %s %s', (...argv) => {
    expect(() => scaled(...argv)).toThrow(CommanderError);
  });

  it("refuses a page that can't be written before it measures anything", () => {
    expect(() => scaled('--html', join(folder, 'missing', 'x.html'))).toThrow(/--html/);
  });
});

function scaled(...argv: readonly string[]): string {
  const written: string[] = [];
  const context: CommandContext = {
    signal: new AbortController().signal,
    write: (text) => written.push(text),
    colour: false,
    finish: () => undefined,
  };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addScale(program, context);
  for (const command of program.commands)
    command.exitOverride().configureOutput({ writeErr: () => undefined });
  program.parse(['scale', ...argv], { from: 'user' });
  return written.join('');
}
