/**
 * Programs that a test runs to their end. One that hangs is killed: `spawnSync` stops the timers of the test as well, which would wait for
 * ever, and hold up all others.
 */
import { spawnSync } from 'node:child_process';
import { findProgram } from '../../../scripts/requirements.mjs';

/** The options of `spawnSync`. */
export const toItsEnd = {
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
  timeout: 240_000,
  killSignal: 'SIGKILL',
} as const;

/** What it wrote to its standard output. @throws Error where it ends otherwise than with 0 */
export function must(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(findProgram(command) ?? command, args, toItsEnd);
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? ''}${stderr}${stdout}`);
}
