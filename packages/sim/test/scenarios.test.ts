/** Every scenario that comes with the package, with each of its seeds. */
import { expect, test } from 'vitest';
import { loadScenarios, runScenario } from '../src/scenario/index.ts';

for (const scenario of loadScenarios()) {
  test(`${scenario.name}: ${scenario.proves}`, () => {
    for (const seed of scenario.seeds) {
      const { result, expectations } = runScenario(scenario, { seed });
      const broken = expectations.filter(({ kept }) => !kept);
      expect({ seed, violation: result.violation, broken }).toEqual({ seed, violation: null, broken: [] });
    }
  });
}
