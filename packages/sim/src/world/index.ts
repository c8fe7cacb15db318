/**
 * The simulated world, its checkers, and swarms of seeds over it.
 */

export * from './cluster.ts';
export * from './settings.ts';
export * from './swarm.ts';
export * from './world.ts';
