/** An agent's metrics with one of everything, and how a series is found among them. */
import type { Fact, ProtocolConfig } from '@failtome/protocol';
import type { GaugeView } from '../../src/observe/gauges.ts';
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts';
import { ADDRESS as address, PROTOCOL_CONFIG } from './protocol-config.ts';

const [shared] = PROTOCOL_CONFIG.addresses;

/** The configuration that they are labelled by. */
export const config: ProtocolConfig = { ...PROTOCOL_CONFIG, local: shared?.probe ?? null };

/** An address as its gauges show it; null where no arbiter is asked for it. */
export const gauged = (arbiterLends: boolean | null, ip = address): GaugeView['addresses'][number] => ({
  ip,
  verdict: 'down',
  holder: true,
  holdDownMs: 1500,
  arbiterLends,
  gates: [
    { name: 'role', passed: true },
    { name: 'verdict', passed: false },
    { name: 'guard', passed: null },
  ],
});

/** The state of the moment. */
export const view: GaugeView = {
  addresses: [gauged(true)],
  peers: [{ id: 'neptune', state: 'suspect' }],
  fit: 'fit',
  paused: true,
  takeoverReady: true,
  notificationsPending: 2,
  receivers: [{ name: 'sns', pending: 2 }],
  identities: true,
  storageWritable: true,
};

/** Metrics of a node that is configured, has a certificate, and relays. */
export function configured(): Metrics {
  const metrics = createMetrics({ version: '1.2.3' });
  metrics.configure(config, 'ec2');
  metrics.showCertificate(1_800_000_000_000);
  metrics.observeRelay({ kind: 'store', failure: null });
  metrics.observeRelay({ kind: 'carried', peer: 'neptune', way: 'out', messages: 2 });
  metrics.showRelay([{ peer: 'neptune', state: 'relaying', heardMs: 10 }]);
  metrics.showDiscovery(new Map([['neptune', 'contested']]));
  return metrics;
}

/** The value of one series, its labels given in any order; undefined where there is no such series. */
export function sample(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  const line = text.split('\n').find((candidate) => {
    const [, series, shown = ''] = /^(\w+)(?:\{(.*)\})? /.exec(candidate) ?? [];
    const parts = shown === '' ? [] : shown.split(',');
    return series === name && parts.length === wanted.length && wanted.every((part) => parts.includes(part));
  });
  return line === undefined ? undefined : Number(line.split(' ').at(-1));
}

/** A move that is over. */
export function takeover(told: Pick<Extract<Fact, { kind: 'concluded' }>['entry'], 'kind' | 'result'>): Fact {
  const entry = {
    ...told,
    id: 'saturn-1-1',
    address,
    from: 'neptune',
    to: 'saturn',
    reason: 'address-down',
    epoch: 1,
    at: 0,
    steps: [{ step: 'take', durationMs: 1000 }],
    requestIds: ['r-1'],
  } as const;
  return { kind: 'concluded', entry };
}
