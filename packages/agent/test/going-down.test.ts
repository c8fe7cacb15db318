/** Whether the machine goes down, by the word of a `systemctl` in the place of the real one. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { isMachineGoingDown, systemState } from '../src/adapters/going-down.ts';
import { preflightShutdown } from '../src/adapters/preflight-shutdown.ts';

/** Until the test is over the first `systemctl` of the path is this script; null: there is none. */
function withSystemctl(script: string | null): void {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-systemctl-'));
  const path = join(folder, 'systemctl');
  if (script !== null) {
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }
  vi.stubEnv('PATH', script === null ? folder : `${folder}${delimiter}${process.env.PATH ?? ''}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
}

const says = (word: string, code: number): string =>
  `[ "$*" = is-system-running ] || exit 4; echo ${word}; exit ${code}`;

test.each<[string, string | null, string | null, boolean]>([
  ['a machine that stops', says('stopping', 1), 'stopping', true],
  ['a machine that runs', says('running', 0), 'running', false],
  ['one with a failed unit', says('degraded', 1), 'degraded', false],
  ['one that boots', says('starting', 1), 'starting', false],
  ['systemd that isn’t the first process', says('offline', 1), null, false],
  ['systemd that can’t be asked', 'echo "Failed to connect to bus" >&2; exit 1', null, false],
  ['something else than a word', 'echo "No such method: stopping"', null, false],
  ['no systemctl', null, null, false],
])('%s', async (_what, script, state, goesDown) => {
  withSystemctl(script);
  expect([await systemState(), await isMachineGoingDown()]).toEqual([state, goesDown]);
});

test('the check says what becomes of what the node holds', async () => {
  const found = async (on: readonly 'shutdown'[], orders: 'any' | 'proven'): Promise<string | undefined> =>
    (await preflightShutdown({ handover: { on } }, orders))[0]?.found;
  withSystemctl(says('running', 0));
  expect(await found(['shutdown'], 'any')).toContain('it is running now');
  expect(await found(['shutdown'], 'proven')).toContain('only operators hand over');
  expect(await found([], 'any')).toContain('nothing is handed over');
  withSystemctl(null);
  expect(await found(['shutdown'], 'any')).toContain('gives no answer');
});
