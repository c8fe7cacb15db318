/**
 * The simulated world, its checkers, and swarms of seeds over it.
 */

export * from './cluster.ts';
export { FAULTS } from './faults.ts';
export { boundMs, checkRecovery } from './liveness.ts';
export * from './settings.ts';
export * from './swarm.ts';
export type { Violation, WorldEvent } from './watch.ts';
export * from './world.ts';
