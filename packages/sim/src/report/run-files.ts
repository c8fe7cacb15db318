/**
 * A run's trace and report, as files.
 */
import { writeFileSync } from 'node:fs';
import { Recorder } from '../record/recorder.ts';
import { createTraceBuffer } from '../record/trace-buffer.ts';
import { traceText, withCauses } from '../record/trace-text.ts';
import type { World } from '../world/interface.ts';
import { renderReport } from './render.ts';

/** Which files a run is recorded into. */
export interface RecordFiles {
  /** Where the trace goes, as JSON lines. */
  readonly traceFile?: string | undefined;
  /** Where the report goes, as one HTML file. */
  readonly htmlFile?: string | undefined;
  /** The trace's greatest size in characters; of a longer run the last part is kept. Default 64 million. */
  readonly maxChars?: number | undefined;
}

/** A run that is being recorded. */
export interface Recording {
  /** Give it the world as soon as it is built, before anything runs: `runPlan(plan, { onWorld: recording.onWorld })`. */
  readonly onWorld: (world: World) => void;
  /**
   * The run is over: write the files.
   *
   * @returns false: none was written, because none is wanted, or there was never a world
   * @throws Error when a file can't be written
   */
  readonly finish: () => boolean;
}

const MAX_CHARS = 64_000_000;

/** Record a run into files; without any it does nothing. */
export function recordTo(files: RecordFiles, plan: unknown, title: string): Recording {
  const { traceFile, htmlFile, maxChars = MAX_CHARS } = files;
  if (traceFile === undefined && htmlFile === undefined)
    return { onWorld: () => undefined, finish: () => false };
  const buffer = createTraceBuffer(maxChars);
  let recorder: Recorder | null = null;
  return {
    onWorld(world) {
      recorder = new Recorder(world, { plan, title, sink: buffer.take });
    },
    finish() {
      if (recorder === null) return false;
      recorder.finish();
      const trace = withCauses(buffer.run());
      if (traceFile !== undefined) writeFileSync(traceFile, traceText(trace));
      if (htmlFile !== undefined) writeFileSync(htmlFile, renderReport(trace));
      return true;
    },
  };
}
