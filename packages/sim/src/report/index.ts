/**
 * The report of a run: one HTML file that needs nothing else.
 */
export { renderReport } from './render.ts';
