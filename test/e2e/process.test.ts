import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EmbeddedCloud, startCloud } from '../../packages/cloud/src/embedded/index.ts';

const program = join(import.meta.dirname, '../../packages/agent/dist/failtome.js');

interface Line {
  readonly event: string;
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

interface Process {
  readonly child: ChildProcess;
  readonly lines: readonly Line[];
  readonly stderr: () => string;
  readonly ended: Promise<number | string>;
  /** Resolves with the first line that this is true of, also of one that is there already. */
  readonly line: (holds: (line: Line) => boolean) => Promise<Line>;
}

let folder: string;
let world: { readonly server: Server; readonly port: number };
const cleanups: (() => Promise<unknown> | unknown)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-process-'));
  writeFileSync(join(folder, 'key'), `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  world = await serve('ok');
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true });
});

async function serve(answer: string): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) =>
    response.end(request.url === '/ip' ? '198.51.100.9' : answer),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('there is no free port');
  return address.port;
}

/** A witness: it needs neither driver nor cloud. */
function witness(change: (text: string) => string = (text) => text): string {
  const file = join(folder, 'witness.yaml');
  const text = `
cluster: web
node: { id: pluto, role: witness }
api: { listen: "127.0.0.1:0" }
peers: [{ id: saturn, url: "http://127.0.0.1:9" }, { id: neptune, url: "http://127.0.0.2:9" }]
auth: { keyFile: ${join(folder, 'key')} }
addresses: [{ ip: 127.0.0.1, probe: { port: ${world.port} } }]
guard: { urls: ["http://127.0.0.1:${world.port}/ip"] }
stateDir: ${join(folder, 'pluto')}
`;
  writeFileSync(file, change(text));
  return file;
}

function run(file: string, env: Readonly<Record<string, string>> = {}): Process {
  const child = spawn(process.execPath, [program, 'run', '--config', file], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  let rest = '';
  let complaint = '';
  child.stdout.on('data', (chunk) => {
    const parts = `${rest}${chunk}`.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part));
    for (const look of waiting) look();
  });
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  // With both streams at their end: everything that was written has been read.
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  cleanups.push(() => {
    child.kill('SIGKILL');
    return ended;
  });
  const line = (holds: (line: Line) => boolean): Promise<Line> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(holds);
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
      void ended.then((code) => reject(new Error(`it ended with ${code} before: ${complaint}`)));
    });
  return { child, lines, stderr: () => complaint, ended, line };
}

const ready = ({ event }: Line): boolean => event === 'agent-ready';

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0, and the log is whole', async (signal) => {
  const { child, ended, lines, line } = run(witness());
  await line(ready);
  child.kill(signal);
  expect(await ended).toBe(0);
  expect(lines.map(({ event }) => event).slice(-3)).toEqual(
    expect.arrayContaining(['stopping', 'agent-stopped']),
  );
  expect(lines.at(-1)).toMatchObject({ event: 'agent-stopped', node: 'pluto', cluster: 'web' });
});

test('a signal in the first moments of the start ends it with 0, too', async () => {
  const { child, ended, line } = run(witness());
  await line(({ event }) => event === 'agent-starting');
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('a second signal ends it at once, with 1', async () => {
  const { child, ended, lines, line } = run(witness());
  await line(ready);
  child.kill('SIGSTOP');
  child.kill('SIGTERM');
  child.kill('SIGINT');
  child.kill('SIGCONT');
  expect(await ended).toBe(1);
  expect(lines.filter(({ event }) => event === 'signal')).toHaveLength(2);
});

test('SIGHUP takes a good file over and refuses a bad one, and it runs on', async () => {
  const { child, ended, line } = run(witness());
  await line(ready);
  witness((text) => `${text}log: { level: debug }\n`);
  child.kill('SIGHUP');
  await line(({ event }) => event === 'configured');
  await line(({ level }) => level === 'debug');
  witness((text) => text.replace('cluster: web', 'cluster: shop'));
  child.kill('SIGHUP');
  expect(await line(({ event }) => event === 'reload-refused')).toMatchObject({
    level: 'error',
    msg: expect.stringMatching(/^cluster: /),
  });
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('a password that can not be sent refuses the reload, and the agent runs on', async () => {
  const candidate = (url: string): string =>
    witness(
      (text) =>
        `${text.replace(', role: witness', '')}driver: { kind: exec, command: [/bin/false] }\nlocal: { url: "${url}" }\n`,
    );
  const { child, line, ended } = run(candidate(`http://127.0.0.1:${world.port}/`));
  await line(ready);
  candidate(`http://monitor:100%@127.0.0.1:${world.port}/`);
  child.kill('SIGHUP');
  const { msg } = await line(({ event }) => event === 'reload-refused');
  expect(msg).toMatch(/^local\.url: found .* write % as %25/);
  candidate(`http://monitor:100%25@127.0.0.1:${world.port}/`);
  child.kill('SIGHUP');
  await line(({ event }) => event === 'configured');
  await line(({ event, msg: told }) => event === 'configuration' && told.startsWith('notify.sns: absent'));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

test('two agents with one id tell so within seconds, both, when one runs in the place of a peer', async () => {
  const [mine, theirs] = [await freePort(), await freePort()];
  const at = (port: number, peer: number) => (text: string) =>
    text
      .replace('127.0.0.1:0', `127.0.0.1:${port}`)
      .replace('http://127.0.0.1:9', `http://127.0.0.1:${peer}`)
      .replace(/stateDir: .*/, `stateDir: ${join(folder, `state-${port}`)}`);
  const first = run(witness(at(mine, theirs)));
  await first.line(ready);
  // The machine of saturn's got the file of pluto's: its own entry leads to itself.
  const second = run(witness(at(theirs, theirs)));
  for (const { line } of [first, second]) {
    const { level, msg } = await line(({ event }) => event === 'duplicate-id');
    expect({ level, msg }).toEqual({ level: 'error', msg: 'two agents run with the id pluto' });
  }
});

test('a rejected message is logged with the address that it came from', async () => {
  const port = await freePort();
  const { line } = run(witness((text) => text.replace('127.0.0.1:0', `127.0.0.1:${port}`)));
  await line(ready);
  const request = { method: 'POST', body: '{}', headers: { 'x-failtome-signature': 'A'.repeat(43) } };
  await fetch(`http://127.0.0.1:${port}/v1/gossip`, request);
  const { msg, from } = await line(({ event }) => event === 'message-rejected');
  expect({ msg, from }).toEqual({
    msg: 'message from 127.0.0.1 (saturn) rejected: signature',
    from: '127.0.0.1 (saturn)',
  });
});

test('a faulty configuration ends it with 2 before anything starts, one line a fault', async () => {
  const file = witness((text) =>
    text.replace('cluster: web', 'clutser: web').replace('role: witness', 'role: judge'),
  );
  const { ended, lines, stderr } = run(file);
  expect(await ended).toBe(2);
  expect(lines).toEqual([]);
  const told = stderr().trim().split('\n');
  expect(told.some((text) => text.startsWith('clutser: ') && text.includes('cluster'))).toBe(true);
  expect(told.some((text) => text.startsWith('node.role: '))).toBe(true);
});

test('without its key it ends with 2, and says how to make one', async () => {
  rmSync(join(folder, 'key'));
  const { ended, stderr } = run(witness());
  expect(await ended).toBe(2);
  expect(stderr()).toMatch(/^auth\.keyFile: .*failtome keygen/);
});

test('on a port that is taken it ends with 1, and names the setting', async () => {
  const { ended, stderr } = run(witness((text) => text.replace('127.0.0.1:0', `127.0.0.1:${world.port}`)));
  expect(await ended).toBe(1);
  expect(stderr()).toMatch(/^api\.listen: .*EADDRINUSE/);
});

test('when nobody reads its log any more, it runs on', async () => {
  const port = await freePort();
  const { child, line, ended } = run(
    witness((text) => `${text.replace('127.0.0.1:0', `127.0.0.1:${port}`)}log: { level: debug }\n`),
  );
  await line(ready);
  child.stdout?.destroy();
  const probed = new Promise<void>((resolve) => {
    let probes = 0;
    world.server.on('request', () => {
      probes += 1;
      if (probes === 3) resolve();
    });
  });
  await probed;
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
});

const SATURN = 'i-0000000000000a001';
const NEPTUNE = 'i-0000000000000b002';
const ADDRESS = '127.54.1.1';

/** Two instances; the holder's web server is the one that is returned, to be ended. */
async function startPair(): Promise<{ cloud: EmbeddedCloud; holderWeb: Server; files: readonly string[] }> {
  const [mine, theirs] = [await serve('saturn'), await serve('neptune')];
  const cloud = await startCloud({
    instances: [
      { id: SATURN, backend: { host: '127.0.0.1', port: mine.port } },
      { id: NEPTUNE, backend: { host: '127.0.0.1', port: theirs.port } },
    ],
    addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }],
    latency: { applyAfterMs: 100, answerAfterMs: 100 },
  });
  cleanups.push(() => cloud.close());
  const ports = { saturn: await freePort(), neptune: await freePort() };
  const peers = Object.entries(ports).map(([id, port]) => ({ id, url: `http://127.0.0.1:${port}` }));
  const files = (
    [
      ['saturn', SATURN, mine.port],
      ['neptune', NEPTUNE, theirs.port],
    ] as const
  ).map(([id, instanceId, web]) => {
    const config = {
      cluster: 'web',
      node: { id },
      api: { listen: `127.0.0.1:${ports[id]}` },
      peers,
      auth: { keyFile: join(folder, 'key') },
      addresses: [{ ip: ADDRESS, probe: { port: cloud.viewOf(instanceId, ADDRESS).port } }],
      local: { url: `http://127.0.0.1:${web}/` },
      guard: { urls: [cloud.guardUrlFor(instanceId)] },
      agreement: { lease: '5s' },
      driver: { kind: 'ec2' },
      stateDir: join(folder, id),
    };
    const file = join(folder, `${id}.yaml`);
    writeFileSync(file, JSON.stringify(config));
    return file;
  });
  return { cloud, holderWeb: theirs.server, files };
}

test('a stop between release and take finishes the move first, and never leaves the address with nobody', async () => {
  const { cloud, holderWeb, files } = await startPair();
  const [saturn, neptune] = [
    run(files[0] ?? '', cloud.environmentFor(SATURN)),
    run(files[1] ?? '', cloud.environmentFor(NEPTUNE)),
  ];
  await Promise.all(
    [saturn, neptune].map(({ line }) => line(({ event, ready: is }) => event === 'readiness' && is === true)),
  );
  holderWeb.closeAllConnections();
  holderWeb.close();
  await saturn.line(({ event, step }) => event === 'move-step' && step === 'release');
  expect(cloud.holderOf(ADDRESS)).toBeNull();
  saturn.child.kill('SIGTERM');
  expect(await saturn.ended).toBe(0);
  expect(cloud.holderOf(ADDRESS)).toBe(SATURN);
  expect(saturn.lines.map(({ event }) => event)).not.toContain('stop-overdue');
  const history = readFileSync(join(folder, 'saturn', 'history.jsonl'), 'utf8');
  const entries = history.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  expect(entries).toContainEqual(expect.objectContaining({ kind: 'takeover', to: 'saturn' }));
});
