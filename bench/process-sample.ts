/** What processes take of memory and processor, as Linux tells it. Needs /proc. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { mean } from './table.ts';

const memorySamples = 20;
/** Of /proc/PID/stat; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Sample {
  readonly rssMb: number;
  /** With what is shared divided among those who share it; NaN where the kernel doesn't tell. */
  readonly pssMb: number;
  readonly cpuPercent: number;
}

/** Two of a kind differ by some megabytes, by what their last collections left over. */
export async function sampleAll(pids: readonly (number | undefined)[], sampleMs: number): Promise<Sample> {
  const samples = await Promise.all(pids.map((pid) => sample(pid, sampleMs)));
  return {
    rssMb: mean(samples.map(({ rssMb }) => rssMb)),
    pssMb: mean(samples.map(({ pssMb }) => pssMb)),
    cpuPercent: mean(samples.map(({ cpuPercent }) => cpuPercent)),
  };
}

async function sample(pid: number | undefined, sampleMs: number): Promise<Sample> {
  const ticksBefore = ticksOf(pid);
  const startedAt = performance.now();
  const rss: number[] = [];
  const pss: number[] = [];
  for (let count = 0; count < memorySamples; count += 1) {
    await delay(sampleMs / memorySamples);
    rss.push(megabytesOf(`/proc/${pid}/status`, 'VmRSS'));
    pss.push(megabytesOf(`/proc/${pid}/smaps_rollup`, 'Pss'));
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const cpuPercent = ((ticksOf(pid) - ticksBefore) / ticksPerSecond / seconds) * 100;
  return { rssMb: mean(rss), pssMb: mean(pss), cpuPercent };
}

function megabytesOf(file: string, field: string): number {
  try {
    const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(file, 'utf8')) ?? [];
    return Number(kilobytes ?? Number.NaN) / 1_000;
  } catch {
    return Number.NaN; // not told to everybody
  }
}

/** What a process has taken of processors, in microseconds. */
export function cpuUsOf(pid: number | undefined): number {
  return (ticksOf(pid) * 1_000_000) / ticksPerSecond;
}

/** User and system time of all its threads. */
function ticksOf(pid: number | undefined): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
  const fields = afterName.split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
