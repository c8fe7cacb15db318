/** The pieces of work that a tuning is made of: each by its own seed, so that it doesn't matter who does which when. */

import { type Pool, serveTasks, startPool } from '../workers/pool.ts';
import { createRandom } from '../world/index.ts';
import {
  afterFirstStart,
  downtimeMs,
  type Experiment,
  type Failure,
  watchForNeedless,
} from './experiment.ts';
import { type SplittingResult, split } from './splitting.ts';

/** A piece of work; plain data. */
export type TuneTask =
  | {
      readonly kind: 'downtimes';
      readonly experiment: Experiment;
      readonly failure: Failure;
      readonly seed: number;
      readonly count: number;
    }
  | {
      readonly kind: 'needless';
      readonly experiment: Experiment;
      readonly seed: number;
      readonly runs: number;
      /** Smaller chances aren't looked for. */
      readonly least: number;
    };

/** What came of it. */
export type TuneTaskResult =
  /** In milliseconds; null: longer than is waited for. */
  | { readonly kind: 'downtimes'; readonly ms: readonly (number | null)[] }
  | { readonly kind: 'needless'; readonly result: SplittingResult };

/** Tells a worker of a tuning from others. */
const TUNE_WORK = 'tune';
/** Of one processor (`PoolOptions.maxTaskMs`). */
const MAX_TASK_MS = 3_600_000;

/** Workers for these tasks. @param program the file that calls `workIfTuneWorker` at its start */
export function startTuners(program: URL, jobs: number): Pool<TuneTask, TuneTaskResult> {
  return startPool({ program, jobs, kind: TUNE_WORK, options: null, maxTaskMs: MAX_TASK_MS });
}

/** Do one piece. */
export function doTask(task: TuneTask): TuneTaskResult {
  const { seed } = task;
  const experiment = afterFirstStart(task.experiment, seed);
  if (task.kind === 'downtimes') {
    const ms = Array.from({ length: task.count }, (_, index) =>
      downtimeMs(experiment, task.failure, seed + index),
    );
    return { kind: 'downtimes', ms };
  }
  const result = split((branches) => watchForNeedless(experiment, branches), createRandom(seed), task);
  return { kind: 'needless', result };
}

/**
 * Where this thread is a tuning's worker, do the tasks that it is sent.
 *
 * @returns whether it is one
 */
export function workIfTuneWorker(): boolean {
  return serveTasks<null, TuneTask, TuneTaskResult>(TUNE_WORK, () => doTask);
}
