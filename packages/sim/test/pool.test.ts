/** Work that is shared among threads: never more of them than jobs, and nothing begun that isn't wanted any more. */
import { expect, onTestFinished, test } from 'vitest';
import { type Pool, startPool } from '../src/workers/pool.ts';

/** Each task is answered with the thread that did it; `fails` ends the thread, `loops` never ends. */
const PROGRAM = `
import { parentPort, threadId } from 'node:worker_threads';
parentPort.on('message', (task) => {
  if (task === 'fails') throw new Error('it failed');
  while (task === 'loops');
  parentPort.postMessage(threadId);
});`;

function started(jobs: number, maxTaskMs = 60_000): Pool<string, number> {
  const program = new URL(`data:text/javascript,${encodeURIComponent(PROGRAM)}`);
  const pool = startPool<string, number>({ program, jobs, kind: 'test', options: null, maxTaskMs });
  onTestFinished(() => pool.close());
  return pool;
}

test('so many threads at once, however many tasks there are, and each is answered', async () => {
  const pool = started(2);
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? pool.run('x') : pool.runIf(() => true, 'x'))),
  );
  const threads = answers.map((one) => (one?.kind === 'result' ? one.result : null));
  expect(threads).not.toContain(null);
  expect(new Set(threads).size).toBeLessThanOrEqual(2);
});

test('what is not wanted when its turn comes is not begun, and lets the next one go', async () => {
  const pool = started(1);
  const no = (): boolean => false;
  const all = [pool.run('x'), pool.runIf(no, 'x'), pool.runIf(no, 'x'), pool.run('x')];
  const result = { kind: 'result' };
  expect(await Promise.all(all)).toMatchObject([result, null, null, result]);
});

test('a thread that ends is told of, and the next task has another', async () => {
  const pool = started(1);
  expect(await pool.run('fails')).toMatchObject({ kind: 'broken', error: { message: 'it failed' } });
  expect(await pool.run('x')).toMatchObject({ kind: 'result' });
});

test('a task that takes more of the processor than any may is ended, and the next one has another thread', async () => {
  const pool = started(1, 100);
  const error = { message: 'no end within 100 ms of processor time' };
  expect(await pool.run('loops')).toMatchObject({ kind: 'broken', error });
  expect(await pool.run('x')).toMatchObject({ kind: 'result' });
});
