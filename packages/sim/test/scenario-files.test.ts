import { expect, test } from 'vitest';
import { drawPlan, type Plan, runPlan } from '../src/plan/index.ts';
import { readScenario, writeScenario } from '../src/scenario/index.ts';

/** How many drawn plans are written and read again. */
const DRAWN_PLANS = 300;

function readBack(plan: Plan): Plan {
  const text = writeScenario(plan, { name: 'drawn', proves: 'It is read as it was written.' });
  const read = readScenario('drawn.yaml', text);
  if (read.kind === 'faulty') throw new Error(`${JSON.stringify(read.faults, null, 1)}\n${text}`);
  return read.scenario.plan;
}

test('a plan that was written as a scenario file is read as the same plan', () => {
  for (let seed = 1; seed <= DRAWN_PLANS; seed += 1) {
    const plan = { ...drawPlan(seed), title: 'drawn' };
    expect(readBack(plan)).toEqual(plan);
  }
});

test('and does the same', () => {
  for (const seed of [3, 11]) {
    const plan = { ...drawPlan(seed), title: 'drawn' };
    expect(runPlan(readBack(plan)).hash).toBe(runPlan(plan).hash);
  }
});
