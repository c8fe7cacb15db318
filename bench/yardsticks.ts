/** Round trips that others are measured against, each taken in the same run. */
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../packages/cluster/src/index.ts';

const diskWrites = 3;
/** About as much as an agent's state. */
const stateBytes = 2_000;

/** A durable replacement of a small file in that folder: written, synced, renamed, its folder synced. A few, in milliseconds. */
export async function diskMs(folder: string): Promise<readonly number[]> {
  const took: number[] = [];
  const file = join(folder, 'bench');
  for (let count = 0; count < diskWrites; count += 1) {
    const startedAt = performance.now();
    const handle = await open(`${file}.new`, 'w');
    await handle.writeFile('x'.repeat(stateBytes));
    await handle.datasync();
    await handle.close();
    await rename(`${file}.new`, file);
    const directory = await open(folder, 'r');
    await directory.sync();
    await directory.close();
    took.push(performance.now() - startedAt);
  }
  return took;
}

/** The agents' own measure of their heartbeats: the median of those answered so far, in milliseconds. */
export async function heartbeatMs(cluster: Cluster): Promise<number> {
  const counts = new Map<number, number>();
  for (const { agent } of cluster.nodes) {
    for (const { labels, value } of await agent.api.metric('heartbeat_rtt_seconds_bucket')) {
      const edge = Number(labels.le === '+Inf' ? Number.POSITIVE_INFINITY : labels.le);
      counts.set(edge, (counts.get(edge) ?? 0) + value);
    }
  }
  return medianOfBuckets([...counts].toSorted(([a], [b]) => a - b)) * 1_000;
}

/** Linear within the bucket, as Prometheus's `histogram_quantile`. */
function medianOfBuckets(buckets: readonly (readonly [edge: number, atMost: number])[]): number {
  const half = (buckets.at(-1)?.[1] ?? 0) / 2;
  let [lowerEdge, below] = [0, 0];
  for (const [edge, atMost] of buckets) {
    if (atMost >= half) return lowerEdge + ((edge - lowerEdge) * (half - below)) / (atMost - below);
    [lowerEdge, below] = [edge, atMost];
  }
  return lowerEdge;
}
