/** Each metric: what counts it, what it shows, and when its series are there. */
import type { Fact } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../src/observe/metrics.ts';
import { config, configured, gauged, sample, takeover, view } from './support/metrics.ts';
import { ADDRESS as address } from './support/protocol-config.ts';

const request = {
  service: 'ec2',
  operation: 'AssociateAddress',
  result: 'throttled',
  code: 'RequestLimitExceeded',
  requestId: 'r-1',
  durationMs: 12,
} as const;

async function textAfter(...facts: readonly Fact[]): Promise<string> {
  const metrics = configured();
  metrics.observe(facts);
  return metrics.render(null);
}

test('the end of the certificate is told in seconds, and not at all where there is none', async () => {
  const name = 'failtome_tls_certificate_expiry_timestamp_seconds';
  expect(await configured().render(null)).toContain(`${name} 1800000000\n`);
  expect(await createMetrics({ version: '1.2.3' }).render(null)).not.toContain(name);
});

test('the store and what goes through it are told, and nothing of them where there is none', async () => {
  const text = await configured().render(null);
  expect(sample(text, 'failtome_store_up')).toBe(1);
  expect(sample(text, 'failtome_relaying', { peer: 'neptune' })).toBe(1);
  expect(sample(text, 'failtome_peer_discovery', { peer: 'neptune', state: 'contested' })).toBe(1);
  expect(sample(text, 'failtome_peer_discovery', { peer: 'neptune', state: 'found' })).toBe(0);
  expect(sample(text, 'failtome_relayed_messages_total', { peer: 'neptune', way: 'out' })).toBe(2);
  expect(sample(text, 'failtome_store_calls_total', { operation: 'write', result: 'conflict' })).toBe(0);
  const without = createMetrics({ version: '1.2.3' });
  without.showRelay(null);
  without.showDiscovery(null);
  expect(await without.render({ ...view, addresses: [gauged(null)] })).not.toMatch(
    /failtome_(store|relay|peer_discovery|arbiter)/,
  );
});

test('whether the arbiter of an address would lend is told, and of no address that is gone', async () => {
  const metrics = configured();
  const one = await metrics.render({ ...view, addresses: [gauged(true), gauged(false, '198.51.100.7')] });
  expect(sample(one, 'failtome_arbiter_ready', { address })).toBe(1);
  expect(sample(one, 'failtome_arbiter_ready', { address: '198.51.100.7' })).toBe(0);
  const other = await metrics.render({ ...view, addresses: [gauged(false)] });
  expect(sample(other, 'failtome_arbiter_ready', { address })).toBe(0);
  expect(sample(other, 'failtome_arbiter_ready', { address: '198.51.100.7' })).toBeUndefined();
});

test('a failover of 0.6 s and one of 1 s, and a probe that took as long, lie in different buckets', async () => {
  const text = await configured().render(view);
  for (const name of ['takeover_duration_seconds', 'probe_duration_seconds']) {
    const bounds = Array.from(
      text.matchAll(new RegExp(`^failtome_${name}_bucket\\{le="([\\d.]+)"`, 'gm')),
      ([, le]) => Number(le),
    );
    expect(bounds, name).toEqual(expect.arrayContaining([0.3, 0.45, 0.6, 0.8, 1, 1.5]));
  }
});

