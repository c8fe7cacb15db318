/** Why there was an outage, as text. */
import { counted } from '@failtome/protocol';
import { describeAction } from '../plan/index.ts';
import { type Context, contextOf, describe, seconds, subjectOf } from '../record/describe.ts';
import type { TraceRecord } from '../record/index.ts';
import { OUTAGE } from '../world/index.ts';
import type { Likelihood, Share } from './likelihood.ts';
import { lengthOf } from './outage.ts';
import type { Compared } from './what-if.ts';
import type { Cause, Needed, NoOutage, Why } from './why.ts';

const BAR_CHARS = 20;

/** A line each. @param laterMs by how much the time that is told is ahead of the run's */
export function describeWhy(why: Why, laterMs = 0): readonly string[] {
  const at = (atMs: number): string => seconds(atMs + laterMs);
  const { likelihood, causes, stood, outage, watchedMs, options } = why;
  const context = contextOf(why.trace.records);
  return [
    `an outage: ${describeRule(options.rule.unansweredMs)}`,
    `this one: ${describeOutage(why, laterMs)}`,
    '',
    `${counted(options.branches, 'branch', 'branches')} a moment: the same run up to then, from there on other draws and no further fault, until ${at(watchedMs)}`,
    `${'moment'.padStart(11)}  ${'outages'.padStart(9)}  chance  95 % interval`,
    ...worthTelling(likelihood).map((one) => tableLine(one, laterMs)),
    '',
    ...(causes.length === 0
      ? ['nowhere did the chance jump: see --branches']
      : causes.flatMap((cause, index) => causeLines(cause, index + 1, context, laterMs))),
    '',
    `at the outage, ${at(outage.atMs)}, the takeover rule stood at`,
    ...stood.map((record) => `    ${lineOf(record, context)}`),
    ...why.needed.map((one) => describeNeeded(one, laterMs)),
    ...otherDraws(why).map((line) => `other draws ${line}`),
    ...(why.finished ? [] : [UNFINISHED]),
  ];
}

/** Said where `--for` was over before all of it had been looked at. */
export const UNFINISHED = 'there was no time to look at all of it: see --for';

/** What came by other draws, where there was time for them. */
export function otherDraws({ anyway }: Pick<Why, 'anyway'>): readonly string[] {
  return anyway === null
    ? []
    : [`from the beginning, with all that was done to the world: ${describeShare(anyway)}`];
}

/** What is asked of, in words. */
export function describeRule(unansweredMs: number): string {
  return `a broken invariant, or an address at which no client outside is answered for longer than ${unansweredMs / 1_000} s`;
}

/** There was none: how near it came. @param laterMs as above */
export function describeNone({ longest }: NoOutage, unansweredMs: number, laterMs = 0): readonly string[] {
  const none = `no outage: ${describeRule(unansweredMs)}`;
  if (longest === null || lengthOf(longest) === 0) return [none, 'every address was answered all the time'];
  const { address, fromMs } = longest;
  const lengthMs = lengthOf(longest);
  const ask =
    lengthMs > 1_000 ? Math.floor((lengthMs - 1) / 1_000) * 1_000 : Math.max(1, Math.floor(lengthMs / 2));
  return [
    none,
    `the longest was ${seconds(lengthMs)} without an answer at ${address}, from ${seconds(fromMs + laterMs)} on: --outage ${ask % 1_000 === 0 ? `${ask / 1_000}s` : `${ask}ms`} asks why`,
  ];
}

/** The outage itself. */
export function describeOutage({ outage, beganMs }: Pick<Why, 'outage' | 'beganMs'>, laterMs = 0): string {
  const { invariant, detail, atMs } = outage;
  const [first = ''] = detail.split('\n');
  if (invariant !== OUTAGE) return `${invariant} broken at ${seconds(atMs + laterMs)}: ${first}`;
  return laterMs === 0 ? first : first.replace(/since [\d.]+ s/, `since ${seconds(beganMs + laterMs)}`);
}

