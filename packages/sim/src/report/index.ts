/**
 * The report of a run: one HTML file that needs nothing else. And a run's trace and report written as files:
 *
 *     const recording = recordTo({ traceFile, htmlFile }, plan, title);
 *     const world = … // as soon as it is built, before anything runs:
 *     recording.onWorld(world);
 *     …               // when the run is over:
 *     recording.finish();
 *
 * Both files are optional; with neither it does nothing and costs nothing.
 */
export { renderReport } from './render.ts';
export { type Recording, recordTo } from './run-files.ts';
export type { WhyPart } from './why-part.ts';
