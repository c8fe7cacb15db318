/** What `why` is asked about: a plan, and where it was derived from an incident, how the two differ. */
import { counted } from '@failtome/protocol';
import { derivedPlan, recordedCourse } from '../derive/index.ts';
import { describeAction, type Plan } from '../plan/index.ts';
import { seconds } from '../record/describe.ts';
import type { RecordedRun } from '../record/index.ts';
import { loadScenario } from '../scenario/index.ts';
import { planOf } from '../swarm/index.ts';
import { outcomesOf } from '../why/index.ts';
import { incidentIn, isBundle } from './bundle-input.ts';
import { UsageError } from './context.ts';
import { asUsage } from './list-command.ts';
import { planIn } from './plan-input.ts';

/** A plan, and what there is to say before it is looked into. */
export interface WhyInput {
  readonly plan: Plan;
  /** By how much the time that is told is ahead of the plan's. */
  readonly laterMs: number;
  /** A line each. */
  readonly told: readonly string[];
  /** What the report shows; null: the plan's own run. */
  readonly trace: RecordedRun | null;
}

/**
 * Read it.
 *
 * @throws UsageError when it can't be read
 */
export async function whyInput(what: string | undefined, seed: number | undefined): Promise<WhyInput> {
  if (what !== undefined && isBundle(what)) return derivedInput(what, seed);
  const plan = seeded(planAsked(what, seed), what === undefined ? undefined : seed);
  return { plan, laterMs: 0, told: [], trace: null };
}

function planAsked(what: string | undefined, seed: number | undefined): Plan {
  if (what === undefined) {
    if (seed === undefined)
      throw new UsageError('say what: a scenario, a trace, a bundle, or --seed of the swarm');
    return planOf(seed);
  }
  if (what.endsWith('.jsonl') || what.endsWith('.json')) return planIn(what);
  return asUsage(() => loadScenario(what)).plan;
}

function seeded(plan: Plan, seed: number | undefined): Plan {
  return seed === undefined ? plan : { ...plan, world: { ...plan.world, seed } };
}

async function derivedInput(file: string, seed: number | undefined): Promise<WhyInput> {
  const incident = await incidentIn(file);
  const derived = derivedPlan(incident);
  const { laterMs, gap, notes } = derived;
  const plan = seeded(derived.plan, seed);
  const { records } = incident.trace;
  const recorded = recordedCourse(records, gap, incident.lengthMs);
  const [own] = outcomesOf({ plan, rule: { unansweredMs: Number.POSITIVE_INFINITY }, seeds: [null] });
  const told = [
    `derived from ${file}, with ${counted(plan.timeline.length, 'fault')}; moments are the incident's`,
    ...plan.timeline.map(
      ({ atMs, action, with: given, forMs }) =>
        `    ${seconds(atMs + laterMs).padStart(11)}  ${describeAction(action, given)}${forMs === null ? '' : `, for ${seconds(forMs)}`}`,
    ),
    `  recorded: ${course(recorded)}${gap === null ? '' : `, from ${seconds(gap.fromMs)} on`}`,
    `  in the plan: ${own === undefined ? 'nothing' : course(own)}`,
    ...notes.map((note) => `  note: ${note}`),
  ];
  return { plan, laterMs, told, trace: incident.trace };
}

function course({ unansweredMs, takers }: ReturnType<typeof recordedCourse>): string {
  const who = takers.length === 0 ? 'nobody' : takers.join(', ');
  return `${seconds(unansweredMs)} without an answer, taken by ${who}`;
}
