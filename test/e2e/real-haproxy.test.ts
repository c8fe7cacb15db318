/** Failovers between two real HAProxys, as somebody sees them who asks for the address all the time. */
import { readFileSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import { type Scene, scenario } from './support/scenario.ts';

const missing = has('haproxy') ? '' : ' (skipped: there is no haproxy; apt-get install -y haproxy)';

/** What really runs behind a node's address. */
function programOf({ cluster }: Scene, id: string): string {
  return readFileSync(`/proc/${cluster.node(id).web.pid}/comm`, 'utf8').trim();
}

describe.skipIf(!has('haproxy'))(`real HAProxy${missing}`, () => {
  for (const [what, fail] of [
    ['killed', (scene: Scene) => scene.cluster.node('saturn').web.kill()],
    ['hung', (scene: Scene) => scene.cluster.node('saturn').web.hang()],
  ] as const) {
    scenario(`is ${what}: the other one serves`, { webServer: 'haproxy' }, async (scene) => {
      const { cluster } = scene;
      expect([programOf(scene, 'saturn'), programOf(scene, 'neptune')]).toEqual(['haproxy', 'haproxy']);
      const client = cluster.client();
      await client.served('saturn');
      const sinceMs = Date.now();
      await fail(scene);
      await scene.moved('neptune');
      const outage = await client.outage({ sinceMs, by: 'neptune', withinMs: 60_000 });
      expect(outage).toMatchObject({ from: 'saturn', to: 'neptune' });
      expect(outage.failed).toBeGreaterThan(0);
      await client.served('neptune');
      await scene.sees('saturn', 'up');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    });
  }
});