test('the node and its cluster are named once they are known', async () => {
  const labels = { version: '1.2.3', nodejs: process.version };
  const started = await createMetrics({ version: '1.2.3' }).render(null);
  expect(sample(started, 'failtome_build_info', { ...labels, cluster: '', node: '' })).toBe(1);
  const running = await configured().render(view);
  expect(running.match(/^failtome_build_info\{/gm)).toHaveLength(1);
  const { cluster, node } = config;
  expect(sample(running, 'failtome_build_info', { ...labels, cluster, node: node.id })).toBe(1);
});

test('known series start at 0, so that rate() sees the first event', async () => {
  const text = await configured().render(null);
  expect(sample(text, 'failtome_probes_total', { address, result: 'timeout' })).toBe(0);
  expect(sample(text, 'failtome_heartbeats_total', { peer: 'neptune', result: 'ok' })).toBe(0);
  expect(sample(text, 'failtome_votes_total', { address, result: 'refuse', reason: 'up' })).toBe(0);
  expect(sample(text, 'failtome_takeovers_total', { address, result: 'served' })).toBe(0);
  expect(sample(text, 'failtome_rejected_messages_total', { reason: 'replayed' })).toBe(0);
  expect(sample(text, 'failtome_notifications_total', { result: 'accepted' })).toBe(0);
  const associate = { service: 'ec2', operation: 'AssociateAddress', result: 'ok' };
  expect(sample(text, 'failtome_aws_requests_total', associate)).toBe(0);
  expect(text).not.toContain('service="opsworks"');
  expect(sample(text, 'failtome_takeover_duration_seconds_count', { address, step: 'total' })).toBe(0);
});

test('gauges show the state of the moment, one series for each verdict and peer state', async () => {
  const text = await configured().render(view);
  expect(sample(text, 'failtome_address_up', { address })).toBe(0);
  expect(sample(text, 'failtome_address_verdict', { address, verdict: 'down' })).toBe(1);
  expect(sample(text, 'failtome_address_verdict', { address, verdict: 'up' })).toBe(0);
  expect(sample(text, 'failtome_holder', { address })).toBe(1);
  expect(sample(text, 'failtome_holddown_seconds', { address })).toBe(1.5);
  expect(sample(text, 'failtome_decision_gate', { address, gate: 'role' })).toBe(1);
  expect(sample(text, 'failtome_decision_gate', { address, gate: 'verdict' })).toBe(0);
  // Not asked: neither passed nor closed.
  expect(sample(text, 'failtome_decision_gate', { address, gate: 'guard' })).toBeUndefined();
  expect(sample(text, 'failtome_peer_state', { peer: 'neptune', state: 'suspect' })).toBe(1);
  expect(sample(text, 'failtome_peer_state', { peer: 'neptune', state: 'alive' })).toBe(0);
  expect(sample(text, 'failtome_local_up')).toBe(1);
  expect(sample(text, 'failtome_paused')).toBe(1);
  expect(sample(text, 'failtome_takeover_ready')).toBe(1);
  expect(sample(text, 'failtome_notifications_pending')).toBe(2);
});

test('a gauge forgets an address and a peer that are gone', async () => {
  const metrics = configured();
  await metrics.render(view);
  const text = await metrics.render({ ...view, addresses: [], peers: [] });
  expect(sample(text, 'failtome_address_up', { address })).toBeUndefined();
  expect(text).not.toContain('failtome_peer_state{');
});

describe('each fact is counted once, under its labels', () => {
  const failed = { kind: 'failed', reason: 'timeout', detail: '', durationMs: 1000 } as const;
  const cases: readonly [string, Fact, string, Record<string, string>][] = [
    [
      'a probe that succeeded',
      { kind: 'probe', probeId: 1, address, result: { kind: 'ok', status: 200, durationMs: 3 } },
      'failtome_probes_total',
      { address, result: 'ok' },
    ],
    [
      'a probe that failed, by reason',
      { kind: 'probe', probeId: 1, address, result: failed },
      'failtome_probes_total',
      { address, result: 'timeout' },
    ],
    [
      'the duration of a probe',
      { kind: 'probe', probeId: 1, address, result: failed },
      'failtome_probe_duration_seconds_sum',
      { address },
    ],
    [
      'a heartbeat',
      { kind: 'heartbeat', peer: 'neptune', result: 'refused', rttMs: null },
      'failtome_heartbeats_total',
      { peer: 'neptune', result: 'refused' },
    ],
    [
      'the round trip of a heartbeat',
      { kind: 'heartbeat', peer: 'neptune', result: 'ok', rttMs: 1000 },
      'failtome_heartbeat_rtt_seconds_sum',
      { peer: 'neptune' },
    ],
    [
      'a vote',
      { kind: 'voted', address, candidate: 'neptune', epoch: 1, answer: 'blind', reason: 'no-way-out' },
      'failtome_votes_total',
      { address, result: 'blind', reason: 'no-way-out' },
    ],
    [
      'a ballot',
      { kind: 'ballot-closed', address, epoch: 1, result: 'lost', detail: '' },
      'failtome_ballots_total',
      { address, result: 'lost' },
    ],
    [
      'a guard check',
      { kind: 'guard', address, passed: false, reason: 'timeout', durationMs: 3 },
      'failtome_guard_checks_total',
      { result: 'refused' },
    ],
    [
      'a takeover',
      takeover({ kind: 'takeover', result: 'served' }),
      'failtome_takeovers_total',
      { address, result: 'served' },
    ],
    [
      'a handover',
      takeover({ kind: 'handover', result: 'moved' }),
      'failtome_handovers_total',
      { address, result: 'moved' },
    ],
    [
      'a step of a takeover',
      takeover({ kind: 'takeover', result: 'served' }),
      'failtome_takeover_duration_seconds_sum',
      { address, step: 'take' },
    ],
    [
      'a blocked episode',
      { kind: 'blocked', address, downMs: 60_000, reason: 'local-unfit' },
      'failtome_blocked_episodes_total',
      { address },
    ],
    [
      'a late association',
      { kind: 'late-association', address },
      'failtome_late_associations_total',
      { address },
    ],
    [
      'a request to the cloud',
      { kind: 'cloud-requests', address, requests: [request] },
      'failtome_aws_requests_total',
      { service: 'ec2', operation: 'AssociateAddress', result: 'throttled' },
    ],
    [
      'a notification',
      {
        kind: 'notified',
        receiver: 'sns',
        notice: 'taken',
        id: 'n-1',
        result: 'failed',
        detail: '',
        request: { ...request, service: 'sns' },
      },
      'failtome_notifications_total',
      { result: 'failed' },
    ],
    [
      'the request behind a notification',
      {
        kind: 'notified',
        receiver: 'sns',
        notice: 'taken',
        id: 'n-1',
        result: 'accepted',
        detail: '',
        request: { ...request, service: 'sns', operation: 'Publish', result: 'ok' },
      },
      'failtome_aws_requests_total',
      { service: 'sns', operation: 'Publish', result: 'ok' },
    ],
    [
      'a rejected message',
      { kind: 'rejected', reason: 'replayed', from: 'anyone' },
      'failtome_rejected_messages_total',
      { reason: 'replayed' },
    ],
    ['a stall', { kind: 'stalled', lateMs: 5000 }, 'failtome_stalls_total', {}],
  ];
  test.each(cases)('%s', async (_name, fact, series, labels) => {
    expect(sample(await textAfter(fact), series, labels)).toBe(1);
  });
});

test('a blocked address is not counted as a takeover', async () => {
  const text = await textAfter(takeover({ kind: 'blocked', result: 'refused' }));
  expect(sample(text, 'failtome_takeovers_total', { address, result: 'refused' })).toBe(0);
});

test('an inconclusive probe says nothing about how long probes take', async () => {
  const result = { kind: 'inconclusive', detail: 'out of sockets', durationMs: 1 } as const;
  const text = await textAfter({ kind: 'probe', probeId: 1, address, result });
  expect(sample(text, 'failtome_probe_duration_seconds_count', { address })).toBe(0);
});

test('names that others choose never become labels', async () => {
  const text = await textAfter(
    { kind: 'heartbeat', peer: 'intruder', result: 'ok', rttMs: 1 },
    { kind: 'rejected', reason: 'unknown-sender', from: 'intruder' },
  );
  expect(text).not.toContain('intruder');
});

test('a state directory that takes no writes shows', async () => {
  const metrics = configured();
  expect(sample(await metrics.render(view), 'failtome_storage_writable')).toBe(1);
  expect(sample(await metrics.render({ ...view, storageWritable: false }), 'failtome_storage_writable')).toBe(
    0,
  );
});

test('two agents in one process keep their metrics apart', async () => {
  const [one, other] = [configured(), configured()];
  one.observe([{ kind: 'stalled', lateMs: 5000 }]);
  expect(sample(await other.render(null), 'failtome_stalls_total')).toBe(0);
});
