/**
 * What the idle agent of a package takes of memory, beside the same agent as `node failtome.js` runs it: on the Node that the
 * packages carry, and on this machine's. All rest at the same time, so that whatever else the machine does is done to
 * all. Needs /proc.
 */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type AgentProgram, type AgentWorld, ids, openWorld, spawnAgent } from './agent-world.ts';
import type { BenchOptions } from './options.ts';
import { sampleAll } from './process-sample.ts';
import { mean, type Row, spread } from './table.ts';

/** After its start a process still collects and compiles. */
const settleMs = 20_000;
const sampleMs = 60_000;
/** Two of a kind differ by some megabytes: several of each. */
const pairs = 3;
const maxRatio = 1;

interface Resting {
  readonly worlds: readonly AgentWorld[];
  readonly agents: readonly ChildProcess[];
}

export async function packaged({ agentFile, root, times }: BenchOptions): Promise<readonly Row[]> {
  const { runtimeFor, AGENT_FLAGS, AGENT_ENVIRONMENT } = await packing(root);
  const { folder, version } = runtimeFor(process.arch === 'arm64' ? 'arm64' : 'x64');
  const node = join(folder, 'bin/node');
  const programs: readonly AgentProgram[] = [
    { node, flags: AGENT_FLAGS, file: agentFile, environment: AGENT_ENVIRONMENT },
    { node, flags: [], file: agentFile },
    { node: process.execPath, flags: [], file: agentFile },
  ];
  const resting: Resting[] = [];
  try {
    for (const program of programs) resting.push(await start(program));
    await delay(settleMs);
    const memory = await Promise.all(resting.map(({ agents }) => memoryOf(agents, sampleMs * times)));
    const [inPackage = [], sameNode = [], ownNode = []] = memory;
    const own = process.versions.node;
    return [
      rowOf(inPackage, sameNode, `without its settings, Node ${version}`, maxRatio),
      // Without a bound: each line of Node has another size of its own.
      rowOf(inPackage, ownNode, `without its settings, Node ${own}`, null),
    ];
  } finally {
    for (const { agents, worlds } of resting) {
      for (const agent of agents) agent.kill('SIGKILL');
      for (const world of worlds) await world.close();
    }
  }
}

function rowOf(mine: readonly number[], other: readonly number[], kind: string, bound: number | null): Row {
  const ratio = mean(mine) / mean(other);
  return {
    what: `idle memory of the packaged agent (RSS, ${mine.length} of each)`,
    measured: spread(mine, 'MB', 1),
    yardstick: `${kind} ${spread(other, 'MB', 1)}`,
    ratio: ratio.toFixed(2),
    bound: bound === null ? '' : `<= ${bound}`,
    ok: bound === null ? null : ratio <= bound,
  };
}

/** Not bundled: it finds its lockfile by its own place. What is imported by a path that is computed has no type. */
async function packing(root: string): Promise<typeof import('../scripts/package/runtime.mjs')> {
  return import(pathToFileURL(join(root, 'scripts/package/runtime.mjs')).href);
}

async function start(program: AgentProgram): Promise<Resting> {
  const worlds: AgentWorld[] = [];
  for (let count = 0; count < pairs; count += 1) worlds.push(await openWorld());
  const agents = worlds.flatMap((world) => ids.map((id) => spawnAgent(program, world, id)));
  return { worlds, agents };
}

/** Of each process by itself. */
async function memoryOf(agents: readonly ChildProcess[], lengthMs: number): Promise<readonly number[]> {
  const samples = await Promise.all(agents.map((agent) => sampleOf(agent, lengthMs)));
  return samples.map(({ rssMb }) => rssMb);
}

function sampleOf(agent: ChildProcess, lengthMs: number): ReturnType<typeof sampleAll> {
  const { pid, exitCode, stderr } = agent;
  if (exitCode !== null) throw new Error(`An agent has ended with ${exitCode}: ${stderr?.read() ?? ''}`);
  return sampleAll([pid], lengthMs);
}
