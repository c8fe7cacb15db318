import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { counted } from '@failtome/protocol';
import type { Command } from 'commander';
import type { Plan } from '../plan/index.ts';
import { renderReport } from '../report/index.ts';
import { verdictOf } from '../scenario/index.ts';
import {
  type Compared,
  compared,
  describeCompared,
  describeNone,
  describeWhy,
  isOutage,
  savedScenario,
  startBranching,
  variantOf,
  type Why,
  type WhyTask,
  type WhyTaskResult,
  whyOutage,
  whyPart,
} from '../why/index.ts';
import { createRandom } from '../world/index.ts';
import { spanAboveZero, spanIn, wholeIn } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { asUsage } from './list-command.ts';
import { refuseUnwritable } from './output-files.ts';
import { startProgress } from './progress.ts';
import { type WhyInput, whyInput } from './why-input.ts';

interface WhyFlags {
  readonly seed?: number;
  readonly outage: number;
  readonly for: number;
  readonly branches: number;
  readonly draw: number;
  readonly set: readonly string[];
  readonly jobs: number;
  readonly html?: string;
  readonly save?: string;
  readonly runs: number;
}

const MAX_SEED = 0xffff_ffff;
const MAX_BRANCHES = 10_000;
const DEFAULT_OUTAGE_MS = 30_000;
const DEFAULT_BRANCHES = 24;
const DEFAULT_RUNS = 300;

/** Add `failtome-sim why`. */
export function addWhy(program: Command, context: CommandContext): void {
  program
    .command('why [what]')
    .description(
      'when an outage became likely, by branches of its run, and what would have come under other rules',
    )
    .addHelpText(
      'after',
      `
What: a scenario, by its name or its file; a trace (.jsonl); a bundle. Without it, --seed is one of the swarm.
An outage: a broken invariant, or an address at which no client outside is answered for longer than --outage.
--set takes what \`run --set\` takes (probe.fall=2, run.for=5m), and preset=NAME, voters=N, store, without=FAULT or
without=FAULT@MOMENT; several at once with ; between them. Each --set is a column of its own.`,
    )
    .option('--seed <n>', 'the seed of the scenario, or of the swarm', wholeIn(0, MAX_SEED))
    .option(
      '--outage <time>',
      'longer than this without an answer is an outage',
      spanAboveZero,
      DEFAULT_OUTAGE_MS,
    )
    .option('--branches <n>', 'so many runs from each moment', wholeIn(2, MAX_BRANCHES), DEFAULT_BRANCHES)
    .option('--draw <n>', 'the same number gives the same branches', wholeIn(0, MAX_SEED), 1)
    .option(
      '--for <time>',
      'begin no more runs after so long, and tell what is known by then; --set and --save take their own time',
      spanIn,
      Number.POSITIVE_INFINITY,
    )
    .option(
      '--set <change>',
      'the same under other rules, side by side; again for more',
      (one: string, before: readonly string[]) => [...before, one],
      [],
    )
    .option('--jobs <n>', 'how many runs at once', wholeIn(1, 1_000), availableParallelism())
    .option('--html <file>', 'write the report')
    .option(
      '--save <file>',
      'write the smallest scenario that shows the same, with what came of it as expectation',
    )
    .option(
      '--runs <n>',
      'with --save: after so many runs it is small enough',
      wholeIn(1, 1_000_000),
      DEFAULT_RUNS,
    )
    .action((what: string | undefined, flags: WhyFlags) => run(what, flags, context));
}

/** Null: `--for` was over before its turn came. */
type Do = (task: WhyTask) => Promise<WhyTaskResult | null>;

