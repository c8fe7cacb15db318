/**
 * Who runs the seeds: this very thread, or workers that are the same program once more.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { DrawOptions } from '../plan/index.ts';
import { runSeed, type SeedResult, thrown } from './seed.ts';

/** Runs seeds, here or in workers. */
export interface Runner {
  /** How many seeds it can run at once. */
  readonly jobs: number;
  /** Never rejects: what goes wrong is a finding of the seed. */
  run(seed: number): Promise<SeedResult>;
  close(): Promise<void>;
}

/** Wall-clock limit of a seed, in seconds; one that takes longer is an infinite loop. */
const MAX_SEED_MS = 300_000;
/** Tells a worker of a swarm from others. */
const WORK = 'swarm';

interface Work {
  readonly kind: typeof WORK;
  readonly options: DrawOptions;
}

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
  const idle: Worker[] = [];
  const begin = (): Worker => new Worker(program, { workerData: { kind: WORK, options } satisfies Work });
  return {
    jobs,
    async run(seed) {
      const worker = idle.pop() ?? begin();
      const answered = await ask(worker, seed);
      if (answered.kind === 'result') {
        idle.push(worker);
        return answered.result;
      }
      await worker.terminate();
      return thrown(seed, answered.error, null);
    },
    async close() {
      await Promise.all(idle.splice(0).map((worker) => worker.terminate()));
    },
  };
}

type Answered =
  | { readonly kind: 'result'; readonly result: SeedResult }
  | { readonly kind: 'broken'; readonly error: unknown };

function ask(worker: Worker, seed: number): Promise<Answered> {
  return new Promise((resolve) => {
    const settle = (answered: Answered): void => {
      clearTimeout(limit);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(answered);
    };
    const onMessage = (result: SeedResult): void => settle({ kind: 'result', result });
    const onError = (error: unknown): void => settle({ kind: 'broken', error });
    const onExit = (code: number): void => onError(new Error(`the worker ended with ${code}`));
    const limit = setTimeout(() => onError(new Error(`no end within ${MAX_SEED_MS} ms`)), MAX_SEED_MS);
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(seed);
  });
}

/**
 * Where this thread is a swarm's worker, run the seeds that it is sent.
 *
 * @returns whether it is one
 */
export function workIfWorker(): boolean {
  const work: unknown = workerData;
  if (isMainThread || parentPort === null || !isWork(work)) return false;
  const port = parentPort;
  port.on('message', (seed: number) => port.postMessage(runSeed(seed, work.options)));
  return true;
}

function isWork(data: unknown): data is Work {
  return typeof data === 'object' && data !== null && 'kind' in data && data.kind === WORK;
}
