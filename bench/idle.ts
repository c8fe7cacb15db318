/**
 * What an idle pair costs, and how soon it fails over, beside a pair of another build: that of FAILTOME_BENCH_AGENT. Both
 * run at the same time, so that whatever else the machine does is done to both.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Counted, countBytes, openCounted } from './counted-cluster.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { type Sample, sampleAll } from './process-sample.ts';
import { mean, median, type Row, spread } from './table.ts';
import { pairOptions, runTrial } from './trials.ts';

const ids = ['saturn', 'neptune'] as const;
/** After its start a process still collects and compiles. */
const restMs = 20_000;
const sampleMs = 60_000;
const windowMs = 1_000;
const trials = 12;
const maxRatio = 1.05;

interface Measured {
  readonly sample: Sample;
  /** Bytes a second and node. */
  readonly rates: readonly number[];
  /** From the first failed probe or the holder's word, until when nobody knows, to the first request that is served again. */
  readonly outagesMs: readonly number[];
}

export async function idle({ builtFile, agentFile, times, note }: BenchOptions): Promise<readonly Row[]> {
  const pairs: Counted[] = [];
  try {
    for (const file of [builtFile, agentFile]) pairs.push(await openCounted(pairOptions(file), ids));
    await Promise.all(pairs.map(({ cluster }) => cluster.settled(settleWithinMs)));
    await delay(restMs);
    note('idle: both pairs at rest');
    const rests = await Promise.all(pairs.map((pair) => measureRest(pair, times)));
    note('idle: failovers');
    const outages = await Promise.all(pairs.map(({ cluster }) => measureFailovers(cluster, trials * times)));
    const [own, other] = rests.map((rest, index) => ({ ...rest, outagesMs: outages[index] ?? [] }));
    if (own === undefined || other === undefined) throw new Error('There are two pairs.');
    return rowsOf(own, other, agentFile === builtFile ? 'the same build' : 'the other build');
  } finally {
    for (const pair of pairs) await pair.close();
  }
}

async function measureRest({ cluster, ways }: Counted, times: number): Promise<Omit<Measured, 'outagesMs'>> {
  const lengthMs = sampleMs * times;
  const pids = cluster.nodes.map(({ agent }) => agent.pid);
  const [sample, rates] = await Promise.all([
    sampleAll(pids, lengthMs),
    countBytes(ids, ways, lengthMs / windowMs, windowMs),
  ]);
  return { sample, rates };
}

async function measureFailovers(cluster: Counted['cluster'], count: number): Promise<readonly number[]> {
  const outagesMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { outage, firstFailure, word } = await runTrial(cluster, 'killed', index / count);
    const knownAt = Math.min(
      firstFailure.taker?.endedAt ?? Number.POSITIVE_INFINITY,
      word ?? Number.POSITIVE_INFINITY,
    );
    outagesMs.push(outage.endedAt - knownAt);
  }
  return outagesMs;
}

function rowsOf(own: Measured, other: Measured, yardstick: string): readonly Row[] {
  const row = (what: string, text: (one: Measured) => string, value: (one: Measured) => number): Row => {
    const ratio = value(own) / value(other);
    return {
      what,
      measured: text(own),
      yardstick: `${yardstick} ${text(other)}`,
      ratio: ratio.toFixed(3),
      bound: `<= ${maxRatio}`,
      ok: ratio <= maxRatio,
    };
  };
  return [
    row(
      'idle CPU, of one core, mean of a pair',
      ({ sample }) => `${sample.cpuPercent.toFixed(2)} %`,
      ({ sample }) => sample.cpuPercent,
    ),
    row(
      'idle memory, resident (RSS), mean of a pair',
      ({ sample }) => `${sample.rssMb.toFixed(1)} MB`,
      ({ sample }) => sample.rssMb,
    ),
    row(
      'bytes sent per node and second, mean',
      ({ rates }) => `${mean(rates).toFixed(0)} B/s`,
      ({ rates }) => mean(rates),
    ),
    row(
      'failover, killed, from the first that anybody knows',
      ({ outagesMs }) => spread(outagesMs, 'ms'),
      ({ outagesMs }) => median(outagesMs),
    ),
  ];
}
