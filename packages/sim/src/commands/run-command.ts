import type { Command } from 'commander';
import { Recorder, type TraceEntry, type TraceRecord } from '../record/index.ts';
import { recordTo } from '../report/index.ts';
import {
  loadAgentFile,
  loadScenario,
  runScenario,
  type Scenario,
  type ScenarioRun,
  transcriptOf,
  verdictOf,
} from '../scenario/index.ts';
import { wholeIn } from './arguments.ts';
import { type CommandContext, UsageError } from './context.ts';
import { asUsage } from './list-command.ts';
import { refuseUnwritable } from './output-files.ts';

interface RunFlags {
  readonly seed?: number;
  readonly seeds?: number;
  readonly set: readonly string[];
  readonly config?: string;
  readonly trace?: string;
  readonly html?: string;
  readonly verbose: boolean;
}

const MAX_SEED = 0xffff_ffff;
const MAX_SEEDS = 100_000;

/** Add `failtome-sim run`. */
export function addRun(program: Command, context: CommandContext): void {
  program
    .command('run <scenario>')
    .description('runs a scenario, by its name or its file: what happened, and what was expected')
    .option('--seed <n>', 'with this seed alone', wholeIn(0, MAX_SEED))
    .option('--seeds <n>', 'with the seeds from 1 to this', wholeIn(0, MAX_SEEDS))
    .option(
      '--set <key=value>',
      'a setting (probe.fall=2), or any place of the file (run.for=5m); again for more',
      (one: string, before: readonly string[]) => [...before, one],
      [],
    )
    .option('--config <file>', "with an agent's own configuration: its settings, its nodes, its addresses")
    .option('--trace <file>', 'write the trace of the first seed')
    .option('--html <file>', 'write the report of the first seed')
    .option('--verbose', 'a longer transcript', false)
    .action((named: string, flags: RunFlags) => run(named, flags, context));
}

function run(named: string, flags: RunFlags, { write, finish }: CommandContext): void {
  refuseUnwritable({ '--trace': flags.trace, '--html': flags.html });
  const scenario = asUsage(() =>
    loadScenario(named, {
      sets: flags.set,
      config: flags.config === undefined ? null : loadAgentFile(flags.config),
    }),
  );
  const seeds = seedsOf(scenario, flags);
  write(`${scenario.name}: ${scenario.proves}\n`);
  let kept = true;
  for (const [index, seed] of seeds.entries()) {
    const done = index === 0 ? runInFull(scenario, seed, flags, write) : runScenario(scenario, { seed });
    kept &&= done.kept;
    if (seeds.length > 1) write(`seed ${seed}: ${summary(done)}\n`);
    if (index > 0 && !done.kept) for (const line of verdictOf(done)) write(`    ${line}\n`);
  }
  finish(kept ? 0 : 1);
}

function seedsOf(scenario: Scenario, { seed, seeds }: RunFlags): readonly number[] {
  if (seed !== undefined && seeds !== undefined) throw new UsageError('either --seed or --seeds');
  if (seed !== undefined) return [seed];
  if (seeds === undefined) return scenario.seeds;
  return Array.from({ length: seeds }, (_, index) => index + 1);
}

/** Run it, and write down what happened and what it proves. */
function runInFull(
  scenario: Scenario,
  seed: number,
  flags: RunFlags,
  write: CommandContext['write'],
): ScenarioRun {
  const plan = { ...scenario.plan, world: { ...scenario.plan.world, seed } };
  const recording = recordTo({ traceFile: flags.trace, htmlFile: flags.html }, plan, scenario.name);
  const records: TraceRecord[] = [];
  const recorders: Recorder[] = [];
  const done = runScenario(scenario, {
    seed,
    onWorld(world) {
      recording.onWorld(world);
      const sink = (entry: TraceEntry): void => void ('n' in entry && records.push(entry));
      recorders.push(new Recorder(world, { plan: null, title: '', sink }));
    },
  });
  for (const recorder of recorders) recorder.finish();
  recording.finish();
  write(`\nseed ${seed}\n`);
  for (const line of transcriptOf(scenario, records, { verbose: flags.verbose })) write(`${line}\n`);
  write('\n');
  for (const line of verdictOf(done)) write(`${line}\n`);
  return done;
}

function summary({ kept, result, expectations }: ScenarioRun): string {
  const broken = expectations.filter((one) => !one.kept).length;
  if (kept) return `kept, ${expectations.length} of ${expectations.length}`;
  return result.violation === null
    ? `${broken} of ${expectations.length} broken`
    : `${result.violation.invariant} violated`;
}
