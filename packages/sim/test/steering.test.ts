/** Steered seeds: what they are wished to bring about, that they do, and that a run can be had again from its number and its focus. */
import { REASONS } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { ATTEMPT_PHASES, PAIRS, pairReport } from '../src/coverage/index.ts';
import { FAULTS, runPlan } from '../src/plan/index.ts';
import {
  addTallies,
  chooseFocus,
  describeFinding,
  type Focus,
  focusText,
  NO_TALLY,
  parseFocus,
  planOf,
  runSeed,
  type SeedResult,
  wholePlanOf,
} from '../src/swarm/index.ts';
import { CAUSES } from '../src/swarm/reason-causes.ts';
import { steeredPlanOf } from '../src/swarm/steered-plan.ts';
import { createWorld } from '../src/world/index.ts';

function focusOf(text: string): Focus {
  const focus = parseFocus(text);
  if (typeof focus === 'string') throw new Error(focus);
  return focus;
}

/** Seeds that are quick to run, each after what those before it have met. */
const SEEDS = [20, 21] as const;

function swarm(isSteered: boolean): readonly SeedResult[] {
  const results: SeedResult[] = [];
  let tally = NO_TALLY;
  for (const seed of SEEDS) {
    const result = runSeed({ seed, focus: isSteered ? chooseFocus(seed, tally) : null }, {});
    tally = addTallies(tally, result.tally);
    results.push(result);
  }
  return results;
}

/** How many pairs of a fault and a phase were met, and by how many events. */
function metBy(results: readonly SeedResult[]): { readonly met: number; readonly events: number } {
  const { pairs, events } = results.reduce((sum, { tally }) => addTallies(sum, tally), NO_TALLY);
  const { faults, impossible } = pairReport(pairs);
  expect(impossible).toEqual([]);
  return { met: faults.met, events };
}

test('steered from nothing, as many seeds meet many more pairs of a fault and a phase, with fewer events', () => {
  const [steered, plain] = [metBy(swarm(true)), metBy(swarm(false))];
  expect(steered.met).toBeGreaterThan(1.25 * plain.met);
  expect(steered.events).toBeLessThan(plain.events);
});

test('a seed with a focus brings it about, the same every time, and as a plan alone', () => {
  const task = { seed: 12, focus: focusOf('cloud:throttle@releasing,store:down@taking,crash@guard') };
  const { hash, tally } = runSeed(task, {});
  for (const { fault, phase } of task.focus)
    expect(tally.pairs[`${fault}@${phase}`], fault).toBeGreaterThan(0);
  // The plan is had by running the seed once more.
  const plan = wholePlanOf(task, {});
  const before = steeredPlanOf(task.seed, task.focus);
  expect(plan.timeline.length).toBeGreaterThan(before.timeline.length + task.focus.length);
  // As a trace carries it.
  const replayed = runPlan(JSON.parse(JSON.stringify(plan)));
  expect([replayed.hash, replayed.events]).toEqual([hash, tally.events]);
});

test('a focus is read as it is written, and what can not be read says why', () => {
  const text = 'crash@guard,cloud:throttle@taking';
  expect(focusText(focusOf(text))).toBe(text);
  expect(parseFocus('earthquake@guard')).toContain('no fault is called earthquake; there are');
  expect(parseFocus('crash@dawn')).toContain('phases are campaign');
  expect(parseFocus('crash@guard@guard')).toContain('crash@guard@guard');
  expect(parseFocus('')).toContain('no fault is called');
});

test('a finding of a steered seed says how to have it again', () => {
  const finding = { seed: 7, focus: 'crash@guard', invariant: 'I4', detail: 'two', atMs: 5, step: 9 };
  expect(describeFinding(finding, null).join('\n')).toContain('swarm --seeds 7..7 --focus crash@guard');
  const plain = describeFinding({ ...finding, focus: null }, null);
  expect(plain.at(-1)).toMatch(/swarm --seeds 7\.\.7$/);
});

test('what was never met is wished for before what was, and what was wished for in vain less and less', () => {
  const all = [...PAIRS.faults.possible, ...PAIRS.reasons.possible];
  const pairs = Object.fromEntries(all.map((id) => [id, 1_000]));
  const unmet = { ...pairs, 'isolate@guard': 0, 'guard/storage-failed': 0 };
  const wishes = (wished: Readonly<Record<string, number>>): readonly string[] =>
    Array.from({ length: 50 }, (_, seed) => focusText(chooseFocus(seed, { pairs: unmet, wished }))).flatMap(
      (text) => text.split(','),
    );
  const first = wishes({});
  expect(first.filter((one) => one === 'isolate@guard')).toHaveLength(50);
  expect(first.filter((one) => one === 'disk-fails@guard')).toHaveLength(50);
  const later = wishes({ 'isolate@guard': 1_000_000 });
  expect(later.filter((one) => one === 'isolate@guard').length).toBeLessThan(50);
});

test('every reason has causes that are faults, or none', () => {
  expect(Object.keys(CAUSES).sort()).toEqual([...REASONS].sort());
  for (const fault of Object.values(CAUSES).flat()) expect(FAULTS.has(fault), fault).toBe(true);
});

test('a steered plan has what its faults need, and takeovers that can come to the phase', () => {
  for (const phase of ATTEMPT_PHASES)
    for (const fault of ['store:down', 'webhook:hung', 'liar']) {
      const { world, timeline } = steeredPlanOf(9, [{ fault, phase }]);
      if (phase === 'releasing') expect(world.driver).toBe('ec2');
      if (phase === 'won') expect(world.addresses).toHaveLength(2);
      if (fault === 'store:down') expect(world.settings.store).toBe(true);
      if (fault === 'webhook:hung') expect(world.settings.webhook).toBe(true);
      if (fault === 'liar') expect(timeline.map(({ action }) => action)).toContain('liar');
    }
  expect(wholePlanOf({ seed: 9, focus: null }, {})).toEqual(planOf(9));
});

test('in steered plans no other address stands where a shared one begins', () => {
  const plans = Array.from({ length: 200 }, (_, seed) => steeredPlanOf(seed, focusOf('crash@guard')));
  const occupied = plans.filter(({ world }) => world.occupied.length > 0);
  expect(occupied.length).toBeGreaterThan(2);
  for (const { world } of plans) expect(() => createWorld(world, { keepTrace: 0 })).not.toThrow();
});
