/** Clusters of real processes against the embedded cloud, for the demo, the tests and the benchmarks. */
export type * from './agent-api.ts';
export type * from './agent-process.ts';
export * from './client.ts';
export { Cluster, type CommandResult } from './cluster.ts';
export type * from './link.ts';
export type * from './log-book.ts';
export type * from './node.ts';
export type * from './options.ts';
export { startCluster } from './start-cluster.ts';
export * from './wait.ts';
export * from './web-server.ts';
export * from './yaml-object.ts';
