/** A failover, and the delay of the event loop, while strangers send all they can to every node: beside the same without them. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { defaultProfile } from './profiles.ts';
import { median, p99, type Row, spread } from './table.ts';
import { runTrial, startPair } from './trials.ts';

type Pair = Awaited<ReturnType<typeof startPair>>;

const trials = 5;
const maxRatio = 1.2;
const maxDelayMs = 100;

/** What was measured of some failovers, in milliseconds. */
interface Measured {
  readonly outages: readonly number[];
  /** The longest of each second and agent. */
  readonly delays: readonly number[];
}

export async function strangers({ agentFile, root, times, note }: BenchOptions): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-bench-'));
  const file = join(folder, 'delays');
  await writeFile(file, '');
  const cluster = await startPair(agentFile, defaultProfile, {
    NODE_OPTIONS: `--import=${pathToFileURL(join(root, 'bench/loop-delay.mjs')).href}`,
    BENCH_LOOP_FILE: file,
  });
  let flood: ChildProcess | null = null;
  try {
    await cluster.settled(settleWithinMs);
    note('strangers: control');
    const control = await measure(cluster, file, trials * times);
    note('strangers: flooded');
    const urls = cluster.nodes.map(({ agent }) => agent.api.url);
    flood = fork(join(root, 'node_modules/.cache/failtome-bench-flood.mjs'), urls);
    const flooded = await measure(cluster, file, trials * times);
    return rowsOf(control, flooded);
  } finally {
    flood?.kill();
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(cluster: Pair, file: string, count: number): Promise<Measured> {
  await truncate(file); // what was before doesn't count
  const outages: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { outage } = await runTrial(cluster, 'killed', index / count);
    outages.push(outage.endedAt - outage.beganAt);
  }
  const lines = (await readFile(file, 'utf8')).split('\n');
  return { outages, delays: lines.filter((line) => line !== '').map(Number) };
}

function rowsOf(control: Measured, flooded: Measured): readonly Row[] {
  const ratio = median(flooded.outages) / median(control.outages);
  const delay = p99(flooded.delays);
  return [
    {
      what: 'failover, killed, strangers at every node',
      measured: spread(flooded.outages, 'ms'),
      yardstick: `without ${spread(control.outages, 'ms')}`,
      ratio: ratio.toFixed(2),
      bound: `<= ${maxRatio}`,
      ok: ratio <= maxRatio,
    },
    {
      what: "the event loop's longest delay, strangers at every node",
      measured: spread(flooded.delays, 'ms'),
      yardstick: `without ${spread(control.delays, 'ms')}`,
      ratio: (delay / p99(control.delays)).toFixed(2),
      bound: `<= ${maxDelayMs} ms`,
      ok: delay <= maxDelayMs,
    },
  ];
}
