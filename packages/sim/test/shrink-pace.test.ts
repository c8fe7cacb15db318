/** A node sends its ballots in a burst. */
import type { World } from '../src/world/index.ts';
import { testDelicate } from './delicate.ts';

/** A lower bound than I19's: what was sent in bursts isn't any more. */
const MAX_A_SECOND = 16;

function watchPace(world: World): void {
  const paces = new Map<string, { sinceMs: number; count: number }>();
  world.watch((event) => {
    if (event.kind !== 'said' || event.message.re !== null) return;
    const key = `${event.by.run} ${event.message.to}`;
    const pace = paces.get(key);
    if (pace === undefined || world.now() - pace.sinceMs >= 1_000) {
      paces.set(key, { sinceMs: world.now(), count: 1 });
      return;
    }
    pace.count += 1;
    if (pace.count > MAX_A_SECOND)
      world.violate('pace', `${event.by.run} has sent ${pace.count} messages to ${event.message.to}`);
  });
}

testDelicate('burst-of-ballots', watchPace, 'pace', 3);
