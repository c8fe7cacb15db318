import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { PRESETS } from '@failtome/config';
import { type Command, InvalidArgumentError } from 'commander';
import { type Given, loadAgentFile } from '../scenario/index.ts';
import {
  COARSE,
  describeTuning,
  FULL,
  type NetworkModel,
  networkFrom,
  presetSettings,
  startTuners,
  type TuneResult,
  tune,
  tuningPage,
  USUAL_NETWORK,
} from '../tune/index.ts';
import { parseSpan, shareIn, spanIn, wholeIn } from './arguments.ts';
import { type CommandContext, UsageError } from './context.ts';
import { asUsage } from './list-command.ts';
import { refuseUnwritable } from './output-files.ts';
import { startMeasuring } from './progress.ts';

type Range = readonly [number, number];
interface Often {
  readonly perHour: number;
  readonly ms: number;
}

interface TuneFlags {
  readonly config: string;
  readonly loss?: number;
  readonly bursts?: Often;
  readonly standstills?: Often;
  readonly rtt?: Range;
  readonly way?: Range;
  readonly cloud?: Range;
  readonly guard?: Range;
  readonly settles?: number;
  readonly from?: readonly string[];
  readonly for?: number;
  readonly draws: number;
  readonly needless: number;
  readonly coarse: boolean;
  readonly seed: number;
  readonly jobs: number;
  readonly html?: string;
  readonly json: boolean;
}

const FETCH_TIMEOUT_MS = 5_000;
const MAX_METRICS_BYTES = 4 * 1_048_576;

/** Add `failtome-sim tune`. */
export function addTune(program: Command, context: CommandContext): void {
  program
    .command('tune')
    .description(
      'how long a failover takes by your settings, how often they move an address for nothing, and better ones',
    )
    .requiredOption('-c, --config <file>', "an agent's own configuration")
    .option('--loss <share>', 'of all packets: 1%, or 0.01', shareIn)
    .option('--bursts <n,time>', 'a node loses every packet, n times an hour, for so long: 2,400ms', oftenIn)
    .option(
      '--standstills <n,time>',
      'a machine stands still, n times an hour, for so long: 1,400ms',
      oftenIn,
    )
    .option('--rtt <a..b>', 'round trips between nodes: 0.3ms..2ms', rangeIn)
    .option('--way <a..b>', 'round trips to the address', rangeIn)
    .option('--cloud <a..b>', 'calls to the cloud: 100ms..200ms', rangeIn)
    .option('--guard <a..b>', 'answers of the external-IP service', rangeIn)
    .option('--settles <time>', 'from an association until it works', spanIn)
    .option(
      '--from <url,…>',
      'take round trips, loss and standstills from the metrics of these nodes',
      listIn,
    )
    .option('--needless <n>', 'so many needless moves a year are few enough', positiveIn, 0.001)
    .option(
      '--draws <n>',
      'so many settings are drawn, and as many beside the best; may be none',
      wholeIn(0),
      16,
    )
    .option(
      '--for <time>',
      'search no longer than this; yours and the presets are measured in any case',
      spanIn,
    )
    .option('--coarse', 'a rough answer, in a fraction of the time', false)
    .option('--seed <n>', 'the same seed gives the same result', wholeIn(1), 1)
    .option('--jobs <n>', 'how many at once', wholeIn(1), availableParallelism())
    .option('--html <file>', 'write the result as one page with a picture')
    .option('--json', 'the result as JSON', false)
    .action((flags: TuneFlags) => run(flags, context));
}

