/**
 * A run's trace and report, as files.
 */
import { writeFileSync } from 'node:fs';
import { renderReport } from '../report/index.ts';
import type { World } from '../world/interface.ts';
import { causesOf } from './causes.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import type { RecordedRun, TraceEnd } from './records.ts';
import { createTraceBuffer } from './trace-buffer.ts';

export interface RecordFiles {
  /** Where the trace goes, as JSON lines. */
  readonly traceFile?: string | undefined;
  /** Where the report goes, as one HTML file. */
  readonly htmlFile?: string | undefined;
  /** The trace's greatest size in characters; of a longer run the last part is kept. Default 64 million. */
  readonly maxChars?: number | undefined;
}

export interface Recording {
  /** Give it the world as soon as it is built, before anything runs: `runPlan(plan, { onWorld: recording.onWorld })`. */
  readonly onWorld: (world: World) => void;
  /**
   * The run is over: write the files.
   *
   * @throws Error when a file can't be written
   */
  readonly finish: () => void;
}

const MAX_CHARS = 64_000_000;

/** Record a run into files; without any it does nothing. */
export function recordTo(files: RecordFiles, plan: unknown, title: string): Recording {
  const { traceFile, htmlFile, maxChars = MAX_CHARS } = files;
  if (traceFile === undefined && htmlFile === undefined)
    return { onWorld: () => undefined, finish: () => undefined };
  const buffer = createTraceBuffer(maxChars);
  let recorder: Recorder | null = null;
  return {
    onWorld(world) {
      recorder = createRecorder(world, { plan, title, sink: buffer.take });
    },
    finish() {
      recorder?.finish();
      const trace = withCauses(buffer.run());
      if (traceFile !== undefined) writeFileSync(traceFile, traceText(trace));
      if (htmlFile !== undefined) writeFileSync(htmlFile, renderReport(trace));
    },
  };
}

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
