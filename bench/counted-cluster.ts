/** A cluster whose nodes speak to each other through forwarders that count. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Cluster,
  type ClusterOptions,
  type NodeSpec,
  startCluster,
  type YamlObject,
} from '../packages/cluster/src/index.ts';
import { CountingForwarder } from './forwarder.ts';

/** The forwarder between each node and each of its peers. */
export type Ways = readonly {
  readonly from: string;
  readonly to: string;
  readonly forwarder: CountingForwarder;
}[];

export interface Counted {
  readonly cluster: Cluster;
  readonly ways: Ways;
  readonly close: () => Promise<void>;
}

export async function openCounted(
  options: Omit<ClusterOptions, 'nodes'>,
  ids: readonly string[],
  settingsOf: (id: string) => YamlObject = () => ({}),
): Promise<Counted> {
  const ways: Ways = ids.flatMap((from) =>
    ids.filter((to) => to !== from).map((to) => ({ from, to, forwarder: new CountingForwarder() })),
  );
  const urls = new Map<string, string>();
  for (const { from, to, forwarder } of ways) {
    const { host, port } = await forwarder.open();
    urls.set(`${from} ${to}`, `${options.scheme ?? 'http'}://${host}:${port}`);
  }
  const nodes = ids.map((id): NodeSpec => {
    const peers = ids
      .filter((peer) => peer !== id)
      .map((peer) => ({ id: peer, url: urls.get(`${id} ${peer}`) ?? '' }));
    return { id, settings: { peers, ...settingsOf(id) } };
  });
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('A cluster has a node.');
  const cluster = await startCluster({ ...options, nodes: [first, ...others] });
  for (const { from, to, forwarder } of ways) {
    const { hostname, port } = new URL(cluster.link(from, to).url);
    forwarder.aim({ host: hostname, port: Number(port) });
  }
  const close = async (): Promise<void> => {
    await cluster.close();
    await Promise.all(ways.map(({ forwarder }) => forwarder.close()));
  };
  return { cluster, ways, close };
}

/** What each node sent in each window, in bytes a second. */
export async function countBytes(
  ids: readonly string[],
  ways: Ways,
  count: number,
  windowMs: number,
): Promise<readonly number[]> {
  const sentBy = (id: string): number =>
    ways.reduce(
      (sum, { from, to, forwarder }) =>
        sum + (from === id ? forwarder.requestBytes : 0) + (to === id ? forwarder.answerBytes : 0),
      0,
    );
  const rates: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const before = ids.map(sentBy);
    const startedAt = performance.now();
    await delay(windowMs);
    const seconds = (performance.now() - startedAt) / 1_000;
    rates.push(...ids.map((id, each) => (sentBy(id) - (before[each] ?? 0)) / seconds));
  }
  return rates;
}
