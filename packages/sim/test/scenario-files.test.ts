import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ACTIONS, drawPlan, type Entry, type Plan, runPlan } from '../src/plan/index.ts';
import { loadScenarios, readScenario, writeScenario } from '../src/scenario/index.ts';

/** How many drawn plans are written and read again. */
const DRAWN_PLANS = 150;

/** With every parameter that was left out, as a file is read. */
function drawn(seed: number): Plan {
  const { world, timeline, ending } = drawPlan(seed);
  const broken = ending.kind === 'recover' ? { ...ending, broken: ending.broken.map(filledIn) } : ending;
  return { title: 'drawn', world, timeline: timeline.map(filledIn), ending: broken };
}

function filledIn<E extends Omit<Entry, 'atMs' | 'forMs'>>(entry: E): E {
  const parts = Object.entries(ACTIONS.get(entry.action)?.parameters ?? {}).flatMap(
    ([name, { optional }]) => {
      const value = entry.with[name] ?? optional;
      return value === undefined ? [] : [[name, value]];
    },
  );
  return { ...entry, with: Object.fromEntries(parts) };
}

function readBack(plan: Plan): Plan {
  const text = writeScenario(plan, { name: 'drawn', proves: 'It is read as it was written.' });
  const read = readScenario('drawn.yaml', text);
  if (read.kind === 'faulty') throw new Error(`${JSON.stringify(read.faults, null, 1)}\n${text}`);
  return read.scenario.plan;
}

test('a plan that was written as a scenario file is read as the same plan', () => {
  for (let seed = 1; seed <= DRAWN_PLANS; seed += 1) {
    const plan = drawn(seed);
    expect(readBack(plan)).toEqual(plan);
  }
});

test('a plan read back from YAML replays with the same hash', () => {
  for (const seed of [3, 11]) {
    const plan = drawn(seed);
    expect(runPlan(readBack(plan)).hash).toBe(runPlan(plan).hash);
  }
});

test('every scenario that comes with the package is read as the same when it is written anew', () => {
  for (const scenario of loadScenarios()) {
    const { name, proves, plan, seeds, expect: expected } = scenario;
    const text = writeScenario(plan, { name, proves, seeds, expect: expected, comment: 'written anew' });
    expect(readScenario(name, text)).toEqual({ kind: 'scenario', scenario });
  }
});

test('every file is called as its scenario is', () => {
  const files = readdirSync(join(import.meta.dirname, '../scenarios')).filter((file) =>
    file.endsWith('.yaml'),
  );
  expect(loadScenarios().map(({ name }) => `${name}.yaml`)).toEqual(files.sort());
});
