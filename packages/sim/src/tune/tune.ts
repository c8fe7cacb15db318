/**
 * Settings held against a network: how long clients are without service when the holder fails, how often an address that
 * serves is moved for nothing, and which settings would be better at either.
 */
import { type AgentConfiguration, type Given, settingsOf, worldOf } from '../scenario/index.ts';
import type { Pool } from '../workers/pool.ts';
import { createRandom, type Random, type WorldSpec } from '../world/index.ts';
import { drawSettings, neighbour, settled } from './candidates.ts';
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
export const FULL: Effort = { failures: 100, estimates: 2, runs: 128 };
/** What is searched with. */
export const COARSE: Effort = { failures: 12, estimates: 1, runs: 40 };

/** Settings with what was measured of them. */
export interface Choice {
  /** `yours`, a preset's name, or `found N`. */
  readonly name: string;
  /** Every key that is searched, as it is by these settings; durations in milliseconds. */
  readonly settings: Given;
  readonly effort: Effort;
  /** Measured as well as what is printed is; else as the search does. */
  readonly inFull: boolean;
  readonly downtime: Readonly<Record<Failure, Downtime>>;
  /** Needless moves of an address that serves. */
  readonly needless: YearlyRate;
  /** The mean of the three medians: what the search makes small. */
  readonly typicalMs: number;
}

/** For how long clients weren't served, in milliseconds. */
export interface Downtime {
  readonly median: Interval;
  readonly p90: Interval;
  readonly longest: number;
  /** How often nobody served within the time that was waited. */
  readonly unserved: number;
}

/** What is to be tuned. */
export interface TuneOptions {
  readonly config: AgentConfiguration;
  readonly network: NetworkModel;
  /** Settings that are measured whatever the search finds, by name. */
  readonly named: ReadonlyMap<string, Given>;
  readonly seed: number;
  /** How many are drawn at random, and then beside the best. */
  readonly draws: number;
  /** How many needless moves in a year are few enough. */
  readonly needlessPerYear: number;
  readonly full: Effort;
  readonly coarse: Effort;
}

/** What it runs on. */
export interface TunePorts {
  readonly pool: Pool<TuneTask, TuneTaskResult>;
  /** Nothing new is searched any more. */
  readonly isOver: () => boolean;
  readonly onProgress: (done: Choice, count: { readonly measured: number; readonly planned: number }) => void;
}

/** What came of it. */
export interface TuneResult {
  readonly network: NetworkModel;
  /** In the order in which they were measured. */
  readonly choices: readonly Choice[];
  /** Those than which none is better at one aim and as good at the other; the quickest first. */
  readonly front: readonly Choice[];
  /** The quickest with few enough needless moves, as far as was measured in full; null: none. */
  readonly advised: Choice | null;
  /** Whether the search came to its end. */
  readonly isWhole: boolean;
}

const LEAST_WINDOW_MS = 20_000;
/** So many windows at least that a node takes to be sure of an outage. */
const DETECTIONS = 4;
/** After the lease that a started voter waits for. */
const SETTLE_MS = 4_000;
/** Of what is few enough: rarer isn't told apart. */
const LEAST_SHARE = 0.1;
const YEAR_MS = 31_557_600_000;
/** How many of the front are measured in full at the end. */
const FINALISTS = 3;
/** Seeds of different measurements don't meet. */
const SEEDS_APART = 1_000_003;

/** Measure, search, and measure the best. */
export async function tune(options: TuneOptions, ports: TunePorts): Promise<TuneResult> {
  const random = createRandom(options.seed);
  const { config, named, draws, full, coarse } = options;
  const base = config.settings;
  const planned = named.size + 2 * draws + FINALISTS;
  const choices: Choice[] = [];
  const known = new Set<string>();
  let [isWhole, measured] = [true, 0];

  async function add(name: string, settings: Given, inFull: boolean): Promise<void> {
    if (!inFull && ports.isOver()) {
      isWhole = false;
      return;
    }
    const choice = await measure(options, ports, {
      name,
      settings,
      effort: inFull ? full : coarse,
      inFull,
      seed: options.seed + measured * SEEDS_APART,
    });
    choices.push(choice);
    measured += 1;
    ports.onProgress(choice, { measured, planned });
  }
  async function search(draw: () => Given): Promise<void> {
    for (let index = 0; index < draws; index += 1) {
      const settings = draw();
      const key = JSON.stringify([...settled(base, settings)]);
      if (known.has(key)) continue;
      known.add(key);
      await add(`found ${known.size}`, settings, false);
    }
  }

  for (const [name, settings] of named) await add(name, settings, true);
  await search(() => drawSettings(base, random));
  await search(() => neighbour(base, pickFrom(frontOf(choices), random), random));
  const finalists = frontOf(choices).filter(({ inFull }) => !inFull);
  for (const { name, settings } of spread(finalists, FINALISTS)) {
    choices.splice(
      choices.findIndex((choice) => choice.name === name),
      1,
    );
    await add(name, settings, true);
  }
  return {
    network: options.network,
    choices,
    front: frontOf(choices),
    advised: adviseFrom(choices, options),
    isWhole,
  };
}