async function run(what: string | undefined, flags: WhyFlags, context: CommandContext): Promise<void> {
  refuseUnwritable({ '--html': flags.html, '--save': flags.save }, what);
  const input = await whyInput(what, flags.seed);
  const variants = asUsage(() => flags.set.map((said) => variantOf(input.plan, said)));
  const startedMs = performance.now();
  const isInTime = (): boolean => performance.now() - startedMs < flags.for;
  const pool = startBranching(pathToFileURL(process.argv[1] ?? ''), flags.jobs);
  const work: Do = async (task) => {
    const answered = await (task.kind === 'branches' ? pool.runIf(isInTime, task) : pool.run(task));
    if (answered?.kind === 'broken') throw answered.error;
    return answered?.result ?? null;
  };
  try {
    await tell({ input, variants }, flags, work, context);
  } finally {
    await pool.close();
  }
}

interface Asked {
  readonly input: WhyInput;
  readonly variants: readonly { readonly name: string; readonly plan: Plan }[];
}

async function tell(
  { input, variants }: Asked,
  flags: WhyFlags,
  work: Do,
  { write, finish }: CommandContext,
): Promise<void> {
  const { plan, laterMs, told, trace } = input;
  const rule = { unansweredMs: flags.outage };
  const { branches, draw: seed } = flags;
  write(`${[`${plan.title}, seed ${plan.world.seed}`, ...told].join('\n')}\n`);
  const progress = startProgress();
  let runs = 0;
  const found = await whyOutage(plan, {
    rule,
    branches,
    seed,
    async run(task) {
      // A run each, so that they end soon after the time does.
      const each = await Promise.all(
        task.seeds.map(async (one) => {
          const done = await work({ kind: 'branches', ...task, seeds: [one] });
          if (done === null) return null;
          if (done.kind !== 'branches') throw new Error(`asked for branches, and got ${done.kind}`);
          runs += 1;
          progress.show(() => counted(runs, 'run'));
          return done.count.outages;
        }),
      );
      const outages = each.flatMap((one) => one ?? []);
      return outages.length < each.length
        ? null
        : { outages: outages.reduce((sum, one) => sum + one, 0), of: each.length };
    },
  });
  progress.end(counted(runs, 'run'));
  const lines = isOutage(found) ? describeWhy(found, laterMs) : describeNone(found, flags.outage, laterMs);
  for (const line of lines) write(`${line}\n`);
  const sideBySide = await Promise.all(
    variants.length === 0
      ? []
      : [{ name: 'as it was', plan }, ...variants].map(async (one): Promise<Compared> => {
          const done = await work({ kind: 'outcomes', plan: one.plan, rule, seeds: drawn(seed, branches) });
          if (done?.kind !== 'outcomes') throw new Error(`asked for outcomes, and got ${done?.kind}`);
          return compared(one.name, done.outcomes);
        }),
  );
  if (sideBySide.length > 0) write(`\n${describeCompared(sideBySide).join('\n')}\n`);
  if (isOutage(found) && flags.html !== undefined)
    writeFileSync(flags.html, renderReport(trace ?? found.trace, whyPart(found, sideBySide, told, laterMs)));
  if (isOutage(found) && flags.save !== undefined)
    for (const line of saved(found, flags.save, flags.runs)) write(`${line}\n`);
  finish(isOutage(found) ? 0 : 1);
}

/** Write the scenario, and say what it is. */
function saved(why: Why, file: string, most: number): readonly string[] {
  let runs = 0;
  const { text, finished, ...made } = savedScenario(why, {
    name:
      basename(file, extname(file))
        .replaceAll(/[^A-Za-z0-9-]/g, '-')
        .replace(/^-+/, '')
        .slice(0, 80) || 'saved',
    comment: `Made small from: ${why.plan.title}`,
    enough() {
      runs += 1;
      return runs > most;
    },
  });
  writeFileSync(file, text);
  const { plan } = made.run.result;
  return [
    '',
    `${file}: ${counted(plan.timeline.length, 'entry', 'entries')}, ${counted(plan.world.nodes.length, 'node')}, after ${counted(made.runs, 'run')}${finished ? '' : '; there may be more to take away (--runs)'}`,
    ...verdictOf(made.run),
  ];
}

/** The plan's own draws first. */
function drawn(seed: number, count: number): readonly (number | null)[] {
  const random = createRandom(seed);
  return [null, ...Array.from({ length: count - 1 }, () => random.below(0x1_0000_0000))];
}
