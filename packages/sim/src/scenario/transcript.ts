/**
 * A run told in lines: what was done to it, what the nodes made of it, and how each expectation fared.
 */
import { counted } from '@failtome/protocol';
import { contextOf, describe, isStory, subjectOf } from '../record/describe.ts';
import type { TraceRecord } from '../record/index.ts';
import type { ScenarioRun } from './run-scenario.ts';
import type { Scenario } from './types.ts';

/** Steps on the way of a decision, told in long transcripts only. */
const ON_THE_WAY: ReadonlySet<string> = new Set([
  'ballot-open',
  'guard-asked',
  'agreed',
  'intent-unwritten',
  'call-in-flight',
  'guard-passed',
  'verdict-unknown',
  'failure-not-current',
]);

/** What a short transcript tells of what nodes think and do. */
const TOLD: ReadonlySet<string> = new Set([
  'verdict',
  'decided',
  'voted',
  'ballot-closed',
  'guard',
  'concluded',
  'blocked',
  'stalled',
  'pause',
  'handover',
  'late-association',
  'duplicate-id',
  'storage',
]);

/** The most lines of a short transcript. */
const MAX_LINES = 200;

/** How much of a run is told. */
export interface TranscriptOptions {
  /** Every record that belongs to it, from the beginning. */
  readonly verbose: boolean;
}

/** A line each, when and who before what. */
export function transcriptOf(
  scenario: Scenario,
  records: readonly TraceRecord[],
  { verbose }: TranscriptOptions,
): readonly string[] {
  const context = contextOf(records);
  const begins = Math.min(...scenario.plan.timeline.map(({ atMs }) => atMs), scenario.plan.ending.atMs);
  const widest = Math.max(5, ...scenario.plan.world.nodes.map(({ id }) => id.length));
  const told = records.filter((record) =>
    verbose ? isStory(record) : isTold(record) && record.at >= begins,
  );
  const lines = told.map((record) => {
    const at = `${(Math.round(record.at) / 1_000).toFixed(3)} s`;
    return `${at.padStart(11)}  ${subjectOf(record, context).padEnd(widest)}  ${describe(record, context)}`;
  });
  if (verbose || lines.length <= MAX_LINES) return lines;
  return [
    ...lines.slice(0, MAX_LINES),
    `… and ${counted(lines.length - MAX_LINES, 'more line')}: --verbose tells all`,
  ];
}

function isTold(record: TraceRecord): boolean {
  switch (record.kind) {
    case 'fact':
      if (record.fact.kind === 'decided') return !ON_THE_WAY.has(record.fact.reason);
      return TOLD.has(record.fact.kind);
    case 'process':
    case 'association':
    case 'published':
    case 'owner':
    case 'fault':
    case 'fault-ended':
    case 'order':
    case 'order-answered':
    case 'violation':
      return true;
    default:
      return false;
  }
}

/** What came of it: the violation, if there is one, and each expectation. */
export function verdictOf({ result, expectations }: ScenarioRun): readonly string[] {
  const { violation } = result;
  const lines = expectations.map(({ says, kept, found }) =>
    kept ? `kept    ${says}` : `BROKEN  ${says}; found: ${found}`,
  );
  if (violation === null) return [...lines, 'kept    no invariant violated'];
  return [...lines, `BROKEN  ${violation.invariant} violated at ${violation.atMs} ms: ${violation.detail}`];
}
