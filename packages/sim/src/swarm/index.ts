/**
 * Swarms: many seeds, what they cover, and a ledger to go on with.
 */
export { coverageOf, pairsOf } from './coverage-verdict.ts';
export { planOf } from './draw.ts';
export { type Focus, focusText, parseFocus } from './focus.ts';
export { parseRange, rangeFromClock, type SeedRange } from './ranges.ts';
export { type Runner, runHere, runInWorkers, workIfWorker } from './runner.ts';
export {
  type Finding,
  runSeed,
  runSeedPlan,
  type SeedResult,
  type SeedTask,
  wholePlanOf,
} from './seed.ts';
export { chooseFocus } from './steering.ts';
export { runSwarm, type SwarmEnd, type SwarmOptions } from './swarm.ts';
export {
  type Identity,
  LedgerError,
  mergeLedgers,
  newLedger,
  readLedger,
  refuseOther,
  type SwarmLedger,
  writeLedger,
} from './swarm-ledger.ts';
export { addTallies, NO_TALLY } from './tally.ts';
export { describeFinding, progressLine, summary } from './text.ts';
