import { writeFileSync } from 'node:fs';
import { counted } from '@failtome/protocol';
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
import type { CommandContext } from './context.ts';
import { refuseUnwritable } from './output-files.ts';
import { parseSpan } from './span.ts';

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
      spanIn,
    )
    .option('--slow-up-to <n>', 'no larger clusters are measured with slow members', countIn, 100)
    .option('--loss <share>', 'of all messages: 1%, or 0.01', shareIn, 0)
    .option('--settle <time>', 'from the start until it is measured', spanIn, 60_000)
    .option('--count <time>', 'so long bytes are counted', spanIn, 20_000)
    .option(
      '--within <time>',
      'so long is waited for news to reach all, and for a death to be known',
      spanIn,
      60_000,
    )
    .option('--watch <time>', 'so long slow members are watched', spanIn, 60_000)
    .option('--for <time>', 'begin nothing more after so long, of real time', spanIn)
    .option('--seed <n>', 'the same seed gives the same result', countIn, 1)
    .option('--html <file>', 'write the result as one page with pictures')
    .option('--json', 'the result as JSON', false)
    .action((flags: ScaleFlags) => run(flags, context));
}

function run(flags: ScaleFlags, { write }: CommandContext): void {
  refuseUnwritable({ '--html': flags.html });
  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
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
      isOver: () => passedMs() >= (flags.for ?? Number.POSITIVE_INFINITY),
      onProgress(what, done, planned) {
        process.stderr.write(
          `${(passedMs() / 1_000).toFixed(0)} s: ${done} of ${planned} measured, now ${what}\n`,
        );
      },
    },
  );
  tell(result, flags, write);
}

function tell(result: ScaleResult, { html, json }: ScaleFlags, write: CommandContext['write']): void {
  if (html !== undefined) writeFileSync(html, scalePage(result));
  if (json) write(`${JSON.stringify(result, null, 1)}\n`);
  else for (const line of describeScale(result)) write(`${line}\n`);
}

function membersIn(text: string): readonly number[] {
  const [, least, most] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  const counts = least === undefined ? text.split(',').map(countIn) : [countIn(least), countIn(most ?? '')];
  if (counts.some((count) => count < FEWEST || count > MOST))
    throw new InvalidArgumentError(
      `a cluster has ${counted(FEWEST, 'member')} at least, and ${MOST} at most`,
    );
  const [first = FEWEST, last = first] = counts;
  if (least === undefined) return [...new Set(counts)].sort((a, b) => a - b);
  if (first > last) throw new InvalidArgumentError('the smaller number comes first, such as 3..100');
  return stepsBetween(first, last);
}

function sharesIn(text: string): readonly number[] {
  return text.split(',').map(shareIn);
}

function shareIn(text: string): number {
  const [, digits = '', percent] = /^(\d{1,3}(?:\.\d{1,6})?)(%?)$/.exec(text) ?? [];
  const share = Number(digits) / (percent === '%' ? 100 : 1);
  if (digits === '' || share >= 1) throw new InvalidArgumentError('a share below 1 such as 5% or 0.05');
  return share;
}

function spansIn(text: string): readonly number[] {
  return text.split(',').map(spanIn);
}

function spanIn(text: string): number {
  const ms = parseSpan(text);
  if (ms === null || ms === 0) throw new InvalidArgumentError('not a time such as 500ms, 60s or 5m');
  return ms;
}

function countIn(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 1) throw new InvalidArgumentError('not a whole number above 0');
  return count;
}
