/** A candidate asks for an address that it holds. */
import type { World } from '../src/world/index.ts';
import { testDelicate } from './delicate.ts';

/** Nobody asks for an address that it holds, and that its last read showed here, whatever it has heard meanwhile. */
function watchAsking(world: World): void {
  const told = new Map<string, boolean>();
  world.watch((event) => {
    if (event.kind === 'driven' && event.result.answer.kind === 'read') {
      const { association } = event.result.answer;
      told.set(event.by.run, association.kind === 'associated' && association.self);
    }
    if (event.kind !== 'facts') return;
    for (const fact of event.facts) {
      if (fact.kind === 'holder' && fact.holder !== event.by.node) told.set(event.by.run, false);
      if (fact.kind !== 'ballot-opened' || told.get(event.by.run) !== true) continue;
      if (world.holder(fact.address) === event.by.node)
        world.violate('asks', `${event.by.run} asks for what it holds`);
    }
  });
}

testDelicate('asks-though-it-holds', watchAsking, 'asks', 12);
