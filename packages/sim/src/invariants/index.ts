/**
 * The invariants of PROTOCOL.md, each written once as a pure function of plain data: from a history, an event and a view
 * to the history with the event and what it breaks. The simulated world, the explorer and a single node's record feed
 * them.
 */
export {
  type ClusterHistory,
  concernsCluster,
  judgeCluster,
  judgeRecorded,
  NEW_CLUSTER,
  viewOfRecords,
} from './cluster-invariants.ts';
export type { ClusterView } from './cluster-view.ts';
export { ELSEWHERE } from './durability.ts';
export {
  type Broken,
  brokenIn,
  type EventOf,
  type JudgedEvent,
  type RunView,
  takesAtOnce,
  type WorldEvent,
  type WorldView,
} from './events.ts';
export { newRunHistory, type RunHistory } from './run-history.ts';
export { judgeRecord, judgeRun } from './run-invariants.ts';
export { judgeTold, type ToldRecord } from './told-records.ts';
