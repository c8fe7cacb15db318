/**
 * Runs scenarios.
 */
import { type RunOptions, type RunResult, runPlan } from '../plan/index.ts';
import { type Evaluation, evaluate } from './evaluate.ts';
import { type RunLog, runLogOf } from './run-log.ts';
import type { Scenario } from './types.ts';

/** How a scenario is run. */
export interface ScenarioOptions extends RunOptions {
  /** Default: the first of the scenario's own. */
  readonly seed?: number;
}

/** What a run of a scenario came to. */
export interface ScenarioRun {
  readonly seed: number;
  readonly result: RunResult;
  readonly expectations: readonly Evaluation[];
  /** Nothing violated, and every expectation kept. */
  readonly kept: boolean;
}

/** Run a scenario with one seed. */
export function runScenario(scenario: Scenario, options: ScenarioOptions = {}): ScenarioRun {
  const seed = options.seed ?? scenario.plan.world.seed;
  const plan = { ...scenario.plan, world: { ...scenario.plan.world, seed } };
  let runLog: RunLog | null = null;
  const result = runPlan(plan, {
    ...options,
    onWorld(world) {
      options.onWorld?.(world);
      runLog = runLogOf(world);
    },
  });
  const expectations = evaluate(runLog ?? runLogOf(result.world), scenario.expect);
  const kept = result.violation === null && expectations.every((one) => one.kept);
  return { seed, result, expectations, kept };
}
