import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Command, InvalidArgumentError } from 'commander';
import { ACTIONS, LIAR, runPlan } from '../plan/index.ts';
import { type Recording, recordTo } from '../report/index.ts';
import {
  coverageOf,
  describeFinding,
  type Finding,
  type Focus,
  focusText,
  type Identity,
  LedgerError,
  mergeLedgers,
  newLedger,
  pairsOf,
  parseFocus,
  parseRange,
  progressLine,
  rangeFromClock,
  readLedger,
  refuseOther,
  runInWorkers,
  runSwarm,
  type SeedRange,
  type SeedResult,
  type SwarmEnd,
  type SwarmLedger,
  type SwarmOptions,
  summary,
  wholePlanOf,
  writeLedger,
} from '../swarm/index.ts';
import { spanIn, wholeIn } from './arguments.ts';
import { type CommandContext, type ExitCode, UsageError } from './context.ts';
import { refuseUnwritable, refuseUnwritableFolder } from './output-files.ts';
import { startProgress } from './progress.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

interface SwarmFlags {
  readonly seeds?: SeedRange | typeof CLOCK;
  readonly for?: number;
  readonly jobs: number;
  readonly faults?: readonly string[];
  readonly steer: boolean;
  readonly focus?: Focus;
  readonly ledger?: string;
  readonly goalEvents?: number;
  readonly goalTakeovers?: number;
  readonly maxViolations: number;
  readonly traceDir: string;
  readonly html: boolean;
  readonly json: boolean;
}

const DEFAULT_FOR_MS = 60_000;
const FIRST_SEED = 1;
/** Seeds that nobody has seen. */
const CLOCK = 'clock';
/** What a crash of the swarm itself can cost. */
const LEDGER_EVERY_MS = 10_000;
/** The most hashes that `--json` lists. */
const MAX_HASHES = 10_000;

/** Add `failtome-sim swarm`. */
export function addSwarm(program: Command, context: CommandContext): void {
  const swarm = program
    .command('swarm')
    .description('clusters, settings, faults and timing by chance, one run a seed; exits 1 on a violation')
    .option(
      '--seeds <A..B>',
      'which seeds; A.. has no end; `clock`: from one that the clock gives on',
      rangeIn,
    )
    .option('--for <time>', 'begin no seed after so long (60s, 2h); default 60s', spanIn)
    .option('--jobs <n>', 'how many at once', wholeIn(1), availableParallelism())
    .option('--faults <name,…>', 'only these faults', faultsIn)
    .option('--steer', 'each seed towards pairs of a fault and a phase that were seldom met', false)
    .option('--focus <fault@phase,…>', 'each seed towards these', focusIn)
    .option('--ledger <file>', 'go on where this file ends, and write it again')
    .option('--goal-events <n>', 'until there were so many events', wholeIn(1))
    .option('--goal-takeovers <n>', 'and so many takeovers with a fault in force', wholeIn(1))
    .option('--max-violations <n>', 'stop after so many', wholeIn(1), 10)
    .option('--trace-dir <dir>', 'where the traces of violations go', 'failtome-traces')
    .option('--html', 'their reports too', false)
    .option('--json', 'the result as JSON', false)
    .action((flags: SwarmFlags) => run(flags, context));
  swarm
    .command('merge <ledger...>')
    .description('adds up ledgers of different seeds')
    .option('--into <file>', 'write the sum')
    .action((files: readonly string[], { into }: { readonly into?: string }) =>
      orUsage(() => merge(files, into, context)),
    );
}

async function run(flags: SwarmFlags, context: CommandContext): Promise<void> {
  refuseUnwritable({ '--ledger': flags.ledger });
  refuseUnwritableFolder('--trace-dir', flags.traceDir);
  refuseContradiction(flags);
  const program = process.argv[1] ?? '';
  const identity = identityOf(program, flags);
  const before = orUsage(() => begin(flags, identity));
  const options = optionsOf(flags);
  const runner = runInWorkers(pathToFileURL(program), flags.jobs, drawOptions(flags));
  const hashes: Record<number, string> = {};
  const focuses: Record<number, string> = {};
  const told = teller(flags, before);
  try {
    const end = await runSwarm(options, before, {
      runner,
      clock: () => performance.now(),
      signal: context.signal,
      onResult(result, ledger) {
        if (flags.json && ledger.tally.seeds - before.tally.seeds <= MAX_HASHES) {
          hashes[result.seed] = result.hash;
          if (result.focus !== null) focuses[result.seed] = result.focus;
        }
        told.result(result, ledger);
      },
    });
    told.end(end.ledger);
    if (flags.ledger !== undefined) writeLedger(flags.ledger, end.ledger);
    context.finish(finish(flags, end, { hashes, focuses }, context));
  } finally {
    await runner.close();
  }
}

