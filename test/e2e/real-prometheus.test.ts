/** A real Prometheus scrapes both agents of a pair, loads the shipped rules, and sees a failover. */
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { Child } from '../../packages/cluster/src/child.ts';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { type Scene, scenario } from './support/scenario.ts';

const missing = has('prometheus') ? '' : ' (skipped: there is no prometheus; apt-get install -y prometheus)';
const alerts = join(import.meta.dirname, '../../packages/agent/deploy/prometheus/alerts.yml');
const port = 9090;

/** A series as the query API answers it. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [at: number, value: string];
}

/** A Prometheus on an address that is this cluster's own. */
class Prometheus {
  readonly #child: Child;
  readonly #url: string;

  constructor(child: Child, url: string) {
    this.#child = child;
    this.#url = url;
  }

  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}${path}`);
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.json();
  }

  /** The values of a query, by node. */
  async query(expression: string): Promise<Readonly<Record<string, number>>> {
    const answer = (await this.get(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
      readonly data: { readonly result: readonly Series[] };
    };
    return Object.fromEntries(
      answer.data.result.map(({ metric, value }) => [metric.node ?? '', Number(value[1])]),
    );
  }

  close(): Promise<void> {
    return this.#child.kill();
  }
}

async function startPrometheus({ cluster }: Scene): Promise<Prometheus> {
  const folder = join(cluster.folder, 'prometheus');
  await mkdir(folder);
  const targets = cluster.nodes.map(({ id, agent }) => ({
    targets: [new URL(agent.api.url).host],
    labels: { node: id },
  }));
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
    rule_files: [alerts],
    scrape_configs: [{ job_name: 'failtome-web', static_configs: targets }],
  };
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const [first] = cluster.nodes;
  const host = first === undefined ? '' : new URL(first.agent.api.url).hostname;
  const child = new Child({
    command: findProgram('prometheus') ?? '',
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${host}:${port}`,
      '--log.level=error',
    ],
    env: { PATH: process.env.PATH ?? '' },
    cwd: folder,
  });
  child.stdout.resume();
  child.stderr.resume();
  return new Prometheus(child, `http://${host}:${port}`);
}

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

        const { data } = (await prometheus.get('/api/v1/rules')) as {
          readonly data: {
            readonly groups: readonly { readonly rules: readonly { readonly health: string }[] }[];
          };
        };
        const rules = data.groups.flatMap((group) => group.rules);
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
        await sees('failtome_takeover_duration_seconds_count{step="total"}', { neptune: 1 });
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
        input: body,
        encoding: 'utf8',
      });
      return `${checked.status} ${checked.stdout}${checked.stderr}`;
    };
    expect([await faults('saturn'), await faults('neptune')]).toEqual(['0 ', '0 ']);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    expect([await faults('saturn'), await faults('neptune')]).toEqual(['0 ', '0 ']);
  });
});
