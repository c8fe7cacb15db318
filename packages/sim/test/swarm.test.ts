import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import type { Plan } from '../src/plan/index.ts';
import {
  addTallies,
  coverageOf,
  type Identity,
  mergeLedgers,
  NO_TALLY,
  newLedger,
  planOf,
  type Runner,
  readLedger,
  refuseOther,
  runHere,
  runInWorkers,
  runSeed,
  runSeedPlan,
  runSwarm,
  type SeedResult,
  type SeedTask,
  type SwarmEnd,
  type SwarmLedger,
  type SwarmOptions,
  summary,
  writeLedger,
} from '../src/swarm/index.ts';
import {
  countSeeds,
  describeRanges,
  overlap,
  parseRange,
  rangeFromClock,
  type SeedRange,
  seedsLeft,
  union,
} from '../src/swarm/ranges.ts';
import { enter } from '../src/swarm/swarm-ledger.ts';
import { createCluster, FAST_SETTINGS } from '../src/world/index.ts';

const OURS: Identity = { program: '1.2.3', fingerprint: 'abc', faults: null, focus: null };
const OPTIONS: SwarmOptions = { seeds: [1, 10], forMs: null, goal: null, focus: null, maxFindings: 3 };

/** What a seed came to, without running it. */
function resultOf(seed: number, violated = false): SeedResult {
  const finding = violated
    ? { seed, focus: null, invariant: 'I4', detail: 'two winners', atMs: 5, step: 9 }
    : null;
  const hash = seed.toString(16).padStart(16, 'f');
  const tally = { ...NO_TALLY, seeds: 1, events: 100, faultedTakeovers: 2, digest: hash };
  return { seed, focus: null, hash, tally, finding };
}

/** A seed that isn't steered. */
const task = (seed: number): SeedTask => ({ seed, focus: null });

/** Ends seeds in another order than they were begun. */
function fakeRunner(jobs: number, violated: (seed: number) => boolean = () => false): Runner {
  const later = async (turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  };
  return {
    jobs,
    async run({ seed }) {
      await later((seed * 7) % 5);
      return resultOf(seed, violated(seed));
    },
    close: () => Promise.resolve(),
  };
}

function swarmOf(
  runner: Runner,
  options: Partial<SwarmOptions> = {},
  before: SwarmLedger = newLedger(OURS),
  onResult: (result: SeedResult) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<SwarmEnd> {
  return runSwarm({ ...OPTIONS, ...options }, before, { runner, clock: () => 0, signal, onResult });
}

test.each<[string, SeedRange | null]>([
  ['1..500', [1, 500]],
  ['7', [7, 7]],
  ['7..', [7, 0xffff_ffff]],
  ['0..4294967295', [0, 0xffff_ffff]],
  ['9..8', null],
  ['..8', null],
  ['1..4294967296', null],
  ['1-5', null],
  ['', null],
])('seeds %s are read as %j', (text, range) => {
  expect(parseRange(text)).toEqual(range);
});

test('the clock gives seeds that lie far apart however close its moments, with room for many after each', () => {
  const firsts = [0, 1, 2, 1_000].map((ms) => rangeFromClock(1_764_000_000_000 + ms)[0]);
  for (const [index, first] of firsts.entries()) {
    expect(parseRange(`${first}..`)).toEqual([first, 0xffff_ffff]);
    expect(0xffff_ffff - first).toBeGreaterThan(10_000_000);
    for (const other of firsts.slice(index + 1)) expect(Math.abs(first - other)).toBeGreaterThan(1_000_000);
  }
});

test('ranges of seeds are added up, compared and gone through', () => {
  const done = union(
    [
      [5, 6],
      [1, 2],
    ],
    [
      [3, 3],
      [9, 12],
      [10, 11],
    ],
  );
  expect(done).toEqual([
    [1, 3],
    [5, 6],
    [9, 12],
  ]);
  expect(describeRanges(done)).toBe('1..3, 5..6, 9..12');
  expect(countSeeds(done)).toBe(9);
  expect([...seedsLeft([2, 13], done)]).toEqual([4, 7, 8, 13]);
  expect(overlap(done, [[7, 9]])).toEqual([9, 9]);
  expect(overlap(done, [[7, 8]])).toBeNull();
});

test('a swarm comes to the same with one job and with three', async () => {
  const [one, three] = [await swarmOf(fakeRunner(1)), await swarmOf(fakeRunner(3))];
  expect(one.why).toBe('all seeds');
  expect(three.ledger).toEqual(one.ledger);
  expect(one.ledger.done).toEqual([[1, 10]]);
  expect(one.ledger.tally.events).toBe(1_000);
});

test('a swarm goes on where its ledger ends, and stops at its goal', async () => {
  const first = await swarmOf(fakeRunner(1), { seeds: [1, 4] });
  const ran: number[] = [];
  const end = await swarmOf(
    fakeRunner(1),
    { seeds: [1, 1_000], goal: { events: 600, takeovers: 14 } },
    first.ledger,
    ({ seed }) => ran.push(seed),
  );
  expect(ran).toEqual([5, 6, 7]);
  expect(end.why).toBe('goal');
});

test('a swarm goes on after a violation, up to its bound', async () => {
  const end = await swarmOf(fakeRunner(1, (seed) => seed % 2 === 0));
  expect(end.why).toBe('findings');
  expect(end.findings.map(({ seed }) => seed)).toEqual([2, 4, 6]);
  expect(end.ledger.done).toEqual([[1, 6]]);
});

test('an interrupt begins no seed any more, and keeps what was reached', async () => {
  const interrupt = new AbortController();
  const end = await swarmOf(
    fakeRunner(2),
    {},
    newLedger(OURS),
    ({ seed }) => seed === 4 && interrupt.abort(),
    interrupt.signal,
  );
  expect(end.why).toBe('interrupted');
  expect(countSeeds(end.ledger.done)).toBe(end.ledger.tally.seeds);
  expect(end.ledger.tally.seeds).toBeLessThan(7);
});

test('a ledger is read as it was written, and nothing is left beside it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ledger.json');
  expect(readLedger(file)).toBeNull();
  const ledger = enter(newLedger(OURS), resultOf(3, true), 12.3);
  writeLedger(file, ledger);
  expect(readLedger(file)).toEqual(ledger);
  expect(readdirSync(folder)).toEqual(['ledger.json']);

  const text = readFileSync(file, 'utf8');
  for (const [wrong, why] of [
    [text.replace('"version": 3', '"version": 4'), /version 4/],
    [text.replace('"seeds": 1', '"seeds": 2'), /contradicts itself/],
    [text.slice(0, -20), /isn't JSON/],
    ['{}', /isn't a swarm's ledger/],
  ] as const) {
    writeFileSync(file, wrong);
    expect(() => readLedger(file)).toThrow(why);
  }
});

