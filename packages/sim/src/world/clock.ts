/**
 * A node's own clocks over the world's time: another origin, and a drift. Only IEEE additions, multiplications and
 * divisions, so that they tick the same on every engine.
 */
import type { Instant, MonotonicMs } from '@failtome/protocol';

/** How far a node's clocks are off. */
export interface ClockSpec {
  /** What the monotonic clock showed when the world began. */
  readonly offsetMs: number;
  /** How much too fast it runs, in millionths. */
  readonly driftPpm: number;
  /** How far the wall clock is off. */
  readonly wallErrorMs: number;
}

/** The clocks of one node. */
export interface NodeClock {
  now(): Instant;
  /** The world's time at which this clock first shows `at`. */
  whenShows(at: MonotonicMs): number;
  /** The world's time after which this clock will have gained `ms`. */
  lasting(ms: number): number;
  /** What the clock shows at a moment of the world. */
  shownAt(worldMs: number): MonotonicMs;
  stepWall(byMs: number): void;
}

/** 2025-06-01T00:00:00Z: when every world begins. */
export const WORLD_BEGINS_WALL_MS = 1_748_736_000_000;

/** What a wall clock shows that is right. */
export function wallTimeAt(worldMs: number): number {
  return WORLD_BEGINS_WALL_MS + Math.floor(worldMs);
}

/** A node's clocks over the world's time. */
export function createClock(worldNow: () => number, spec: ClockSpec): NodeClock {
  const rate = 1 + spec.driftPpm / 1_000_000;
  let wallErrorMs = spec.wallErrorMs;
  const shownAt = (worldMs: number): number => Math.floor(spec.offsetMs + worldMs * rate);
  return {
    now() {
      const worldMs = worldNow();
      return { at: shownAt(worldMs), wall: WORLD_BEGINS_WALL_MS + Math.floor(worldMs) + wallErrorMs };
    },
    shownAt,
    whenShows(at) {
      let worldMs = (at - spec.offsetMs) / rate;
      // A forged age is so great that a smaller step would not change the number.
      const step = Math.max(1 / 1024, Math.abs(worldMs) * 2 * Number.EPSILON);
      while (shownAt(worldMs) < at) worldMs += step;
      return worldMs;
    },
    lasting: (ms) => worldNow() + ms / rate,
    stepWall(byMs) {
      wallErrorMs += byMs;
    },
  };
}