/** Where the chance jumped, as a sentence. @param laterMs by how much the time that is told is ahead of the run's */
export function describeJump({ before, after }: Pick<Cause, 'before' | 'after'>, laterMs = 0): string {
  const at = (moment: Likelihood): string => seconds(moment.atMs + laterMs);
  const verb = after.chance > before.chance ? 'rose' : 'fell';
  const span = after.atMs - before.atMs <= 1 ? `at ${at(before)}` : `from ${at(before)} to ${at(after)}`;
  return `${span} the chance ${verb} from ${percent(before.chance)} to ${percent(after.chance)}`;
}

/** Something that was done earlier, and without which there would have been no outage, or seldom one. */
export function describeNeeded({ entry, without }: Needed, laterMs = 0): string {
  const { action, with: given, atMs } = entry;
  return `it took as well what was done at ${seconds(atMs + laterMs)}, ${describeAction(action, given)}: without it ${describeShare(without)}`;
}

/** A share that was counted. */
export function describeShare({ outages, of, low, high }: Share): string {
  return `an outage in ${outages} of ${counted(of, 'run')} (${percent(low)} to ${percent(high)})`;
}

/** A record as a line: who, what. */
export function lineOf(record: TraceRecord, context: Context): string {
  return `${subjectOf(record, context)}: ${describe(record, context)}`;
}

function causeLines(cause: Cause, number: number, context: Context, laterMs: number): readonly string[] {
  const { records, decisions, without } = cause;
  return [
    `${number}. ${describeJump(cause, laterMs)}`,
    ...(records.length === 0 ? ['    what chance drew, and nothing that was told'] : []),
    ...records.map((record) => `    ${seconds(record.at + laterMs)}  ${lineOf(record, context)}`),
    ...decisions.map((record) => `    then, ${seconds(record.at + laterMs)}  ${lineOf(record, context)}`),
    ...(without === null ? [] : [`    without it: ${describeShare(without)}`]),
  ];
}

function tableLine({ atMs, outages, of, chance, low, high }: Likelihood, laterMs: number): string {
  const bar = '#'.repeat(Math.round(chance * BAR_CHARS)).padEnd(BAR_CHARS);
  const interval = `${percent(low)} to ${percent(high)}`;
  return `${seconds(atMs + laterMs).padStart(11)}  ${`${outages} of ${of}`.padStart(9)}  ${percent(chance).padStart(6)}  ${interval.padEnd(14)}  |${bar}|`;
}

/** Of a row of the same shares the first and the last. */
function worthTelling(likelihood: readonly Likelihood[]): readonly Likelihood[] {
  return likelihood.filter(({ chance }, index) => {
    const [before, after] = [likelihood[index - 1], likelihood[index + 1]];
    return before === undefined || after === undefined || before.chance !== chance || after.chance !== chance;
  });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Several rules side by side: rows of cells, the first of each says what it is. */
export function comparedRows(all: readonly Compared[]): readonly (readonly string[])[] {
  const rows: readonly (readonly [string, (one: Compared) => string])[] = [
    ['', ({ name }) => name],
    ['outages', ({ outages: { outages, of } }) => `${outages} of ${of}`],
    ['95 % interval', ({ outages: { low, high } }) => `${percent(low)} to ${percent(high)}`],
    ['longest without an answer: median', ({ medianMs }) => seconds(medianMs)],
    ['at worst', ({ worstMs }) => seconds(worstMs)],
    ['by the own draws', ({ own }) => seconds(own.unansweredMs)],
    [
      'taken by',
      ({ takers, alike, outages: { of } }) => `${takers.join(', ') || 'nobody'} (${alike} of ${of})`,
    ],
    ['with a broken invariant', ({ broken }) => `${broken}`],
  ];
  return rows.map(([title, cell]) => [title, ...all.map(cell)]);
}

/** The same as text: a column each. */
export function describeCompared(all: readonly Compared[]): readonly string[] {
  const rows = comparedRows(all);
  const columns = (rows[0] ?? []).map((_, index) => rows.map((row) => row[index] ?? ''));
  const widths = columns.map((cells) => Math.max(...cells.map(({ length }) => length)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
