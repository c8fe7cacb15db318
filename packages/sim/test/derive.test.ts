/** Plans derived from recordings of plans: what was done comes out again, as far as nodes can see it. */
import { readBundle } from '@failtome/recording';
import { expect, test } from 'vitest';
import { derivedPlan, recordedCourse } from '../src/derive/index.ts';
import { incidentOf } from '../src/import/index.ts';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { readScenario, settingsOf, writeScenario } from '../src/scenario/index.ts';
import { outcomesOf } from '../src/why/index.ts';
import { packed, recordings } from './recorded-runs.ts';

const NO_RULE = { unansweredMs: Number.POSITIVE_INFINITY };

function planIn(timeline: readonly string[], settings = '{ preset: quick }'): Plan {
  const text = `scenario: test
proves: a test
settings: ${settings}
cloud: { newPublicAddress: 1s }
cluster: { nodes: [a, b, { id: c, role: witness, priority: 7 }] }
timeline:
${timeline.map((line) => `  - ${line}`).join('\n')}
run: { for: 38s }
`;
  const read = readScenario('test', text);
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  return read.scenario.plan;
}

async function derived(plan: Plan) {
  const made = recordings(5_000);
  runPlan(plan, { recorderOf: made.recorderOf });
  const incident = incidentOf(await readBundle(await packed(made.segments())));
  return { incident, ...derivedPlan(incident) };
}

/** In the incident's time. */
function faultsOf({ plan, laterMs }: Awaited<ReturnType<typeof derived>>) {
  return plan.timeline.map((entry) => ({ ...entry, atMs: entry.atMs + laterMs }));
}

const near = (ms: number, withinMs: number) => ({
  asymmetricMatch: (other: unknown) => typeof other === 'number' && Math.abs(other - ms) <= withinMs,
});

/** What is seen is seen by the next check, or the next message. */
const SOON_MS = 1_500;

test.each<[what: string, line: string, expected: object]>([
  [
    'a web server that is dead',
    '{ at: 20s, haproxy: { node: a, state: dead } }',
    { action: 'haproxy', with: { node: 'a', state: 'dead' }, atMs: near(20_000, SOON_MS), forMs: null },
  ],
  [
    'a web server that hangs, for a while',
    '{ at: 20s, haproxy: { node: a, state: hung }, for: 8s }',
    {
      action: 'haproxy',
      with: { node: 'a', state: 'hung' },
      atMs: near(20_000, SOON_MS),
      forMs: near(8_000, 2 * SOON_MS),
    },
  ],
  [
    'an agent that is killed and started again',
    '{ at: 20s, crash: { node: b }, for: 6s }',
    { action: 'crash', with: { node: 'b' }, atMs: near(20_000, SOON_MS), forMs: near(6_000, SOON_MS) },
  ],
  [
    'an agent that is told to stop',
    '{ at: 20s, stop: { node: b }, for: 6s }',
    { action: 'stop', with: { node: 'b' }, atMs: near(20_000, SOON_MS), forMs: near(6_000, SOON_MS) },
  ],
  [
    'an agent that stands still',
    '{ at: 20s, pause: { node: a }, for: 5s }',
    { action: 'pause', with: { node: 'a' }, atMs: near(20_000, SOON_MS), forMs: near(5_000, SOON_MS) },
  ],
  [
    'a machine that is gone',
    '{ at: 20s, vanish: { node: a } }',
    { action: 'vanish', with: { node: 'a' }, atMs: near(20_000, SOON_MS), forMs: null },
  ],
  [
    'one way on which requests are lost',
    '{ at: 20s, one-way: { from: a, to: b, state: no-connections }, for: 10s }',
    {
      action: 'one-way',
      with: { from: 'a', to: 'b', state: 'no-connections' },
      atMs: near(20_000, SOON_MS),
      forMs: near(10_000, SOON_MS),
    },
  ],
])('%s comes out again', async (_, line, expected) => {
  // A failure beside it makes it an incident.
  const found = await derived(
    planIn(
      [line, '{ at: 22s, haproxy: { node: a, state: dead }, for: 20s }'].slice(
        0,
        line.includes('haproxy') ? 1 : 2,
      ),
    ),
  );
  expect(faultsOf(found)).toContainEqual(expect.objectContaining(expected));
});

