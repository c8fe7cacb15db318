import { writeFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import {
  describeScale,
  FEWEST,
  MOST,
  measureScale,
  type ScaleResult,
  scalePage,
  stepsBetween,
} from '../scale/index.ts';
import { shareIn, spanAboveZero, wholeIn } from './arguments.ts';
import type { CommandContext } from './context.ts';
import { refuseUnwritable } from './output-files.ts';
import { startMeasuring } from './progress.ts';

interface ScaleFlags {
  readonly members: readonly number[];
  readonly slow?: readonly number[];
  readonly slowFor: readonly number[];
  readonly rest?: number;
  readonly slowUpTo: number;
  readonly loss: number;
  readonly settle: number;
  readonly count: number;
  readonly within: number;
  readonly watch: number;
  readonly for?: number;
  readonly seed: number;
  readonly html?: string;
  readonly json: boolean;
}

/** Add `failtome-sim scale`. */
export function addScale(program: Command, context: CommandContext): void {
  program
    .command('scale')
    .description(
      'how bytes, news, the detection of a death and false suspicions grow with the members, beside plain SWIM',
    )
    .option(
      '--members <a..b>',
      'from so many to so many, in steps of 1, 3, 10, 30; or a list: 3,50,200',
      membersIn,
      stepsBetween(FEWEST, 100),
    )
    .option('--slow <share,…>', 'with so many of the members slow: 5%, or 0.05', sharesIn)
    .option('--slow-for <time,…>', 'each stops for so long, again and again', spansIn, [500, 2_000, 8_000])
    .option(
      '--rest <time>',
      'a slow member goes on for so long between two stops; default: as long as it stops',
      spanAboveZero,
    )
    .option('--slow-up-to <n>', 'no larger clusters are measured with slow members', wholeIn(1), 100)
    .option('--loss <share>', 'of all messages: 1%, or 0.01', shareIn, 0)
    .option('--settle <time>', 'from the start until it is measured', spanAboveZero, 60_000)
    .option('--count <time>', 'so long bytes are counted', spanAboveZero, 20_000)
    .option(
      '--within <time>',
      'so long is waited for news to reach all, and for a death to be known',
      spanAboveZero,
      60_000,
    )
    .option('--watch <time>', 'so long slow members are watched', spanAboveZero, 60_000)
    .option('--for <time>', 'begin nothing more after so long, of real time', spanAboveZero)
    .option('--seed <n>', 'the same seed gives the same result', wholeIn(1), 1)
    .option('--html <file>', 'write the result as one page with pictures')
    .option('--json', 'the result as JSON', false)
    .action((flags: ScaleFlags) => run(flags, context));
}

function run(flags: ScaleFlags, { write }: CommandContext): void {
  refuseUnwritable({ '--html': flags.html });
  const startedMs = performance.now();
  const measuring = startMeasuring();
  const result = measureScale(
    {
      members: flags.members,
      slowShares: flags.slow ?? [],
      slowForMs: flags.slowFor,
      restMs: flags.rest ?? null,
      slowUpTo: flags.slowUpTo,
      lossPerMille: Math.round(flags.loss * 1_000),
      seed: flags.seed,
      spans: {
        settleMs: flags.settle,
        bytesMs: flags.count,
        withinMs: flags.within,
        slowMs: flags.watch,
      },
    },
    {
      isOver: () => performance.now() - startedMs >= (flags.for ?? Number.POSITIVE_INFINITY),
      onProgress: measuring.onProgress,
    },
  );
  measuring.end();
  tell(result, flags, write);
}

function tell(result: ScaleResult, { html, json }: ScaleFlags, write: CommandContext['write']): void {
  if (html !== undefined) writeFileSync(html, scalePage(result));
  if (json) write(`${JSON.stringify(result, null, 1)}\n`);
  else for (const line of describeScale(result)) write(`${line}\n`);
}

function membersIn(text: string): readonly number[] {
  const membersOf = wholeIn(FEWEST, MOST);
  const [, least, most] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (least === undefined || most === undefined)
    return [...new Set(text.split(',').map(membersOf))].sort((a, b) => a - b);
  const [first, last] = [membersOf(least), membersOf(most)];
  if (first > last) throw new InvalidArgumentError('the smaller number comes first, such as 3..100');
  return stepsBetween(first, last);
}

function sharesIn(text: string): readonly number[] {
  return text.split(',').map(shareIn);
}

function spansIn(text: string): readonly number[] {
  return text.split(',').map(spanAboveZero);
}
