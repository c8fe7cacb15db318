/** A command that will write files says that it can't before it runs, not after. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CommandContext, UsageError } from '../src/commands/context.ts';
import { addReplay } from '../src/commands/replay-command.ts';
import { addRun } from '../src/commands/run-command.ts';
import { addShrink } from '../src/commands/shrink-command.ts';
import { addSwarm } from '../src/commands/swarm-command.ts';

let folder: string;
const at = (...names: readonly string[]): string => join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-outputs-'));
  mkdirSync(at('folder'));
  writeFileSync(at('file'), 'this is no trace');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a call refuses with, and what it had printed by then. */
async function refusal(
  argv: readonly string[],
): Promise<{ readonly said: string; readonly printed: string }> {
  let printed = '';
  const context: CommandContext = {
    signal: new AbortController().signal,
    write: (text) => {
      printed += text;
    },
    colour: false,
    finish: () => undefined,
  };
  const program = new Command().exitOverride();
  for (const add of [addRun, addReplay, addShrink, addSwarm]) add(program, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof UsageError) return { said: error.message, printed };
    throw error;
  }
  return { said: '', printed };
}

const verbs: readonly (readonly [flag: string, argv: readonly string[]])[] = [
  ['--trace', ['run', 'web-server-killed', '--trace']],
  ['--html', ['run', 'web-server-killed', '--html']],
  ['--html', ['replay', 'missing.jsonl', '--html']],
  ['--out', ['shrink', 'missing.jsonl', '--out']],
  ['--trace', ['shrink', 'missing.jsonl', '--trace']],
  ['--html', ['shrink', 'missing.jsonl', '--html']],
  ['--ledger', ['swarm', '--seeds', '1..1', '--ledger']],
  ['--into', ['swarm', 'merge', 'missing.json', '--into']],
];

describe.each(verbs)('%s of failtome-sim %j', (flag, argv) => {
  test.each([
    ['a missing folder', ['nowhere', 'x'], () => `there is no folder ${at('nowhere')}; make it first`],
    ['a folder instead of a file', ['folder'], () => 'that is a folder; name a file in it'],
    ['a file instead of its folder', ['file', 'x'], () => `${at('file')} is not a folder`],
  ])('%s is refused before anything runs', async (_, names, reason) => {
    const path = at(...names);
    expect(await refusal([...argv, path])).toEqual({ said: `${flag} ${path}: ${reason()}`, printed: '' });
  });
});

test('a folder for traces that would have to be made within a file is refused', async () => {
  const dir = at('file', 'traces');
  const said = `--trace-dir ${dir}: ${at('file')} is not a folder`;
  expect(await refusal(['swarm', '--seeds', '1..1', '--trace-dir', dir])).toEqual({ said, printed: '' });
});

test('two outputs in one file, and an output that would overwrite what is read, are refused', async () => {
  const twice = await refusal([
    'run',
    'web-server-killed',
    '--trace',
    at('x'),
    '--html',
    at('folder', '..', 'x'),
  ]);
  expect(twice.said).toMatch(/^--html .*: that is the file of --trace already$/);
  const input = await refusal(['replay', at('file'), '--html', at('file')]);
  expect(input.said).toBe(`--html ${at('file')}: that is the input already`);
});
