/**
 * The clock and the one timer of the host loop (ports `clock` and `timer`).
 *
 * The protocol counts leases on a clock that goes on while the machine is suspended. `process.hrtime`
 * (Linux's CLOCK_MONOTONIC) stops then; the system's uptime (CLOCK_BOOTTIME) does not, but costs a read
 * of /proc and is coarse. So time is hrtime's, set forward by what uptime has gained on it. Uptime is
 * read when wall time has gained on hrtime too, as it does over a suspend, and else once a second.
 *
 * What no guest can see stays unseen: a hypervisor that stops a machine with all of its clocks.
 */
import { uptime as systemUptime } from 'node:os';
import type { DurationMs, Instant, MonotonicMs, Ports } from '@failtome/protocol';

/** Gains below this are noise of an uptime that is told in hundredths of a second. */
export const FINE_THRESHOLD_MS: DurationMs = 100;
/** The same, where the uptime is told in whole seconds. */
export const COARSE_THRESHOLD_MS: DurationMs = 1_500;

/** Wall time that gains this much on hrtime between two readings asks for a look at uptime. */
const WALL_GAIN_MS: DurationMs = 50;

/** Uptime is looked at this often anyway, in case wall time was set back just then. */
const UPTIME_EVERY_MS: DurationMs = 1_000;

/** The longest sleep in one piece: a timer that a suspend has made late fires this late at most. */
export const MAX_SLEEP_MS: DurationMs = 60_000;

/** The system's clocks; a test brings its own. */
export interface SystemClocks {
  /** Nanoseconds of CLOCK_MONOTONIC. */
  readonly hrtime: () => bigint;
  /** Seconds since boot, suspends included. */
  readonly uptime: () => number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** The agent's clocks: a monotonic one that counts through suspension, and the wall clock. */
export interface Clock {
  /** Both clocks. `at` is a whole number of milliseconds, rounded down. */
  now(): Instant;
  /** The same monotonic clock, unrounded, to measure durations by. */
  monotonicMs(): MonotonicMs;
}

const SYSTEM: SystemClocks = { hrtime: process.hrtime.bigint, uptime: systemUptime, wall: Date.now };

/** A clock that never steps back, and counts suspends from the moment it was created. */
export function createClock(clocks: SystemClocks = SYSTEM): Clock {
  const readHrtime = (): number => Number(clocks.hrtime()) / 1e6;
  const uptimeStart = clocks.uptime() * 1_000;
  const hrtimeStart = readHrtime();
  const threshold = Number.isInteger(uptimeStart / 1_000) ? COARSE_THRESHOLD_MS : FINE_THRESHOLD_MS;
  let suspendedMs = 0;
  let latest = 0;
  let seen = { hrtime: hrtimeStart, wall: clocks.wall() };
  let lookedAt = hrtimeStart;

  function lookAtUptime(hrtime: number): void {
    lookedAt = hrtime;
    const gained = clocks.uptime() * 1_000 - uptimeStart - (hrtime - hrtimeStart) - suspendedMs;
    if (gained > threshold) suspendedMs += gained;
  }

  function read(): { readonly exact: number; readonly wall: number } {
    const hrtime = readHrtime();
    const wall = clocks.wall();
    const wallGain = wall - seen.wall - (hrtime - seen.hrtime);
    seen = { hrtime, wall };
    if (wallGain > WALL_GAIN_MS || hrtime - lookedAt > UPTIME_EVERY_MS) lookAtUptime(hrtime);
    latest = Math.max(latest, hrtime + suspendedMs);
    return { exact: latest, wall };
  }

  return {
    now() {
      const { exact, wall } = read();
      return { at: Math.floor(exact), wall };
    },
    monotonicMs: () => read().exact,
  };
}

type TimerPort = Ports['timer'];

/**
 * One timer. It never wakes early: Node may fire a timer before its time, because it counts from
 * the beginning of the event loop's turn, and then it is set again for what is left.
 */
export function createTimer(clock: Pick<Clock, 'now'>): TimerPort {
  let timeout: NodeJS.Timeout | undefined;
  let due: MonotonicMs = 0;
  let wakeUp: () => void = () => undefined;

  function arm(): void {
    const leftMs = Math.ceil(due - clock.now().at);
    timeout = setTimeout(fire, Math.min(Math.max(leftMs, 1), MAX_SLEEP_MS));
  }
  function fire(): void {
    timeout = undefined;
    if (clock.now().at < due) return arm();
    wakeUp();
  }

  return {
    wakeAt(at, wake) {
      wakeUp = wake;
      if (timeout !== undefined && at === due) return;
      due = at;
      clearTimeout(timeout);
      arm();
    },
    cancel() {
      clearTimeout(timeout);
      timeout = undefined;
    },
  };
}
