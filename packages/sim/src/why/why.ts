/** Why there was an outage: the run with it, the chance of it over time, and what happened where that jumped. */
import type { Entry, Plan } from '../plan/index.ts';
import { runPlan } from '../plan/index.ts';
import { createTraceBuffer, type RecordedRun, Recorder, withCauses } from '../record/index.ts';
import { createRandom, OUTAGE, type Violation } from '../world/index.ts';
import { type BranchCount, type BranchTask, endedAfter } from './branch.ts';
import {
  type CountAt,
  isLess,
  jumpsIn,
  type Likelihood,
  likelihoodOver,
  type Share,
  shareOf,
} from './likelihood.ts';
import { decisionsAt, type NamedJump, namedJump } from './named-causes.ts';
import { type Answers, type Gap, type OutageRule, runToOutage, watchAnswers } from './outage.ts';

/** Runs branches, here or in workers. Null: there is no time left for them. */
export type RunBranches = (task: BranchTask) => Promise<BranchCount | null>;

/** How closely is looked. */
export interface WhyOptions {
  readonly rule: OutageRule;
  /** Branches a moment. */
  readonly branches: number;
  /** The same seed gives the same result. */
  readonly seed: number;
  readonly run: RunBranches;
}

/** A cause: where the chance jumped, what happened there, and what would have come without that. */
export interface Cause extends NamedJump {
  /** Of runs from the beginning with everything else; null: nothing was done to the world there, or there was no time. */
  readonly without: Share | null;
}

/** Something that was done earlier, and what would have come without it. */
export interface Needed {
  readonly entry: Entry;
  readonly without: Share;
}

/** What came of it. */
export interface Why {
  readonly plan: Plan;
  readonly options: Pick<WhyOptions, 'rule' | 'branches' | 'seed'>;
  readonly outage: Violation;
  /** When it began: since when nobody was answered, or when the invariant was broken. */
  readonly beganMs: number;
  /** How long a branch was watched. */
  readonly watchedMs: number;
  readonly likelihood: readonly Likelihood[];
  readonly causes: readonly Cause[];
  /** What was done where nothing jumped, and was needed all the same. */
  readonly needed: readonly Needed[];
  /** Where each node's takeover rule stood at the outage. */
  readonly stood: RecordedRun['records'];
  /** Of all the faults, by other draws from the beginning; null: there was no time. */
  readonly anyway: Share | null;
  /** Whether there was time for all that should have been looked at. */
  readonly finished: boolean;
  /** The whole run, as it was without anybody looking. */
  readonly trace: RecordedRun;
}

/** A run without an outage: the longest span without an answer. */
export interface NoOutage {
  readonly longest: Gap | null;
}

/** A jump isn't made narrower than this, and no more moments are looked at than those. */
const RESOLUTION_MS = 50;
const MOST_MOMENTS = 64;
/** The first moments: spread evenly, and around the last things that were done to the world. */
const EVENLY = 7;
const MOST_ENTRIES = 6;
const MAX_TRACE_CHARS = 64_000_000;

/** Find out why. */
export async function whyOutage(plan: Plan, options: WhyOptions): Promise<Why | NoOutage> {
  const { rule, branches, seed } = options;
  const outage = runToOutage(plan, rule);
  if (outage === null) return { longest: longestIn(plan) };
  const short = endedAfter(plan, outage.atMs, rule);
  const trace = recorded(plan);
  const count = counter(short, options);
  const likelihood = await likelihoodOver(count.at, {
    ...momentsIn(short, outage.atMs),
    branches,
    resolutionMs: RESOLUTION_MS,
    most: MOST_MOMENTS,
  });
  const named = jumpsIn(likelihood).map((jump) => namedJump(jump, plan, trace.records, outage.atMs));
  const causes = await Promise.all(
    named.map(async (jump) => ({ ...jump, without: await count.without(jump.entries) })),
  );
  const anyway = await count.anyway(short);
  const needed = await neededIn(short, outage, causes, anyway, count);
  return {
    plan,
    options: { rule, branches, seed },
    outage,
    beganMs: outage.invariant === OUTAGE ? outage.atMs - rule.unansweredMs : outage.atMs,
    watchedMs: short.ending.atMs,
    likelihood,
    causes,
    needed,
    stood: decisionsAt(trace.records, outage.atMs),
    anyway,
    finished: count.finished(),
    trace,
  };
}

/** Whether there was one. */
export function isOutage(found: Why | NoOutage): found is Why {
  return 'outage' in found;
}

function counter(plan: Plan, { rule, branches, seed, run }: WhyOptions) {
  const seeds = (of: number): readonly number[] => {
    const random = createRandom(seed + Math.round(of));
    return Array.from({ length: branches }, () => random.below(0x1_0000_0000));
  };
  let finished = true;
  const counted = async (task: BranchTask): Promise<BranchCount | null> => {
    const done = await run(task);
    finished &&= done !== null;
    return done;
  };
  const at: CountAt = (moments, from, to) =>
    Promise.all(moments.map((atMs) => counted({ plan, rule, atMs, seeds: seeds(atMs).slice(from, to) })));
  const anyway = async (all: Plan): Promise<Share | null> => {
    const done = await counted({ plan: all, rule, atMs: null, seeds: seeds(0) });
    return done === null ? null : shareOf(done.outages, done.of);
  };
  const without = async (entries: readonly Entry[]) => {
    if (entries.length === 0) return null;
    return anyway({ ...plan, timeline: plan.timeline.filter((entry) => !entries.includes(entry)) });
  };
  return { at, anyway, without, finished: () => finished };
}

/** Each of the last things that were done before the outage, left out by itself. */
async function neededIn(
  { timeline }: Plan,
  { atMs }: Violation,
  causes: readonly Cause[],
  anyway: Share | null,
  { without }: ReturnType<typeof counter>,
): Promise<readonly Needed[]> {
  const named = new Set(causes.flatMap(({ entries }) => entries));
  const others = timeline.filter((entry) => entry.atMs < atMs && !named.has(entry)).slice(-MOST_ENTRIES);
  const tried = await Promise.all(others.map(async (entry) => ({ entry, without: await without([entry]) })));
  return tried.flatMap(({ entry, without: share }) =>
    share !== null && anyway !== null && isLess(share, anyway) ? [{ entry, without: share }] : [],
  );
}

/** Just before and just after each thing that was done. */
function momentsIn({ timeline }: Plan, outageMs: number) {
  const evenly = Array.from({ length: EVENLY }, (_, index) => Math.floor((index * outageMs) / (EVENLY - 1)));
  const telling = timeline.flatMap(({ atMs }) => (atMs < outageMs ? [atMs, atMs + 1] : []));
  return {
    moments: [...evenly, ...telling.slice(-2 * MOST_ENTRIES)],
    telling: telling.sort((a, b) => a - b),
  };
}

function longestIn(plan: Plan): Gap | null {
  const watches: Answers[] = [];
  runPlan(plan, { onWorld: (world) => void watches.push(watchAnswers(world, null)) });
  return watches[0]?.longest() ?? null;
}

function recorded(plan: Plan): RecordedRun {
  const buffer = createTraceBuffer(MAX_TRACE_CHARS);
  const recorders: Recorder[] = [];
  runPlan(plan, {
    onWorld(world) {
      recorders.push(new Recorder(world, { plan, title: plan.title, sink: buffer.take }));
    },
  });
  for (const recorder of recorders) recorder.finish();
  return withCauses(buffer.run());
}
