/**
 * A network as the nodes themselves have measured it: what `GET /metrics` tells of round trips, loss and standstills.
 *
 * Of a histogram only the buckets are known. So a range is from where a tenth to where nine tenths of what was measured
 * lie, by the bucket's upper bound.
 */
import type { WallMs } from '@failtome/protocol';
import type { NetworkModel } from './network-model.ts';

/** A sample of the Prometheus text format. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A node's metrics, with where they are from. */
export interface NodeMetrics {
  readonly source: string;
  readonly text: string;
}

const HOUR_S = 3_600;
/** Fewer measurements say nothing. */
const LEAST_COUNT = 20;

/**
 * What the metrics of all nodes say, where they say something; the rest is as in `usual`.
 *
 * @param nowMs the wall clock, by which the age of the nodes' processes is told
 * @throws Error where a text isn't an agent's metrics
 */
export function networkFrom(nodes: readonly NodeMetrics[], usual: NetworkModel, nowMs: WallMs): NetworkModel {
  const samples = nodes.flatMap(({ source, text }) => samplesIn(source, text));
  const peers = rangeMs(samples, 'failtome_heartbeat_rtt_seconds');
  const outside = rangeMs(samples, 'failtome_probe_duration_seconds');
  const { packets } = usual;
  return {
    ...usual,
    packets: {
      ...packets,
      loss: lossIn(samples) ?? packets.loss,
      peerRttMs: peers ?? packets.peerRttMs,
      outsideRttMs: outside ?? packets.outsideRttMs,
    },
    standstills: {
      ...usual.standstills,
      perHour: standstillsPerHour(samples, nowMs) ?? usual.standstills.perHour,
    },
  };
}

/** By messages between nodes that weren't answered in time: a packet and its first repetition were lost. A peer that was down counts, too. */
function lossIn(samples: readonly Sample[]): number | null {
  const heartbeats = samples.filter(({ name }) => name === 'failtome_heartbeats_total');
  const count = (result: string): number =>
    heartbeats.filter(({ labels }) => labels.result === result).reduce((sum, { value }) => sum + value, 0);
  const [ok, timeouts] = [count('ok'), count('timeout')];
  if (ok + timeouts < LEAST_COUNT) return null;
  // Either way may lose it twice: 2 p² of them.
  return Math.sqrt(timeouts / (ok + timeouts) / 2);
}

function standstillsPerHour(samples: readonly Sample[], nowMs: WallMs): number | null {
  const started = samples.filter(({ name }) => name === 'process_start_time_seconds');
  const stalls = samples.filter(({ name }) => name === 'failtome_stalls_total');
  const hours = started.reduce((sum, { value }) => sum + Math.max(0, nowMs / 1_000 - value), 0) / HOUR_S;
  return hours < 1 ? null : stalls.reduce((sum, { value }) => sum + value, 0) / hours;
}

function rangeMs(samples: readonly Sample[], name: string): readonly [number, number] | null {
  const byBound = new Map<number, number>();
  for (const { name: sampled, labels, value } of samples) {
    if (sampled !== `${name}_bucket`) continue;
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le);
    byBound.set(bound, (byBound.get(bound) ?? 0) + value);
  }
  const total = byBound.get(Number.POSITIVE_INFINITY) ?? 0;
  if (total < LEAST_COUNT) return null;
  const bounds = [...byBound].sort(([a], [b]) => a - b);
  const boundOf = (share: number): number => {
    const [bound] = bounds.find(([, count]) => count >= share * total) ?? [Number.POSITIVE_INFINITY];
    const largest = bounds.filter(([one]) => Number.isFinite(one)).at(-1)?.[0] ?? 0;
    return Math.min(bound, largest) * 1_000;
  };
  return [boundOf(0.1) / 2, boundOf(0.9)];
}

function samplesIn(source: string, text: string): readonly Sample[] {
  const samples = text
    .split('\n')
    .flatMap((line) => (line === '' || line.startsWith('#') ? [] : [sampleIn(source, line)]));
  if (!samples.some(({ name }) => name === 'failtome_build_info'))
    throw new Error(`${source}: these are no metrics of an agent (failtome_build_info is missing)`);
  return samples;
}

function sampleIn(source: string, line: string): Sample {
  const [, name = '', labels = '', value = ''] =
    /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
  if (name === '')
    throw new Error(`${source}: not a line of the Prometheus text format: ${line.slice(0, 80)}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [
    key,
    text,
  ]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