async function run(flags: TuneFlags, { write, signal }: CommandContext): Promise<void> {
  refuseUnwritable({ '--html': flags.html }, flags.config);
  const config = asUsage(() => loadAgentFile(flags.config));
  const network = networkOf(flags, await measured(flags.from ?? []));
  const startedMs = performance.now();
  const measuring = startMeasuring();
  const pool = startTuners(pathToFileURL(process.argv[1] ?? ''), flags.jobs);
  const over = (): boolean => performance.now() - startedMs >= (flags.for ?? Number.POSITIVE_INFINITY);
  try {
    const result = await tune(
      {
        config,
        network,
        named: new Map<string, Given>([
          ['yours', new Map()],
          ...PRESETS.map((preset) => [preset, presetSettings(config.settings, preset)] as const),
        ]),
        seed: flags.seed,
        draws: flags.draws,
        needlessPerYear: flags.needless,
        full: flags.coarse ? COARSE : FULL,
        coarse: COARSE,
      },
      {
        pool,
        isOver: () => signal.aborted || over(),
        onProgress: measuring.onProgress,
      },
    );
    measuring.end();
    tell(result, flags, write);
  } finally {
    await pool.close();
  }
}

function tell(result: TuneResult, { html, json }: TuneFlags, write: CommandContext['write']): void {
  if (html !== undefined) writeFileSync(html, tuningPage(result));
  if (json)
    write(
      `${JSON.stringify(result, (_key, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value), 1)}\n`,
    );
  else for (const line of describeTuning(result)) write(`${line}\n`);
}

/** What is given by hand counts before what was measured. */
function networkOf(flags: TuneFlags, base: NetworkModel): NetworkModel {
  const { packets, cloud } = base;
  const { loss, bursts, rtt, way, guard, settles } = flags;
  return {
    packets: {
      loss: loss ?? packets.loss,
      bursts: bursts ?? packets.bursts,
      peerRttMs: rtt ?? packets.peerRttMs,
      outsideRttMs: way ?? packets.outsideRttMs,
      externalIpMs: guard ?? packets.externalIpMs,
    },
    standstills: flags.standstills ?? base.standstills,
    // Half of a call's time is until it is applied, as far as anybody can tell from outside.
    cloud:
      flags.cloud === undefined ? cloud : { applyMs: halved(flags.cloud), answerMs: halved(flags.cloud) },
    associationSettleMs: settles ?? base.associationSettleMs,
  };
}

async function measured(urls: readonly string[]): Promise<NetworkModel> {
  if (urls.length === 0) return USUAL_NETWORK;
  const nodes = await Promise.all(urls.map(async (url) => ({ source: url, text: await metricsOf(url) })));
  try {
    return networkFrom(nodes, USUAL_NETWORK, Date.now());
  } catch (error) {
    throw new UsageError(`--from ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function metricsOf(url: string): Promise<string> {
  const target = new URL('/metrics', url);
  try {
    const response = await fetch(target, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`it answered with ${response.status}`);
    const text = await response.text();
    if (text.length > MAX_METRICS_BYTES) throw new Error('its answer is too long for metrics');
    return text;
  } catch (error) {
    throw new UsageError(`--from ${target.href}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function halved([least, most]: Range): Range {
  return [least / 2, most / 2];
}

function oftenIn(text: string): Often {
  const [, count = '', span = ''] = /^(\d{1,6}(?:\.\d{1,3})?),(.+)$/.exec(text) ?? [];
  const ms = parseSpan(span);
  if (count === '' || ms === null || ms === 0)
    throw new InvalidArgumentError('times an hour and a length, such as 2,400ms');
  return { perHour: Number(count), ms };
}

function rangeIn(text: string): Range {
  const [least, most] = text.split('..').map(parseSpan);
  if (least === undefined || least === null || most === null)
    throw new InvalidArgumentError('times such as 1ms..6ms');
  return [Math.min(least, most ?? least), Math.max(least, most ?? least)];
}

function positiveIn(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('not a number above 0');
  return value;
}

function listIn(text: string): readonly string[] {
  const urls = text.split(',').map((url) => url.trim());
  if (!urls.every((url) => URL.canParse(url)))
    throw new InvalidArgumentError('URLs with commas between them, such as http://10.0.1.10:9321');
  return urls;
}
