/** A node's clocks over the world's time. */
import { expect, test } from 'vitest';
import { createClock } from '../src/world/clock.ts';

const clock = createClock(() => 0, { offsetMs: 640_302_323, driftPpm: 60, wallErrorMs: 0 });

test.each([0, 640_302_323, -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER])(
  'the moment at which a clock shows %d is found, however far a forged age puts it',
  (at) => {
    expect(clock.shownAt(clock.whenShows(at))).toBeGreaterThanOrEqual(at);
  },
);
