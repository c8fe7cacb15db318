/**
 * Scenarios: YAML files that say who takes part, what happens, and what must come of it.
 */
export type { AgentConfiguration } from './agent-file.ts';
export { worldOf } from './cluster-world.ts';
export type { Claim, Expectation } from './expectation.ts';
export { ScenarioError } from './fault.ts';
export { loadAgentFile, loadScenario, loadScenarios } from './library.ts';
export { observableOf } from './observables.ts';
export { runScenario, type ScenarioRun } from './run-scenario.ts';
export { readScenario } from './scenario-file.ts';
export { clashesOf, type Given, givenIn, merge, type SettingValue, settingsOf } from './setting-table.ts';
export { transcriptOf, verdictOf } from './transcript.ts';
export type { Scenario } from './types.ts';
export { writeScenario } from './write.ts';
