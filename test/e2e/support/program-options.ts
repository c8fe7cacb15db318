/**
 * For programs that a test runs to their end. One that hangs is killed: `spawnSync` stops the timers of the test as well, which would
 * wait for ever, and hold up all others.
 */
export const toItsEnd = {
  encoding: 'utf8',
  maxBuffer: 2 ** 26,
  timeout: 240_000,
  killSignal: 'SIGKILL',
} as const;
