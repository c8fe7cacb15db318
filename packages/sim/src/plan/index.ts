/**
 * Plans: what happens to a simulated world, as data.
 */
export * from './action.ts';
export * from './actions/index.ts';
export * from './draw.ts';
export * from './parameters.ts';
export * from './plan.ts';
export * from './run.ts';