function drawOptions({ faults }: SwarmFlags): { readonly actions?: readonly string[] } {
  return faults === undefined ? {} : { actions: faults };
}

/** A steered plan has all kinds of faults, and one wish is enough. */
function refuseContradiction({ steer, focus, faults }: SwarmFlags): void {
  if (steer && focus !== undefined) throw new UsageError('--steer finds what to focus on; leave out --focus');
  if (faults !== undefined && (steer || focus !== undefined))
    throw new UsageError('steered seeds draw all faults; leave out --faults');
}

function focusOf({ steer, focus }: SwarmFlags): SwarmOptions['focus'] {
  return steer ? 'unmet' : (focus ?? null);
}

/** The whole program's file: what runs, checks and draws is all in it. */
function identityOf(program: string, flags: SwarmFlags): Identity {
  const focus = focusOf(flags);
  const fingerprint = createHash('sha256').update(readFileSync(program)).digest('hex').slice(0, 16);
  return { program: FAILTOME_VERSION, fingerprint, faults: flags.faults ?? null, focus: textOf(focus) };
}

function textOf(focus: SwarmOptions['focus']): string | null {
  return focus === null || focus === 'unmet' ? focus : focusText(focus);
}

function begin({ ledger: file }: SwarmFlags, identity: Identity): SwarmLedger {
  const known = file === undefined ? null : readLedger(file);
  if (known === null || file === undefined) return newLedger(identity);
  refuseOther(file, known.identity, identity);
  return known;
}

/** Without any limit a ledger goes on until it is interrupted, and everything else for a minute. */
function optionsOf(flags: SwarmFlags): SwarmOptions {
  const { goalEvents, goalTakeovers } = flags;
  const goal =
    goalEvents === undefined && goalTakeovers === undefined
      ? null
      : { events: goalEvents ?? 0, takeovers: goalTakeovers ?? 0 };
  const limited = flags.seeds !== undefined || goal !== null || flags.ledger !== undefined;
  const forMs = flags.for ?? (limited ? null : DEFAULT_FOR_MS);
  return { seeds: seedsOf(flags), forMs, goal, focus: focusOf(flags), maxFindings: flags.maxViolations };
}

/** Told before anything is run, so that a run that is killed can be run again. */
function seedsOf({ seeds = [FIRST_SEED, Number.MAX_SAFE_INTEGER] }: SwarmFlags): SeedRange {
  if (seeds !== CLOCK) return seeds;
  const drawn = rangeFromClock(Date.now());
  process.stderr.write(
    `the clock gives the seeds from ${drawn[0]} on: --seeds ${drawn[0]}.. runs them again\n`,
  );
  return drawn;
}

/** Shows how far it is, on standard error, and writes the ledger now and then. */
function teller({ ledger: file }: SwarmFlags, before: SwarmLedger) {
  const progress = startProgress();
  const startedMs = performance.now();
  let writtenMs = startedMs;
  const line = (ledger: SwarmLedger): string =>
    progressLine(ledger, before.tally, performance.now() - startedMs);
  return {
    result({ finding }: SeedResult, ledger: SwarmLedger): void {
      const nowMs = performance.now();
      if (finding !== null) progress.tell(`seed ${finding.seed} violates ${finding.invariant}`);
      if (file !== undefined && nowMs - writtenMs >= LEDGER_EVERY_MS) {
        writtenMs = nowMs;
        writeLedger(file, ledger);
      }
      progress.show(() => line(ledger));
    },
    end: (ledger: SwarmLedger): void => progress.end(line(ledger)),
  };
}

