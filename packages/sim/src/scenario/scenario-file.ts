/**
 * A scenario file: what stands where, and what a plan it makes.
 */
import type { RawMap, RawNode } from '@failtome/config';
import { counted } from '@failtome/protocol';
import type { Ending } from '../plan/index.ts';
import {
  type ClusterPart,
  checkCluster,
  cloudShape,
  clusterShape,
  diskShape,
  networkShape,
  settingsInFile,
  timersShape,
} from './cluster-shape.ts';
import { worldOf } from './cluster-world.ts';
import { expectShape } from './expectation.ts';
import { type Fault, inOrder } from './fault.ts';
import { type Overlay, overlaid, settingsAmong } from './overlay.ts';
import { type Given, settingsOf } from './setting-table.ts';
import { reportClashes } from './settings-shape.ts';
import {
  at,
  type Context,
  choice,
  duration,
  listOf,
  map,
  mapped,
  newContext,
  optional,
  type Reading,
  reportFault,
  required,
  type Schema,
  type Shape,
  scalarOr,
  text,
  whole,
} from './shape.ts';
import { parseText } from './source.ts';
import { brokenShape, entryShape, MAX_ENTRIES } from './timeline-shape.ts';
import type { Scenario } from './types.ts';
import { withConfig } from './with-config.ts';

/** A scenario, or what is wrong with its file. */
export type ScenarioRead =
  | { readonly kind: 'scenario'; readonly scenario: Scenario }
  /** In the order in which they stand in the file. */
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[] };

const DEFAULT_SEEDS = 2;
const MAX_SEEDS = 1_000;
const MAX_SEED = 0xffff_ffff;
const MAX_RUN_MS = 30 * 86_400_000;
const MAX_BROKEN = 32;

/** A name, which is also its file's. */
const NAME = text('a name of letters, digits and hyphens', /^[A-Za-z0-9][A-Za-z0-9-]{0,79}$/);
const NO_OVERLAY: Overlay = { sets: [], config: null };

/** A number of seeds, from 1 on, or the seeds themselves. */
const seeds: Shape<readonly number[]> = mapped(
  scalarOr(whole(1, MAX_SEEDS), listOf(whole(0, MAX_SEED), MAX_SEEDS, 1)),
  (given) => (typeof given === 'number' ? upTo(given) : given),
);

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index + 1);

/** What is read before decides what may be said after: the settings, then the cluster, then when it ends. */
const settings: Shape<Given> = {
  ...settingsInFile,
  read(node, reading) {
    const given = settingsInFile.read(node, reading);
    if (given === undefined) return undefined;
    reading.context.settings = given;
    reportClashes(node, reading, settingsOf(given));
    return given;
  },
};

const cluster: Shape<ClusterPart> = {
  ...clusterShape,
  read(node, reading) {
    const { context } = reading;
    const before = context.faults.length;
    const part = clusterShape.read(node, reading);
    if (part !== undefined && context.faults.length === before)
      checkCluster(node, reading, part, context.settings);
    return part;
  },
};

const runParts = map('how long it runs', {
  for: required(duration(1, MAX_RUN_MS), 'it stops after so long, whatever is still broken'),
});

const run: Shape<Ending> = {
  ...runParts,
  read(node, reading) {
    const parts = runParts.read(node, reading);
    if (parts === undefined) return undefined;
    reading.context.endMs = parts.for;
    reading.context.lastMs = parts.for;
    return { kind: 'stop', atMs: parts.for };
  },
};

const recoverParts = map('how it recovers', {
  at: required(duration(1, MAX_RUN_MS), 'when everything is repaired, but what is broken'),
  broken: optional(listOf(brokenShape, MAX_BROKEN), 'what is broken for good then'),
  goal: optional(
    choice(['served', 'converged']),
    'served (the default): every address is in service within the bound; converged: and all else has come right',
  ),
});

