/** A real Prometheus scrapes both agents of a pair, loads the shipped rules, and sees a failover. */
import { spawnSync } from 'node:child_process';
import { describe, expect } from 'vitest';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { toItsEnd } from './support/programs.ts';
import { startPrometheus } from './support/prometheus.ts';
import { scenario } from './support/scenario.ts';

const missing = has('prometheus') ? '' : ' (skipped: there is no prometheus; apt-get install -y prometheus)';

describe.skipIf(!has('prometheus'))(`a real Prometheus${missing}`, () => {
  scenario(
    'scrapes both agents, and sees who holds the address before and after a failover',
    {},
    async (scene) => {
      const { cluster } = scene;
      const prometheus = await startPrometheus(scene);
      try {
        const sees = (expression: string, wanted: Readonly<Record<string, number>>): Promise<void> =>
          scene.eventually(`Prometheus to see ${JSON.stringify(wanted)} for ${expression}`, async () => {
            const found = await prometheus.query(expression);
            return (
              Object.keys(found).length === Object.keys(wanted).length &&
              Object.entries(wanted).every(([node, value]) => found[node] === value)
            );
          });
        await sees('up', { saturn: 1, neptune: 1 });
        await sees('failtome_holder', { saturn: 1, neptune: 0 });
        await sees('failtome_address_up', { saturn: 1, neptune: 1 });
        await sees('failtome_takeover_ready', { saturn: 1, neptune: 1 });
        await sees('failtome_peer_state{state="alive"}', { saturn: 1, neptune: 1 });
        await sees('failtome_takeovers_total{result="served"}', { saturn: 0, neptune: 0 });

        const rules = await prometheus.rules();
        expect(rules.length).toBeGreaterThan(5);
        expect(rules.filter(({ health }) => health === 'err')).toEqual([]);

        await cluster.node('saturn').web.kill();
        await scene.moved('neptune');
        await sees('failtome_holder', { saturn: 0, neptune: 1 });
        await sees('failtome_local_up', { saturn: 0, neptune: 1 });
        await sees('increase(failtome_takeovers_total{result="served"}[10m]) > bool 0', {
          saturn: 0,
          neptune: 1,
        });
        await sees('failtome_takeover_duration_seconds_count{step="total"}', { saturn: 0, neptune: 1 });
      } finally {
        await prometheus.close();
      }
    },
  );

  scenario('finds no fault with what an agent shows, before and after a failover', {}, async (scene) => {
    const { cluster } = scene;
    const faults = async (id: string): Promise<string> => {
      const { body } = await cluster.node(id).agent.api.get('/metrics');
      const checked = spawnSync(findProgram('promtool') ?? '', ['check', 'metrics'], {
        ...toItsEnd,
        input: body,
      });
      return `${checked.status} ${checked.stdout}${checked.stderr}`;
    };
    expect([await faults('saturn'), await faults('neptune')]).toEqual(['0 ', '0 ']);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    expect([await faults('saturn'), await faults('neptune')]).toEqual(['0 ', '0 ']);
  });
});
