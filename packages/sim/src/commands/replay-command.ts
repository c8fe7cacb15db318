import { readFileSync, writeFileSync } from 'node:fs';
import { counted } from '@failtome/protocol';
import type { Command } from 'commander';
import { type Context, contextOf, describe, isStory, seconds, subjectOf } from '../record/describe.ts';
import {
  createTraceBuffer,
  type Moment,
  type Replayed,
  readTrace,
  replay,
  withCauses,
} from '../record/index.ts';
import type { RecordedRun, TraceRecord } from '../record/records.ts';
import { snapshotOf } from '../record/snapshot.ts';
import { renderReport } from '../report/index.ts';
import { parseSpan } from './arguments.ts';
import { type CommandContext, UsageError } from './context.ts';
import { refuseUnwritable } from './output-files.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

interface ReplayFlags {
  readonly until?: string;
  readonly html?: string;
  readonly verbose: boolean;
}

/** Add `failtome-sim replay`. */
export function addReplay(program: Command, context: CommandContext): void {
  program
    .command('replay <trace>')
    .description('runs a recorded trace again, tells its story, and says whether it is the same')
    .option('--until <moment>', 'stop there, and show every node: 42s, 1500ms, 2m, or #1234 for a step')
    .option('--html <file>', 'write the report')
    .option('--verbose', 'every record, not only the story', false)
    .action((file: string, flags: ReplayFlags) => run(file, flags, context));
}

function run(file: string, flags: ReplayFlags, { write, colour, finish }: CommandContext): void {
  refuseUnwritable({ '--html': flags.html }, file);
  const trace = traceIn(file);
  const until = flags.until === undefined ? null : momentOf(flags.until);
  const { header } = trace;
  write(`${header.title}\n`);
  if (header.failtome !== FAILTOME_VERSION)
    write(`recorded by failtome ${header.failtome}; this is ${FAILTOME_VERSION}\n`);
  const buffer = createTraceBuffer(Number.POSITIVE_INFINITY);
  const result = replay(trace, { until, sink: buffer.take });
  const again = withCauses(buffer.run());
  const context = contextOf(again.records);
  const line = liner(again, context, colour);
  for (const record of again.records) if (flags.verbose || isStory(record)) write(line(record));
  write(verdict(trace, again, result, line));
  if (result.stopped) write(`\n${snapshotOf(result.world)}`);
  if (flags.html !== undefined) writeFileSync(flags.html, renderReport(again));
  finish(result.difference === null ? 0 : 1);
}

function traceIn(file: string): RecordedRun {
  const read = readTrace(readText(file));
  if (read.kind === 'fault') throw new UsageError(`${file}:${read.line}: ${read.reason}`);
  return read.trace;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @throws UsageError when it is neither a time nor a step */
export function momentOf(text: string): Moment {
  const step = /^#(\d{1,12})$/.exec(text);
  if (step !== null) return { kind: 'step', step: Number(step[1]) };
  const atMs = parseSpan(text);
  if (atMs === null)
    throw new UsageError(`--until: ${text} is neither a time (42s, 1500ms, 2m) nor a step (#1234)`);
  return { kind: 'time', atMs };
}

type Line = (record: TraceRecord) => string;

/** One record as a line: when, who, what. */
function liner({ header }: RecordedRun, context: Context, colour: boolean): Line {
  const widest = Math.max(5, ...header.cluster.nodes.map(({ id }) => id.length));
  return (record) => {
    const text = `${seconds(record.at).padStart(11)}  ${subjectOf(record, context).padEnd(widest)}  ${describe(record, context)}`;
    return `${colour && record.kind === 'violation' ? `\u001b[1;31m${text}\u001b[0m` : text}\n`;
  };
}

function verdict(trace: RecordedRun, again: RecordedRun, result: Replayed, line: Line): string {
  const { violation } = again.end ?? {};
  const causes = new Set(violation?.causes);
  const led = again.records.filter(({ n }) => causes.has(n)).map(line);
  const why = led.length === 0 ? '' : `\nwhat led to it:\n${led.join('')}`;
  return `${why}\n${sameness(trace, again, result, line)}\n`;
}

function sameness(
  trace: RecordedRun,
  again: RecordedRun,
  { difference, stopped, hash }: Replayed,
  line: Line,
): string {
  const { events = 0, virtualMs = 0, records = 0 } = again.end ?? {};
  const size = `${counted(events, 'event')}, ${counted(records, 'record')}, ${seconds(virtualMs)}`;
  if (difference === null) {
    if (stopped) return `same trace so far: ${size}`;
    return trace.end === null
      ? `same trace as far as it goes, it has no end: ${size}`
      : `same trace: hash ${hash}, ${size}`;
  }
  const { n, recorded, replayed } = difference;
  if (n === null) return `every record is the same, the hash is not: ${trace.end?.hash} before, ${hash} now`;
  return `differs first at record ${n}:\n  before ${told(recorded, line)}\n  now    ${told(replayed, line)}`;
}

function told(record: TraceRecord | null, line: Line): string {
  return record === null ? 'nothing more' : `${line(record).trim()}\n         ${JSON.stringify(record)}`;
}
