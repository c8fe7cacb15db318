/**
 * Settings held against a network: how long clients are without service when the holder fails, how often an address that
 * serves is moved for nothing, and which settings would be better at either.
 */
import type { AgentConfiguration, Given } from '../scenario/index.ts';
import type { Pool } from '../workers/pool.ts';
import { createRandom, type Random } from '../world/index.ts';
import { drawSettings, neighbour, settled } from './candidates.ts';
import { FAILURES } from './experiment.ts';
import {
  type Bench,
  type Choice,
  type Effort,
  experimentOf,
  LEAST_SHARE,
  needlessMoves,
  timed,
  type Wanted,
} from './measure.ts';
import type { NetworkModel } from './network-model.ts';
import type { TuneTask, TuneTaskResult } from './tasks.ts';

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
  readonly pool: Pick<Pool<TuneTask, TuneTaskResult>, 'run' | 'jobs' | 'close'>;
  /** Nothing new is searched any more. */
  readonly isOver: () => boolean;
  readonly onProgress: (last: string, count: { readonly measured: number; readonly planned: number }) => void;
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

/** How many of the front are measured in full at the end. */
const FINALISTS = 3;
/** So many are measured at once, on however many cores: what comes next depends on them. */
const AT_ONCE = 8;
/** For a bound that was a share of a window, and is one of a year. */
const ROUNDED = 1.001;
/** Seeds of different measurements don't meet. */
const SEEDS_APART = 1_000_003;

/** Measure, search, and measure the best. */
export async function tune(options: TuneOptions, ports: TunePorts): Promise<TuneResult> {
  const random = createRandom(options.seed);
  const { config, named, draws, full, coarse } = options;
  const base = config.settings;
  const measured = createMeasured(options, ports, named.size + 2 * draws + FINALISTS);
  const known = new Set<string>();
  let isWhole = true;

  async function search(draw: () => Given): Promise<void> {
    for (let left = draws; left > 0; left -= AT_ONCE) {
      if (ports.isOver()) {
        isWhole = false;
        return;
      }
      const drawn = Array.from({ length: Math.min(left, AT_ONCE) }, draw);
      await measured.add(
        drawn.flatMap((settings) => {
          const key = JSON.stringify([...settled(base, settings)]);
          if (known.has(key)) return [];
          known.add(key);
          return [{ name: `found ${known.size}`, settings, effort: coarse, inFull: false }];
        }),
      );
    }
  }

  await measured.add([...named].map(([name, settings]) => ({ name, settings, effort: full, inFull: true })));
  await search(() => drawSettings(base, random));
  await search(() => neighbour(base, pickFrom(frontOf(measured.choices), random), random));
  const finalists = spread(
    frontOf(measured.choices).filter(({ inFull }) => !inFull),
    FINALISTS,
  );
  await measured.add(finalists.map(({ name, settings }) => ({ name, settings, effort: full, inFull: true })));
  return {
    network: options.network,
    choices: measured.choices,
    front: frontOf(measured.choices),
    advised: adviseFrom(measured.choices, options),
    isWhole,
  };
}

/** What was measured so far, and what adds to it. */
interface Measured {
  readonly choices: readonly Choice[];
  /** Measure these; one of a name that is there takes its place. */
  add(all: readonly Omit<Wanted, 'seed'>[]): Promise<void>;
}

function createMeasured(options: TuneOptions, { pool, onProgress }: TunePorts, planned: number): Measured {
  const { config, network, needlessPerYear } = options;
  const bench: Bench = { config, network, needlessPerYear, pool };
  const worldOf = ({ settings }: Pick<Wanted, 'settings'>): string =>
    JSON.stringify(experimentOf(config, network, settings).world.settings);
  const choices: Choice[] = [];
  let begun = 0;
  let done = 0;

  async function measure(wanted: Wanted, earlier: readonly Choice[]): Promise<Choice | null> {
    const within = await timed(bench, wanted);
    const isWorthIt = wanted.inFull || !isBeaten(within.typicalMs, earlier, needlessPerYear);
    const choice = isWorthIt ? { ...within, needless: await needlessMoves(bench, wanted) } : null;
    done += 1;
    onProgress(wanted.name, { measured: done, planned });
    return choice;
  }

  return {
    choices,
    async add(all) {
      const earlier = [...choices];
      const wanted = all.map((one) => ({ ...one, seed: options.seed + begun++ * SEEDS_APART }));
      // Your settings may be a preset's: what is the same is measured once.
      const byWorld = new Map<string, Promise<Choice | null>>();
      const added = await Promise.all(
        wanted.map(async (one) => {
          const world = worldOf(one);
          const running = byWorld.get(world) ?? measure(one, earlier);
          byWorld.set(world, running);
          const choice = await running;
          return choice === null ? [] : [{ ...choice, name: one.name }];
        }),
      );
      for (const choice of added.flat()) {
        const index = choices.findIndex(({ name }) => name === choice.name);
        if (index !== -1) choices.splice(index, 1);
        choices.push(choice);
      }
    },
  };
}

/** Another is as quick, and moves nothing as far as anybody looks: how seldom this one would, can't matter. */
function isBeaten(typicalMs: number, by: readonly Choice[], needlessPerYear: number): boolean {
  const isRare = ({ needless }: Choice): boolean =>
    needless.isLess && needless.high <= needlessPerYear * LEAST_SHARE * ROUNDED;
  return by.some((other) => other.typicalMs <= typicalMs && isRare(other));
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
