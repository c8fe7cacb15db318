/** Every scenario that comes with the package. */
import { expect, test } from 'vitest';
import type { Claim, Count, Expectation } from '../src/scenario/expectation.ts';
import { loadScenarios, runScenario, type Scenario } from '../src/scenario/index.ts';

/** What can't be true together with a claim. */
function contradiction(claim: Claim): Claim {
  switch (claim.kind) {
    case 'holder':
      return { ...claim, node: claim.node === null ? 'somebody else' : null };
    case 'takers':
      return { ...claim, nodes: [...claim.nodes, 'somebody else'] };
    case 'moves':
    case 'told':
    case 'calls':
    case 'stored':
      return { ...claim, count: otherThan(claim.count) };
    case 'served':
      return { ...claim, by: 'somebody else' };
    case 'unserved':
      return { ...claim, forMs: Number.POSITIVE_INFINITY };
    case 'told-texts':
    case 'webhook':
    case 'answered':
      return { ...claim, texts: [...claim.texts, 'something else'] };
    case 'seen':
      return { ...claim, kind: 'unseen' };
    case 'unseen':
      return { ...claim, kind: 'seen' };
    case 'decision':
      return { ...claim, is: 'something else' };
    case 'ready':
      return { kind: 'unready', node: claim.node, because: '' };
    case 'unready':
      return { kind: 'ready', node: claim.node };
  }
}

function otherThan({ least, most }: Count): Count {
  return most === null ? { least: 0, most: least - 1 } : { least: most + 1, most: null };
}

const contradicted = (expectation: Expectation): Expectation => ({
  ...expectation,
  claims: expectation.claims.map(contradiction),
});

/** The names from here on are the second half, by processor time. */
const SECOND_HALF_FROM = 'm';

/** Each with its first seed, in two files, so that two cores share them. */
export function testHalf(half: 'first' | 'second'): void {
  for (const scenario of loadScenarios()) {
    const isSecond = scenario.name >= SECOND_HALF_FROM;
    if (isSecond === (half === 'second'))
      test(`${scenario.name}: ${scenario.proves}`, () => expectKept(scenario, scenario.seeds.slice(0, 1)));
  }
}

/** With all seeds but the first, which takes as long again. */
export function testOtherSeeds(): void {
  for (const scenario of loadScenarios())
    if (scenario.seeds.length > 1)
      test(`${scenario.name}: ${scenario.proves}`, () => expectKept(scenario, scenario.seeds.slice(1)));
}

function expectKept(scenario: Scenario, seeds: readonly number[]): void {
  const { length } = scenario.expect.flatMap(({ claims }) => claims);
  expect(length).toBeGreaterThan(0);
  // Judged beside what is expected: whatever can't be true together with it has to be found broken.
  const both = { ...scenario, expect: [...scenario.expect, ...scenario.expect.map(contradicted)] };
  expect(seeds.length).toBeGreaterThan(0);
  for (const seed of seeds) {
    const { result, expectations } = runScenario(both, { seed });
    const broken = expectations.slice(0, length).filter(({ kept }) => !kept);
    const kept = expectations.slice(length).filter((one) => one.kept);
    expect({ seed, violation: result.violation, broken, kept }).toEqual({
      seed,
      violation: null,
      broken: [],
      kept: [],
    });
  }
}
