/**
 * `npm run mutants`: each mutant through scenarios, swarm, focused plans and explorer, until something shows that it is
 * broken. Prints a table of rule, mutation, what caught it, and how much had to be looked at.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FOCUS_NAMES } from './focus.ts';
import type { Mutant } from './mutant.ts';
import type { TrialOptions } from './outcome.ts';
import { type Row, rowOf, summaryOf, textOf } from './report.ts';
import { MUTANTS } from './table/index.ts';
import { QUESTIONED } from './table/questioned.ts';
import { SCENARIOS } from './table/scenarios.ts';
import { runTrial } from './trials.ts';

/** Set by run.mjs. */
declare const FAILTOME_ROOT: string;

const HELP = `usage: npm run mutants -- [option...]
  --only ID[,ID…]      only these; ID* for all that begin so, control for the protocol as it is
  --seeds N            seeds of the swarm, from 1 on (default 10)
  --focus N            seeds of each focus (default 20)
  --limit SECONDS      of the processor's time for each mutant, after which nothing new is begun (default 60)
  --jobs N             so many at a time (default 1)
  --explore SECONDS    of the processor's time for the explorer, which comes last; 0: without (default 20)
  --explorer-only      only the explorer, on the mutants of safety rules (or of --only)
  --json FILE          write the table there as well
  --list               only tell which mutants there are`;

const FOLDERS = ['test/mutants/scenarios', 'packages/sim/scenarios'];

/** The protocol as it is, through all of it. */
const CONTROL: Mutant = {
  id: 'control',
  rules: [],
  says: 'nothing is changed',
  edits: [],
  focus: FOCUS_NAMES,
};

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    seeds: { type: 'string', default: '10' },
    focus: { type: 'string', default: '20' },
    limit: { type: 'string', default: '60' },
    jobs: { type: 'string', default: '1' },
    explore: { type: 'string', default: '20' },
    'explorer-only': { type: 'boolean', default: false },
    json: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) return say(HELP);
  const chosen = choose(values.only);
  if (chosen.length === 0) return say(`no mutant is called ${values.only}`, 2);
  if (values.list)
    return say(chosen.map(({ id, rules, says }) => `${id}  [${rules.join(', ')}]  ${says}`).join('\n'));
  const rows = await runAll(chosen, whole(values.jobs));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
  const { text, failed } = summaryOf(rows);
  return say(text, failed ? 1 : 0);
}

function choose(only: string | undefined): readonly Mutant[] {
  const all = [CONTROL, ...MUTANTS];
  if (only === undefined && !values['explorer-only']) return all;
  if (only === undefined) return all.filter(({ id, rules }) => id === 'control' || rules.some(isSafety));
  const wanted = only.split(',');
  return all.filter(({ id }) =>
    wanted.some((one) => (one.endsWith('*') ? id.startsWith(one.slice(0, -1)) : id === one)),
  );
}

/** Numbered I1 and on; those that only liars and operators can break are none of the explorer's. */
function isSafety(rule: string): boolean {
  return /^I\d+$/.test(rule);
}

async function runAll(mutants: readonly Mutant[], jobs: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const waiting = [...mutants];
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const row = await tried(mutant);
      rows.push(row);
      say(textOf(row));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return rows;
}

async function tried(mutant: Mutant): Promise<Row> {
  const { id, edits, focus } = mutant;
  const control = id === 'control';
  const options: TrialOptions = {
    folders: FOLDERS.map((folder) => join(FAILTOME_ROOT, folder)),
    scenarios: SCENARIOS[id] ?? [],
    onlyThese: false,
    explorerOnly: values['explorer-only'],
    seeds: whole(values.seeds),
    // The control is to pass all of what any mutant may meet, but not as often.
    focusSeeds: control ? Math.ceil(whole(values.focus) / 4) : whole(values.focus),
    focus,
    limitMs: (control ? FOCUS_NAMES.length : 1) * whole(values.limit) * 1_000,
    exploreMs: whole(values.explore) * 1_000,
  };
  const question = QUESTIONED.find((one) => one.id === id);
  try {
    return rowOf(mutant, await runTrial(FAILTOME_ROOT, id, edits, options), question);
  } catch (error) {
    return rowOf(mutant, error instanceof Error ? error : new Error(String(error)), question);
  }
}

/** @throws Error when it isn't a whole number from 0 on */
function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is no whole number`);
  return value;
}

function say(text: string, code = 0): number {
  process.stdout.write(`${text}\n`);
  return code;
}
