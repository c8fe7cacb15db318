/** Fitness by HAProxy's runtime socket and by a program, alone and together: real sockets, processes, and HAProxy itself. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { CheckResult } from '@failtome/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findProgram, has } from '../../../scripts/requirements.mjs';
import { LocalCheck, togetherOf } from '../src/adapters/local.ts';
import { infoOf } from '../src/adapters/local-asks.ts';
import type { LocalConfig } from '../src/config/types.ts';
import { answer, listen, networkDependencies, refusedPort, temporaryFolder } from './support/loopback.ts';

const NOTHING: LocalConfig = {
  url: null,
  socket: null,
  command: null,
  need: 'all',
  intervalMs: 1_000,
  fastIntervalMs: 200,
  timeoutMs: 2_000,
  fall: 2,
  rise: 2,
};

async function checked(parts: Partial<LocalConfig>): Promise<CheckResult> {
  const { inbox, ...dependencies } = networkDependencies();
  const check = new LocalCheck({ local: { ...NOTHING, ...parts } }, dependencies);
  onTestFinished(() => check.close());
  check.check({ kind: 'check-local', checkId: 1 });
  const event = await inbox.next();
  if (event.kind !== 'local-checked') throw new Error(`unexpected ${event.kind}`);
  return event.result;
}

/** A socket that answers every connection with this text; null: never. */
async function socketThat(says: string | null): Promise<string> {
  const path = join(await temporaryFolder(), 'admin.sock');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined).resume();
    if (says !== null) socket.end(says);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
  return path;
}

async function program(lines: string): Promise<readonly string[]> {
  const path = join(await temporaryFolder(), 'fit.sh');
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return [path];
}

const INFO = 'Name: HAProxy\nVersion: 2.6.12\nMaxconn: 100\nCurrConns: 3\nStopping: 0\n';

describe('the runtime socket', () => {
  test.each([
    ['HAProxy that runs', INFO, null],
    ['one that is stopping', INFO.replace('Stopping: 0', 'Stopping: 1'), 'HAProxy is stopping'],
    [
      'one that is full',
      INFO.replace('CurrConns: 3', 'CurrConns: 100'),
      'HAProxy is full: 100 of 100 connections',
    ],
    ['one that is older and says nothing of stopping', INFO.replace('Stopping: 0\n', ''), null],
    ['something else', 'hello\n', '/s answers, and not as HAProxy does'],
    ['nothing', '', '/s answers, and not as HAProxy does'],
  ])('of %s', (_, text, detail) => {
    expect(infoOf(text, '/s')?.detail ?? null).toBe(detail);
  });

  test('that answers well is fit', async () => {
    expect(await checked({ socket: await socketThat(INFO) })).toMatchObject({ kind: 'ok' });
  });

  test('that is not there, that is silent, and that talks without end is not', async () => {
    expect(await checked({ socket: '/nonexistent/admin.sock' })).toMatchObject({
      kind: 'failed',
      reason: 'refused',
    });
    const silent = await socketThat(null);
    expect(await checked({ socket: silent, timeoutMs: 100 })).toMatchObject({
      kind: 'failed',
      reason: 'timeout',
    });
    const endless = await socketThat('x'.repeat(1_000_000));
    expect(await checked({ socket: endless })).toMatchObject({ kind: 'failed', reason: 'protocol' });
  });
});

describe('a program', () => {
  test.each([
    ['exit 0', { kind: 'ok' }],
    [
      'echo the disk is full; echo more; exit 3',
      { kind: 'failed', reason: 'status', detail: 'exit 3: the disk is full' },
    ],
    ['exit 1', { kind: 'failed', reason: 'status', detail: 'exit 1' }],
    ['kill -TERM $$', { kind: 'failed', reason: 'status', detail: 'SIGTERM: a signal ended it' }],
  ])('%s', async (lines, result) => {
    expect(await checked({ command: await program(lines) })).toMatchObject(result);
  });

  test('that does not end, or is not there, says that it is not fit', async () => {
    expect(await checked({ command: await program('sleep 60'), timeoutMs: 200 })).toMatchObject({
      kind: 'failed',
      reason: 'timeout',
      detail: 'the program did not end within 200 ms',
    });
    expect(await checked({ command: ['/nonexistent/fit'] })).toMatchObject({
      kind: 'failed',
      reason: 'refused',
    });
  });
});

describe('several together', () => {
  const ok: CheckResult = { kind: 'ok', status: 200, durationMs: 1 };
  const failed: CheckResult = { kind: 'failed', reason: 'status', detail: 'no', durationMs: 3 };
  const unknown: CheckResult = { kind: 'inconclusive', detail: 'stopped', durationMs: 2 };
  test.each([
    ['all', [ok, ok], 'ok'],
    ['all', [ok, failed], 'failed'],
    ['all', [unknown, failed], 'failed'],
    ['all', [ok, unknown], 'inconclusive'],
    ['any', [failed, ok], 'ok'],
    ['any', [unknown, ok], 'ok'],
    ['any', [failed, failed], 'failed'],
    ['any', [failed, unknown], 'inconclusive'],
  ] as const)('%s of %j', (need, results, kind) => {
    expect(togetherOf(results, need).kind).toBe(kind);
  });

  test('are asked at the same time, and are one result', async () => {
    const page = await listen((socket) => socket.end(answer(200)));
    const parts = {
      url: `http://127.0.0.1:${page.port}/`,
      socket: await socketThat(INFO),
      command: await program('echo maintenance; exit 1'),
    };
    expect(await checked(parts)).toMatchObject({ kind: 'failed', detail: 'exit 1: maintenance' });
    expect(await checked({ ...parts, need: 'any' })).toMatchObject({ kind: 'ok', status: 200 });
    const dead = `http://127.0.0.1:${await refusedPort()}/`;
    expect(await checked({ ...parts, url: dead, command: null })).toMatchObject({
      kind: 'failed',
      reason: 'refused',
    });
  });
});

describe.skipIf(!has('haproxy'))('HAProxy itself', () => {
  async function haproxy(
    maxconn: number,
  ): Promise<{ readonly socket: string; readonly port: number; readonly child: ChildProcess }> {
    const folder = await temporaryFolder();
    const [socket, port] = [join(folder, 'admin.sock'), await refusedPort()];
    const file = join(folder, 'haproxy.cfg');
    const lines = [
      'global',
      `  maxconn ${maxconn}`,
      `  stats socket ${socket} mode 600 level user`,
      '  hard-stop-after 20s',
      'defaults',
      '  mode http',
      '  timeout client 20s',
      '  timeout server 20s',
      '  timeout connect 1s',
      'frontend web',
      `  bind 127.0.0.1:${port}`,
      '  http-request return status 200',
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    const child = spawn(String(findProgram('haproxy')), ['-db', '-f', file], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    await expect
      .poll(
        () =>
          access(socket).then(
            () => true,
            () => false,
          ),
        { timeout: 10_000 },
      )
      .toBe(true);
    return { socket, port, child };
  }

  test('is fit while it runs, and not once it stops, softly or not', async () => {
    const { socket, port, child } = await haproxy(100);
    await expect.poll(() => checked({ socket }).then(({ kind }) => kind), { timeout: 10_000 }).toBe('ok');
    // A connection that is open keeps it from ending at once.
    const client = connect(port, '127.0.0.1').on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    await once(client, 'connect');
    child.kill('SIGUSR1');
    await expect.poll(() => checked({ socket }).then(({ kind }) => kind), { timeout: 10_000 }).toBe('failed');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await checked({ socket })).toMatchObject({ kind: 'failed' });
  });
});
