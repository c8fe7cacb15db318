/** Whether the machine goes down, and not just this service: by systemd's word. */
import { execFile } from 'node:child_process';
import type { DurationMs } from '@failtome/protocol';

/** What hangs by then doesn't say so. */
const ASK_TIMEOUT_MS: DurationMs = 2_000;

/** What systemd says of the whole machine (systemctl(1), "is-system-running"); null: there is none, or it gives no answer. */
export function systemState(): Promise<string | null> {
  return new Promise((resolve) => {
    // Its exit code tells `running` from all else, and the word stands on standard output either way.
    const done = (_error: Error | null, stdout: string): void => {
      const word = stdout.trim();
      resolve(/^[a-z]+$/.test(word) && word !== 'offline' && word !== 'unknown' ? word : null);
    };
    execFile('systemctl', ['is-system-running'], { timeout: ASK_TIMEOUT_MS }, done);
  });
}

/**
 * `stopping`: a job for shutdown.target is queued, which stopping, restarting or upgrading one unit doesn't do. Where systemd gives
 * no answer nobody knows, and it counts as no.
 */
export async function isMachineGoingDown(): Promise<boolean> {
  return (await systemState()) === 'stopping';
}
