/**
 * The swarm as the built program runs it: a fixed one, the same on every line of Node, in worker threads, with a
 * ledger that an interrupt leaves whole.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { createCluster } from '../../packages/sim/src/world/index.ts';
import { findOtherNode, otherNodeInstall } from '../../scripts/requirements.mjs';
import { type Ended, runToEnd, temporaryFolder } from './support/command.ts';

const program = join(import.meta.dirname, '../../packages/sim/dist/failtome-sim.js');
/** The table that every platform must agree with; `npx vitest run --project e2e test/e2e/swarm.test.ts -u` writes it anew. */
const table = join(import.meta.dirname, '../../packages/sim/test/hashes.json');

/** About twenty seconds of one core. */
const FIXED_SEEDS = [1, 30] as const;
/** Those that are run again on another line of Node. */
const COMPARED_SEEDS = [1, 12] as const;
/** What a swarm of this size meets of all that a longer one must meet, with room for a change of the dice. */
const LEAST_MET = 0.75;
const SWARM_TIMEOUT_MS = 300_000;

interface SwarmResult {
  readonly findings: readonly unknown[];
  readonly tally: { readonly seeds: number; readonly takeovers: number; readonly digest: string };
  readonly coverage: { readonly met: number; readonly never: readonly unknown[] };
  readonly hashes: Readonly<Record<string, string>>;
  readonly why: string;
}

function swarm(args: readonly string[], node = process.execPath): Promise<Ended> {
  return runToEnd(node, [program, 'swarm', ...args], { timeoutMs: SWARM_TIMEOUT_MS });
}

async function swarmResult([first, last]: readonly [number, number], node?: string): Promise<SwarmResult> {
  const ended = await swarm(['--seeds', `${first}..${last}`, '--json'], node);
  expect(ended).toMatchObject({ code: 0 });
  return JSON.parse(ended.stdout);
}

let known: Promise<SwarmResult> | null = null;

function fixedSwarm(): Promise<SwarmResult> {
  known ??= swarmResult(FIXED_SEEDS);
  return known;
}

test('a fixed swarm violates nothing, and meets most of what a swarm can meet', {
  timeout: SWARM_TIMEOUT_MS,
}, async () => {
  const { findings, tally, coverage, why } = await fixedSwarm();
  expect(findings).toEqual([]);
  expect(why).toBe('all seeds');
  expect(tally.seeds).toBe(FIXED_SEEDS[1]);
  expect(tally.takeovers).toBeGreaterThan(300);
  expect(coverage.met / (coverage.met + coverage.never.length)).toBeGreaterThan(LEAST_MET);
});

test('its trace hashes are those of the table', { timeout: SWARM_TIMEOUT_MS }, async () => {
  const { hashes } = await fixedSwarm();
  await expect(`${JSON.stringify(hashes, null, 2)}\n`).toMatchFileSnapshot(table);
});

test('the same seeds have the same trace hashes on another line of Node', {
  timeout: SWARM_TIMEOUT_MS,
}, async (context) => {
  const node = await otherNode(context);
  const { hashes } = await fixedSwarm();
  const other = await swarmResult(COMPARED_SEEDS, node);
  const compared = Object.entries(hashes).filter(([seed]) => Number(seed) <= COMPARED_SEEDS[1]);
  expect(compared).toHaveLength(COMPARED_SEEDS[1]);
  expect(other.hashes).toEqual(Object.fromEntries(compared));
});

/** Brought from npm where it isn't there yet. */
async function otherNode({ skip }: TestContext): Promise<string> {
  if (findOtherNode() === undefined)
    await runToEnd('npm', otherNodeInstall, { env: ownEnvironment(), timeoutMs: 120_000 });
  const found = findOtherNode();
  if (found === undefined) return skip(`there is no other line of Node: npm ${otherNodeInstall.join(' ')}`);
  const [ours, { stdout: theirs }] = [process.version, await runToEnd(found, ['--version'])];
  expect(theirs.trim().split('.')[0]).not.toBe(ours.split('.')[0]);
  return found;
}

