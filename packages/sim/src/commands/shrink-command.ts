import { writeFileSync } from 'node:fs';
import { counted } from '@failtome/protocol';
import type { Command } from 'commander';
import type { Plan } from '../plan/index.ts';
import { recordTo } from '../report/index.ts';
import { writeScenario } from '../scenario/index.ts';
import { runChecked, type Shrunk, shrink } from '../shrink/index.ts';
import { spanIn, wholeIn } from './arguments.ts';
import { type CommandContext, UsageError } from './context.ts';
import { refuseUnwritable } from './output-files.ts';
import { planIn } from './plan-input.ts';

interface ShrinkFlags {
  readonly out: string;
  readonly for: number;
  readonly runs?: number;
  readonly trace?: string;
  readonly html?: string;
}

const DEFAULT_FOR_MS = 60_000;
/** How many other seeds tell how much is left to chance; fewer where a run takes long. */
const SEEDS_ASKED = 20;
const ASKED_MS = 2_000_000;
/** As long as a scenario's sentence may be. */
const MAX_SENTENCE = 500;

/** Add `failtome-sim shrink`. */
export function addShrink(program: Command, context: CommandContext): void {
  program
    .command('shrink <trace>')
    .description('makes a violation small, and writes it as a scenario file')
    .option('--out <file>', 'where the scenario goes', 'shrunk.yaml')
    .option('--for <time>', 'stop looking after so long', spanIn, DEFAULT_FOR_MS)
    .option('--runs <n>', 'stop looking after so many runs, whatever time they take', wholeIn(1))
    .option('--trace <file>', 'write the trace of what is left')
    .option('--html <file>', 'write its report')
    .action((file: string, flags: ShrinkFlags) => run(file, flags, context));
}

function run(file: string, flags: ShrinkFlags, { write, finish }: CommandContext): void {
  refuseUnwritable({ '--out': flags.out, '--trace': flags.trace, '--html': flags.html }, file);
  const plan = planIn(file);
  write(`${sizeOf(plan)}: ${plan.title}\n`);
  const startedMs = performance.now();
  let runs = 0;
  const shrunk = shrink(plan, {
    enough() {
      runs += 1;
      return flags.runs === undefined ? performance.now() - startedMs >= flags.for : runs > flags.runs;
    },
    onStep: (what, now) => write(`${sizeOf(now.plan)}: without ${what}\n`),
  });
  if (shrunk === null) throw new UsageError(`${file}: running it violates nothing`);
  writeFileSync(flags.out, scenarioOf(shrunk));
  record(shrunk, flags);
  const { violation, finished } = shrunk;
  write(`\nVIOLATION of ${violation.invariant}: ${violation.detail}\n`);
  write(
    `after ${counted(shrunk.runs, 'run')}: ${finished ? 'nothing more can go' : 'there may be more to take away'}\n`,
  );
  const seeds = Math.max(2, Math.min(SEEDS_ASKED, Math.floor(ASKED_MS / violation.atMs)));
  write(`it happens with ${asked(shrunk.plan, seeds)} of the world's seeds 1..${seeds}\n`);
  write(`written to ${flags.out}: failtome-sim run ${flags.out}\n`);
  finish(0);
}

function scenarioOf({ plan, violation }: Shrunk): string {
  const { invariant, detail } = violation;
  const [said = ''] = detail.split('\n');
  return writeScenario(plan, {
    name: `${invariant.toLowerCase()}-violated`,
    proves: `${invariant} is violated here: ${said}`.slice(0, MAX_SENTENCE),
    comment: `Made small from: ${plan.title}`,
  });
}

function record({ plan }: Shrunk, { trace: traceFile, html: htmlFile }: ShrinkFlags): void {
  const recording = recordTo({ traceFile, htmlFile }, plan, plan.title);
  runChecked(plan, { onWorld: recording.onWorld });
  recording.finish();
}

function asked(plan: Plan, count: number): number {
  const seeds = Array.from({ length: count }, (_, index) => index + 1);
  return seeds.filter((seed) => runChecked({ ...plan, world: { ...plan.world, seed } }) !== null).length;
}

function sizeOf({ world, timeline, ending }: Plan): string {
  const parts = [
    counted(timeline.length, 'entry', 'entries'),
    counted(world.nodes.length, 'node'),
    counted(world.addresses.length, 'address', 'addresses'),
    `${(ending.atMs / 1_000).toFixed(1)} s`,
  ];
  return parts.join(', ').padEnd(46);
}