const recover: Shape<Ending> = {
  ...recoverParts,
  read(node, reading) {
    const parts = recoverParts.read(node, reading);
    if (parts === undefined) return undefined;
    reading.context.endMs = parts.at;
    return { kind: 'recover', atMs: parts.at, broken: parts.broken ?? [], goal: parts.goal ?? 'served' };
  },
};

const fields = {
  $schema: optional(text('the path or URL of the schema', /^.{1,1000}$/), 'for editors'),
  scenario: required(NAME, 'its name'),
  proves: required(text('one sentence', /^[^\p{Cc}]{1,500}$/u), 'one sentence on what it proves'),
  settings: optional(settings, "keys of the agent's own configuration; what is left out has its default"),
  cloud: optional(cloudShape, 'what AWS is like when nothing is wrong with it'),
  disk: optional(diskShape, 'what the disks are like when nothing is wrong with them'),
  timers: optional(timersShape, 'what the timers are like'),
  network: optional(
    networkShape,
    'packets are lost one by one, and TCP sends them again; without it, links lose whole messages',
  ),
  cluster: required(cluster, 'who takes part'),
  seeds: optional(seeds, `how many seeds it runs with, or which; default ${DEFAULT_SEEDS}`),
  run: optional(run, 'it stops in the end'),
  recover: optional(recover, 'or: everything is repaired in the end, and has to come right'),
  timeline: optional(listOf(entryShape, MAX_ENTRIES), 'what happens, and when'),
  expect: optional(expectShape, 'what must come of it; that no invariant is violated need not be said'),
};

const file = map('a scenario', fields);

/** The JSON Schema of a scenario file. */
export const fileSchema: Schema = {
  ...file.schema,
  oneOf: [{ required: ['run'] }, { required: ['recover'] }],
};

/**
 * Read a scenario.
 *
 * @param source what to call it in messages
 * @param overlay what counts instead of what the file says
 */
export function readScenario(source: string, content: string, overlay: Overlay = NO_OVERLAY): ScenarioRead {
  const parsed = parseText(source, content);
  const context = newContext(parsed.faults);
  const scenario =
    parsed.root === null ? undefined : scenarioIn(overlaid(parsed.root, overlay, context), context);
  const made =
    scenario === undefined || overlay.config === null
      ? scenario
      : withConfig(scenario, overlay.config, settingsAmong(overlay.sets, context), context);
  if (made === undefined || context.faults.length > 0)
    return { kind: 'faulty', faults: inOrder(context.faults) };
  return { kind: 'scenario', scenario: made };
}

function scenarioIn(root: RawNode, context: Context): Scenario | undefined {
  const reading: Reading = { path: '', context };
  const read = file.read(root, reading);
  if (root.kind === 'map') checkEnding(root, reading);
  const ending = read?.run ?? read?.recover;
  if (read === undefined || ending === undefined) return undefined;
  const timeline = (read.timeline ?? []).flat();
  if (timeline.length > MAX_ENTRIES)
    reportFault(
      root,
      at(reading, 'timeline'),
      counted(timeline.length, 'entry', 'entries'),
      `at most ${MAX_ENTRIES}, repetitions included`,
    );
  const { cloud, disk, timers, network } = read;
  const all = read.seeds ?? upTo(DEFAULT_SEEDS);
  const parts = { cluster: read.cluster, settings: read.settings ?? new Map(), cloud, disk, timers, network };
  return {
    name: read.scenario,
    proves: read.proves,
    plan: { title: read.scenario, world: worldOf(parts, all[0] ?? 1), timeline, ending },
    seeds: all,
    expect: read.expect ?? [],
  };
}

function checkEnding(root: RawMap, reading: Reading): void {
  const both = root.entries.get('recover');
  if (root.entries.has('run') && both !== undefined)
    reportFault(both, at(reading, 'recover'), 'recover besides run', 'only one of the two');
  if (!root.entries.has('run') && both === undefined)
    reportFault(root, reading, 'no end', 'run: { for: 120s }, or recover: { at: 120s }');
}
