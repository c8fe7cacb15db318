/**
 * The bounded search through all histories of a small cluster, on the real step function (docs/exploration.md).
 */
export {
  type Bounds,
  CLUSTER_KINDS,
  type ClusterKind,
  DEFAULT_BOUNDS,
  FAULT_KINDS,
  type FaultKind,
  MAX_EXPLORED_ADDRESSES,
  QUANTUM_MS,
  REASONS_TO_MOVE,
  type Reason,
} from './bounds.ts';
export { type ExploreResult, explore, type Progress } from './breadth-first-search.ts';
export type { Tally } from './seen.ts';
