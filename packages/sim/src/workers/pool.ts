/** Work that is shared among worker threads, which are the same program once more. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** How a task ended. */
export type Answered<R> =
  | { readonly kind: 'result'; readonly result: R }
  /** The worker ended, or took too long; it is gone. */
  | { readonly kind: 'broken'; readonly error: unknown };

/** Takes tasks, as many at once as it has workers. */
export interface Pool<T, R> {
  readonly jobs: number;
  /** Never rejects. */
  run(task: T): Promise<Answered<R>>;
  /**
   * The same, where it is still wanted when there is a worker for it.
   *
   * @returns null: it wasn't
   */
  runIf(isWanted: () => boolean, task: T): Promise<Answered<R> | null>;
  close(): Promise<void>;
}

/** What a worker is begun with. */
interface Work {
  readonly kind: string;
  readonly options: unknown;
}

/** How a pool is set up. */
export interface PoolOptions {
  /** The file that calls `serveTasks` at its start. */
  readonly program: URL;
  readonly jobs: number;
  /** What `serveTasks` knows its work by. */
  readonly kind: string;
  /** Given to each worker at its start: plain data. */
  readonly options: unknown;
  /** Of one processor: a task that takes longer is an infinite loop. One that others keep waiting has not had it yet. */
  readonly maxTaskMs: number;
}

/** Workers are begun when they are needed. A task that finds all of them at work waits. */
export function startPool<T, R>({ program, jobs, kind, options, maxTaskMs }: PoolOptions): Pool<T, R> {
  const idle: Worker[] = [];
  const waiting: (() => void)[] = [];
  let working = 0;
  const begin = (): Worker => new Worker(program, { workerData: { kind, options } satisfies Work });
  // Taken at once where it is free, before anybody else can come.
  const take = async (): Promise<void> => {
    while (working >= jobs) await new Promise<void>((resolve) => waiting.push(resolve));
    working += 1;
  };
  const giveBack = (): void => {
    working -= 1;
    waiting.shift()?.();
  };
  const work = async (task: T): Promise<Answered<R>> => {
    const worker = idle.pop() ?? begin();
    const answered = await ask<T, R>(worker, task, jobs, maxTaskMs);
    if (answered.kind === 'result') idle.push(worker);
    else await worker.terminate();
    giveBack();
    return answered;
  };
  return {
    jobs,
    async run(task) {
      await take();
      return work(task);
    },
    async runIf(isWanted, task) {
      await take();
      if (isWanted()) return work(task);
      giveBack();
      return null;
    },
    async close() {
      await Promise.all(idle.splice(0).map((worker) => worker.terminate()));
    },
  };
}

function ask<T, R>(worker: Worker, task: T, jobs: number, maxMs: number): Promise<Answered<R>> {
  // A thread's own time isn't told: of that of the process it has had at least its part.
  const cpuMs = (): number => process.cpuUsage().user / 1_000 / jobs;
  const begunMs = cpuMs();
  return new Promise((resolve) => {
    const settle = (answered: Answered<R>): void => {
      clearTimeout(limit);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      resolve(answered);
    };
    const onMessage = (result: R): void => settle({ kind: 'result', result });
    const onError = (error: unknown): void => settle({ kind: 'broken', error });
    const onExit = (code: number): void => onError(new Error(`the worker ended with ${code}`));
    const look = (): void => {
      const leftMs = begunMs + maxMs - cpuMs();
      if (leftMs <= 0) return onError(new Error(`no end within ${maxMs} ms of processor time`));
      limit = setTimeout(look, leftMs);
    };
    let limit = setTimeout(look, maxMs);
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    worker.postMessage(task);
  });
}

/**
 * Where this thread is a worker for work of that kind, do the tasks that it is sent.
 *
 * @returns whether it is one
 */
export function serveTasks<O, T, R>(kind: string, workBy: (options: O) => (task: T) => R): boolean {
  const data: unknown = workerData;
  if (isMainThread || parentPort === null || !isWork(data) || data.kind !== kind) return false;
  const port = parentPort;
  const work = workBy(data.options as O); // what `startPool` was given for work of that kind
  port.on('message', (task: T) => port.postMessage(work(task)));
  return true;
}

function isWork(data: unknown): data is Work {
  return typeof data === 'object' && data !== null && 'kind' in data && 'options' in data;
}
