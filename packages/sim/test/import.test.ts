/** Runs of the simulated world, recorded and bundled as real nodes are, and imported again. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, expect, test } from 'vitest';
import { addImport } from '../src/commands/import-command.ts';
import { alignClocks, keyOf } from '../src/import/clocks.ts';
import { incidentOf } from '../src/import/index.ts';
import { StepJudge } from '../src/import/judge-steps.ts';
import { recordedNodes } from '../src/import/recorded-node.ts';
import { ReplayedRun, type TimedStep } from '../src/import/replayed-run.ts';
import { loadScenario, runScenario } from '../src/scenario/index.ts';
import type { World } from '../src/world/index.ts';
import { bundled, testImported } from './imported-seeds.ts';
import { packed, recordings } from './recorded-runs.ts';

testImported([12, 16, 23]);

function scenarioRun(name: string, inputsEach = 5_000) {
  const made = recordings(inputsEach);
  const worlds: World[] = [];
  runScenario(loadScenario(name), { recorderOf: made.recorderOf, onWorld: (world) => worlds.push(world) });
  const [world] = worlds;
  if (world === undefined) throw new Error('there was no world');
  return { segments: made.segments(), world };
}

const drifting = scenarioRun('clocks-drift');

test('clocks that drift apart are aligned by messages, as well as is said', async () => {
  const { runs } = recordedNodes(await bundled(drifting.segments));
  const clocks = alignClocks(runs);
  expect(runs.map(({ node }) => node).sort()).toEqual(['a', 'b', 'c']);
  const offBy = (run: (typeof runs)[number], at: number): number => {
    const clock = clocks.get(keyOf(run));
    return (clock?.worldTimeOf(at) ?? 0) - drifting.world.clock(run.node).whenShows(at);
  };
  const inputs = runs.map((run) =>
    run.segments.flatMap(({ lines }) =>
      lines.flatMap((line) => (line.kind === 'input' ? [line.input.at] : [])),
    ),
  );
  for (const part of [0.2, 0.5, 0.9]) {
    const offs = runs.map((run, index) => {
      const ats = inputs[index] ?? [];
      return offBy(run, ats[Math.floor(ats.length * part)] ?? 0);
    });
    const within = Math.max(
      ...[...clocks.values()].map(({ withinMs }) => withinMs ?? Number.POSITIVE_INFINITY),
    );
    expect(within).toBeLessThan(60);
    // Half a tenth of a percent of half a minute, until the middle of the next window.
    expect(Math.max(...offs) - Math.min(...offs)).toBeLessThanOrEqual(within + 40);
  }
});

test('the report of an incident has what happened, and each message after its sending', async () => {
  const { trace } = incidentOf(await bundled(drifting.segments));
  const kinds = new Set(trace.records.map(({ kind }) => kind));
  for (const kind of [
    'process',
    'node',
    'view',
    'ladder',
    'fact',
    'sent',
    'arrived',
    'called',
    'call-ended',
    'owner',
    'lease',
    'borrowed',
    'haproxy',
    'published',
  ])
    expect([kind, kinds.has(kind as never)]).toEqual([kind, true]);
  const sent = new Map<number, number>();
  let arrived = 0;
  for (const record of trace.records) {
    if (record.kind === 'sent') sent.set(record.msg, record.at);
    if (record.kind !== 'arrived') continue;
    arrived += 1;
    const at = sent.get(record.msg) ?? Number.POSITIVE_INFINITY;
    expect(record.at - at).toBeGreaterThanOrEqual(0);
    expect(record.at - at).toBeLessThan(1_000);
  }
  expect(arrived).toBeGreaterThan(50);
  // What nobody has told the fate of isn't under way for ever.
  const ended = new Set(
    trace.records.flatMap((one) => (one.kind === 'arrived' || one.kind === 'lost' ? [one.msg] : [])),
  );
  const end = trace.records.at(-1)?.at ?? 0;
  expect(
    trace.records.filter((one) => one.kind === 'sent' && one.at < end - 15_000 && !ended.has(one.msg)),
  ).toEqual([]);
  const took = trace.records.filter((one) => one.kind === 'fact' && one.fact.kind === 'concluded');
  expect(took).toHaveLength(1);
  expect(took[0]).toMatchObject({ who: 'b' });
});

test('a recording that begins in the middle is replayed, judged once it is calm, and both are said', async () => {
  const { segments } = scenarioRun('clocks-drift', 200);
  const later = segments.filter(({ bytes }, index) => index > 20 && bytes.length > 0);
  const incident = incidentOf(await bundled(later));
  expect(incident.runs.map(({ difference, gaps }) => [difference, gaps])).toEqual(
    incident.runs.map(() => [null, 0]),
  );
  expect(incident.broken).toEqual([]);
  expect(incident.notes.join()).toContain('begins in the middle of a run');
  const without = incidentOf(await bundled(segments.filter((_, index) => index !== 10)));
  expect(without.runs.map(({ gaps }) => gaps).sort()).toEqual([0, 0, 1]);
  expect(without.runs.map(({ difference }) => difference)).toEqual([null, null, null]);
});

/** What the judge finds, were some inputs not what the node had. */
async function foundWithout(isLeftOut: (step: TimedStep) => boolean): Promise<readonly string[]> {
  const { runs } = recordedNodes(await bundled(drifting.segments));
  const clocks = alignClocks(runs);
  const judge = new StepJudge(0);
  const replayed = runs.map((run) => {
    const clock = clocks.get(keyOf(run));
    if (clock === undefined) throw new Error('it has no clock');
    return new ReplayedRun(run, clock);
  });
  const steps = replayed.flatMap((run) => {
    const all: { readonly run: ReplayedRun; readonly step: TimedStep }[] = [];
    for (let step = run.take(); step !== null; step = run.take()) all.push({ run, step });
    return all;
  });
  for (const { run, step } of steps.toSorted((a, b) => a.step.atMs - b.step.atMs)) {
    const { input } = step;
    const shown = isLeftOut(step)
      ? { ...step, input: { at: input.at, wall: input.wall, kind: 'tick' as const } }
      : step;
    judge.step(run, shown, step.atMs);
  }
  return [...new Set(judge.found.map(({ invariant }) => invariant))].sort();
}

