/** A member is wrong about the holder for long. */
import { ADDRESS, type World } from '../src/world/index.ts';
import { testDelicate } from './delicate.ts';

/** A member knows who holds the address, at most this much later. */
const MISLED_MS = 20_000;

function watchMembers(world: World): void {
  const since = new Map<string, number>();
  world.watch((event) => {
    if (event.kind !== 'stepped' || event.by.config.node.role !== 'member') return;
    const { run, state } = event.by;
    if (state().addresses[ADDRESS]?.holder.node === world.holder(ADDRESS)) since.delete(run);
    else if (!since.has(run)) since.set(run, world.now());
    if (world.now() - (since.get(run) ?? world.now()) > MISLED_MS)
      world.violate('member', `${run} doesn't know who holds ${ADDRESS}`);
  });
}

testDelicate('member-misled', watchMembers, 'member', 1);
