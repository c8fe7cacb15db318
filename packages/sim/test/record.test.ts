import { expect, describe as suite, test } from 'vitest';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { causesOf } from '../src/record/causes.ts';
import { contextOf, describe } from '../src/record/describe.ts';
import { readTrace } from '../src/record/read.ts';
import { Recorder } from '../src/record/recorder.ts';
import type { RecordedRun, TraceRecord } from '../src/record/records.ts';
import { createTraceBuffer } from '../src/record/trace-buffer.ts';
import { traceText, withCauses } from '../src/record/trace-text.ts';
import { createCluster, type World } from '../src/world/index.ts';

/** A pair whose holder's web server dies: the other one takes the address. */
const FAILOVER: Plan = {
  title: 'a failover',
  world: createCluster().spec,
  timeline: [
    { atMs: 12_000, action: 'cut', with: { from: 'a', to: 'b' }, forMs: 1_000 },
    { atMs: 20_000, action: 'haproxy', with: { node: 'a', state: 'dead' }, forMs: null },
    { atMs: 38_000, action: 'pause', with: { node: 'a' }, forMs: 1_000 },
  ],
  ending: { kind: 'stop', atMs: 42_000 },
};

function record(plan: Plan, maxChars = 1e9, meddle: (world: World) => void = () => undefined): RecordedRun {
  const buffer = createTraceBuffer(maxChars);
  const recorders: { finish(): void }[] = [];
  runPlan(plan, {
    onWorld(world) {
      recorders.push(new Recorder(world, { plan, title: plan.title, sink: buffer.take }));
      meddle(world);
    },
  });
  for (const recorder of recorders) recorder.finish();
  return withCauses(buffer.run());
}

function isOf(record: TraceRecord, kind: string, who: string): boolean {
  return record.kind === kind && 'who' in record && record.who === who;
}

const run = record(FAILOVER);

function lines(trace: RecordedRun, only: (record: TraceRecord) => boolean): readonly string[] {
  const context = contextOf(trace.records);
  return trace.records
    .filter(only)
    .map((one) => `${'who' in one ? `${one.who} ` : ''}${describe(one, context)}`);
}

test('the same plan gives the same trace, byte for byte', () => {
  expect(traceText(record(FAILOVER))).toBe(traceText(run));
});

test('recording changes nothing in the world', () => {
  const plain = runPlan(FAILOVER);
  expect(run.end).toMatchObject({
    hash: plain.hash,
    events: plain.events,
    virtualMs: 42_000,
    violation: null,
  });
});

test('two may record one run, and each is told all of it', () => {
  const buffers = [createTraceBuffer(1e9), createTraceBuffer(1e9)];
  const ends: (() => void)[] = [];
  runPlan(FAILOVER, {
    onWorld(world) {
      for (const { take } of buffers) {
        const recorder = new Recorder(world, { plan: FAILOVER, title: FAILOVER.title, sink: take });
        ends.push(() => recorder.finish());
      }
    },
  });
  for (const end of ends) end();
  for (const buffer of buffers) expect(traceText(buffer.run())).toBe(traceText(run));
});

test('every message that arrives or is lost was sent, and every request comes to something', () => {
  const open = new Set<number>();
  for (const one of run.records) {
    if (one.kind === 'sent') open.add(one.msg);
    if (one.kind === 'arrived' || one.kind === 'lost') {
      expect(open.has(one.msg), `message ${one.msg}`).toBe(true);
      open.delete(one.msg);
    }
  }
  // What was under way when the run ended.
  expect(open.size).toBeLessThan(10);
});

test('a cut path loses messages, and the trace says why', () => {
  const cut = run.records.filter((one) => one.kind === 'lost' && one.why === 'cut');
  expect(cut.length).toBeGreaterThan(3);
  expect(cut.every(({ at }) => at >= 12_000 && at <= 13_000)).toBe(true);
  const late = run.records.filter((one) => one.kind === 'lost' && one.why === 'late');
  expect(late.every(({ at }) => at >= 38_000)).toBe(true);
});

test('the story of a failover can be read', () => {
  const story = lines(run, ({ kind }) =>
    ['haproxy', 'owner', 'association', 'fault', 'fault-ended', 'published', 'process'].includes(kind),
  );
  expect(story).toMatchInlineSnapshot(`
    [
      "a process off",
      "b process off",
      "a HAProxy up",
      "b HAProxy up",
      "198.51.100.200 belongs to a, served by a",
      "a process alive (a#1)",
      "b process alive (b#1)",
      "fault: cut (from a, to b)",
      "end of fault cut",
      "fault: haproxy (node a, state dead)",
      "a HAProxy dead",
      "198.51.100.200 belongs to a, not served",
      "198.51.100.200 leaves a: disassociated, by b",
      "198.51.100.200 belongs to nobody, not served",
      "198.51.100.200 → b (eipassoc-00000000000000002), by b",
      "198.51.100.200 belongs to b, served by b",
      "b notification by b: HAProxy failover notification",
      "fault: pause (node a)",
      "a process paused (a#1)",
      "a process alive (a#1)",
      "end of fault pause",
    ]
  `);
});

test('a ladder is told when it changes, not when time runs out', () => {
  const ladders = run.records.filter((one) => one.kind === 'ladder' && one.who === 'b');
  expect(ladders.length).toBeGreaterThan(10);
  expect(ladders.length).toBeLessThan(60);
  for (const one of ladders) if (one.kind === 'ladder') expect(one.gates).toHaveLength(19);
});

