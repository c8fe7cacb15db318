/**
 * The end of the process, whatever its disk, its resolver or the reader of its log are doing.
 *
 * `process.exit` waits for the threads that carry out file operations and look names up (libuv joins its pool at exit).
 * One that hangs in a dead disk or behind a silent DNS server would keep a process that must end.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DurationMs } from '@failtome/protocol';

/** With the half second that the log may take, an agent that must end is gone within two. */
const POOL_WITHIN_MS: DurationMs = 1_000;
const POOL_POLL_MS: DurationMs = 10;

/** Node's names for requests that a thread of the pool works on and that something outside can hold up. */
const POOLED: ReadonlySet<string> = new Set([
  'CloseReq',
  'FSReqCallback',
  'FSReqPromise',
  'GetAddrInfoReqWrap',
  'GetNameInfoReqWrap',
]);

/** End the process with this code; by SIGKILL where a thread hangs, so that an exit code is not to be had. */
export async function leave(code: number): Promise<void> {
  await settleThreads();
  process.exit(code);
}

/** Wait for the threads, and kill this process where one hangs. */
export async function settleThreads(): Promise<void> {
  const until = performance.now() + POOL_WITHIN_MS;
  while (process.getActiveResourcesInfo().some((name) => POOLED.has(name))) {
    if (performance.now() >= until) process.kill(process.pid, 'SIGKILL');
    await delay(POOL_POLL_MS);
  }
}
