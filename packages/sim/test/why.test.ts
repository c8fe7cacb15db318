/** Why there was an outage: the chance of it over time, what its jumps are, and what came of other rules. */
import { expect, test } from 'vitest';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { loadScenario, readScenario, runScenario } from '../src/scenario/index.ts';
import {
  compared,
  describeCompared,
  describeNone,
  describeWhy,
  doWhyTask,
  isOutage,
  savedScenario,
  variantOf,
  type Why,
  whyOutage,
  whyPart,
} from '../src/why/index.ts';
import { type CountAt, jumpsIn, likelihoodOver, shareOf } from '../src/why/likelihood.ts';
import { outcomesOf } from '../src/why/what-if.ts';

/** Branches of a moment by a known chance: of each hundred numbers as many are outages. */
function counting(chanceAt: (atMs: number) => number): {
  readonly countAt: CountAt;
  readonly asked: number[];
} {
  const asked: number[] = [];
  const countAt: CountAt = async (moments, from, to) =>
    moments.map((atMs) => {
      asked.push(atMs);
      const outages = Array.from(
        { length: to - from },
        (_, index) => ((from + index) * 37 + Math.round(atMs) * 11) % 100,
      );
      return { outages: outages.filter((one) => one < 100 * chanceAt(atMs)).length, of: to - from };
    });
  return { countAt, asked };
}

const options = { moments: [0, 10_000, 20_000], telling: [], branches: 40, resolutionMs: 50, most: 64 };

test('a jump is found as narrowly as was asked, wherever it is', async () => {
  const { countAt } = counting((atMs) => (atMs < 13_210 ? 0 : 1));
  const jumps = jumpsIn(await likelihoodOver(countAt, options));
  expect(jumps).toHaveLength(1);
  const [{ before, after } = { before: { atMs: 0 }, after: { atMs: 0 } }] = jumps;
  expect(before.atMs).toBeLessThan(13_210);
  expect(after.atMs).toBeGreaterThanOrEqual(13_210);
  expect(after.atMs - before.atMs).toBeLessThanOrEqual(50);
});

test('where something was done, that is looked at first', async () => {
  const { countAt, asked } = counting((atMs) => (atMs < 13_211 ? 0 : 1));
  const telling = [13_210, 13_211];
  const jumps = jumpsIn(await likelihoodOver(countAt, { ...options, telling }));
  expect(jumps.map(({ before, after }) => [before.atMs, after.atMs])).toEqual([[13_210, 13_211]]);
  expect(asked.length).toBeLessThan(10);
});

test('a chance that rises little by little and one that is the same all the time are told apart', async () => {
  const rising = jumpsIn(
    await likelihoodOver(counting((atMs) => atMs / 20_000).countAt, { ...options, most: 24 }),
  );
  expect(rising.length).toBeGreaterThan(0);
  expect(rising.every(({ before, after }) => after.chance > before.chance)).toBe(true);
  const same = counting(() => 0.5);
  expect(jumpsIn(await likelihoodOver(same.countAt, options))).toEqual([]);
});

test('a chance that falls again is a jump too', async () => {
  const { countAt } = counting((atMs) => (atMs > 4_000 && atMs < 16_000 ? 0.9 : 0.1));
  const jumps = jumpsIn(await likelihoodOver(countAt, options));
  expect(jumps.map(({ before, after }) => after.chance > before.chance)).toEqual([true, false]);
});

test('where there is no more time nothing is made up of what was not looked at', async () => {
  const { countAt, asked } = counting((atMs) => (atMs < 13_210 ? 0 : 1));
  const until =
    (most: number): CountAt =>
    async (moments, from, to) => {
      const counts = await countAt(moments, from, to);
      return counts.map((count, index) => (asked.length - moments.length + index < most ? count : null));
    };
  expect(await likelihoodOver(until(2), options)).toMatchObject([{ atMs: 0 }, { atMs: 10_000 }]);
  expect(await likelihoodOver(until(0), options)).toEqual([]);
});

test.each([
  [0, 24, 0, 0.138],
  [24, 24, 0.862, 1],
  [12, 24, 0.314, 0.686],
])('of %i outages in %i the interval is from %f to %f', (outages, of, low, high) => {
  const share = shareOf(outages, of);
  expect(share.low).toBeCloseTo(low, 2);
  expect(share.high).toBeCloseTo(high, 2);
});

function planIn(text: string): Plan {
  const read = readScenario('test', `scenario: test\nproves: a test\n${text}`);
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  return read.scenario.plan;
}

const TWO = planIn(`settings: { preset: quick }
cluster: { nodes: [a, b] }
timeline:
  - { at: 4s, haproxy: { node: b, state: dead } }
  - { at: 6s, isolate: { node: b }, for: 500ms }
  - { at: 8s, haproxy: { node: a, state: dead } }
run: { for: 14s }
`);

