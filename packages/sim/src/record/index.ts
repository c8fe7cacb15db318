/**
 * Recording a run of the simulated world, and reading it again.
 *
 *     const recording = recordTo({ traceFile, htmlFile }, plan, title);
 *     const world = … // as soon as it is built, before anything runs:
 *     recording.onWorld(world);
 *     …               // when the run is over:
 *     recording.finish();
 *
 * Both files are optional; with neither it does nothing and costs nothing.
 */
export { recordTo, traceText, withCauses } from './files.ts';
export { readTrace } from './read.ts';
export { createRecorder, type Recorder } from './recorder.ts';
export type * from './records.ts';
export { type Moment, type Replayed, replay } from './replay.ts';
export { createTraceBuffer } from './trace-buffer.ts';
