/**
 * Every command of the guides is one that there is, with options and files that there are. Tests of minutes run them on
 * machines, as they stand there (`test/e2e/machine-*.test.ts`); this takes a moment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CliDependencies } from '../../packages/agent/src/cli/dependencies.ts';
import { buildProgram } from '../../packages/agent/src/cli/program.ts';
import { DEFAULT_CONFIG_FILE } from '../../packages/agent/src/cli/target.ts';
import { earlierVersion } from '../e2e/support/earlier-agent.ts';
import { type Block, blocksOf } from '../e2e/support/page-commands.ts';

const root = join(import.meta.dirname, '../..');
const names = readdirSync(join(root, 'docs/guides')).filter((name) => name !== 'README.md');
const guides = names.map((name) => `docs/guides/${name}`);
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The words of a shell's command, up to a pipe or a redirection. */
function wordsOf(command: string): readonly string[] {
  const words = Array.from(command.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g), (match) => match.slice(1));
  const end = words.findIndex(([, , bare]) => bare === '|' || bare === '>');
  return words.slice(0, end < 0 ? undefined : end).map((forms) => forms.join(''));
}

/** What the program says against this command line; empty: nothing. No verb is carried out. */
async function refusal(args: readonly string[]): Promise<string> {
  const output = { write: () => true, isTTY: false };
  // Only the verbs' actions ask for the rest, and none of them is run.
  const dependencies = { version, stdout: output, stderr: output } as unknown as CliDependencies;
  const program = buildProgram(dependencies, () => undefined);
  for (const command of program.commands) command.action(() => undefined);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What each program of the pages may be given. */
const known: Readonly<Record<string, (words: readonly string[]) => Promise<string> | string>> = {
  failtome: ([, ...args]) => refusal(args),
  systemctl: ([, ...args]) =>
    /^(start|stop|reload|enable --now|disable --now) (failtome|keepalived)$/.test(args.join(' '))
      ? ''
      : 'no such order',
  apt: ([, ...args]) =>
    [
      `install ./failtome_${version}_amd64.deb`,
      `install -y --allow-downgrades ./failtome_${earlierVersion}_amd64.deb`,
      'remove -y failtome',
      'purge -y failtome',
    ].includes(args.join(' '))
      ? ''
      : 'no such package',
  monit: ([, ...args]) => (args.join(' ') === 'reload' ? '' : 'no such order'),
  mv: filesOf,
  rm: filesOf,
  sed: filesOf,
  tar: filesOf,
};

const files = [
  DEFAULT_CONFIG_FILE,
  '/etc/failtome',
  '/etc/monit.d/haproxywatch.monitrc',
  '/etc/monit.d/',
  '/root/haproxywatch.monitrc',
  '/root/',
  '/var/lib/failtome/state.json',
  '/',
];

function filesOf(words: readonly string[]): string {
  return words
    .filter((word) => word.startsWith('/') && !/^\/.*\/[ad]/.test(word) && !files.includes(word))
    .join();
}

describe.each(guides)('%s', (guide) => {
  test('has commands, each for machines of the examples', async () => {
    const blocks = await blocksOf(guide);
    expect(blocks.length).toBeGreaterThan(0);
    for (const { on } of blocks)
      expect(on).toMatch(/^(both|saturn|neptune|pluto|neptune saturn|saturn neptune)$/);
  });

  test('has only commands that there are', async () => {
    const commands = (await blocksOf(guide)).flatMap((block: Block) => block.commands);
    for (const command of commands) {
      const words = wordsOf(command);
      const check = known[words[0] ?? ''];
      expect(check, command).toBeDefined();
      expect(await check?.(words), command).toBe('');
    }
  });

  test('is followed by a test of machines', () => {
    const tests = ['machine-pages.long.test.ts', 'machine-beside.long.test.ts'];
    const text = tests.map((name) => readFileSync(join(root, 'test/e2e', name), 'utf8')).join('');
    const name = guide.replace(/^.*\/(from-)?|\.md$/g, '');
    expect(text).toContain(`'${name}'`);
  });

  test('says what can go wrong and what leads back', () => {
    const text = readFileSync(join(root, guide), 'utf8');
    expect(text).toMatch(/^## What can go wrong$/m);
    expect(text).toMatch(/^## Back$/m);
  });

  test('stands in the list of guides', () => {
    expect(readFileSync(join(root, 'docs/guides/README.md'), 'utf8')).toContain(
      `](${guide.replace(/^.*\//, '')})`,
    );
  });
});

test('a verb, an option and a file that there are not are noticed', async () => {
  expect(await refusal(['halt'])).not.toBe('');
  expect(await refusal(['pause', '--during', '1h'])).toContain('--during');
  expect(await refusal(['pause', '--for', '1h', '--reason', 'work'])).toBe('');
  expect(filesOf(wordsOf('rm -f /var/lib/failtome/lock'))).toBe('/var/lib/failtome/lock');
});

test('the files of the state directory go by these names', () => {
  const sources = ['store', 'history-file'].map((name) =>
    readFileSync(join(root, `packages/agent/src/adapters/${name}.ts`), 'utf8'),
  );
  expect(sources.join()).toContain("'state.json'");
  expect(sources.join()).toContain("'history.jsonl'");
});
