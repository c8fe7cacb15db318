/** A log that can't be written: an agent that must end ends within two seconds, and a log that works again is used again. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import { fill, makeRoom, mountSmallDisk, unmount } from './support/disk.ts';

const program = join(import.meta.dirname, '../../packages/agent/dist/failtome.js');

/** What an agent that must end may take. The machine that runs the tests may be busy, so the test itself waits longer. */
const ENDS_WITHIN_MS = 2_000;
const BUSY_MACHINE = 3;

/** Loaded before the agent. */
function module(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`;
}

/** A signal that breaks an invariant, as a fault of this program would. */
const CRASHES_ON_SIGUSR2 = module('process.on("SIGUSR2", () => { throw new Error("broken on purpose"); })');

/** A file operation that never ends, as on a file server that has gone. */
function hangsIn(path: string): string {
  return module(`import { open } from 'node:fs'; open(${JSON.stringify(path)}, 'r', () => undefined);`);
}

let folder: string;
let service: { readonly server: Server; readonly port: number };
let probed = 0;
const cleanups: (() => Promise<unknown> | unknown)[] = [];

beforeEach(async () => {
  service = await listen(
    createServer((_request, response) => {
      probed += 1;
      response.end('ok');
    }),
  );
  cleanups.push(() => {
    service.server.closeAllConnections();
    service.server.close();
  });
  folder = mkdtempSync(join(tmpdir(), 'failtome-hostile-log-'));
  writeFileSync(join(folder, 'key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves with the next `count` requests that the probed service gets. */
async function probes(count: number): Promise<void> {
  const until = probed + count;
  while (probed < until) await delay(20);
}

async function listen(server: Server): Promise<{ server: Server; port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

async function freePort(): Promise<number> {
  const { server, port } = await listen(createServer());
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A witness that logs every probe and heartbeat, into `stdout`. Resolves when it answers. */
async function startAgent(
  stdout: number,
  ...modules: readonly string[]
): Promise<{ child: ChildProcess; ended: Promise<number | string> }> {
  const port = await freePort();
  const file = join(folder, 'pluto.yaml');
  const config = {
    cluster: 'web',
    node: { id: 'pluto', role: 'witness' },
    api: { listen: `127.0.0.1:${port}` },
    peers: [
      { id: 'saturn', url: 'http://127.0.0.1:9' },
      { id: 'neptune', url: 'http://127.0.0.2:9' },
    ],
    auth: { keyFile: join(folder, 'key') },
    addresses: [{ ip: '127.0.0.1', probe: { port: service.port, interval: '100ms', fastInterval: '100ms' } }],
    guard: { urls: ['http://127.0.0.1:9/ip'] },
    stateDir: join(folder, 'state'),
    log: { level: 'debug' },
  };
  writeFileSync(file, JSON.stringify(config));
  const imports = [CRASHES_ON_SIGUSR2, ...modules].flatMap((each) => ['--import', each]);
  const child = spawn(process.execPath, [...imports, program, 'run', '--config', file], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', stdout, 'inherit'],
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  cleanups.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
    if (answer?.ok) return { child, ended };
    await delay(20);
  }
}

/** Both ends of a pipe that nobody reads, filled to the last byte. */
function fullPipe(): number {
  const path = join(folder, 'pipe');
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  cleanups.push(() => closeSync(fd));
  try {
    for (;;) writeSync(fd, 'x'.repeat(512));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return fd;
    throw error;
  }
}

function fullDevice(): number {
  const fd = openSync('/dev/full', 'w');
  cleanups.push(() => closeSync(fd));
  return fd;
}

async function endsInTime(ended: Promise<number | string>): Promise<number | string> {
  const late = new AbortController();
  const limit = delay(ENDS_WITHIN_MS * BUSY_MACHINE, 'it goes on', { signal: late.signal }).catch(
    () => 'ended',
  );
  const end = await Promise.race([ended, limit]);
  late.abort();
  return end;
}

const broken: readonly (readonly [string, () => number])[] = [
  ['a full pipe', fullPipe],
  ['a full disk', fullDevice],
];

test.each(broken)('a crash ends an agent whose log is %s, with 1', async (_what, open) => {
  const { child, ended } = await startAgent(open());
  child.kill('SIGUSR2');
  expect(await endsInTime(ended)).toBe(1);
});

test.each(broken)('a second SIGTERM ends an agent whose log is %s, with 1', async (_what, open) => {
  const { child, ended } = await startAgent(open());
  child.kill('SIGSTOP');
  child.kill('SIGTERM');
  child.kill('SIGINT');
  child.kill('SIGCONT');
  expect(await endsInTime(ended)).toBe(1);
});

test.each(broken)('a SIGTERM ends an agent whose log is %s in order, with 0', async (_what, open) => {
  const { child, ended } = await startAgent(open());
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test.each(['SIGUSR2', 'SIGTERM'] as const)(
  'an agent ends after %s though a file operation hangs, by SIGKILL because it has no other way',
  async (signal) => {
    const pipe = join(folder, 'hangs');
    spawnSync('mkfifo', [pipe]);
    const { child, ended } = await startAgent(fullDevice(), hangsIn(pipe));
    child.kill(signal);
    expect(await endsInTime(ended)).toBe('SIGKILL');
  },
);

const missing = has('root') ? '' : ' (skipped: only root may mount a disk; sudo npm test)';

describe.skipIf(!has('root'))(`a log on a small disk${missing}`, () => {
  test('is written again when there is room, and no line of it is broken', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    mountSmallDisk(disk);
    cleanups.push(() => unmount(disk));
    const path = join(disk, 'log');
    const fd = openSync(path, 'a');
    cleanups.push(() => closeSync(fd));
    await startAgent(fd);
    const lines = (): readonly string[] => readFileSync(path, 'utf8').split('\n');
    await fill(disk);
    const full = lines().length;
    // What is written of these probes goes nowhere.
    await probes(10);
    await makeRoom(disk);
    while (lines().length < full + 20) await delay(50);
    const written = lines().slice(0, -1);
    for (const line of written) expect(JSON.parse(line)).toHaveProperty('event');
  });
});