test('a ledger of before pairs were counted is read, with none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-ledger-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ledger.json');
  const ledger = enter(newLedger(OURS), resultOf(3, true), 12.3);
  const { pairs: _, ...tally } = ledger.tally;
  writeFileSync(file, JSON.stringify({ format: 'failtome-swarm-ledger', version: 2, ...ledger, tally }));
  expect(readLedger(file)).toEqual(ledger);
});

test('ledgers of different seeds add up, whatever their order', () => {
  const [a, b] = [enter(newLedger(OURS), resultOf(1), 5), enter(newLedger(OURS), resultOf(2, true), 6)];
  const sum = mergeLedgers([
    ['a', a],
    ['b', b],
  ]);
  expect(sum).toEqual(
    mergeLedgers([
      ['b', b],
      ['a', a],
    ]),
  );
  expect(sum).toMatchObject({ done: [[1, 2]], tally: { seeds: 2, events: 200 }, jobMs: 11 });
  expect(sum.findings.map(({ seed }) => seed)).toEqual([2]);
});

test('ledgers with seeds in common, or of another program or other faults, are not added up', () => {
  const ledger = enter(newLedger(OURS), resultOf(1), 5);
  const other = (identity: Partial<Identity>): SwarmLedger =>
    enter(newLedger({ ...OURS, ...identity }), resultOf(2), 5);
  const both = (second: SwarmLedger) => () =>
    mergeLedgers([
      ['a', ledger],
      ['b', second],
    ]);
  expect(both(ledger)).toThrow('b: the seeds 1 are in another ledger too');
  expect(both(other({ fingerprint: 'def' }))).toThrow(/b counts seeds of another program/);
  expect(both(other({ program: '1.2.4' }))).toThrow(/program 1\.2\.4/);
  expect(both(other({ faults: ['crash'] }))).toThrow(/about the faults crash, not all/);
  expect(() => refuseOther('c', OURS, OURS)).not.toThrow();
});

test('coverage is judged only where it can be expected', () => {
  const few = { identity: OURS, tally: { ...NO_TALLY, seeds: 5 } };
  const many = { identity: OURS, tally: { ...NO_TALLY, seeds: 5_000 } };
  expect(coverageOf(few).verdict).toBe('not judged');
  expect(coverageOf(many).verdict).toBe('incomplete');
  expect(coverageOf({ ...many, identity: { ...OURS, faults: ['crash'] } }).verdict).toBe('not judged');
  const coverage = Object.fromEntries(coverageOf(many).never.map(({ id }) => [id, 1]));
  expect(coverageOf({ ...many, tally: { ...many.tally, coverage } }).verdict).toBe('complete');
});

