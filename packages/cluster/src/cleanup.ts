/** What must not outlive this process, however it ends: child processes and temporary folders. */
import { guard, type Leftover } from './guardian.ts';

type Cleanup = () => void;

const cleanups = new Set<Cleanup>();
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a synchronous clean-up when this process ends, also by a signal that nobody else listens for. What is left by a
 * process that can't do that any more, because it was killed, is told as `leftover`.
 *
 * @returns takes it back
 */
export function atExit(cleanup: Cleanup, leftover?: Leftover): () => void {
  if (cleanups.size === 0) listen();
  cleanups.add(cleanup);
  const release = leftover === undefined ? () => undefined : guard(leftover);
  return () => {
    release();
    if (cleanups.delete(cleanup) && cleanups.size === 0) unlisten();
  };
}

function runAll(): void {
  for (const cleanup of cleanups) cleanup();
  cleanups.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  // Whoever else listens for it decides what it means; `exit` still cleans up.
  if (process.listenerCount(signal) > 1) return;
  runAll();
  unlisten();
  process.kill(process.pid, signal);
}

function listen(): void {
  process.on('exit', runAll);
  for (const signal of signals) process.on(signal, onSignal);
}

function unlisten(): void {
  process.off('exit', runAll);
  for (const signal of signals) process.off(signal, onSignal);
}