function finish(
  flags: SwarmFlags,
  end: SwarmEnd,
  bySeed: Readonly<Record<'hashes' | 'focuses', Readonly<Record<number, string>>>>,
  { write }: CommandContext,
): ExitCode {
  const { ledger, findings, elapsedMs, why } = end;
  const traces = new Map(findings.map((finding) => [finding.seed, traceOf(finding, flags)]));
  const coverage = coverageOf(ledger);
  if (flags.json) {
    const found = findings.map((finding) => ({ ...finding, trace: traces.get(finding.seed) ?? null }));
    const pairs = pairsOf(ledger);
    const elapsed = Math.round(elapsedMs);
    const result = { ...ledger, findings: found, elapsedMs: elapsed, why, coverage, pairs, ...bySeed };
    write(`${JSON.stringify(result, null, 1)}\n`);
  } else {
    for (const finding of findings)
      write(`${describeFinding(finding, traces.get(finding.seed) ?? null).join('\n')}\n\n`);
    write(`${summary(ledger).join('\n')}\n`);
    if (why === 'interrupted') write('interrupted: what was under way was finished\n');
  }
  if (ledger.findings.length > 0) return 1;
  const isPlausible = pairsOf(ledger).impossible.length === 0;
  return coverage.verdict === 'incomplete' || !isPlausible ? 3 : 0;
}

/** Run it once more, and write down what happens. Null: an exception left nothing to write down. */
function traceOf(finding: Finding, flags: SwarmFlags): string | null {
  const { seed, focus: text, invariant, detail } = finding;
  mkdirSync(flags.traceDir, { recursive: true });
  const traceFile = join(flags.traceDir, `seed-${seed}.jsonl`);
  const htmlFile = flags.html ? join(flags.traceDir, `seed-${seed}.html`) : undefined;
  const focus = text === null ? null : parseFocus(text);
  if (typeof focus === 'string') throw new Error(focus);
  let recording: Recording | null = null;
  try {
    const plan = wholePlanOf({ seed, focus }, drawOptions(flags));
    recording = recordTo({ traceFile, htmlFile }, plan, plan.title);
    const { violation } = runPlan(plan, { onWorld: recording.onWorld });
    if (violation?.detail !== detail && invariant !== 'exception')
      throw new Error(`seed ${seed} doesn't do the same twice: ${violation?.detail ?? 'no violation'} now`);
  } catch (error) {
    if (invariant !== 'exception') throw error;
  }
  return recording?.finish() === true ? traceFile : null;
}

function merge(files: readonly string[], into: string | undefined, { write, finish }: CommandContext): void {
  refuseUnwritable({ '--into': into });
  const ledgers = files.map((file): readonly [string, SwarmLedger] => {
    const ledger = readLedger(file);
    if (ledger === null) throw new LedgerError(`there is no ${file}`);
    return [file, ledger];
  });
  const sum = mergeLedgers(ledgers);
  if (into !== undefined) writeLedger(into, sum);
  for (const finding of sum.findings) write(`${describeFinding(finding, null).join('\n')}\n\n`);
  write(`${summary(sum).join('\n')}\n`);
  finish(sum.findings.length > 0 ? 1 : 0);
}

function orUsage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LedgerError) throw new UsageError(error.message);
    throw error;
  }
}

function rangeIn(text: string): SeedRange | typeof CLOCK {
  if (text === CLOCK) return CLOCK;
  const range = parseRange(text);
  if (range === null) throw new InvalidArgumentError('not seeds such as 1..500, 500.., 7 or clock');
  return range;
}

function focusIn(text: string): Focus {
  const focus = parseFocus(text);
  if (typeof focus === 'string') throw new InvalidArgumentError(focus);
  return focus;
}

function faultsIn(text: string): readonly string[] {
  const names = text.split(',').filter((name) => name !== '');
  const drawn = [...ACTIONS.values()].flatMap(({ name, draw }) =>
    draw === undefined && name !== LIAR ? [] : [name],
  );
  const unknown = names.find((name) => !drawn.includes(name));
  if (unknown !== undefined || names.length === 0)
    throw new InvalidArgumentError(`no fault is called ${unknown ?? ''}; there are ${drawn.join(', ')}`);
  return [...new Set(names)].sort();
}
