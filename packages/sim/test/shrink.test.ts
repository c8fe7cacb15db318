import type { Fact } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { ACTIONS, type Entry, type Plan, runPlan } from '../src/plan/index.ts';
import { readScenario, writeScenario } from '../src/scenario/index.ts';
import { kindOf, type Shrunk, shrink } from '../src/shrink/index.ts';
import {
  ADDRESS,
  createRandom,
  DEFAULT_SETTINGS,
  FAST_SETTINGS,
  type NodeSpec,
  type Violation,
  type World,
  type WorldSpec,
} from '../src/world/index.ts';

const MAX_RUNS = 250;

const NODES: readonly NodeSpec[] = ['a', 'b', 'c'].map((id, index) => ({
  id,
  role: index < 2 ? 'candidate' : 'witness',
  priority: 100 - index,
  clock: { offsetMs: 7_777 * (index + 1), driftPpm: 50 * index, wallErrorMs: 300 },
  bootMs: 100 * index,
}));

const WORLD: WorldSpec = {
  seed: 4711,
  nodes: NODES,
  addresses: [ADDRESS],
  holders: [0],
  driver: 'ec2',
  settings: { ...FAST_SETTINGS, holdDownMs: 3_000 },
  cloud: { applyMs: [1, 300], answerMs: [1, 200], lostAnswerPerMille: 300 },
  associationSettleMs: 1_000,
  autoAddressDelayMs: 2_000,
  staleDisassociate: 'success',
  diskMs: [1, 30],
  timerLateMs: 5,
  occupied: [],
};

/** Forty things, two of which together are wrong in the world that these tests break. */
function busyPlan(): Plan {
  const random = createRandom(5);
  const harmless = [
    'wall-clock-step',
    'path-blocked',
    'pause-order',
    'reload',
    'dead-kept-connections',
    'revoke',
  ];
  const noise = Array.from({ length: 38 }, (_, index): Entry => {
    const kind = ACTIONS.get(random.pick(harmless));
    if (kind?.draw === undefined) throw new Error('an action that nobody draws');
    return { atMs: 5_003 + 577 * index, action: kind.name, with: kind.draw(random, WORLD), forMs: 1_234 };
  });
  const needed: Entry[] = [
    { atMs: 14_321, action: 'cut', with: { from: 'a', to: 'c' }, forMs: 18_765 },
    { atMs: 16_789, action: 'haproxy', with: { node: 'a', state: 'dead' }, forMs: 14_567 },
  ];
  const timeline = [...noise, ...needed].sort((one, other) => one.atMs - other.atMs);
  return { title: 'forty things', world: WORLD, timeline, ending: { kind: 'stop', atMs: 40_000 } };
}

/** A world with an invariant of its own: nobody takes the address over while `a` and `c` don't reach each other. */
function forbidTakeoversBehindCut(world: World): void {
  world.watch((event) => {
    if (event.kind !== 'facts' || !event.facts.some(isTakeover)) return;
    if (world.network.link('a', 'c').state === 'closed')
      world.violate('T1', `${event.by.run} took ${ADDRESS} at ${world.now()}: a and c are apart`);
  });
}

let known: Shrunk | null = null;

function behindCut(): Shrunk {
  known ??= shrinkIn(forbidTakeoversBehindCut, busyPlan());
  return known;
}

function isTakeover(fact: Fact): boolean {
  return fact.kind === 'concluded' && fact.entry.kind === 'takeover' && fact.entry.result === 'served';
}

function shrinkIn(broken: (world: World) => void, plan: Plan): Shrunk {
  let runs = 0;
  const shrunk = shrink(plan, {
    enough: () => ++runs > MAX_RUNS,
    run: (candidate, options) => violationIn(broken, candidate, options?.onWorld),
  });
  if (shrunk === null) throw new Error('nothing is violated');
  return shrunk;
}

function violationIn(
  broken: (world: World) => void,
  plan: Plan,
  also?: (world: World) => void,
): Violation | null {
  return runPlan(plan, {
    onWorld(world) {
      broken(world);
      also?.(world);
    },
  }).violation;
}

