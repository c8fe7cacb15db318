import type { RecordedRun } from '../record/records.ts';

/** A run as one HTML document. */
export function renderReport(trace: RecordedRun): string {
  return JSON.stringify(trace);
}