/** With npm's own settings: where the registry is, and where packages are kept. */
function ownEnvironment(): Readonly<Record<string, string>> {
  const given = Object.entries(process.env);
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

test('one job and two come to the same, and ledgers of different machines add up', async (context) => {
  const folder = await temporaryFolder(context);
  const [a, b, c] = ['a.json', 'b.json', 'c.json'].map((name) => join(folder, name));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three files');
  const cheap = ['--faults', 'haproxy'];
  for (const [file, seeds, jobs] of [
    [a, '1..2', '1'],
    [b, '3..3', '1'],
    [c, '1..3', '2'],
  ] as const) {
    const ended = await swarm([...cheap, '--seeds', seeds, '--jobs', jobs, '--ledger', file]);
    expect(ended).toMatchObject({ code: 0 });
  }
  const into = join(folder, 'sum.json');
  expect(await swarm(['merge', a, b, '--into', into])).toMatchObject({ code: 0 });
  const whole = JSON.parse(readFileSync(c, 'utf8'));
  expect(JSON.parse(readFileSync(into, 'utf8'))).toEqual({ ...whole, jobMs: expect.any(Number) });

  const overlapping = await swarm(['merge', a, c]);
  expect(overlapping).toMatchObject({ code: 2 });
  expect(overlapping.stderr).toContain('the seeds 1..2 are in another ledger too');
});

test('a steered seed is had again by its focus, and its ledger is no other seeds', async (context) => {
  const folder = await temporaryFolder(context);
  const file = join(folder, 'steered.json');
  const steered = await swarm(['--steer', '--seeds', '21..21', '--ledger', file, '--json']);
  expect(steered).toMatchObject({ code: 0 });
  const { pairs, hashes, focuses } = JSON.parse(steered.stdout);
  expect(pairs.faults.met).toBeGreaterThan(30);
  expect(pairs.impossible).toEqual([]);
  const again = await swarm(['--seeds', '21..21', '--focus', focuses['21'], '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ hashes, focuses });
  const plain = await swarm(['--seeds', '22..22', '--ledger', file]);
  expect(plain.code).toBe(2);
  expect(plain.stderr).toContain('has seeds of the focus unmet, not none');
});

test('an interrupted swarm leaves a ledger that it goes on with', async (context) => {
  const ledger = join(await temporaryFolder(context), 'ledger.json');
  const args = ['--faults', 'haproxy', '--jobs', '1', '--ledger', ledger];
  const child = spawn(process.execPath, [program, 'swarm', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  // The first line of its progress: a seed is done.
  await new Promise((resolve) => child.stderr.once('data', resolve));
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  const reached = JSON.parse(readFileSync(ledger, 'utf8'));
  const last: number = reached.tally.seeds;
  expect(reached.done).toEqual([[1, last]]);

  const more = await swarm([...args, '--seeds', `1..${last + 1}`]);
  expect(more).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(ledger, 'utf8'))).toMatchObject({ done: [[1, last + 1]] });
});

test('the exit code tells a violation, and what was never met, also from the ledger', async (context) => {
  const ledger = join(await temporaryFolder(context), 'ledger.json');
  const args = ['--seeds', '1..1', '--ledger', ledger];
  expect(await swarm(args)).toMatchObject({ code: 0 });

  const one = JSON.parse(readFileSync(ledger, 'utf8'));
  const many = { ...one, done: [[1, 200]], tally: { ...one.tally, seeds: 200 } };
  writeFileSync(ledger, JSON.stringify(many));
  const incomplete = await swarm(args);
  expect(incomplete.code).toBe(3);
  expect(incomplete.stdout).toMatch(/^ {2}never: \S+: /m);

  const findings = [{ seed: 7, focus: null, invariant: 'I4', detail: 'two winners', atMs: 5, step: 9 }];
  writeFileSync(ledger, JSON.stringify({ ...many, findings }));
  expect(await swarm(args)).toMatchObject({ code: 1 });

  writeFileSync(ledger, JSON.stringify({ ...many, identity: { ...many.identity, fingerprint: 'older' } }));
  const other = await swarm(args);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('counts seeds of another program');
});

test.each([
  [['--seeds', '9..3'], 'not seeds such as'],
  [['--for', 'soon'], 'not a time such as'],
  [['--faults', 'earthquake'], 'no fault is called earthquake; there are'],
  [['--focus', 'crash@dawn'], 'phases are campaign'],
  [['--steer', '--focus', 'crash@guard'], 'leave out --focus'],
  [['--steer', '--faults', 'crash'], 'leave out --faults'],
  [['merge', '/nowhere/ledger.json'], 'there is no /nowhere/ledger.json'],
])('swarm %j is refused with its reason', async (args, why) => {
  const { code, stderr } = await swarm(args);
  expect(code).toBe(2);
  expect(stderr).toContain(why);
});

test('what violates nothing, or says nothing of how to make it again, is not shrunk', async (context) => {
  const folder = await temporaryFolder(context);
  const quiet = join(folder, 'quiet.json');
  const ending = { kind: 'stop', atMs: 2_000 };
  writeFileSync(quiet, JSON.stringify({ title: 'quiet', world: createCluster().spec, timeline: [], ending }));
  const other = join(folder, 'other.json');
  writeFileSync(other, '{"kind":"something else"}\n');
  for (const [file, why] of [
    [quiet, 'running it violates nothing'],
    [other, 'no trace of failtome'],
    [join(folder, 'missing.jsonl'), 'no such file'],
  ] as const) {
    const { code, stderr } = await runToEnd(process.execPath, [program, 'shrink', file]);
    expect(code).toBe(2);
    expect(stderr).toContain(why);
  }
});
