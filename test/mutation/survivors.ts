/**
 * The second judge of `npm run mutation`: scenarios and a short swarm look at what the unit tests let live. What lives
 * then as well is written to `reports/mutation/survivors.md`, by file, with its line and what stands there instead.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Edit } from '../mutants/mutant.ts';
import type { TrialOptions } from '../mutants/outcome.ts';
import { runTrial } from '../mutants/trials.ts';

/** Filled in by `tool.mjs`, which bundles this. */
declare const FAILTOME_ROOT: string;

/** Of all mutants of behaviour, so many in a hundred are to be caught. */
const LEAST_PERCENT = 90;

const OPTIONS: TrialOptions = {
  folders: [join(FAILTOME_ROOT, 'packages/sim/scenarios')],
  scenarios: [],
  onlyThese: false,
  seeds: 10,
  focusSeeds: 0,
  focus: [],
  limitMs: 40_000,
  explorerOnly: false,
  exploreMs: 0,
};

interface Place {
  readonly line: number;
  readonly column: number;
}

/** One mutant of the tool's report (mutation-testing-report-schema, version 2): lines and columns count from 1. */
interface Reported {
  readonly id: string;
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: Place; readonly end: Place };
  readonly status: string;
}

interface Report {
  readonly files: Readonly<
    Record<string, { readonly source: string; readonly mutants: readonly Reported[] }>
  >;
}

interface Mutation {
  readonly file: string;
  readonly source: string;
  readonly reported: Reported;
}

const FOLDER = 'packages/protocol/src/';
const REPORTS = join(FAILTOME_ROOT, 'reports/mutation');

function offsetOf(source: string, { line, column }: Place): number {
  const before = source.split('\n').slice(0, line - 1);
  return before.reduce((sum, text) => sum + text.length + 1, 0) + column - 1;
}

/** The whole file with the mutant in its place. */
function editOf({ file, source, reported }: Mutation): Edit {
  const { start, end } = reported.location;
  const replace =
    source.slice(0, offsetOf(source, start)) +
    (reported.replacement ?? '') +
    source.slice(offsetOf(source, end));
  return { file: file.slice(FOLDER.length), find: source, replace };
}

/** Whether scenarios or the swarm notice. What can't be bundled or ends its process is noticed. */
async function isNoticed(mutation: Mutation): Promise<boolean> {
  try {
    const name = `mutation-${mutation.reported.id}`;
    return (await runTrial(FAILTOME_ROOT, name, [editOf(mutation)], OPTIONS)).caught !== null;
  } catch {
    return true; // whatever it is that such a build does, no node runs with it
  }
}

async function judged(mutations: readonly Mutation[], jobs: number): Promise<readonly Mutation[]> {
  const waiting = [...mutations];
  const survivors: Mutation[] = [];
  async function work(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (!(await isNoticed(next))) survivors.push(next);
      const left = mutations.length - waiting.length;
      console.log(`${left} of ${mutations.length} shown to scenarios and swarm, ${survivors.length} live`);
    }
  }
  await Promise.all(Array.from({ length: jobs }, work));
  return survivors;
}

function lineOf({ file, source, reported }: Mutation): string {
  const { start, end } = reported.location;
  const was = source.slice(offsetOf(source, start), offsetOf(source, end)).replaceAll(/\s+/g, ' ');
  const becomes = (reported.replacement ?? '').replaceAll(/\s+/g, ' ');
  return `- ${file}:${start.line} ${reported.mutatorName}: \`${was}\` becomes \`${becomes}\``;
}

const report = JSON.parse(readFileSync(join(REPORTS, 'unit.json'), 'utf8')) as Report; // written by the tool just now
const all = Object.entries(report.files).flatMap(([file, { source, mutants }]) =>
  mutants.map((reported): Mutation => ({ file, source, reported })),
);
const tried = all.filter(({ reported }) => !['Ignored', 'CompileError'].includes(reported.status));
const alive = tried.filter(({ reported }) => ['Survived', 'NoCoverage'].includes(reported.status));
const survivors = await judged(alive, Number(process.env.FAILTOME_MUTATION_JOBS ?? '2'));
const caught = tried.length - survivors.length;
const percent = tried.length === 0 ? 100 : (100 * caught) / tried.length;
writeFileSync(join(REPORTS, 'survivors.md'), `${survivors.map(lineOf).sort().join('\n')}\n`);
console.log(
  `${tried.length} mutants: ${tried.length - alive.length} caught by unit tests, ` +
    `${alive.length - survivors.length} by scenarios and swarm, ${survivors.length} live: ${percent.toFixed(1)} % caught`,
);
console.log('what lives: reports/mutation/survivors.md');
process.exitCode = percent < LEAST_PERCENT ? 1 : 0;
