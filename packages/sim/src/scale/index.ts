/**
 * `failtome-sim scale`: how the protocol grows with its members, beside plain SWIM in the same world.
 */
export {
  FEWEST,
  MOST,
  measureScale,
  type ScaleResult,
  stepsBetween,
} from './comparison.ts';
export { scalePage } from './scale-page.ts';
export { describeScale } from './scale-text.ts';
