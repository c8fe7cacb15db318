/**
 * Recording a run of the simulated world, and reading it again.
 */
export { readTrace } from './read.ts';
export { Recorder } from './recorder.ts';
export type * from './records.ts';
export { type Moment, type Replayed, replay } from './replay.ts';
export { createTraceBuffer } from './trace-buffer.ts';
export { traceText, withCauses } from './trace-text.ts';
