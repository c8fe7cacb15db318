import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import { addReplay, momentOf } from '../src/commands/replay-command.ts';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { readTrace, replay, traceText } from '../src/record/index.ts';
import type { RecordedRun, TraceRecord } from '../src/record/records.ts';
import { recordTo } from '../src/report/index.ts';
import { createCluster } from '../src/world/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'failtome-replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PLAN: Plan = {
  title: 'a failover',
  world: createCluster().spec,
  timeline: [{ atMs: 14_000, action: 'haproxy', with: { node: 'a', state: 'dead' }, forMs: null }],
  ending: { kind: 'stop', atMs: 20_000 },
};

function recorded(plan: Plan = PLAN, maxChars?: number): RecordedRun {
  const traceFile = join(folder, 'trace.jsonl');
  const recording = recordTo({ traceFile, maxChars }, plan, plan.title);
  runPlan(plan, { onWorld: recording.onWorld });
  recording.finish();
  const read = readTrace(readFileSync(traceFile, 'utf8'));
  if (read.kind === 'fault') throw new Error(read.reason);
  return read.trace;
}

const run = recorded();
const nowhere = (): void => undefined;

test('of a run whose world could not be made nothing is written', () => {
  const traceFile = join(folder, 'no-world.jsonl');
  expect(recordTo({ traceFile }, PLAN, PLAN.title).finish()).toBe(false);
  expect(existsSync(traceFile)).toBe(false);
});

/** The trace with one record written anew. */
function changed(n: number, change: (record: TraceRecord) => TraceRecord): RecordedRun {
  return { ...run, records: run.records.map((record) => (record.n === n ? change(record) : record)) };
}

test('the same plan is the same trace, to the hash', () => {
  const result = replay(run, { until: null, sink: nowhere });
  expect(result).toMatchObject({ difference: null, stopped: false, hash: run.end?.hash });
});

test('a record that differs is found, the first one', () => {
  const other = changed(500, (record) => ({ ...record, at: record.at + 1 }));
  const { difference } = replay(other, { until: null, sink: nowhere });
  expect(difference?.n).toBe(500);
  expect(difference?.recorded?.at).toBe((difference?.replayed?.at ?? 0) + 1);
});

test('a record too many and one too few are found', () => {
  const last = run.records.at(-1);
  if (last === undefined) throw new Error('nothing was recorded');
  const more = { ...run, records: [...run.records, { ...last, n: last.n + 1 }] };
  expect(replay(more, { until: null, sink: nowhere }).difference).toMatchObject({
    n: last.n + 1,
    replayed: null,
  });
  const fewer = { ...run, records: run.records.slice(0, -1) };
  expect(replay(fewer, { until: null, sink: nowhere }).difference).toMatchObject({
    n: last.n,
    recorded: null,
  });
});

test('another hash under the same records is found', () => {
  const other = { ...run, end: run.end === null ? null : { ...run.end, hash: '0123456789abcdef' } };
  expect(replay(other, { until: null, sink: nowhere }).difference).toMatchObject({ n: null });
});

test('a trace that was cut, or has no end, is compared as far as it goes', () => {
  const cut = recorded(PLAN, 100_000);
  expect(cut.cut?.dropped).toBeGreaterThan(100);
  expect(replay(cut, { until: null, sink: nowhere }).difference).toBeNull();
  const torn = { ...run, records: run.records.slice(0, 300), end: null };
  expect(replay(torn, { until: null, sink: nowhere }).difference).toBeNull();
});

