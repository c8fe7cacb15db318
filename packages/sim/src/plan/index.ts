/**
 * Plans: what happens to a simulated world, as data.
 */
export * from './action.ts';
export * from './actions/index.ts';
export { callsOfMoves } from './call-faults.ts';
export * from './draw-plan.ts';
export * from './fault-kinds.ts';
export * from './parameters.ts';
export * from './plan.ts';
export * from './run-plan.ts';
export * from './with-liar.ts';
