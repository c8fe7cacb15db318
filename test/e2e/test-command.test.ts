/** What `npm test` does beyond running everything: named files, and tests that passed only at a further try. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const ONE_FILE = 'packages/protocol/test/pending.test.ts';

function run(...args: readonly string[]): Promise<{ code: number; lines: readonly string[] }> {
  // Vitest within Vitest would take itself for a worker of the outer one.
  const { VITEST: _, VITEST_WORKER_ID: __, VITEST_POOL_ID: ___, ...env } = process.env;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, { cwd: ROOT, env }, (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split('\n') }),
    );
  });
}

const testCommand = (...args: readonly string[]) => run('scripts/test.mjs', ...args);

test('files that are named run alone, and their count is the last line', async () => {
  const { code, lines } = await testCommand(ONE_FILE);
  expect(code).toBe(0);
  expect(lines.at(-1)).toMatch(/^[1-9] passed, 0 failed$/);
});

test('a name that no test file has is a failure, though other files passed', async () => {
  const { code, lines } = await testCommand(ONE_FILE, 'no-such.test.ts');
  expect(code).toBe(1);
  expect(lines).toContain('no test file matches no-such.test.ts');
  expect(lines.at(-1)).toMatch(/^[1-9] passed, 1 failed$/);
});

test('a test name that no test has is a failure', async () => {
  const { code, lines } = await testCommand(ONE_FILE, '-t', 'no test has this name');
  expect(code).toBe(1);
  expect(lines.at(-1)).toBe('0 passed, 1 failed');
});

test('a test that passed at its second try is printed as flaky', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-flaky-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, 'some.test.mjs'),
    `let tries = 0;
     test('fails once', () => { tries += 1; expect(tries).toBe(2); });
     test('passes', () => {});`,
  );
  const reporter = join(ROOT, 'scripts/flaky-reporter.mjs');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { code, lines } = await run(
    vitest,
    'run',
    `--root=${folder}`,
    '--globals',
    '--retry=1',
    `--reporter=${reporter}`,
  );
  expect(code).toBe(0);
  expect(lines.filter((line) => line.startsWith('flaky: '))).toEqual([
    expect.stringMatching(/some\.test\.mjs: fails once \(passed at try 2\)$/),
  ]);
});