test('leases are told by who lends and by who borrows, until the same time or before', () => {
  const lent = run.records.find((one) => one.kind === 'lease' && one.who === 'a' && one.to === 'b');
  const borrowed = run.records.find(
    (one) => one.kind === 'borrowed' && one.who === 'b' && one.from === 'a' && one.untilMs !== null,
  );
  if (lent?.kind !== 'lease' || borrowed?.kind !== 'borrowed') throw new Error('no lease was lent');
  expect(borrowed.untilMs).toBeLessThanOrEqual(lent.untilMs);
  expect(lent.untilMs - lent.at).toBeCloseTo(10_000, -1);
});

suite('a trace file', () => {
  test('is read as it was written', () => {
    expect(readTrace(traceText(run))).toEqual({ kind: 'trace', trace: JSON.parse(JSON.stringify(run)) });
  });

  const [header = '', first = ''] = traceText(run).split('\n');
  const cases: readonly (readonly [name: string, text: string, line: number, reason: RegExp])[] = [
    ['that is empty', '', 1, /empty/],
    ['that is no JSON', 'hello\n', 1, /no JSON/],
    ['of something else', '{"kind":"header","format":"other"}\n', 1, /no trace/],
    ['of a later version', header.replace('"version":1', '"version":2'), 1, /version 2/],
    ['whose record is torn', `${header}\n${first}\n${first.slice(0, 20)}`, 3, /no JSON/],
    ['whose records are out of order', `${header}\n${first}\n${first}\n`, 3, /record 1 after record 1/],
    ['whose record has no moment', `${header}\n{"kind":"lost","n":1,"step":1}\n`, 2, /moment/],
    ['that goes on after its end', `${header}\n{"kind":"end"}\n${first}\n`, 3, /follows the end/],
  ];
  test.each(cases)('%s is refused with its line', (_, text, line, reason) => {
    expect(readTrace(text)).toEqual({ kind: 'fault', line, reason: expect.stringMatching(reason) });
  });
});

suite('a long run', () => {
  const most = 100_000;
  const short = record(FAILOVER, most);

  test('is cut to its last part, and says so', () => {
    expect(traceText(short).length).toBeLessThan(1.3 * most);
    expect(short.cut?.from).toBeGreaterThan(1);
    expect(short.records.length + (short.cut?.dropped ?? 0)).toBe(run.records.length);
    const kept = new Map(run.records.map((one) => [one.n, one]));
    for (const one of short.records) expect(one).toEqual(kept.get(one.n));
    expect(short.end).toEqual(run.end);
  });

  test('keeps what still held when the part begins', () => {
    const from = short.cut?.from ?? 0;
    const held = short.records.filter(({ n }) => n < from);
    for (const who of ['a', 'b'])
      for (const kind of ['process', 'haproxy', 'node', 'view', 'ladder']) {
        const last = run.records.findLast((one) => one.n < from && isOf(one, kind, who));
        expect(held.filter((one) => isOf(one, kind, who))).toEqual([last]);
      }
    expect(held.map(({ n }) => n)).toEqual(held.map(({ n }) => n).sort((a, b) => a - b));
  });
});

suite('causes', () => {
  function causes(of: (record: TraceRecord) => boolean, trace = run): readonly string[] {
    const numbers = new Set(causesOf(trace.records, trace.records.findIndex(of)));
    return lines(trace, ({ n }) => numbers.has(n));
  }

  test('of a takeover are the fault, the verdicts, the votes and the calls', () => {
    const told = causes(
      (one) => one.kind === 'fact' && one.fact.kind === 'concluded' && one.fact.entry.result === 'served',
    ).join('\n');
    for (const cause of [
      'fault: haproxy',
      'a HAProxy dead',
      'b 198.51.100.200 is down',
      'b asking the voters about',
      'a answered b about',
      'was won',
      'guard passed',
      'release took',
      'take took',
    ])
      expect(told).toContain(cause);
  });

  test('of a message are what its sender knew', () => {
    const told = causes((one) => one.kind === 'arrived' && one.who === 'a' && one.msg % 2 === 0);
    expect(told.length).toBeGreaterThan(0);
  });

  test('of a violation stand in the end of the trace', () => {
    const broken = record(FAILOVER, 1e9, (world) => {
      world.watch((event) => {
        if (event.kind === 'drive' && event.effect.operation.op === 'take')
          world.violate('I1', `${event.by.run} calls take of ${event.effect.address} without anything`);
      });
    });
    expect(broken.end?.violation).toMatchObject({ invariant: 'I1', step: broken.end?.events });
    const numbers = new Set(broken.end?.violation?.causes);
    const told = lines(broken, ({ n }) => numbers.has(n)).join('\n');
    for (const cause of ['fault: haproxy', 'b 198.51.100.200 is down', 'was won', 'release took'])
      expect(told).toContain(cause);
    expect(numbers.size).toBeLessThanOrEqual(32);
    expect(broken.records.some(({ kind }) => kind === 'violation')).toBe(true);
  });
});

test('a second process with the same id has a lane of its own', () => {
  const cloned = record({
    ...FAILOVER,
    timeline: [
      { atMs: 15_000, action: 'clone', with: { node: 'a' }, forMs: 5_000 },
      { atMs: 21_000, action: 'clone', with: { node: 'a' }, forMs: 2_000 },
    ],
    ending: { kind: 'stop', atMs: 25_000 },
  });
  const told = lines(cloned, (one) => one.kind === 'process');
  expect(told.filter((line) => line.startsWith('a#'))).toEqual([
    'a#2 process alive (a#2)',
    'a#2 process crashed (a#2)',
    // Another one later stands where that one stood.
    'a#2 process alive (a#3)',
    'a#2 process crashed (a#3)',
  ]);
  expect(told.filter((line) => line.startsWith('a '))).toEqual(['a process off', 'a process alive (a#1)']);
});
