/**
 * What the flight recorder costs at rest: what a pair's recordings take of the disk, and what recording takes of the
 * processor. The latter is too little to be seen beside a whole agent, so the inputs that the pair has recorded are recorded
 * again, as fast as may be, by the same code into files, and so is nothing, in turns.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { recordingFilesIn } from '../packages/agent/src/adapters/recording-files.ts';
import { Recorder } from '../packages/agent/src/observe/recorder.ts';
import { type ClusterOptions, startCluster } from '../packages/cluster/src/index.ts';
import type { HostTurn, Input } from '../packages/protocol/src/index.ts';
import { readSegment, replaySegment } from '../packages/recording/src/index.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { sampleAll } from './process-sample.ts';
import { mean, median, type Row, spread } from './table.ts';
import { pairOptions } from './trials.ts';

/** After its start a process still collects and compiles, and records what isn't rest. */
const restMs = 20_000;
const sampleMs = 60_000;
const dayMs = 86_400_000;
/** Rounds through what was recorded, each as long as an hour. */
const rounds = 12;
const roundMs = 3_600_000;

const maxCpuPercent = 0.2;
const maxMbADay = 20;

interface Rest {
  readonly bytesADay: readonly number[];
  /** What one node took in, with what came of it, over `sampleMs`. */
  readonly turns: readonly Taken[];
}

interface Taken {
  readonly input: Input;
  readonly turn: HostTurn;
}

export async function recorder({ builtFile, agentFile, times, note }: BenchOptions): Promise<readonly Row[]> {
  const options: ClusterOptions = { ...pairOptions(agentFile), nodes: [{ id: 'saturn' }, { id: 'neptune' }] };
  const [on, off] = await Promise.all([
    startCluster(options),
    startCluster({ ...options, settings: { ...options.settings, recorder: 'off' } }),
  ]);
  try {
    await Promise.all([on.settled(settleWithinMs), off.settled(settleWithinMs)]);
    await delay(restMs);
    note('recorder: a pair at rest, and one that records nothing');
    const before = sizesIn(on.folder);
    const [recording, silent] = await Promise.all(
      [on, off].map((one) =>
        sampleAll(
          one.nodes.map(({ agent }) => agent.pid),
          sampleMs * times,
        ),
      ),
    );
    const bytes = sizesIn(on.folder).map((size, index) => size - (before[index] ?? 0));
    const bytesADay = bytes.map((size) => (size / (sampleMs * times)) * dayMs);
    const turns = turnsIn(on.folder);
    if (recording === undefined || silent === undefined) throw new Error('There are two pairs.');
    note('recorder: an hour of it, again and again');
    const percents = await costs(turns, rounds * times);
    return [
      cpuRow(percents),
      diskRow({ bytesADay, turns }),
      ...beside(recording, silent, agentFile === builtFile),
    ];
  } finally {
    await Promise.all([on.close(), off.close()]);
  }
}

function recordingsIn(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files
    .filter((name) => name.endsWith('.recording'))
    .sort()
    .map((name) => join(folder, name));
}

function sizesIn(folder: string): readonly number[] {
  return recordingsIn(folder).map((file) => statSync(file).size);
}

/** The inputs of the first node over the last of its time, with what came of each. */
function turnsIn(folder: string): readonly Taken[] {
  const [file] = recordingsIn(folder);
  if (file === undefined) throw new Error('Nothing was recorded.');
  const taken = [...replaySegment(readSegment(readFileSync(file)))].map(({ input, turn }) => ({
    input,
    turn,
  }));
  const end = taken.at(-1)?.input.at ?? 0;
  return taken.filter(({ input }) => input.at > end - sampleMs);
}

/** Of one core, in percent: with a recorder less without, a round each. */
async function costs(turns: readonly Taken[], count: number): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-bench-recorder-'));
  const first = turns[0];
  if (first === undefined) throw new Error('Nothing was recorded.');
  const spanMs = (turns.at(-1)?.input.at ?? 0) - first.input.at + 100;
  try {
    const percents: number[] = [];
    // The first warms the compiler up.
    for (let index = -1; index < count; index += 1) {
      const written = recorderIn(join(folder, String(index)), first);
      const [own, none] = [await cpuMs(turns, spanMs, written), await cpuMs(turns, spanMs, null)];
      if (index >= 0) percents.push(((own - none) / roundMs) * 100);
      rmSync(join(folder, String(index)), { recursive: true, force: true });
    }
    return percents;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Written {
  readonly recorder: Recorder;
  /** Nothing is being written. */
  readonly idle: () => boolean;
}

function recorderIn(directory: string, { turn }: Taken): Written {
  const files = recordingFilesIn(directory);
  const { cluster, node } = turn.core.state.config;
  let begun = 0;
  let ended = 0;
  const recorder = new Recorder(
    {
      failtome: node.version,
      cluster,
      id: node.id,
      run: 'bench',
      settings: { keepMs: roundMs * 6, sizeBytes: 64_000_000 },
    },
    {
      files: {
        ...files,
        async append(name, bytes) {
          await files.append(name, bytes);
          ended += 1;
        },
      },
      blank(text) {
        begun += 1;
        return text;
      },
      told: () => undefined,
    },
  );
  return { recorder, idle: () => begun === ended };
}

async function cpuMs(turns: readonly Taken[], spanMs: number, written: Written | null): Promise<number> {
  const before = process.cpuUsage();
  for (let shift = 0; shift < roundMs; shift += spanMs) {
    for (const { input, turn } of turns) {
      const moved = { ...input, at: input.at + shift, wall: input.wall + shift };
      written?.recorder.takes(moved, turn.core);
      written?.recorder.made(turn);
      // Each write is for itself, as at rest.
      do await new Promise((resolve) => setImmediate(resolve));
      while (written?.idle() === false);
    }
  }
  await written?.recorder.close();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function cpuRow(percents: readonly number[]): Row {
  return {
    what: `recorder: CPU at rest, of one core (${percents.length} hours, recorded again)`,
    measured: spread(percents, '%', 4),
    yardstick: 'the same inputs, recorded by nobody: 0 %',
    ratio: (median(percents) / maxCpuPercent).toFixed(2),
    bound: `< ${maxCpuPercent} %`,
    ok: median(percents) < maxCpuPercent,
  };
}

function diskRow({ bytesADay, turns }: Rest): Row {
  const megabytes = mean(bytesADay) / 1_000_000;
  return {
    what: 'recorder: disk at rest, a day, mean of a pair',
    measured: `${megabytes.toFixed(1)} MB`,
    yardstick: `${(turns.length / (sampleMs / 1_000)).toFixed(1)} inputs a second`,
    ratio: (megabytes / maxMbADay).toFixed(2),
    bound: `< ${maxMbADay} MB`,
    ok: megabytes < maxMbADay,
  };
}

type Sampled = Awaited<ReturnType<typeof sampleAll>>;

/** Without a bound: two agents of one kind differ by more. */
function beside(recording: Sampled, silent: Sampled, isBuilt: boolean): readonly Row[] {
  const row = (what: string, unit: string, value: (one: Sampled) => number): Row => ({
    what: `recorder: an idle agent's ${what}, mean of a pair`,
    measured: `${value(recording).toFixed(2)} ${unit}`,
    yardstick: `${isBuilt ? '' : 'the other build, '}recorder off ${value(silent).toFixed(2)} ${unit}`,
    ratio: (value(recording) / value(silent)).toFixed(3),
    bound: '',
    ok: null,
  });
  return [row('CPU', '%', ({ cpuPercent }) => cpuPercent), row('memory (RSS)', 'MB', ({ rssMb }) => rssMb)];
}