test('a seed is the same plan every time, and watching it changes nothing', () => {
  expect(planOf(11)).toEqual(planOf(11));
  const [first, again] = [runSeed(task(8), {}), runSeed(task(8), {})];
  expect(again).toEqual(first);
  expect(first.finding).toBeNull();
  expect(first.tally.takeovers).toBeGreaterThan(10);
  expect(first.tally.takeovers).toBeGreaterThanOrEqual(first.tally.faultedTakeovers);
  expect(addTallies(NO_TALLY, first.tally)).toEqual(first.tally);
});

/** A settled pair in which the holder's web server dies at ten seconds. */
function deadHolder(entries: Plan['timeline'] = []): Plan {
  const { spec } = createCluster({ settings: FAST_SETTINGS });
  return {
    title: 'a dead holder',
    world: spec,
    timeline: [
      { atMs: 10_000, action: 'haproxy', with: { node: 'a', state: 'dead' }, forMs: null },
      ...entries,
    ],
    ending: { kind: 'stop', atMs: 30_000 },
  };
}

test('a failover is measured from the address going down until somebody else serves it', () => {
  const { tally, finding } = runSeedPlan(1, deadHolder());
  expect(finding).toBeNull();
  expect(tally).toMatchObject({ seeds: 1, takeovers: 1, outages: { takenOver: 1, cameBack: 0, unended: 0 } });
  const [failover] = tally.slowest;
  expect(failover).toMatchObject({ seed: 1, fromMs: 10_000, from: 'a', to: 'b' });
  expect(failover?.possibleMs).toBeGreaterThan((failover?.lastedMs ?? 0) - 100);
  expect(failover?.lastedMs).toBeLessThan(failover?.boundMs ?? 0);
  expect(failover?.waited.map(([reason]) => reason)).toEqual(['call-in-flight', 'ballot-open']);
});

test('while nobody could take the address its outage is right, and is not held against the bound', () => {
  const paused = { atMs: 9_000, action: 'pause-order', with: { node: 'b', forMs: null }, forMs: 11_000 };
  const { tally } = runSeedPlan(1, deadHolder([paused]));
  const [failover] = tally.slowest;
  expect(failover?.lastedMs).toBeGreaterThan(10_000);
  expect(failover?.possibleMs).toBeLessThan(3_000);
  expect(tally.outages.rightlyMs).toBeGreaterThan(9_000);
  expect(failover?.waited[0]?.[0]).toBe('paused');
});

test('what is thrown in a seed is a finding, with its stack', () => {
  const plan = deadHolder([{ atMs: 11_000, action: 'no-such-action', with: {}, forMs: null }]);
  const { finding, tally } = runSeedPlan(77, plan);
  expect(finding).toMatchObject({ seed: 77, invariant: 'exception', atMs: 11_000 });
  expect(finding?.detail).toMatch(/there is no action called no-such-action\n\s+at /);
  expect(tally.seeds).toBe(1);
});

/** A program that is nothing but a worker with this code. */
function workerProgram(code: string): URL {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-worker-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'worker.mjs');
  writeFileSync(
    file,
    `import { parentPort } from 'node:worker_threads';\nparentPort.on('message', ({ seed }) => { ${code} });`,
  );
  return pathToFileURL(file);
}

test('a worker is asked seed after seed', async () => {
  const runner = runInWorkers(workerProgram('parentPort.postMessage({ seed })'), 1, {});
  onTestFinished(() => runner.close());
  expect(await runner.run(task(5))).toEqual({ seed: 5 });
  expect(await runner.run(task(6))).toEqual({ seed: 6 });
});

test.each([
  ['process.exit(3)', 'the worker ended with 3'],
  ["throw new Error('out of luck')", 'out of luck'],
])('a worker that comes to %s is a finding of its seed, and the next seed has another', async (code, why) => {
  const once = `if (seed === 5) { ${code} } else parentPort.postMessage({ seed });`;
  const runner = runInWorkers(workerProgram(once), 1, {});
  onTestFinished(() => runner.close());
  const { finding } = await runner.run(task(5));
  expect(finding).toMatchObject({ seed: 5, invariant: 'exception' });
  expect(finding?.detail).toContain(why);
  expect(await runner.run(task(6))).toEqual({ seed: 6 });
});

test('a swarm in this very thread runs its seeds, and its summary tells what it saw', async () => {
  const { ledger } = await swarmOf(runHere({ actions: ['haproxy'] }), { seeds: [3, 4] });
  const text = summary(ledger).join('\n');
  expect(text).toMatch(/^seeds {8}3\.\.4$/m);
  expect(text).toMatch(/^violations {3}0$/m);
  expect(text).toContain(`digest       ${ledger.tally.digest}`);
});
