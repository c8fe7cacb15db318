import { expect, test } from 'vitest';
import { drawPlan, type RunResult, runPlan } from '../src/plan/index.ts';

/** How many seeds run with every test run; the command line runs as many as anyone wants. */
const SWARM_SEEDS = 16;

const runSeed = (seed: number): RunResult => runPlan(drawPlan(seed));

test('the same seed gives the same trace, and another seed another', () => {
  const [first, again, other] = [runSeed(7), runSeed(7), runSeed(8)];
  expect(again.hash).toBe(first.hash);
  expect(again.events).toBe(first.events);
  expect(other.hash).not.toBe(first.hash);
});

test('a plan survives being written down', () => {
  const plan = drawPlan(3);
  const { hash } = runPlan(plan);
  expect(runPlan(JSON.parse(JSON.stringify(plan))).hash).toBe(hash);
});

test('a small swarm is sound, and has seen takeovers, refusals and restarts', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= SWARM_SEEDS; seed += 1) {
    const { violation, world } = runSeed(seed);
    expect({ seed, violation }).toEqual({ seed, violation: null });
    for (const { fact } of world.facts()) {
      if (fact.kind === 'concluded') seen.add(`${fact.entry.kind} ${fact.entry.result}`);
      if (fact.kind === 'ballot-closed') seen.add(`ballot ${fact.result}`);
      if (fact.kind === 'voted') seen.add(`voted ${fact.reason}`);
    }
  }
  for (const what of ['takeover served', 'ballot won', 'ballot lost', 'voted down'])
    expect(seen).toContain(what);
});
