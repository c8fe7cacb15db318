/**
 * Reads a trace file again.
 */
import {
  type RecordedRun,
  TRACE_FORMAT,
  TRACE_VERSION,
  type TraceCut,
  type TraceEnd,
  type TraceHeader,
  type TraceRecord,
} from './records.ts';

/** A trace, or why a file is none. */
export type ReadResult =
  | { readonly kind: 'trace'; readonly trace: RecordedRun }
  /** `line` counts from 1. */
  | { readonly kind: 'fault'; readonly line: number; readonly reason: string };

type Json = Readonly<Record<string, unknown>>;

/** Read a whole file. A last line without its end, as a full disk leaves it, is a fault like any other. */
export function readTrace(text: string): ReadResult {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const records: TraceRecord[] = [];
  let header: TraceHeader | null = null;
  let cut: TraceCut | null = null;
  let end: TraceEnd | null = null;
  for (const [index, line] of lines.entries()) {
    const fault = (reason: string): ReadResult => ({ kind: 'fault', line: index + 1, reason });
    const entry = parse(line);
    if (typeof entry === 'string') return fault(entry);
    if (end !== null) return fault('something follows the end');
    if (header === null) {
      const reason = headerFault(entry);
      if (reason !== null) return fault(reason);
      header = entry as unknown as TraceHeader; // its parts were looked at just now
    } else if (entry.kind === 'header') return fault('a second header');
    else if (entry.kind === 'cut')
      cut = entry as unknown as TraceCut; // written by the same version of the format
    else if (entry.kind === 'end')
      end = entry as unknown as TraceEnd; // the same
    else {
      const reason = recordFault(entry, records.at(-1)?.n ?? 0);
      if (reason !== null) return fault(reason);
      records.push(entry as unknown as TraceRecord); // the same
    }
  }
  if (header === null) return { kind: 'fault', line: 1, reason: 'the file is empty' };
  return { kind: 'trace', trace: { header, cut, records, end } };
}

function parse(line: string): Json | string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no JSON object';
    return value as Json; // an object with string keys
  } catch (error) {
    return `no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function headerFault({ kind, format, version, cluster }: Json): string | null {
  if (kind !== 'header' || format !== TRACE_FORMAT)
    return `no trace of failtome: it begins with no header of ${TRACE_FORMAT}`;
  if (version !== TRACE_VERSION)
    return `version ${String(version)} of the format; this failtome reads version ${TRACE_VERSION}`;
  const shape = cluster as Partial<RecordedRun['header']['cluster']> | undefined;
  return Array.isArray(shape?.nodes) && Array.isArray(shape.addresses) ? null : 'a header without a cluster';
}

function recordFault({ kind, n, step, at }: Json, before: number): string | null {
  if (typeof kind !== 'string') return 'a record without a kind';
  if (typeof n !== 'number' || typeof step !== 'number' || typeof at !== 'number')
    return 'a record without its number, step or moment';
  return n > before ? null : `record ${n} after record ${before}`;
}