test('of forty things only the two remain that together are wrong, in a calm world', () => {
  expect(busyPlan().timeline).toHaveLength(40);
  const shrunk = behindCut();
  expect(shrunk.plan.timeline.map(({ action }) => action)).toEqual(['cut', 'haproxy']);
  expect(shrunk.plan.world.nodes.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  expect(shrunk.plan.world.settings).toEqual(DEFAULT_SETTINGS);
  expect(shrunk.plan.world.timerLateMs).toBe(1);
  expect(shrunk.violation.invariant).toBe('T1');
  for (const { atMs } of shrunk.plan.timeline) expect(atMs % 100).toBe(0);
  expect(shrunk.plan.ending.atMs).toBeGreaterThan(shrunk.violation.atMs);
  expect(shrunk.plan.ending.atMs).toBeLessThan(shrunk.violation.atMs + 2_000);
});

test('the same plan shrinks to the same plan, and what is written as a scenario still violates', () => {
  const small = behindCut();
  expect(shrinkIn(forbidTakeoversBehindCut, busyPlan())).toEqual(small);

  const text = writeScenario(small.plan, { name: 't1-violated', proves: small.violation.detail });
  const read = readScenario('T1.yaml', text);
  if (read.kind !== 'scenario') throw new Error(read.faults.map(({ found }) => found).join());
  expect(violationIn(forbidTakeoversBehindCut, read.scenario.plan)).toEqual(small.violation);
});

/** Another invariant of its own: what `a` sends to `b` doesn't fail twice within two seconds. */
function forbidTwoLosses(world: World): void {
  let lastMs = Number.NEGATIVE_INFINITY;
  world.watch((event) => {
    if (event.kind !== 'facts' || event.by.node !== 'a') return;
    for (const fact of event.facts) {
      if (fact.kind !== 'heartbeat' || fact.peer !== 'b' || fact.result !== 'timeout') continue;
      if (world.now() - lastMs < 2_000) world.violate('T2', `two failed within ${world.now() - lastMs}`);
      lastMs = world.now();
    }
  });
}

test('losses by chance become the single messages that matter', () => {
  const lossy: Entry = {
    atMs: 6_000,
    action: 'bad-links',
    with: { lossPerMille: 60, tailPerMille: 100, tailMs: 100, duplicatePerMille: 100 },
    forMs: 30_000,
  };
  const plan: Plan = {
    title: 'lossy',
    world: WORLD,
    timeline: [lossy],
    ending: { kind: 'recover', atMs: 40_000, broken: [], goal: 'served' },
  };
  const { plan: small } = shrinkIn(forbidTwoLosses, plan);
  const actions = small.timeline.map(({ action }) => action);
  // Two that fail, and perhaps one whose loss brings the other's moment about.
  expect([2, 3]).toContain(actions.filter((action) => action === 'lose-message').length);
  expect(actions).not.toContain('bad-links');
  expect(violationIn(forbidTwoLosses, small)).not.toBeNull();
});

test('a plan that violates nothing is not shrunk', () => {
  const plan: Plan = { title: 'calm', world: WORLD, timeline: [], ending: { kind: 'stop', atMs: 5_000 } };
  expect(shrink(plan, { enough: () => false })).toBeNull();
});

test.each([
  ['names and numbers differ', 'I5', "a's lease of 198.51.100.200 is with b#6 until 77124.5", true],
  ['another invariant', 'I4', "b's lease of 198.51.100.201 is with a#1 until 5", false],
  ['other evidence', 'I5', 'b#2 lends while it knows nothing', false],
])('violations are the same or not: %s', (_, invariant, detail, same) => {
  const plan = busyPlan();
  const first: Violation = {
    invariant: 'I5',
    detail: "b's lease of 198.51.100.201 is with a#1 until 5",
    atMs: 1,
    step: 1,
  };
  expect(kindOf({ invariant, detail, atMs: 2, step: 2 }, plan) === kindOf(first, plan)).toBe(same);
});