async function explained(
  plan: Plan,
  unansweredMs: number,
  branches = 8,
  most = Number.POSITIVE_INFINITY,
): Promise<Why> {
  let asked = 0;
  const found = await whyOutage(plan, {
    rule: { unansweredMs },
    branches,
    seed: 1,
    async run(task) {
      asked += 1;
      if (asked > most) return null;
      const done = doWhyTask({ kind: 'branches', ...task });
      if (done.kind !== 'branches') throw new Error(done.kind);
      return done.count;
    },
  });
  if (!isOutage(found)) throw new Error('there was no outage');
  return found;
}

const two = await explained(TWO, 3_000);

test('the fault that made it certain is the cause, the one before it was needed, and one that did nothing is neither', () => {
  expect(two.causes).toHaveLength(1);
  expect(two.causes[0]).toMatchObject({
    before: { atMs: 8_000, chance: 0 },
    after: { atMs: 8_001, chance: 1 },
    entries: [{ atMs: 8_000, action: 'haproxy' }],
    records: [{ kind: 'fault', name: 'haproxy' }],
    without: { outages: 0 },
  });
  expect(two.needed.map(({ entry }) => entry.atMs)).toEqual([4_000]);
  const text = describeWhy(two).join('\n');
  expect(text).toContain(
    'an outage: a broken invariant, or an address at which no client outside is answered for longer than 3 s',
  );
  expect(text).toMatch(
    /1\. at 8\.000 s the chance rose from 0 % to 100 %\n +8\.000 s {2}world: fault: haproxy \(node a, state dead\)/,
  );
  expect(text).toMatch(/b: \S+ hold, local-unfit/);
  expect(text).toMatch(
    /it took as well what was done at 4\.000 s, haproxy \(node b, state dead\): without it an outage in 0 of 8/,
  );
});

test('the report is given the same, with its moments moved where the run was a part of another', () => {
  const part = whyPart(two, [], ['a note'], 1_000);
  expect(part.jumps).toMatchObject([
    { fromMs: 9_000, rises: true, says: 'at 9.000 s the chance rose from 0 % to 100 %' },
  ]);
  expect(part.points.at(0)).toMatchObject({ atMs: 1_000, chance: 0, says: '0 of 8' });
  expect(part.notes).toContain('a note');
});

test('the same is found again, and other draws may differ', async () => {
  const again = await explained(TWO, 3_000);
  expect(describeWhy(again)).toEqual(describeWhy(two));
});

test('the decision that let it last is named by its reason code', async () => {
  const { causes, stood } = await explained(loadScenario('hold-down').plan, 10_000, 4);
  expect(causes.flatMap(({ entries }) => entries.map(({ atMs }) => atMs))).toEqual([50_000]);
  expect(causes[0]?.decisions[0]).toMatchObject({ who: 'a', fact: { outcome: 'hold', reason: 'held-down' } });
  expect(stood).toContainEqual(
    expect.objectContaining({ who: 'a', fact: expect.objectContaining({ reason: 'held-down' }) }),
  );
});

test('what there was time for is told, and that there was no more', async () => {
  expect(two.finished).toBe(true);
  const some = await explained(TWO, 3_000, 2, 3);
  expect(some).toMatchObject({ finished: false, anyway: null, needed: [] });
  expect(some.likelihood).toHaveLength(3);
  const text = describeWhy(some).join('\n');
  expect(text).toContain('there was no time to look at all of it: see --for');
  expect(text).not.toContain('other draws from the beginning');
  expect(JSON.stringify(whyPart(some, [], []))).toContain('there was no time to look at all of it');
  expect(describeWhy(two).join('\n')).not.toContain('--for');
});

test('without an outage it is said how near it came', async () => {
  const found = await whyOutage(TWO, {
    rule: { unansweredMs: 30_000 },
    branches: 2,
    seed: 1,
    run: () => Promise.reject(new Error('no branch is needed')),
  });
  if (isOutage(found)) throw new Error('there was one');
  expect(describeNone(found, 30_000).join()).toMatch(
    /no outage: .*the longest was 6\.\d+ s without an answer at \S+, from 8\.000 s on: --outage 5s asks why/,
  );
});

test('what the branches share with the run is the run, and looking on changes nothing', () => {
  const alone = runPlan(TWO);
  expect(two.trace.end?.hash).toBe(alone.hash);
  expect(outcomesOf({ plan: TWO, rule: { unansweredMs: 3_000 }, seeds: [null] })[0]).toMatchObject({
    outage: true,
    takers: [],
  });
});

