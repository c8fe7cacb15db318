/**
 * Who runs the seeds: this very thread, or workers that are the same program once more.
 */
import type { DrawOptions } from '../plan/index.ts';
import { serveTasks, startPool } from '../workers/pool.ts';
import { runSeed, type SeedResult, thrown } from './seed.ts';

/** Runs seeds, here or in workers. */
export interface Runner {
  /** How many seeds it can run at once. */
  readonly jobs: number;
  /** Never rejects: what goes wrong is a finding of the seed. */
  run(seed: number): Promise<SeedResult>;
  close(): Promise<void>;
}

/** Wall-clock limit of a seed; one that takes longer is an infinite loop. */
const MAX_SEED_MS = 300_000;
/** Tells a worker of a swarm from others. */
const WORK = 'swarm';

/** One seed after the other in this thread. */
export function runHere(options: DrawOptions): Runner {
  return {
    jobs: 1,
    // Between two seeds the thread hears of an interrupt.
    run: (seed) => new Promise((resolve) => setImmediate(() => resolve(runSeed(seed, options)))),
    close: () => Promise.resolve(),
  };
}

/** @param program the file that calls `workIfWorker` at its start */
export function runInWorkers(program: URL, jobs: number, options: DrawOptions): Runner {
  const pool = startPool<number, SeedResult>({
    program,
    jobs,
    kind: WORK,
    options,
    maxTaskMs: MAX_SEED_MS,
  });
  return {
    jobs,
    async run(seed) {
      const answered = await pool.run(seed);
      return answered.kind === 'result' ? answered.result : thrown(seed, answered.error, null);
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
  return serveTasks<DrawOptions, number, SeedResult>(WORK, (options) => (seed) => runSeed(seed, options));
}
