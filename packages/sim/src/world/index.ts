/**
 * The simulated world and its checkers.
 */

export * from './availability.ts';
export * from './cluster.ts';
export * from './heal.ts';
export * from './interface.ts';
export type { LiarMode } from './liar/liar.ts';
export * from './liveness.ts';
export { WEBHOOK_FAULTS } from './outside.ts';
export { type PacketSpec, type Packets, QUIET_PACKETS } from './packets.ts';
export * from './random.ts';
export * from './settings.ts';
export { STORE_FAULTS } from './simulated-store.ts';
export type { WorldSpec } from './spec.ts';
export * from './trace.ts';
export * from './watch.ts';
export * from './world.ts';
