/** A real Prometheus that scrapes the agents of a cluster. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Child } from '../../../packages/cluster/src/child.ts';
import { findProgram } from '../../../scripts/requirements.mjs';
import type { Scene } from './scenario.ts';

const alerts = join(import.meta.dirname, '../../../packages/agent/deploy/prometheus/alerts.yml');
const port = 9090;

/** A sample of a series. */
type Sample = readonly [at: number, value: string];

/** A series as the query API answers it. */
interface Answered {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
}

/** A series: its labels, and its numbers in the order of time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** A rule as the API tells it. */
export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: string;
}

/** A Prometheus on an address that is the cluster's own. */
export class Prometheus {
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

  /** What it is now. */
  now(expression: string): Promise<readonly Series[]> {
    return this.#ask(`/api/v1/query?query=${encodeURIComponent(expression)}`);
  }

  /** What it has been, each second since then, up to now: what was scraped in the last second is among it. */
  since(startMs: number, expression: string): Promise<readonly Series[]> {
    const end = Date.now() / 1000;
    const start = end - Math.floor(end - startMs / 1000);
    return this.#ask(
      `/api/v1/query_range?query=${encodeURIComponent(expression)}&start=${start}&end=${end}&step=1`,
    );
  }

  /** The values of a query, by node: the one that a series names, or else the one whose job it was to be scraped. */
  async query(expression: string): Promise<Readonly<Record<string, number>>> {
    const found = await this.now(expression);
    return Object.fromEntries(
      found.map(({ labels, values }) => [labels.scraped ?? '', values[0] ?? Number.NaN]),
    );
  }

  /** The shipped rules, as it has read and evaluated them. */
  async rules(): Promise<readonly Rule[]> {
    const { data } = (await this.get('/api/v1/rules')) as {
      readonly data: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
    };
    return data.groups.flatMap((group) => group.rules);
  }

  close(): Promise<void> {
    return this.#child.kill();
  }

  async #ask(path: string): Promise<readonly Series[]> {
    const answer = (await this.get(path)) as { readonly data: { readonly result: readonly Answered[] } };
    return answer.data.result.map(({ metric: labels, value, values }) => ({
      labels,
      values: (values ?? (value === undefined ? [] : [value])).map(([, number]) => Number(number)),
    }));
  }
}

/** Starts one that scrapes every agent twice a second, with the shipped rules. Each target has its node's id as the label `scraped`. */
export async function startPrometheus({ cluster }: Scene): Promise<Prometheus> {
  const folder = join(cluster.folder, 'prometheus');
  await mkdir(folder);
  const targets = cluster.nodes.map(({ id, agent }) => ({
    targets: [new URL(agent.api.url).host],
    labels: { scraped: id },
  }));
  const [first] = cluster.nodes;
  const url = new URL(first?.agent.api.url ?? 'http://127.0.0.1');
  const job = {
    job_name: 'failtome-web',
    scheme: url.protocol.replace(':', ''),
    tls_config: { insecure_skip_verify: true },
    static_configs: targets,
  };
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
    rule_files: [alerts],
    scrape_configs: [job],
  };
  const file = join(folder, 'prometheus.yml');
  await writeFile(file, JSON.stringify(config));
  const child = new Child({
    command: findProgram('prometheus') ?? '',
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${url.hostname}:${port}`,
      '--log.level=error',
    ],
    env: { PATH: process.env.PATH ?? '' },
    cwd: folder,
  });
  child.stdout.resume();
  child.stderr.resume();
  return new Prometheus(child, `http://${url.hostname}:${port}`);
}
