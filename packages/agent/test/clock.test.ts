import { expect, onTestFinished, test, vi } from 'vitest';
import { createClock, createTimer, MAX_SLEEP_MS, type SystemClocks } from '../src/adapters/clock.ts';

/** Clocks set by hand. `uptime` is told in hundredths of a second, as Linux does. */
function byHand(resolutionMs = 10): {
  clocks: SystemClocks;
  run(ms: number): void;
  suspend(ms: number): void;
  wallStep(ms: number): void;
  uptimeReads(): number;
} {
  // Near the end of both a hundredth and a second, where rounding down tells most.
  let monotonic = 5_000_999;
  let boot = 5_000_999;
  let wall = 1_700_000_000_000;
  let reads = 0;
  return {
    clocks: {
      hrtime: () => BigInt(monotonic) * 1_000_000n,
      uptime: () => {
        reads += 1;
        return (Math.floor(boot / resolutionMs) * resolutionMs) / 1_000;
      },
      wall: () => wall,
    },
    run: (ms) => {
      monotonic += ms;
      boot += ms;
      wall += ms;
    },
    suspend: (ms) => {
      boot += ms;
      wall += ms;
    },
    wallStep: (ms) => {
      wall += ms;
    },
    uptimeReads: () => reads,
  };
}

test('a suspend counts, from the first reading after it', () => {
  const world = byHand();
  const clock = createClock(world.clocks);
  const before = clock.now();
  world.run(7);
  world.suspend(60_000);
  expect(clock.now().at - before.at).toBeGreaterThanOrEqual(59_990);
  expect(clock.now().at - before.at).toBeLessThanOrEqual(60_020);
  expect(clock.now().wall - before.wall).toBe(60_007);
});

test('a suspend counts within a second even where wall time was set back over it', () => {
  const world = byHand();
  const clock = createClock(world.clocks);
  const before = clock.now().at;
  world.suspend(60_000);
  world.wallStep(-60_000);
  expect(clock.now().at).toBe(before);
  world.run(1_001);
  expect(clock.now().at - before).toBeGreaterThanOrEqual(60_000);
});

test.each([10, 1_000])(
  'time just runs where nothing was suspended, with an uptime told every %i ms',
  (resolutionMs) => {
    const world = byHand(resolutionMs);
    const clock = createClock(world.clocks);
    const before = clock.now().at;
    for (let turn = 1; turn <= 500; turn += 1) {
      world.run(333);
      expect(clock.now().at - before).toBe(turn * 333);
    }
  },
);

test('a step of wall time changes nothing, forward or back', () => {
  const world = byHand();
  const clock = createClock(world.clocks);
  const before = clock.now().at;
  world.wallStep(3_600_000);
  expect(clock.now().at).toBe(before);
  world.wallStep(-7_200_000);
  world.run(5);
  expect(clock.now().at).toBe(before + 5);
});

test('it never steps back, even if the system does', () => {
  let hrtime = 9_000_000_000n;
  const clock = createClock({ hrtime: () => hrtime, uptime: () => Number(hrtime) / 1e9, wall: () => 0 });
  const before = clock.monotonicMs();
  hrtime -= 1_000_000_000n;
  expect(clock.monotonicMs()).toBe(before);
});

test('uptime is read once a second, not each time', () => {
  const world = byHand();
  const clock = createClock(world.clocks);
  for (let turn = 0; turn < 1_000; turn += 1) {
    world.run(10);
    clock.now();
  }
  expect(world.uptimeReads()).toBeLessThanOrEqual(11);
});

test('the time of day and whole milliseconds are told, and the exact time beside it', () => {
  const clock = createClock();
  const { at, wall } = clock.now();
  expect(Number.isInteger(at)).toBe(true);
  expect(Math.abs(wall - Date.now())).toBeLessThan(1_000);
  expect(clock.monotonicMs()).toBeGreaterThanOrEqual(at);
});

function wokenAt(timer: ReturnType<typeof createTimer>, at: number, read: () => number): Promise<number> {
  return new Promise((resolve) => timer.wakeAt(at, () => resolve(read())));
}

test('a timer wakes at its time or after it, even where the event loop was late when it was set', async () => {
  const clock = createClock();
  const timer = createTimer(clock);
  onTestFinished(() => timer.cancel());
  const read = (): number => clock.now().at;
  for (let turn = 0; turn < 20; turn += 1) {
    // Node counts a timer from the beginning of the turn; a long turn makes it early.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    const at = read() + 4;
    expect(await wokenAt(timer, at, read)).toBeGreaterThanOrEqual(at);
  }
});

test('a time that has passed wakes soon, and not from within', async () => {
  const clock = createClock();
  const timer = createTimer(clock);
  let within = true;
  const woken = new Promise<boolean>((resolve) => timer.wakeAt(0, () => resolve(within)));
  within = false;
  expect(await woken).toBe(false);
});

test('a later call replaces an earlier one, with its time and what it does', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const timer = createTimer({ now: () => ({ at: Date.now(), wall: 0 }) });
  const start = Date.now();
  const woken: string[] = [];
  timer.wakeAt(start + 100, () => woken.push('first'));
  timer.wakeAt(start + 100, () => woken.push('same time'));
  vi.advanceTimersByTime(100);
  timer.wakeAt(start + 300, () => woken.push('late'));
  timer.wakeAt(start + 200, () => woken.push('early'));
  vi.advanceTimersByTime(1_000);
  expect(woken).toEqual(['same time', 'early']);
  timer.wakeAt(start + 2_000, () => woken.push('cancelled'));
  timer.cancel();
  vi.advanceTimersByTime(10_000);
  expect(woken).toEqual(['same time', 'early']);
});

test('a far deadline is slept towards in pieces', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let suspendedMs = 0;
  const now = (): number => Date.now() + suspendedMs;
  const timer = createTimer({ now: () => ({ at: now(), wall: 0 }) });
  const due = now() + 2 * 2 ** 31;
  let wokenAtTime = 0;
  timer.wakeAt(due, () => {
    wokenAtTime = now();
  });
  vi.advanceTimersByTime(10 * MAX_SLEEP_MS);
  expect(wokenAtTime).toBe(0);
  suspendedMs = 2 * 2 ** 31;
  vi.advanceTimersByTime(MAX_SLEEP_MS);
  expect(wokenAtTime).toBeGreaterThanOrEqual(due);
});