test.each<[said: string, check: (plan: Plan) => unknown, is: unknown]>([
  ['without=haproxy@4s', ({ timeline }) => timeline.map(({ atMs }) => atMs), [6_000, 8_000]],
  ['without=haproxy', ({ timeline }) => timeline.map(({ action }) => action), ['isolate']],
  [
    'voters=4',
    ({ world }) => world.nodes.map(({ id, role }) => `${id} ${role}`),
    ['a candidate', 'b candidate', 'witness-1 witness', 'witness-2 witness'],
  ],
  ['store', ({ world }) => world.settings.store, true],
  [
    'preset=patient',
    ({ world }) => [world.settings.probe.intervalMs, world.settings.gossip.deadMs],
    [2_000, 6_000],
  ],
  [
    'holdDown=1s; probe.fall=4',
    ({ world }) => [world.settings.holdDownMs, world.settings.probe.fall],
    [1_000, 4],
  ],
  ['run.for=20s', ({ ending }) => ending.atMs, 20_000],
])('%s is the same incident under another rule', (said, check, is) => {
  const { name, plan } = variantOf(TWO, said);
  expect([name, check(plan)]).toEqual([said, is]);
  expect(plan.world.seed).toBe(TWO.world.seed);
});

test.each([
  [
    'without=crash',
    /--set without=crash: found the fault crash, expected one of haproxy@4s, isolate@6s, haproxy@8s/,
  ],
  ['voters=1', /found 1 voter, expected a number from 2/],
  ['preset=fast', /found the preset fast, expected patient, balanced, quick/],
  ['probe.fal=2', /probe\.fal/],
  ['nothing', /no =/],
])('%s is refused', (said, why) => {
  expect(() => variantOf(TWO, said)).toThrow(why);
});

test('rules stand side by side, with what came of each', () => {
  const rule = { unansweredMs: 3_000 };
  const all = [{ name: 'as it was', plan: TWO }, variantOf(TWO, 'without=haproxy@4s')].map(({ name, plan }) =>
    compared(name, outcomesOf({ plan, rule, seeds: [null, 1, 2, 3] })),
  );
  expect(all.map(({ outages }) => outages.outages)).toEqual([4, 0]);
  const text = describeCompared(all).join('\n');
  expect(text).toMatch(/^ +as it was +without=haproxy@4s$/m);
  expect(text).toMatch(/^taken by +nobody \(4 of 4\) +b \(4 of 4\)$/m);
  expect(text).toMatch(/^outages +4 of 4 +0 of 4$/m);
});

const ENOUGH_RUNS = 120;

/** Make it small and write it, within so many runs. */
function saved(why: Why) {
  let runs = 0;
  return savedScenario(why, {
    name: 'kept',
    comment: 'from a test',
    enough() {
      runs += 1;
      return runs > ENOUGH_RUNS;
    },
  });
}

const held = planIn(`settings: { preset: quick, local: none }
cluster: { nodes: [a, b, c] }
timeline:
  - { at: 3s, delays: { least: 1ms, most: 2ms } }
  - { at: 4s, haproxy: { node: a, state: dead }, for: 2s }
  - { at: 5s, cut: { from: a, to: c }, for: 100ms }
  - { at: 12s, haproxy: { node: b, state: hung } }
run: { for: 20s }
`);

test('what is saved is smaller, shows the same, and fails where the rule that did it is another', async () => {
  const why = await explained(held, 3_000, 2);
  expect(why.outage.detail).toContain('held-down');
  const { text, run } = saved(why);
  expect(run.kept).toBe(true);
  expect(run.result.plan.timeline.length).toBeLessThan(held.timeline.length);
  expect(text).toMatch(/unserved: 3s/);
  expect(text).toMatch(/decided held-down/);
  const again = readScenario('kept.yaml', text);
  if (again.kind === 'faulty') throw new Error(JSON.stringify(again.faults));
  expect(runScenario(again.scenario).expectations.map(({ kept }) => kept)).not.toContain(false);
  const other = readScenario('kept.yaml', text, { sets: ['holdDown=100ms'], config: null });
  if (other.kind === 'faulty') throw new Error(JSON.stringify(other.faults));
  const broken = runScenario(other.scenario).expectations.filter(({ kept }) => !kept);
  expect(broken.map(({ says }) => says)).toContain('nobody answers for 3 s');
});

test('the same outage is another one where the others stood elsewhere', async () => {
  const why = await explained(TWO, 3_000, 2);
  const { run, text } = saved(why);
  expect(run.kept).toBe(true);
  // Whoever could have taken it has to be unfit still: a cluster of one dead node is no example of it.
  expect(text).toMatch(/b: .*decided local-unfit/);
  expect(run.result.plan.timeline.map(({ action }) => action)).toEqual(['haproxy', 'haproxy']);
});
