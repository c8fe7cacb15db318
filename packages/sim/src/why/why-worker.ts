/** Who runs the branches: workers that are the same program once more. */
import { type Pool, serveTasks, startPool } from '../workers/pool.ts';
import { type BranchCount, type BranchTask, countOutages } from './branch.ts';
import { type OutcomeTask, outcomesOf, type RunOutcome } from './what-if.ts';

/** A piece of work. */
export type WhyTask =
  | ({ readonly kind: 'branches' } & BranchTask)
  | ({ readonly kind: 'outcomes' } & OutcomeTask);

/** What came of it. */
export type WhyTaskResult =
  | { readonly kind: 'branches'; readonly count: BranchCount }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly RunOutcome[] };

/** Tells a worker of this from others. */
const WHY_WORK = 'why';
/** Of one processor (`PoolOptions.maxTaskMs`). */
const MAX_TASK_MS = 3_600_000;

/** Do one piece, in this thread. */
export function doWhyTask(task: WhyTask): WhyTaskResult {
  if (task.kind === 'branches') return { kind: 'branches', count: countOutages(task) };
  return { kind: 'outcomes', outcomes: outcomesOf(task) };
}

/** Workers for branches. @param program the file that calls `workIfWhyWorker` at its start */
export function startBranching(program: URL, jobs: number): Pool<WhyTask, WhyTaskResult> {
  return startPool({ program, jobs, kind: WHY_WORK, options: null, maxTaskMs: MAX_TASK_MS });
}

/**
 * Where this thread is such a worker, run the branches that it is sent.
 *
 * @returns whether it is one
 */
export function workIfWhyWorker(): boolean {
  return serveTasks<null, WhyTask, WhyTaskResult>(WHY_WORK, () => doWhyTask);
}
