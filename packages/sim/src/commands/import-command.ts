import { writeFileSync } from 'node:fs';
import { counted } from '@failtome/protocol';
import type { Command } from 'commander';
import type { Incident } from '../import/index.ts';
import { contextOf, describe, isStory, seconds, subjectOf } from '../record/describe.ts';
import { traceText } from '../record/index.ts';
import { renderReport } from '../report/index.ts';
import { incidentIn } from './bundle-input.ts';
import type { CommandContext } from './context.ts';
import { refuseUnwritable } from './output-files.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

interface ImportFlags {
  readonly html?: string;
  readonly trace?: string;
  readonly verbose: boolean;
}

/** Add `failtome-sim import`. */
export function addImport(program: Command, context: CommandContext): void {
  program
    .command('import <bundle>')
    .description('takes what real nodes recorded again, step by step: the same decisions, or where they part')
    .option('--html <file>', 'write the report')
    .option('--trace <file>', 'write the records, as JSON lines')
    .option('--verbose', 'every record, not only the story', false)
    .action((file: string, flags: ImportFlags) => run(file, flags, context));
}

async function run(file: string, flags: ImportFlags, { write, finish }: CommandContext): Promise<void> {
  refuseUnwritable({ '--html': flags.html, '--trace': flags.trace }, file);
  const incident = await incidentIn(file);
  const { trace, runs, broken } = incident;
  write(`${trace.header.title}\n`);
  const context = contextOf(trace.records);
  const widest = Math.max(5, ...trace.header.cluster.nodes.map(({ id }) => id.length));
  for (const record of trace.records)
    if (flags.verbose || isStory(record))
      write(
        `${seconds(record.at).padStart(11)}  ${subjectOf(record, context).padEnd(widest)}  ${describe(record, context)}\n`,
      );
  write(`\n${verdict(incident)}`);
  if (flags.html !== undefined) writeFileSync(flags.html, renderReport(trace));
  if (flags.trace !== undefined) writeFileSync(flags.trace, traceText(trace));
  const isSame = runs.every(({ difference, broken: by }) => difference === null && by === null);
  finish(isSame && broken.length === 0 ? 0 : 1);
}

function verdict({ runs, broken, notes, apartMs }: Incident): string {
  const lines = runs.flatMap(({ node, run, versions, steps, difference, broken: by, gaps }) => {
    const name = `${node}, run of ${run}`;
    const by_ = `recorded by ${versions.join(', ')}, replayed by ${FAILTOME_VERSION} on Node ${process.version}`;
    if (difference !== null) {
      const { step, same, recorded, replayed: now, segment } = difference;
      return [
        `${name}: differs first at step ${step} (the same up to ${same}), ${by_}`,
        `  in ${segment}`,
        `  recorded ${recorded}`,
        `  replayed ${now}`,
      ];
    }
    if (by !== null) return [`${name}: ended by a broken invariant, then as now: ${by}`];
    const missing = gaps === 0 ? '' : `, with ${counted(gaps, 'gap')}`;
    return [`${name}: the same decisions in ${counted(steps, 'step')}${missing}, ${by_}`];
  });
  const apart = apartMs === null ? [] : [`clocks are aligned by messages, to within ${apartMs} ms`];
  const violations = broken.map(
    ({ invariant, detail, atMs }) => `VIOLATION of ${invariant} at ${seconds(atMs)}: ${detail}`,
  );
  const none = broken.length === 0 ? ['no invariant that recordings decide is broken'] : [];
  return [...lines, ...apart, ...violations, ...none, ...notes.map((note) => `note: ${note}`), ''].join('\n');
}