test('it stops where it is told, after whatever happens at that moment', () => {
  const at = run.records.find((one) => one.kind === 'fact' && one.fact.kind === 'ballot-opened')?.at ?? 0;
  const seen: number[] = [];
  const result = replay(run, {
    until: { kind: 'time', atMs: at },
    sink: (entry) => void ('n' in entry && seen.push(entry.n)),
  });
  expect(result).toMatchObject({ stopped: true, difference: null });
  expect(result.world.now()).toBeCloseTo(at, 2);
  expect(seen.length).toBeGreaterThan(100);
  expect(seen.length).toBeLessThan(run.records.length);
  const step = run.records[400]?.step ?? 0;
  const atStep = replay(run, { until: { kind: 'step', step }, sink: nowhere });
  expect(atStep.stopped).toBe(true);
  expect(atStep.world.now()).toBeCloseTo(run.records[400]?.at ?? 0, 2);
});

test('a trace without a plan is refused', () => {
  const bare = { ...run, header: { ...run.header, plan: null } };
  expect(() => replay(bare, { until: null, sink: nowhere })).toThrow(/no plan/);
});

test.each([
  ['42s', { kind: 'time', atMs: 42_000 }],
  ['1500ms', { kind: 'time', atMs: 1_500 }],
  ['1.5s', { kind: 'time', atMs: 1_500 }],
  ['2m', { kind: 'time', atMs: 120_000 }],
  ['#1234', { kind: 'step', step: 1_234 }],
])('%s is a moment', (text, moment) => {
  expect(momentOf(text)).toEqual(moment);
});

test.each(['42', '#', '1y', '-1s', '#12s', ''])('"%s" is no moment', (text) => {
  expect(() => momentOf(text)).toThrow(/neither a time/);
});

/** What the command writes, and its exit code. */
async function command(
  ...argv: readonly string[]
): Promise<{ readonly text: string; readonly code: number }> {
  let text = '';
  let code = 0;
  const program = new Command().exitOverride();
  addReplay(program, {
    signal: new AbortController().signal,
    write: (more) => {
      text += more;
    },
    colour: false,
    finish: (to) => {
      code = to;
    },
  });
  await program.parseAsync(['replay', ...argv], { from: 'user' });
  return { text, code };
}

function fileOf(trace: RecordedRun, name: string): string {
  const file = join(folder, name);
  writeFileSync(file, traceText(trace));
  return file;
}

test('the command tells the story and that it is the same trace', async () => {
  const { text, code } = await command(fileOf(run, 'same.jsonl'));
  expect(code).toBe(0);
  for (const line of ['fault: haproxy', '198.51.100.200 is down', 'belongs to b, served by b'])
    expect(text).toContain(line);
  expect(text).toContain(`same trace: hash ${run.end?.hash}, `);
  expect(text).not.toContain('→ b: heartbeat');
});

test('with --verbose the command tells everything', async () => {
  const { text } = await command(fileOf(run, 'same.jsonl'), '--verbose');
  expect(text).toContain('→ b: heartbeat');
});

test('the command says where another trace differs first, and exits with 1', async () => {
  const other = changed(500, (record) => ({ ...record, at: record.at + 1 }));
  const { text, code } = await command(fileOf(other, 'other.jsonl'));
  expect(code).toBe(1);
  expect(text).toContain('differs first at record 500:');
});

test('with --until the command shows every node and its ladder, and writes the report', async () => {
  const html = join(folder, 'report.html');
  const { text, code } = await command(fileOf(run, 'same.jsonl'), '--until', '10s', '--html', html);
  expect(code).toBe(0);
  expect(text).toContain('at 10.000 s, step #');
  expect(text).toMatch(/✗ verdict +address-up: the address answers/);
  expect(text).toMatch(/✗ not-holder +is-holder: this node holds it/);
  expect(text).toContain('same trace so far: ');
  expect(readFileSync(html, 'utf8')).toContain('a failover');
});

test('the command names file, line and reason of what is no trace', async () => {
  const file = join(folder, 'none.jsonl');
  writeFileSync(file, 'hello\n');
  await expect(command(file)).rejects.toThrow(`${file}:1: no JSON`);
  await expect(command(join(folder, 'absent.jsonl'))).rejects.toThrow(/absent.jsonl: ENOENT/);
});
