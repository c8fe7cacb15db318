/**
 * systemd's readiness and watchdog protocol (sd_notify(3)), through the program `systemd-notify`.
 *
 * Node has no Unix datagram sockets. A message costs one short-lived process; there are a handful in
 * a run, and two in each watchdog interval. The unit needs `NotifyAccess=all`.
 */
import { execFile } from 'node:child_process';
import { type DurationMs, plainText } from '@failtome/protocol';

/** A message that systemd hasn't taken by then is given up. */
const NOTIFY_TIMEOUT_MS: DurationMs = 5000;

/** Messages that wait for the one before; further ones are dropped, which `onFault` hears of. */
const MAX_WAITING = 16;

/** Whether systemd wants to hear, and how often. */
export interface ServiceManagerOptions {
  /** False outside of systemd: every method then does nothing. */
  readonly notifies: boolean;
  /** How often systemd wants to hear of the process; null where there is no watchdog. */
  readonly watchdogMs: DurationMs | null;
}

/** How systemd is told, and what. */
export interface ServiceManagerDependencies {
  /** Send these assignments in one message. */
  readonly notify: (assignments: readonly string[]) => Promise<void>;
  /** What `systemctl status` shows, one line. */
  readonly status: () => string;
  readonly onFault: (detail: string) => void;
}

/** Whoever started this process and watches over it. */
export interface ServiceManager {
  /** Started up, or done with a reload. Starts the watchdog. */
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** Stop the watchdog, and wait for what is on its way. */
  close(): Promise<void>;
}

/** What systemd says in the environment of a service (sd_notify(3), sd_watchdog_enabled(3)). */
export function serviceManagerOptions(env: NodeJS.ProcessEnv, pid: number): ServiceManagerOptions {
  const watched = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  const watchdogMs = Number(env.WATCHDOG_USEC) / 1000;
  return {
    notifies: (env.NOTIFY_SOCKET ?? '') !== '',
    watchdogMs: watched && watchdogMs > 0 ? watchdogMs : null,
  };
}

/** Run `systemd-notify`; rejects when it is missing or fails. */
export function runSystemdNotify(assignments: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null) => (error === null ? resolve() : reject(error));
    execFile('systemd-notify', [...assignments], { timeout: NOTIFY_TIMEOUT_MS }, done);
  });
}

/** Speak to systemd. Messages go out one after the other; a failure is told once until one succeeds again. */
export function createServiceManager(
  options: ServiceManagerOptions,
  { notify, status, onFault }: ServiceManagerDependencies,
): ServiceManager {
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  let failing = false;
  let watchdog: NodeJS.Timeout | undefined;

  function fault(detail: string): void {
    if (!failing) onFault(detail);
    failing = true;
  }

  async function send(assignments: readonly string[]): Promise<void> {
    try {
      await notify(assignments);
      failing = false;
    } catch (error) {
      fault(error instanceof Error ? error.message.trim() : String(error));
    }
    waiting -= 1;
  }

  function post(...assignments: readonly string[]): void {
    if (!options.notifies) return;
    if (waiting >= MAX_WAITING) return fault(`${MAX_WAITING} messages already wait for systemd`);
    waiting += 1;
    last = last.then(() => send(assignments));
  }

  function startWatchdog(): void {
    if (watchdog !== undefined || options.watchdogMs === null) return;
    watchdog = setInterval(() => post('WATCHDOG=1', statusLine(status())), options.watchdogMs / 2);
    watchdog.unref();
  }

  return {
    ready() {
      post('READY=1', statusLine(status()));
      startWatchdog();
    },
    reloading: () => post('RELOADING=1'),
    stopping: () => post('STOPPING=1'),
    close() {
      clearInterval(watchdog);
      return last;
    },
  };
}

function statusLine(text: string): string {
  return `STATUS=${plainText(text)}`;
}
