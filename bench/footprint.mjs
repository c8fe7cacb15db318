// What an idle agent costs, beside a bare Fastify and prom-client process, both measured in one run.
// Rows: name | measured | yardstick | ratio. Needs Linux's /proc.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @typedef {{ name: string, measured: string, yardstick: string, ratio: string }} Row */

const root = join(import.meta.dirname, '..');
const agent = join(root, 'packages/agent/dist/failtome.js');

/** After its start a process still collects and compiles. */
const settleMs = 20_000;
const sampleMs = 30_000;
const memorySamples = 10;
const starts = 9;
const readyWithinMs = 20_000;
/** Of /proc/PID/stat; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** The least that any agent of this kind is made of, as anybody would write it. */
const bareProgram = `
  import fastify from 'fastify';
  import { collectDefaultMetrics, Registry } from 'prom-client';
  const register = new Registry();
  collectDefaultMetrics({ register });
  const app = fastify();
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
  await app.listen({ host: '127.0.0.1', port: 0 });
`;

const maxMemoryRatio = 1.2;
const maxMemoryMb = 90;
const maxCpuPercent = 1.5;
const maxStartMs = 400;

/**
 * Measure memory, CPU and start.
 * @returns {Promise<Row[]>}
 */
export async function footprint() {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-footprint-'));
  const world = await startWorld();
  const children = new Set();
  try {
    const ports = { a: await freePort(), b: await freePort() };
    const a = configure(folder, 'a', ports, world.port);
    const b = configure(folder, 'b', ports, world.port);
    const startedMs = [];
    for (let count = 0; count < starts; count += 1) startedMs.push(await timeStart(a, world));
    const bare = run(children, ['--input-type=module', '--eval', bareProgram]);
    const idle = run(children, [agent, 'run', '--config', a]);
    run(children, [agent, 'run', '--config', b]);
    await delay(settleMs);
    const [mine, yardstick] = await Promise.all([sample(idle.pid), sample(bare.pid)]);
    return rows(mine, yardstick, startedMs);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    world.server.closeAllConnections();
    world.server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {Sample} mine
 * @param {Sample} bare
 * @param {number[]} startedMs
 * @returns {Row[]}
 */
function rows(mine, bare, startedMs) {
  const sorted = startedMs.toSorted((one, other) => one - other);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const slowest = sorted.at(-1) ?? Number.NaN;
  return [
    {
      name: `idle memory (at most ${maxMemoryRatio} of bare, and ${maxMemoryMb} MB)`,
      measured: `${mine.memoryMb.toFixed(1)} MB`,
      yardstick: `${bare.memoryMb.toFixed(1)} MB`,
      ratio: (mine.memoryMb / bare.memoryMb).toFixed(2),
    },
    {
      name: `idle CPU, of one core (at most ${maxCpuPercent} %)`,
      measured: `${mine.cpuPercent.toFixed(2)} %`,
      yardstick: `${bare.cpuPercent.toFixed(2)} %`,
      ratio: (mine.cpuPercent / maxCpuPercent).toFixed(2),
    },
    {
      name: `start to first probe, median (slowest) of ${startedMs.length}`,
      measured: `${median.toFixed(0)} ms (${slowest.toFixed(0)} ms)`,
      yardstick: `${maxStartMs} ms`,
      ratio: (median / maxStartMs).toFixed(2),
    },
  ];
}

/** The address, the own HAProxy and the external-IP service: everything answers at once. */
async function startWorld() {
  const waiting = new Set();
  const server = createServer((request, response) => {
    if (request.url === '/address') for (const wake of waiting) wake();
    response.end(request.url === '/ip' ? '198.51.100.9' : 'ok');
  });
  const port = await listen(server);
  /** @returns {Promise<void>} */
  const nextProbe = () =>
    new Promise((resolve) => {
      const wake = () => {
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
    });
  return { server, port, nextProbe };
}

/**
 * A node at default settings. Nobody's cloud is asked: its driver is a program.
 * @param {string} folder
 * @param {string} id
 * @param {Record<string, number>} ports
 * @param {number} world
 */
function configure(folder, id, ports, world) {
  const keyFile = join(folder, 'cluster.key');
  writeFileSync(keyFile, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  const program = join(folder, 'driver.sh');
  writeFileSync(program, `#!/bin/sh\necho '{"holder": "b"}'\n`, { mode: 0o755 });
  const peers = Object.entries(ports).map(([peer, port]) => ({ id: peer, url: `http://127.0.0.1:${port}` }));
  const config = {
    cluster: 'footprint',
    node: { id },
    api: { listen: `127.0.0.1:${ports[id]}` },
    peers,
    auth: { keyFile },
    addresses: [{ ip: '127.0.0.1', probe: { port: world, path: '/address' } }],
    local: { url: `http://127.0.0.1:${world}/local` },
    guard: { urls: [`http://127.0.0.1:${world}/ip`] },
    driver: { kind: 'exec', command: [program] },
    stateDir: join(folder, id),
  };
  const file = join(folder, `${id}.yaml`);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/**
 * From the fork to the first byte of a probe at the address.
 * @param {string} file
 * @param {Awaited<ReturnType<typeof startWorld>>} world
 */
async function timeStart(file, world) {
  const children = new Set();
  const probed = world.nextProbe();
  const startedMs = performance.now();
  const child = run(children, [agent, 'run', '--config', file]);
  try {
    await inTime(probed, 'the first probe', child);
    return performance.now() - startedMs;
  } finally {
    child.kill('SIGKILL');
    await child.ended;
  }
}

/**
 * @param {Set<import('node:child_process').ChildProcess>} children
 * @param {string[]} args
 */
function run(children, args) {
  const child = spawn(process.execPath, args, {
    cwd: join(root, 'packages/agent'),
    env: { PATH: process.env.PATH, HOME: tmpdir() },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk) => (complaint += chunk));
  /** @type {Promise<void>} */
  const ended = new Promise((resolve) => child.on('exit', () => resolve()));
  children.add(child);
  return Object.assign(child, { ended, complaint: () => complaint });
}

/** @typedef {{ memoryMb: number, cpuPercent: number }} Sample */

/**
 * @param {number | undefined} pid
 * @returns {Promise<Sample>}
 */
async function sample(pid) {
  const ticksBefore = ticksOf(pid);
  const startedMs = performance.now();
  let memoryMb = 0;
  for (let count = 0; count < memorySamples; count += 1) {
    await delay(sampleMs / memorySamples);
    memoryMb += memoryOf(pid) / memorySamples;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  return { memoryMb, cpuPercent: ((ticksOf(pid) - ticksBefore) / ticksPerSecond / seconds) * 100 };
}

/** @param {number | undefined} pid */
function memoryOf(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1000;
}

/** User and system time of all its threads. @param {number | undefined} pid */
function ticksOf(pid) {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
  const fields = afterName.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/**
 * @template T
 * @param {Promise<T>} awaited
 * @param {string} what
 * @param {ReturnType<typeof run>} child
 * @returns {Promise<T>}
 */
async function inTime(awaited, what, child) {
  const late = new Promise((_resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} did not come: ${child.complaint()}`)),
      readyWithinMs,
    );
    timer.unref();
  });
  return /** @type {Promise<T>} */ (Promise.race([awaited, late]));
}

/** @param {import('node:net').Server} server @returns {Promise<number>} */
function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
}

async function freePort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @param {number} ms @returns {Promise<void>} */
function delay(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { name, measured, yardstick, ratio } of await footprint()) {
    console.log([name, measured, yardstick, ratio].join(' | '));
  }
}