/** The world of a configuration, with some of its settings changed. */
export function experimentOf(config: AgentConfiguration, network: NetworkModel, changes: Given): Experiment {
  const settings: Given = new Map([...config.settings, ...changes]);
  const { nodes, addresses } = config;
  const cluster = { nodes, addresses: addresses.map(({ ip }) => ({ ip })) };
  const world: WorldSpec = worldOf(
    { cluster, settings, cloud: undefined, disk: undefined, timers: undefined },
    0,
  );
  const { probe, gossip, agreement } = settingsOf(settings);
  const detectMs = Math.max(probe.intervalMs + probe.fall * probe.timeoutMs, gossip.deadMs);
  return {
    world,
    network,
    settleMs: agreement.leaseMs + SETTLE_MS,
    windowMs: Math.max(LEAST_WINDOW_MS, DETECTIONS * detectMs),
  };
}

/** None is better at one aim and at least as good at the other. Of needless moves the most that it may be counts. */
export function frontOf(choices: readonly Choice[]): readonly Choice[] {
  const beats = (a: Choice, b: Choice): boolean =>
    a.typicalMs <= b.typicalMs &&
    a.needless.high <= b.needless.high &&
    (a.typicalMs < b.typicalMs || a.needless.high < b.needless.high);
  return choices
    .filter((choice) => !choices.some((other) => beats(other, choice)))
    .sort((a, b) => a.typicalMs - b.typicalMs);
}

function adviseFrom(choices: readonly Choice[], { needlessPerYear }: TuneOptions): Choice | null {
  const good = choices.filter(
    ({ inFull, needless, downtime }) =>
      inFull &&
      needless.high <= needlessPerYear &&
      FAILURES.every((failure) => downtime[failure].unserved === 0),
  );
  return good.sort((a, b) => a.typicalMs - b.typicalMs)[0] ?? null;
}

async function measure(
  { config, network, needlessPerYear }: TuneOptions,
  { pool }: TunePorts,
  what: Pick<Choice, 'name' | 'settings' | 'effort' | 'inFull'> & { readonly seed: number },
): Promise<Choice> {
  const { name, settings, effort, inFull, seed } = what;
  const experiment = experimentOf(config, network, settings);
  const needlessTasks = Array.from(
    { length: effort.estimates },
    (_, index): TuneTask => ({
      kind: 'needless',
      experiment,
      seed: seed + index,
      runs: effort.runs,
      least: (LEAST_SHARE * needlessPerYear * experiment.windowMs) / YEAR_MS,
    }),
  );
  const downtimeTasks = FAILURES.map(
    (failure): TuneTask => ({
      kind: 'downtimes',
      experiment,
      failure,
      seed,
      count: effort.failures,
    }),
  );
  const results = await Promise.all([...needlessTasks, ...downtimeTasks].map((task) => taken(pool, task)));
  const estimates = results.flatMap((one) => (one.kind === 'needless' ? [one.result] : []));
  const downtimes = results.flatMap((one) => (one.kind === 'downtimes' ? [downtimeOf(one.ms)] : []));
  const [killed, hung, gone] = downtimes;
  if (killed === undefined || hung === undefined || gone === undefined)
    throw new Error('a way to fail is missing');
  return {
    name,
    settings: settled(config.settings, settings),
    effort,
    inFull,
    downtime: { killed, hung, gone },
    needless: yearlyRate(estimates, effort.runs, experiment.windowMs),
    typicalMs: (killed.median.value + hung.median.value + gone.median.value) / FAILURES.length,
  };
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

async function taken(pool: TunePorts['pool'], task: TuneTask): Promise<TuneTaskResult> {
  const answered = await pool.run(task);
  if (answered.kind === 'broken') throw answered.error;
  return answered.result;
}

function pickFrom(front: readonly Choice[], random: Random): Given {
  return random.pick(front).settings;
}

/** So many of them, evenly over the whole. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items;
  return items.filter(
    (_, index) =>
      Math.floor((index * count) / items.length) !== Math.floor(((index - 1) * count) / items.length),
  );
}
