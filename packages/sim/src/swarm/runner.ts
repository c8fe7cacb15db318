/**
 * Who runs the seeds: this very thread, or workers that are the same program once more.
 */
import type { DrawOptions } from '../plan/index.ts';
import { serveTasks, startPool } from '../workers/pool.ts';
import { runSeed, type SeedResult, type SeedTask, thrown } from './seed.ts';

/** Runs seeds, here or in workers. */
export interface Runner {
  /** How many seeds it can run at once. */
  readonly jobs: number;
  /** Never rejects: what goes wrong is a finding of the seed. */
  run(task: SeedTask): Promise<SeedResult>;
  close(): Promise<void>;
}

/** Of one processor (`PoolOptions.maxTaskMs`). */
const MAX_SEED_MS = 300_000;
/** Tells a worker of a swarm from others. */
const WORK = 'swarm';

/** One seed after the other in this thread. */
export function runHere(options: DrawOptions): Runner {
  return {
    jobs: 1,
    // Between two seeds the thread hears of an interrupt.
    run: (task) => new Promise((resolve) => setImmediate(() => resolve(runSeed(task, options)))),
    close: () => Promise.resolve(),
  };
}

/** @param program the file that calls `workIfWorker` at its start */
export function runInWorkers(program: URL, jobs: number, options: DrawOptions): Runner {
  const pool = startPool<SeedTask, SeedResult>({
    program,
    jobs,
    kind: WORK,
    options,
    maxTaskMs: MAX_SEED_MS,
  });
  return {
    jobs,
    async run(task) {
      const answered = await pool.run(task);
      return answered.kind === 'result' ? answered.result : thrown(task, answered.error, null);
    },
    close: () => pool.close(),
  };
}

/**
 * Where this thread is a swarm's worker, run the seeds that it is sent.
 *
 * @returns whether it is one
 */
export function workIfWorker(): boolean {
  return serveTasks<DrawOptions, SeedTask, SeedResult>(WORK, (options) => (task) => runSeed(task, options));
}
