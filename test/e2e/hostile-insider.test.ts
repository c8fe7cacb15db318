/**
 * A witness's keys are stolen, and their thief sends as many good messages as a few connections carry. Beyond what an honest
 * node ever sends they wait for their turn, so that nodes go on hearing each other, and move the address when it fails.
 */
import { expect } from 'vitest';
import { PIECES_PER_SECOND } from '../../packages/agent/src/http/intake.ts';
import { REQUESTS_PER_SECOND } from '../../packages/agent/src/http/senders.ts';
import type { NodeSpec } from '../../packages/cluster/src/index.ts';
import { Insider } from './support/insider.ts';
import { Rogue } from './support/rogue.ts';
import { scenario } from './support/scenario.ts';

const both = ['saturn', 'neptune'];
const nodes: [NodeSpec, ...NodeSpec[]] = [
  { id: 'saturn' },
  { id: 'neptune' },
  { id: 'pluto', role: 'witness', start: 'later' },
];

scenario('a stolen witness has no more done than an honest node would', { nodes }, async (scene) => {
  const { cluster } = scene;
  const rogue = await Rogue.open(cluster, 'pluto');
  const over = new AbortController();
  const insiders: Insider[] = [];
  let talking = Promise.resolve();
  try {
    await rogue.talk(both, 5);
    for (const id of both) await scene.calls(id, 'pluto', 'alive');
    // What it hears keeps what it sends fresh.
    talking = rogue.talk(both, Number.POSITIVE_INFINITY, over.signal);
    for (const id of both) insiders.push(new Insider(rogue, id, cluster.node(id).agent.api.url));
    await scene.probedMore('saturn', 10, 'ok');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    for (const insider of insiders) {
      const { answered, seconds } = insider.sent;
      expect(answered).toBeGreaterThan(0);
      expect(answered).toBeLessThanOrEqual((REQUESTS_PER_SECOND + PIECES_PER_SECOND) * (seconds + 1));
    }
    for (const id of both) {
      const other = both.find((each) => each !== id);
      const dead = cluster
        .node(id)
        .agent.log.filter(
          ({ event, fields }) => event === 'peer' && fields.peer === other && fields.to === 'dead',
        );
      expect(dead, `${id} called ${other} dead`).toEqual([]);
    }
  } finally {
    over.abort();
    for (const insider of insiders) insider.end();
    await talking;
    await rogue.close();
  }
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
