/** What an idle agent costs, beside a bare Fastify and prom-client process; and how soon after its start it probes. Needs /proc. */

import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { type AgentProgram, type AgentWorld, ids, openWorld, spawnAgent } from './agent-world.ts';
import type { BenchOptions } from './options.ts';
import { type Sample, sampleAll } from './process-sample.ts';
import { median, type Row, spread } from './table.ts';

/** After its start a process still collects and compiles. */
const settleMs = 20_000;
const sampleMs = 60_000;
const starts = 15;
const startWithinMs = 20_000;

const maxMemoryRatio = 1.2;
const maxMemoryMb = 90;
const maxCpuPercent = 1.5;
const maxStartMs = 400;

/** The least that any agent of this kind is made of, as anybody would write it. */
const bareProgram = `
  import fastify from 'fastify';
  import { collectDefaultMetrics, Registry } from 'prom-client';
  const register = new Registry();
  collectDefaultMetrics({ register });
  const app = fastify();
  app.get('/metrics', async (_request, reply) => reply.type(register.contentType).send(await register.metrics()));
  await app.listen({ host: '127.0.0.1', port: 0 });
  console.log('listening');
`;

export async function footprint(options: BenchOptions): Promise<readonly Row[]> {
  const world = await openWorld();
  const children: ChildProcess[] = [];
  try {
    const agentStarts: number[] = [];
    const bareStarts: number[] = [];
    for (let count = 0; count < starts * options.times; count += 1) {
      agentStarts.push(await timeAgent(options, world));
      bareStarts.push(await timeBare(options));
    }
    const agents = ids.map((id) => spawnAgent(agentOf(options), world, id));
    const bares = ids.map(() => spawnBare(options));
    children.push(...agents, ...bares);
    await delay(settleMs);
    const sampled = (all: readonly ChildProcess[]): Promise<Sample> =>
      sampleAll(
        all.map(({ pid }) => pid),
        sampleMs,
      );
    const [mine, yardstick] = await Promise.all([sampled(agents), sampled(bares)]);
    return [...memoryRows(mine, yardstick), cpuRow(mine, yardstick), startRow(agentStarts, bareStarts)];
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await world.close();
  }
}

/** As whoever has installed no package runs it. */
const agentOf = ({ agentFile }: BenchOptions): AgentProgram => ({
  node: process.execPath,
  flags: [],
  file: agentFile,
});

function memoryRows(mine: Sample, bare: Sample): readonly Row[] {
  const rowOf = (kind: string, own: number, other: number): Row => ({
    what: `idle memory, ${kind}, mean of two`,
    measured: `${own.toFixed(1)} MB`,
    yardstick: `bare Fastify and prom-client ${other.toFixed(1)} MB`,
    ratio: (own / other).toFixed(2),
    bound: '',
    ok: null,
  });
  const resident = {
    ...rowOf('resident (RSS)', mine.rssMb, bare.rssMb),
    bound: `<= ${maxMemoryRatio}, < ${maxMemoryMb} MB`,
    ok: mine.rssMb / bare.rssMb <= maxMemoryRatio && mine.rssMb < maxMemoryMb,
  };
  // Without a bound: it depends on how many other Node processes happen to share Node's own pages.
  return Number.isNaN(mine.pssMb) ? [resident] : [resident, rowOf('its share (PSS)', mine.pssMb, bare.pssMb)];
}

function cpuRow(mine: Sample, bare: Sample): Row {
  return {
    what: `idle CPU over ${sampleMs / 1_000} s, of one core, mean of two`,
    measured: `${mine.cpuPercent.toFixed(2)} %`,
    yardstick: `bare process ${bare.cpuPercent.toFixed(2)} %`,
    ratio: (mine.cpuPercent / maxCpuPercent).toFixed(2),
    bound: `< ${maxCpuPercent} %`,
    ok: mine.cpuPercent < maxCpuPercent,
  };
}

function startRow(agentStarts: readonly number[], bareStarts: readonly number[]): Row {
  return {
    what: `start to first probe (${counted(agentStarts.length, 'start')})`,
    measured: spread(agentStarts, 'ms'),
    yardstick: `bare process listens after ${spread(bareStarts, 'ms')}`,
    ratio: (median(agentStarts) / median(bareStarts)).toFixed(2),
    bound: `< ${maxStartMs} ms`,
    ok: median(agentStarts) < maxStartMs,
  };
}

/** From the fork to the request of the first probe. */
async function timeAgent(options: BenchOptions, world: AgentWorld): Promise<number> {
  const probed = world.nextProbe();
  const startedAt = performance.now();
  const child = spawnAgent(agentOf(options), world, 'saturn');
  return endingAfter(child, probed, startedAt);
}

/** From the fork to the line that says that it listens. */
async function timeBare(options: BenchOptions): Promise<number> {
  const startedAt = performance.now();
  const child = spawnBare(options);
  const listening = new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
  return endingAfter(child, listening, startedAt);
}

async function endingAfter(child: ChildProcess, awaited: Promise<void>, startedAt: number): Promise<number> {
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let complaint = '';
  child.stderr?.on('data', (chunk) => (complaint += chunk));
  const late = delay(startWithinMs, null, { ref: false }).then(() => {
    throw new Error(`It did not start within ${startWithinMs} ms. ${complaint}`);
  });
  try {
    await Promise.race([awaited, late]);
    return performance.now() - startedAt;
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

function spawnBare({ root }: BenchOptions): ChildProcess {
  return spawn(process.execPath, ['--input-type=module', '--eval', bareProgram], {
    cwd: join(root, 'packages/agent'),
    env: { PATH: process.env.PATH ?? '', HOME: tmpdir() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
