/**
 * Scenarios: YAML files that say who takes part, what happens, and what must come of it.
 */
export { ScenarioError } from './fault.ts';
export { loadAgentFile, loadScenario, loadScenarios } from './library.ts';
export { runScenario, type ScenarioRun } from './run-scenario.ts';
export { readScenario } from './scenario-file.ts';
export { transcriptOf, verdictOf } from './transcript.ts';
export type { Scenario } from './types.ts';
export { writeScenario } from './write.ts';