test('calls that were throttled come out again, with the call and how often', async () => {
  const found = await derived(
    planIn([
      '{ at: 19s, cloud: { call: "ec2:AssociateAddress", effect: throttle, node: b, times: 3 }, for: 20s }',
      '{ at: 20s, haproxy: { node: a, state: dead } }',
    ]),
  );
  expect(faultsOf(found).filter(({ action }) => action === 'cloud')).toMatchObject([
    {
      with: { call: 'ec2:AssociateAddress', effect: 'throttle', node: 'b', times: 3 },
      atMs: near(20_500, SOON_MS),
    },
  ]);
});

test('a web server of which only the probes tell comes out again, and is well where it serves next', async () => {
  const found = await derived(
    planIn(
      [
        '{ at: 10s, haproxy: { node: a, state: dead }, for: 3s }',
        '{ at: 25s, haproxy: { node: b, state: dead } }',
      ],
      '{ preset: quick, local: none, holdDown: 1s }',
    ),
  );
  expect(faultsOf(found).filter(({ action }) => action === 'haproxy')).toMatchObject([
    { with: { node: 'a', state: 'dead' }, atMs: near(10_000, SOON_MS), forMs: near(3_000, SOON_MS) },
    { with: { node: 'b', state: 'dead' }, atMs: near(25_000, SOON_MS), forMs: null },
  ]);
});

test('nothing that was not there comes out', async () => {
  const { plan, gap } = await derived(planIn(['{ at: 20s, delays: { least: 1ms, most: 2ms } }']));
  expect([plan.timeline, gap]).toEqual([[], null]);
});

test('cluster and settings come out as they were', async () => {
  const plan = planIn(
    ['{ at: 20s, haproxy: { node: a, state: dead } }'],
    '{ preset: patient, holdDown: 77s, local: none }',
  );
  const { plan: again } = await derived(plan);
  const { probe, local, gossip, agreement, guardTimeoutMs, holdDownMs, flap } = plan.world.settings;
  expect(again.world.settings).toMatchObject({
    probe,
    local,
    gossip,
    agreement,
    guardTimeoutMs,
    holdDownMs,
    flap,
  });
  expect(settingsOf(new Map()).holdDownMs).not.toBe(holdDownMs);
  expect(again.world.nodes.map(({ id, role, priority }) => [id, role, priority])).toEqual([
    ['a', 'candidate', 100],
    ['b', 'candidate', 100],
    ['c', 'witness', 7],
  ]);
  expect(again.world.addresses).toEqual(plan.world.addresses);
  expect(again.world.holders).toEqual([0]);
});

test('the derived plan takes the course of the incident, and is a scenario', async () => {
  const plan = planIn([
    '{ at: 19s, one-way: { from: a, to: b, state: no-connections } }',
    '{ at: 20s, haproxy: { node: a, state: dead } }',
    '{ at: 20s, cloud: { call: "ec2:AssociateAddress", effect: throttle, node: b, times: 3 }, for: 20s }',
  ]);
  const { incident, gap, ...found } = await derived(plan);
  const recorded = recordedCourse(incident.trace.records, gap, incident.lengthMs);
  const [own] = outcomesOf({ plan: found.plan, rule: NO_RULE, seeds: [null] });
  expect(recorded.takers).toEqual(['b']);
  expect(own).toMatchObject({ takers: ['b'], unansweredMs: near(recorded.unansweredMs, 2_000) });
  const read = readScenario('derived', writeScenario(found.plan, { name: 'derived', proves: 'it' }));
  expect(read.kind).toBe('scenario');
});
