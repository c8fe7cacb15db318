/** Every kind of claim is kept where it is true, and broken where it is not. */
import { beforeAll, expect, test } from 'vitest';
import { runPlan } from '../src/plan/index.ts';
import { Recorder, type TraceRecord } from '../src/record/index.ts';
import { type Evaluation, evaluate } from '../src/scenario/evaluate.ts';
import { formatFault } from '../src/scenario/fault.ts';
import { readScenario, runScenario, type Scenario, transcriptOf, verdictOf } from '../src/scenario/index.ts';
import { OBSERVABLES } from '../src/scenario/observables.ts';
import { type RunLog, runLogOf } from '../src/scenario/run-log.ts';

/** Two moves by agents, one by hand, one order, one node that can't take over. */
const PLOT = `scenario: plot
proves: There is something to claim.
cluster:
  nodes: [a, b, { id: c, nat: none }]
settings: { holdDown: 5s }
cloud: { newPublicAddress: 1s }
timeline:
  - { at: 30s, haproxy: { node: a, state: dead }, for: 20s }
  - { at: 60s, console: { to: a } }
  - { at: 125s, handover-order: { node: a, to: b } }
  - { at: 128s, path-blocked: c }
run: { for: 150s }
`;

function scenarioWith(expected: string): Scenario {
  const read = readScenario('plot.yaml', `${PLOT}expect:\n${expected}\n`);
  if (read.kind === 'faulty') throw new Error(read.faults.map(formatFault).join('\n'));
  return read.scenario;
}

let runLog: RunLog;

beforeAll(() => {
  runPlan(scenarioWith('  moves: 0').plan, {
    onWorld(world) {
      runLog = runLogOf(world);
    },
  });
});

function evaluated(expected: string): readonly Evaluation[] {
  return evaluate(runLog, scenarioWith(expected).expect);
}

const TRUE: readonly string[] = [
  'holder: b',
  '{ until: 30s, holder: a }',
  '{ from: 30s, until: 60s, takers: [b] }',
  'takers: [b, b]',
  'takers: { 198.51.100.200: [b, b] }',
  'moves: 2',
  'moves: at most 2',
  'moves: at least 2',
  'moves: { 198.51.100.200: 2 }',
  '{ until: 30s, moves: 0 }',
  'served: b',
  '{ from: 30s, until: 59s, served: { by: b, within: 3s } }',
  '{ from: 70s, until: 89s, served: { within: 0s } }',
  'told: 2',
  'told: [b took over 198.51.100.200, b took over]',
  '{ until: 30s, told: 0 }',
  'seen: { a: voted down }',
  'seen: { anyone: [takeover served, handover served] }',
  'unseen: { a: takeover served }',
  '{ until: 30s, unseen: { anyone: voted down } }',
  'decision: { b: is-holder, a: address-up }',
  'decision: { b: hold }',
  'calls: { ec2:DisassociateAddress: 1, ec2:AssociateAddress: 2 }',
  '{ until: 30s, calls: { ec2:AssociateAddress: 0 } }',
  'ready: b',
  'unready: { c: no-way-out }',
  'answered: [working]',
];

const FALSE: readonly string[] = [
  'holder: a',
  'holder: nobody',
  '{ until: 30s, holder: b }',
  'takers: [b]',
  'takers: [a, b]',
  'takers: []',
  'takers: { 198.51.100.200: [b] }',
  'moves: 1',
  'moves: at most 1',
  'moves: at least 3',
  'moves: { 198.51.100.200: 3 }',
  'served: a',
  '{ from: 30s, until: 59s, served: { by: b, within: 100ms } }',
  '{ from: 30s, until: 59s, served: { within: 100ms } }',
  '{ from: 30s, until: 30100ms, served: {} }',
  'told: 1',
  'told: [a took over, b took over]',
  'told: [b took over]',
  'seen: { c: takeover served }',
  '{ until: 30s, seen: { a: voted down } }',
  'unseen: { a: voted down }',
  'unseen: { anyone: takeover served }',
  'decision: { b: address-up }',
  'decision: { b: campaign }',
  'calls: { ec2:DisassociateAddress: 2 }',
  'calls: { ec2:AssociateAddress: at most 1 }',
  'ready: [c]',
  'unready: { b: no-way-out }',
  'unready: { c: local-unfit }',
  'answered: [done]',
  'answered: []',
];

test.each(TRUE)('%s is kept', (claim) => {
  for (const { kept, says, found } of evaluated(`  - ${claim}`))
    expect({ says, found, kept }).toMatchObject({ kept: true });
});

test.each(FALSE)('%s is broken', (claim) => {
  const all = evaluated(`  - ${claim}`);
  expect(
    all.some(({ kept }) => !kept),
    JSON.stringify(all),
  ).toBe(true);
});

test('a run with a broken expectation is not kept, and says what was found', () => {
  const run = runScenario(scenarioWith('  takers: [a]'));
  expect(run.kept).toBe(false);
  expect(verdictOf(run)).toEqual([
    'BROKEN  taken by a; found: taken by b, b',
    'kept    no invariant violated',
  ]);
});

test('a violated invariant breaks a run whatever was expected', () => {
  const run = runScenario(scenarioWith('  moves: 0'), {
    onWorld: (world) => world.queue.at(1_000, () => world.violate('I1', 'staged')),
  });
  expect(run.kept).toBe(false);
  expect(verdictOf(run)).toEqual(['kept    moves: 0', 'BROKEN  I1 violated at 1000 ms: staged']);
});

test('the transcript tells the fault, the decision with its reason, the vote, the move, and the notification', () => {
  const records: TraceRecord[] = [];
  const scenario = scenarioWith('  moves: 2');
  runScenario(scenario, {
    onWorld: (world) =>
      void new Recorder(world, {
        plan: null,
        title: '',
        sink: (entry) => void ('n' in entry && records.push(entry)),
      }),
  });
  const transcript = transcriptOf(scenario, records, { verbose: false }).join('\n');
  for (const part of [
    '30.000 s  world  fault: haproxy',
    'campaign, address-down',
    'answered b about 198.51.100.200: grant, down',
    '→ b',
    'notification by b',
  ])
    expect(transcript).toContain(part);
  expect(transcriptOf(scenario, records, { verbose: true }).length).toBeGreaterThan(
    transcript.split('\n').length,
  );
});

test('no observation is listed twice', () => {
  expect(new Set(OBSERVABLES).size).toBe(OBSERVABLES.length);
});
