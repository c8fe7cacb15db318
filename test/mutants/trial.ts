/**
 * Looks for what shows that the protocol it was bundled with is broken: scenarios about the rule, focused plans, the
 * other scenarios, seeds of the swarm, the explorer. One line of JSON on standard output says what was found, and how
 * much was looked at.
 */
import { type Bounds, DEFAULT_BOUNDS, explore } from '../../packages/sim/src/explore/index.ts';
import { type Plan, type RunResult, runPlan } from '../../packages/sim/src/plan/index.ts';
import { loadScenarios } from '../../packages/sim/src/scenario/library.ts';
import { runScenario } from '../../packages/sim/src/scenario/run-scenario.ts';
import type { Scenario } from '../../packages/sim/src/scenario/types.ts';
import { planOf } from '../../packages/sim/src/swarm/draw.ts';
import { type FocusName, focusedPlan } from './focus.ts';
import type { Catch, TrialOptions, TrialResult } from './outcome.ts';

const options: TrialOptions = JSON.parse(process.argv[2] ?? '{}') as TrialOptions; // written by main.ts

const effort = { scenarios: 0, seeds: 0, focused: 0, states: 0, events: 0 };

function lookAt(plan: Plan, by: string): Catch | null {
  let result: RunResult;
  try {
    result = runPlan(plan);
  } catch (error) {
    return thrown(by, error);
  }
  effort.events += result.events;
  const { violation } = result;
  return violation === null ? null : { by, invariant: violation.invariant, detail: violation.detail };
}

function cpuMs(): number {
  return process.cpuUsage().user / 1_000;
}

function inTime(): boolean {
  return cpuMs() < options.limitMs;
}

function stage(scenario: Scenario, seed: number): Catch | null {
  const by = `scenario ${scenario.name}`;
  try {
    const { result, expectations } = runScenario(scenario, { seed });
    effort.events += result.events;
    const { violation } = result;
    if (violation !== null) return { by, invariant: violation.invariant, detail: violation.detail };
    const unkept = expectations.find(({ kept }) => !kept);
    if (unkept === undefined) return null;
    return { by, invariant: 'expectation', detail: `expected: ${unkept.says}; found: ${unkept.found}` };
  } catch (error) {
    return thrown(by, error);
  }
}

/** With all of its seeds where it is about the rule, else with the first. */
function staged(scenario: Scenario): Catch | null {
  const about = options.scenarios.includes(scenario.name);
  for (const seed of about ? scenario.seeds : scenario.seeds.slice(0, 1)) {
    effort.scenarios += 1;
    const found = stage(scenario, seed);
    if (found !== null) return found;
  }
  return null;
}

function scenarios(which: readonly Scenario[]): Catch | null {
  for (const scenario of which) {
    if (!inTime()) return null;
    const found = staged(scenario);
    if (found !== null) return found;
  }
  return null;
}

function thrown(by: string, error: unknown): Catch {
  return { by, invariant: 'exception', detail: error instanceof Error ? (error.stack ?? '') : String(error) };
}

function swarm(): Catch | null {
  for (let seed = 1; seed <= options.seeds && inTime(); seed += 1) {
    effort.seeds += 1;
    const found = lookAt(planOf(seed), `swarm, seed ${seed}`);
    if (found !== null) return found;
  }
  return null;
}

function focused(name: FocusName): Catch | null {
  for (let seed = 1; seed <= options.focusSeeds && inTime(); seed += 1) {
    effort.focused += 1;
    const found = lookAt(focusedPlan(name, seed), `${name}, seed ${seed}`);
    if (found !== null) return found;
  }
  return null;
}

const PAIR: readonly [string, Bounds] = ['explorer, a pair with one fault', DEFAULT_BOUNDS];

const ONE_ORDER: Bounds = { ...DEFAULT_BOUNDS, orders: 'one' };
const FAULTLESS: Bounds = { ...ONE_ORDER, faults: 0 };

/** What ends soon comes first; then one order of events, which goes deep, and clusters with majorities. */
const SEARCHES: readonly (readonly [string, Bounds])[] = [
  ['explorer, a pair without faults', { ...FAULTLESS, orders: 'weighty' }],
  ['explorer, three candidates without faults', { ...FAULTLESS, cluster: 'three' }],
  ['explorer, a pair and a witness without faults', { ...FAULTLESS, cluster: 'pair-witness' }],
  ['explorer, two addresses of a pair without faults', { ...FAULTLESS, addresses: 2 }],
  ['explorer, a pair with one fault of a call', { ...ONE_ORDER, faultKinds: ['call'] }],
  ['explorer, a pair with one crash or pause', { ...ONE_ORDER, faultKinds: ['crash', 'pause'] }],
  [
    'explorer, a pair with an arbiter and one crash, pause or fault of its store',
    { ...ONE_ORDER, cluster: 'pair-arbiter', faultKinds: ['crash', 'pause', 'store'] },
  ],
  [
    'explorer, three candidates with one lost message',
    { ...ONE_ORDER, cluster: 'three', faultKinds: ['message'] },
  ],
  PAIR,
];

/** What one search leaves of its share of the time the next ones have. */
function exploredAll(): Catch | null {
  const untilMs = cpuMs() + options.exploreMs;
  for (const [index, [by, bounds]] of SEARCHES.entries()) {
    const found = explored(by, bounds, (untilMs - cpuMs()) / (SEARCHES.length - index));
    if (found !== null) return found;
  }
  return null;
}

function explored(by: string, bounds: Bounds, forMs: number): Catch | null {
  const untilMs = cpuMs() + forMs;
  if (forMs === 0) return null;
  try {
    const { states, violation } = explore(bounds, { limits: { expired: () => cpuMs() > untilMs } });
    effort.states += states;
    return violation === null ? null : { by, invariant: violation.invariant, detail: violation.detail };
  } catch (error) {
    return thrown(by, error);
  }
}

/** The cheapest first. */
function look(): Catch | null {
  if (options.explorerOnly) return exploredAll();
  const all = options.folders.flatMap((folder) => loadScenarios(folder));
  const about = scenarios(all.filter(({ name }) => options.scenarios.includes(name)));
  if (about !== null) return about;
  for (const name of options.focus) {
    const found = focused(name);
    if (found !== null) return found;
  }
  if (options.onlyThese) return null;
  const others = all.filter(({ name }) => !options.scenarios.includes(name));
  return scenarios(others) ?? swarm() ?? explored(...PAIR, options.exploreMs);
}

const caught = look();
const result: TrialResult = { caught, effort, cpuMs: Math.round(cpuMs()) };
process.stdout.write(`${JSON.stringify(result)}\n`);
