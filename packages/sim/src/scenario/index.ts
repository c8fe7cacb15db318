/**
 * Scenarios: YAML files that say who takes part, what happens, and what must come of it.
 */
export type { Claim, Count, Expectation } from './expectation.ts';
export { readScenario, type ScenarioRead } from './file.ts';
export type { Scenario } from './types.ts';
export { type WrittenScenario, writeScenario } from './write.ts';
