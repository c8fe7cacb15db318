/** A program as it is told of events: real processes. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { AgentConfig } from '../src/config/types.ts';
import { temporaryFolder } from './support/loopback.ts';
import { EVENT, tell } from './support/receivers.ts';

describe('a program', () => {
  async function program(
    lines: string,
  ): Promise<{ readonly exec: NonNullable<AgentConfig['notify']['exec']>; readonly out: string }> {
    const path = join(await temporaryFolder(), 'tell.sh');
    const out = `${path}.out`;
    await writeFile(path, `#!/bin/sh\nOUT=${out}\n${lines}\n`);
    await chmod(path, 0o755);
    return { exec: { command: [path, 'first'], timeoutMs: 2_000, events: [] }, out };
  }
  const toProgram = { ...EVENT, receiver: 'exec' };

  test('gets the event and the address as arguments, and the rest as JSON on its standard input', async () => {
    const { exec, out } = await program('echo "$@" >"$OUT"; cat >>"$OUT"');
    const { result } = await tell({ exec }, toProgram);
    expect(result).toMatchObject({ kind: 'accepted', request: { service: 'program' } });
    const [args, json = ''] = (await readFile(out, 'utf8')).split('\n');
    expect(args).toBe('first blocked 203.0.113.7');
    expect(JSON.parse(json)).toMatchObject({
      id: 'saturn-7-12',
      event: 'blocked',
      details: { reason: 'paused' },
    });
  });

  test('gets a hyphen in place of the address of an event of the whole cluster', async () => {
    const { exec, out } = await program('echo "$@" >"$OUT"');
    await tell({ exec }, { ...toProgram, event: 'paused', address: null });
    expect(await readFile(out, 'utf8')).toBe('first paused -\n');
  });

  test('that does not read its standard input is told all the same', async () => {
    const { exec } = await program('exec 0<&-; exit 0');
    const long = { ...toProgram, message: 'x'.repeat(400_000) };
    expect((await tell({ exec }, long)).result.kind).toBe('accepted');
  });

  test.each([
    ['exit 3', 'the program ended with 3'],
    ['kill -TERM $$', 'SIGTERM: a signal ended it'],
  ])('that ends by `%s` was not told', async (line, detail) => {
    const { exec } = await program(`echo trouble >&2; ${line}`);
    const { result, stderr } = await tell({ exec }, toProgram);
    expect(result).toMatchObject({ kind: 'failed', detail });
    expect(stderr).toEqual(['blocked: trouble\n']);
  });

  test('that does not end is killed with all that it started when its time is up', async () => {
    const { exec, out } = await program('sleep 60 & echo $! >"$OUT"; wait');
    const { result } = await tell({ exec }, { ...toProgram, timeoutMs: 1_000 });
    expect(result).toMatchObject({ kind: 'failed', detail: 'Timeout: it did not end in time' });
    const pid = Number(await readFile(out, 'utf8'));
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('that is not there was not told', async () => {
    const exec = { command: ['/nonexistent/tell'], timeoutMs: 2_000, events: [] };
    expect((await tell({ exec }, toProgram)).result).toMatchObject({
      kind: 'failed',
      detail: 'ENOENT: it could not be run',
    });
  });
});

/** A zombie has ended, though nobody has waited for it. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
