/** Why there was an outage, as the report shows it. */
import { contextOf } from '../record/describe.ts';
import type { TraceRecord } from '../record/index.ts';
import type { WhyPart } from '../report/index.ts';
import type { Compared } from './what-if.ts';
import type { Why } from './why.ts';
import {
  comparedRows,
  describeJump,
  describeNeeded,
  describeOutage,
  describeRule,
  describeShare,
  lineOf,
  otherDraws,
  UNFINISHED,
} from './why-text.ts';

/**
 * What goes into the report.
 *
 * @param laterMs by how much the report's time is ahead of the run's
 */
export function whyPart(
  why: Why,
  compared: readonly Compared[],
  notes: readonly string[],
  laterMs = 0,
): WhyPart {
  const context = contextOf(why.trace.records);
  const at = (record: TraceRecord) => ({ atMs: record.at + laterMs, text: lineOf(record, context) });
  const { options, outage, likelihood, causes, stood } = why;
  return {
    headline: describeOutage(why, laterMs),
    rule: describeRule(options.rule.unansweredMs),
    outageMs: outage.atMs + laterMs,
    points: likelihood.map(({ atMs, chance, low, high, outages, of }) => ({
      atMs: atMs + laterMs,
      chance,
      low,
      high,
      says: `${outages} of ${of}`,
    })),
    jumps: causes.map((cause) => ({
      fromMs: cause.before.atMs + laterMs,
      toMs: cause.after.atMs + laterMs,
      rises: cause.after.chance > cause.before.chance,
      says: describeJump(cause, laterMs),
      lines: [...cause.records, ...cause.decisions].map(at),
      without: cause.without === null ? '' : describeShare(cause.without),
    })),
    stood: stood.map(at),
    notes: [
      ...why.needed.map((one) => describeNeeded(one, laterMs)),
      ...otherDraws(why).map((line) => `Other draws ${line}.`),
      ...(why.finished ? [] : [`In this report ${UNFINISHED}.`]),
      ...notes,
    ],
    table: compared.length === 0 ? [] : comparedRows(compared),
  };
}