test.each<[what: string, isLeftOut: (step: TimedStep) => boolean, found: readonly string[]]>([
  ['nothing', () => false, []],
  ['every proof of a way out', ({ input }) => input.kind === 'external-ip', ['I2']],
  ['every write that was known to be done', ({ input }) => input.kind === 'persisted', ['I6']],
  ['every check of the own HAProxy', ({ input }) => input.kind === 'local-checked', ['I9']],
])('a node that had not had %s would have broken a rule, and that is found', async (_, isLeftOut, found) => {
  expect(await foundWithout(isLeftOut)).toEqual(expect.arrayContaining([...found]));
  if (found.length === 0) expect(await foundWithout(isLeftOut)).toEqual([]);
});

const folder = mkdtempSync(join(tmpdir(), 'failtome-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function command(...args: readonly string[]): Promise<{ code: number; out: string }> {
  let [code, out] = [0, ''];
  const program = new Command().exitOverride();
  addImport(program, {
    signal: new AbortController().signal,
    write: (text) => {
      out += text;
    },
    colour: false,
    finish: (told) => {
      code = told;
    },
  });
  await program.parseAsync(['import', ...args], { from: 'user' });
  return { code, out };
}

test('the command says that the decisions are the same, and writes the report', async () => {
  const [file, html] = [join(folder, 'good.tar.gz'), join(folder, 'report.html')];
  writeFileSync(file, await packed(drifting.segments));
  const { code, out } = await command(file, '--html', html);
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(
      /b, run of b#1: the same decisions in \d+ steps, recorded by 0\.0\.0-test on Node v/,
    ),
  ]);
  expect(out).toContain('no invariant that recordings decide is broken');
  expect(readFileSync(html, 'utf8')).toContain('id="trace"');
});

test('a node that decided otherwise is named, with its first decision that differs and the versions', async () => {
  const made = recordings(5_000, '0.0.9');
  runScenario(loadScenario('clocks-drift'), {
    recorderOf(node, run) {
      const honest = made.recorderOf(node, run);
      if (node !== 'b') return honest;
      // As a version would have recorded it that had another rule.
      return {
        takes: (input, before) => honest.takes(input, before),
        made(turn) {
          const facts = turn.facts.map((fact) =>
            fact.kind === 'decided' && fact.outcome === 'campaign'
              ? { ...fact, outcome: 'wait' as const }
              : fact,
          );
          honest.made({ ...turn, facts });
        },
      };
    },
  });
  const file = join(folder, 'other.tar.gz');
  writeFileSync(file, await packed(made.segments()));
  const { code, out } = await command(file);
  expect(code).toBe(1);
  expect(out).toMatch(
    /b, run of b#1: differs first at step \d+ \(the same up to \d+\), recorded by 0\.0\.9 on Node v.*replayed by/,
  );
  expect(out).toMatch(/recorded .*"outcome":"wait".*\n.*replayed .*"outcome":"campaign"/);
  expect(out).toMatch(/a, run of a#1: the same decisions/);
});

test.each<[what: string, content: Buffer | string, why: RegExp]>([
  ['something else', 'PK\u0003\u0004', /bad\.tar\.gz: it is no gzip file, or a damaged one/],
  ['nothing', '', /bad\.tar\.gz: it is cut short/],
])('%s is refused', async (_, content, why) => {
  const file = join(folder, 'bad.tar.gz');
  writeFileSync(file, content);
  await expect(command(file)).rejects.toThrow(why);
});

test('a bundle without a recording is refused, and one with a damaged recording says which', async () => {
  const file = join(folder, 'few.tar.gz');
  writeFileSync(file, await packed([]));
  await expect(command(file)).rejects.toThrow(/no recording in it can be replayed/);
  const [first, ...others] = drifting.segments;
  if (first === undefined) throw new Error('nothing was recorded');
  writeFileSync(file, await packed([{ ...first, bytes: first.bytes.subarray(0, 300) }, ...others]));
  const { out } = await command(file);
  expect(out).toMatch(/note: node-\w\/recordings\/\d+\.recording can't be read: /);
});
