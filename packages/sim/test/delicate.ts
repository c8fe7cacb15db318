/**
 * Violations that hang on some milliseconds, as swarms have found them: each is made small enough to be read. The rules
 * and checks that they were about have been mended since; what was seen then is looked for by watchers that know no
 * better. Each has a file of its own, because each takes long.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { type Shrunk, shrink } from '../src/shrink/index.ts';
import type { Violation, World } from '../src/world/index.ts';

/** Whatever changes the protocol shifts chance: the violation comes with another seed then. */
const SEEDS_TRIED = 80;
const MAX_RUNS = 2_400;

export type Watching = (world: World) => void;

function planIn(name: string): Plan {
  return JSON.parse(readFileSync(join(import.meta.dirname, `plans/${name}.json`), 'utf8'));
}

function violationIn(watching: Watching, plan: Plan, also?: Watching): Violation | null {
  return runPlan(plan, {
    onWorld(world) {
      watching(world);
      also?.(world);
    },
  }).violation;
}

function shrinkPlan(name: string, watching: Watching, invariant: string, least: number): Shrunk {
  const saved = planIn(name);
  const seeds = [saved.world.seed, ...Array.from({ length: SEEDS_TRIED }, (_, index) => index + 1)];
  const plans = seeds.map((seed): Plan => ({ ...saved, world: { ...saved.world, seed } }));
  const found = plans.find((plan) => violationIn(watching, plan)?.invariant === invariant);
  if (found === undefined) throw new Error(`no seed of ${name} violates ${invariant}`);
  let runs = 0;
  let entries = found.timeline.length;
  const shrunk = shrink(found, {
    // It goes on until nothing more can go; here it needn't.
    enough: () => entries <= least || ++runs > MAX_RUNS,
    onStep: (_what, { plan }) => {
      entries = plan.timeline.length;
    },
    run: (plan, options) => violationIn(watching, plan, options?.onWorld),
  });
  if (shrunk === null) throw new Error('nothing is violated');
  return shrunk;
}

/** The plan of this name, shrunk until no more than `most` entries are left. */
export function testDelicate(name: string, watching: Watching, invariant: string, most: number): void {
  test(`${name} is made small, though it hangs on timing`, () => {
    const { plan, violation } = shrinkPlan(name, watching, invariant, most);
    expect(violation.invariant).toBe(invariant);
    expect(plan.timeline.length).toBeLessThanOrEqual(most);
  });
}
