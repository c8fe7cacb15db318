/** One choice of settings, measured: how long a failover takes, and how often an address that serves is moved. */
import { type AgentConfiguration, type Given, settingsOf, worldOf } from '../scenario/index.ts';
import type { Pool } from '../workers/pool.ts';
import type { WorldSpec } from '../world/index.ts';
import { settled } from './candidates.ts';
import { type Interval, quantile, type YearlyRate, yearlyRate } from './estimate.ts';
import { type Experiment, FAILURES, type Failure } from './experiment.ts';
import type { NetworkModel } from './network-model.ts';
import type { TuneTask, TuneTaskResult } from './tasks.ts';

/** How much work goes into one choice of settings. */
export interface Effort {
  /** How often the holder fails in each way. */
  readonly failures: number;
  /** Independent estimates of needless moves, and how many runs each keeps. */
  readonly estimates: number;
  readonly runs: number;
}

/** What is printed. */
export const FULL: Effort = { failures: 100, estimates: 3, runs: 96 };
/** What is searched with. */
export const COARSE: Effort = { failures: 12, estimates: 1, runs: 32 };

/** For how long clients weren't served, in milliseconds. */
export interface Downtime {
  readonly median: Interval;
  readonly p90: Interval;
  readonly longest: number;
  /** How often nobody served within the time that was waited. */
  readonly unserved: number;
}

/** Settings of which is known how long a failover takes by them. */
export interface Timed {
  /** `yours`, a preset's name, or `found N`. */
  readonly name: string;
  /** Every key that is searched, as it is by these settings; durations in milliseconds. */
  readonly settings: Given;
  readonly effort: Effort;
  /** Measured as well as what is printed is; else as the search does. */
  readonly inFull: boolean;
  readonly downtime: Readonly<Record<Failure, Downtime>>;
  /** The mean of the three medians: what the search makes small. */
  readonly typicalMs: number;
}

/** Settings with all that was measured of them. */
export interface Choice extends Timed {
  /** Needless moves of an address that serves. */
  readonly needless: YearlyRate;
}

/** Settings that are to be measured. */
export interface Wanted {
  readonly name: string;
  readonly settings: Given;
  readonly effort: Effort;
  readonly inFull: boolean;
  readonly seed: number;
}

/** What they are measured on. */
export interface Bench {
  readonly config: AgentConfiguration;
  readonly network: NetworkModel;
  readonly needlessPerYear: number;
  readonly pool: Pick<Pool<TuneTask, TuneTaskResult>, 'run'>;
}

const LEAST_WINDOW_MS = 2_000;
/** A window is at least so many times as long as a node takes to be sure of an outage. */
const DETECTIONS = 3;
/** From a start until a cluster that has run before has settled: the cloud is read, and all know of each other. */
const SETTLE_MS = 1_500;
/** And so many rounds of what each node does again and again. */
const SETTLE_ROUNDS = 2;
/** Of what is few enough: rarer isn't told apart. */
export const LEAST_SHARE = 0.1;
const YEAR_MS = 31_557_600_000;

/** The world of a configuration, with some of its settings changed. */
export function experimentOf(config: AgentConfiguration, network: NetworkModel, changes: Given): Experiment {
  const settings: Given = new Map([...config.settings, ...changes]);
  const { nodes, addresses } = config;
  const cluster = { nodes, addresses: addresses.map(({ ip }) => ({ ip })) };
  const world: WorldSpec = worldOf(
    { cluster, settings, cloud: undefined, disk: undefined, timers: undefined },
    0,
  );
  const { probe, local, gossip } = settingsOf(settings);
  const roundMs = Math.max(probe.intervalMs, local?.intervalMs ?? 0, gossip.intervalMs);
  const detectMs = Math.max(probe.intervalMs + probe.fall * probe.timeoutMs, gossip.deadMs);
  return {
    world,
    network,
    settleMs: SETTLE_MS + SETTLE_ROUNDS * roundMs,
    windowMs: Math.max(LEAST_WINDOW_MS, DETECTIONS * detectMs),
  };
}

/** Let the holder fail, in every way. */
export async function timed(bench: Bench, { name, settings, effort, inFull, seed }: Wanted): Promise<Timed> {
  const { config, network, pool } = bench;
  const experiment = experimentOf(config, network, settings);
  const downtimes = async (failure: Failure): Promise<Downtime> => {
    const done = await taken(pool, { kind: 'downtimes', experiment, failure, seed, count: effort.failures });
    if (done.kind !== 'downtimes') throw new Error(`asked for downtimes, and got ${done.kind}`);
    return downtimeOf(done.ms);
  };
  const [killed, hung, gone] = await Promise.all([downtimes('killed'), downtimes('hung'), downtimes('gone')]);
  return {
    name,
    settings: settled(config.settings, settings),
    effort,
    inFull,
    downtime: { killed, hung, gone },
    typicalMs: (killed.median.value + hung.median.value + gone.median.value) / FAILURES.length,
  };
}

/** Count needless moves. */
export async function needlessMoves(bench: Bench, { settings, effort, seed }: Wanted): Promise<YearlyRate> {
  const { config, network, pool, needlessPerYear } = bench;
  const experiment = experimentOf(config, network, settings);
  const least = (LEAST_SHARE * needlessPerYear * experiment.windowMs) / YEAR_MS;
  const estimates = await Promise.all(
    Array.from({ length: effort.estimates }, async (_, index) => {
      const done = await taken(pool, {
        kind: 'needless',
        experiment,
        seed: seed + index,
        runs: effort.runs,
        least,
      });
      if (done.kind !== 'needless') throw new Error(`asked for needless moves, and got ${done.kind}`);
      return done.result;
    }),
  );
  return yearlyRate(estimates, effort.runs, experiment.windowMs);
}

function downtimeOf(measured: readonly (number | null)[]): Downtime {
  const values = measured.map((ms) => ms ?? Number.POSITIVE_INFINITY);
  return {
    median: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    longest: Math.max(...values),
    unserved: measured.filter((ms) => ms === null).length,
  };
}

async function taken(pool: Bench['pool'], task: TuneTask): Promise<TuneTaskResult> {
  const answered = await pool.run(task);
  if (answered.kind === 'broken') throw answered.error;
  return answered.result;
}
