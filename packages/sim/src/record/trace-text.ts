/**
 * A recorded run as the text of its file.
 */
import { causesOf } from './causes.ts';
import type { RecordedRun, TraceEnd } from './records.ts';

/** A trace as its file's text. */
export function traceText({ header, cut, records, end }: RecordedRun): string {
  const entries = [header, ...(cut === null ? [] : [cut]), ...records, ...(end === null ? [] : [end])];
  return `${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`;
}

/** With what led to its violation. */
export function withCauses(trace: RecordedRun): RecordedRun {
  const { end, records } = trace;
  const index = records.findLastIndex(({ kind }) => kind === 'violation');
  if (end?.violation == null || index < 0) return trace;
  const told: TraceEnd = { ...end, violation: { ...end.violation, causes: causesOf(records, index) } };
  return { ...trace, end: told };
}
