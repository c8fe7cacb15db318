/**
 * The agent's metrics: counters from facts, gauges from the state when they are scraped.
 *
 * Every name is listed in docs/metrics.md; a test compares the two.
 */
import type { RelayNews, RelayView } from '@failtome/ports';
import {
  BALLOT_RESULTS,
  CLOUD_REQUEST_RESULTS,
  type CloudRequest,
  type DurationMs,
  type Fact,
  type HistoryEntry,
  MOVE_RESULTS,
  MOVE_STEPS,
  type NodeId,
  PEER_STATES,
  type ProtocolConfig,
  REJECT_REASONS,
  TOPIC,
  VERDICTS,
  type WallMs,
} from '@failtome/protocol';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { DISCOVERY_STATES, type DiscoveryState } from '../adapters/peer-discovery.ts';
import type { DriverKindName } from '../config/driver-kinds.ts';
import { type Counters, createCounters } from './counters.ts';
import type { GaugeView } from './gauges.ts';
import { CHECK_RESULTS, CLOUD_OPERATIONS, HEARTBEAT_RESULTS, VOTES } from './labels.ts';
import type { RecorderCounts } from './recorder.ts';
import { createRelayMetrics } from './relay-metrics.ts';

/** What the metrics say of the program itself. */
export interface MetricsOptions {
  /** The software's version. */
  readonly version: string;
}

/** All metrics of one agent. */
export interface Metrics {
  /** Start the series of the configured addresses and peers at 0, so that `rate()` sees their first event. */
  configure(config: ProtocolConfig, driver: DriverKindName | null): void;
  /** Facts of the protocol, and those of the same shape that adapters tell, such as a message rejected before it reaches the protocol. */
  observe(facts: readonly Fact[]): void;
  /** The end of the certificate that is in use. */
  showCertificate(notAfter: WallMs): void;
  /** What has been recorded; null: nothing is to be. */
  showRecorder(counts: RecorderCounts | null): void;
  /** What the relay is told of. */
  observeRelay(news: RelayNews): void;
  /** How each peer is reached; null: there is no store. */
  showRelay(view: readonly RelayView[] | null): void;
  /** Of each peer that is looked for; null: none is. */
  showDiscovery(states: ReadonlyMap<NodeId, DiscoveryState> | null): void;
  /** The Prometheus text of this moment. `view` is null until the protocol runs. */
  render(view: GaugeView | null): Promise<string>;
  readonly contentType: string;
}

/**
 * `monitorEventLoopDelay` wakes up this often for as long as the process lives; at prom-client's
 * default of 10 it costs 0.8 % of a core, at this nothing that can be measured.
 */
const LAG_RESOLUTION_MS = 1000;

/** Meaningless at that resolution, or named against Prometheus's own conventions. */
const UNWANTED_DEFAULTS = [
  ...['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(
    (part) => `nodejs_eventloop_lag_${part}_seconds`,
  ),
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
];

/** Build the agent's metrics on a registry of their own. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const counters = createCounters(registry);
  const gauges = createGauges(registry);
  const nameNode = (cluster: string, node: string): void => {
    gauges.buildInfo.reset();
    gauges.buildInfo.set({ version: options.version, nodejs: process.version, cluster, node }, 1);
  };
  nameNode('', '');
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_RESOLUTION_MS });
  for (const name of UNWANTED_DEFAULTS) registry.removeSingleMetric(name);
  let peers: ReadonlySet<NodeId> = new Set();
  let certificate: Gauge | null = null;
  let discovered: Gauge | null = null;
  const recorder = createRecorderMetrics(registry);
  const relay = createRelayMetrics(registry);
  return {
    contentType: registry.contentType,
    configure(config, driver) {
      peers = new Set(config.peers.map((peer) => peer.id));
      nameNode(config.cluster, config.node.id);
      startAtZero(counters, config, [
        driver,
        config.notify.receivers.some(({ name }) => name === TOPIC.name) ? TOPIC.name : null,
      ]);
    },
    observe(facts) {
      for (const fact of facts) count(counters, peers, fact);
    },
    showCertificate(notAfter) {
      certificate ??= certificateGauge(registry);
      certificate.set(seconds(notAfter));
    },
    showRecorder(counts) {
      recorder.bytes.set(counts?.bytes ?? 0);
      recorder.lost.reset();
      recorder.lost.inc(counts?.lost ?? 0);
    },
    observeRelay: (news) => relay.observe(news),
    showRelay: (view) => relay.show(view),
    showDiscovery(states) {
      if (states === null) return;
      discovered ??= discoveryGauge(registry);
      discovered.reset();
      for (const [peer, present] of states)
        for (const state of DISCOVERY_STATES) discovered.set({ peer, state }, state === present ? 1 : 0);
    },
    render(view) {
      showState(gauges, view);
      relay.showArbiter(view?.addresses ?? []);
      return registry.metrics();
    },
  };
}

function discoveryGauge(registry: Registry): Gauge {
  return new Gauge({
    name: 'failtome_peer_discovery',
    help: '1 for what the last answer of EC2 said of a peer whose URL is left out; absent where none is.',
    labelNames: ['peer', 'state'],
    registers: [registry],
  });
}

function createRecorderMetrics(registry: Registry) {
  const registers = [registry];
  return {
    bytes: new Gauge({
      name: 'failtome_recorder_bytes',
      help: 'What recordings take of the disk.',
      registers,
    }),
    lost: new Counter({
      name: 'failtome_recorder_lost_total',
      help: 'Inputs that are in no recording.',
      registers,
    }),
  };
}

type Gauges = ReturnType<typeof createGauges>;

function createGauges(registry: Registry) {
  const gauge = <T extends string>(name: string, help: string, ...labelNames: T[]) =>
    new Gauge({ name: `failtome_${name}`, help, labelNames, registers: [registry] });
  return {
    buildInfo: gauge(
      'build_info',
      'Always 1; its labels say what runs, and where. cluster and node are empty until they are known.',
      ...(['version', 'nodejs', 'cluster', 'node'] as const),
    ),
    addressUp: gauge(
      'address_up',
      '1 while this node sees the address up, else 0 (down or unknown).',
      'address',
    ),
    verdict: gauge(
      'address_verdict',
      "1 for this node's present verdict of the address.",
      'address',
      'verdict',
    ),
    holder: gauge('holder', '1 while this node holds the address.', 'address'),
    holdDown: gauge(
      'holddown_seconds',
      'What is left of the hold-down after a change of association.',
      'address',
    ),
    gate: gauge(
      'decision_gate',
      'Whether a gate of the takeover rule passes: 1 passed, 0 not; absent while it is not asked.',
      'address',
      'gate',
    ),
    localUp: gauge('local_up', "1 while this node's own HAProxy is fit to serve."),
    peerState: gauge('peer_state', '1 for the present state of a peer.', 'peer', 'state'),
    paused: gauge('paused', '1 while automatic takeovers are paused in the whole cluster.'),
    takeoverReady: gauge(
      'takeover_ready',
      '1 while the running preflight holds: this node could take every address.',
    ),
    pending: gauge('notifications_pending', 'Notifications that wait to be accepted.'),
    pendingFor: gauge(
      'receiver_notifications_pending',
      'Notifications that wait to be accepted, by receiver.',
      'receiver',
    ),
    identities: gauge('identities', "1 while every peer's messages need its own signature."),
    storageWritable: gauge('storage_writable', '1 while the state directory takes writes.'),
  };
}

/** Made when there is a certificate: without TLS it must not say that one has expired in 1970. */
function certificateGauge(registry: Registry): Gauge {
  const name = 'failtome_tls_certificate_expiry_timestamp_seconds';
  const help =
    'When the TLS certificate of the API, or one that is sent along with it, expires; absent without TLS.';
  return new Gauge({ name, help, registers: [registry] });
}

/** Facts into counters. A fact without a case of its own shows in a gauge or only in the log. */
function count(counters: Counters, peers: ReadonlySet<NodeId>, fact: Fact): void {
  switch (fact.kind) {
    case 'probe':
      return countProbe(counters, fact);
    case 'heartbeat':
      return countHeartbeat(counters, peers, fact);
    case 'voted':
      return counters.votes.inc({ address: fact.address, result: fact.answer, reason: fact.reason });
    case 'ballot-closed':
      return counters.ballots.inc({ address: fact.address, result: fact.result });
    case 'guard':
      return counters.guardChecks.inc({ result: fact.passed ? 'passed' : 'refused' });
    case 'concluded':
      return countConclusion(counters, fact.entry);
    case 'blocked':
      return counters.blockedEpisodes.inc({ address: fact.address });
    case 'late-association':
      return counters.lateAssociations.inc({ address: fact.address });
    case 'cloud-requests':
      for (const request of fact.requests) countRequest(counters, request);
      return;
    case 'notified':
      counters.notifications.inc({ result: fact.result });
      counters.receivers.inc({ receiver: fact.receiver, result: fact.result });
      // Web hooks and programs are no part of the cloud.
      return fact.receiver === TOPIC.name ? countRequest(counters, fact.request) : undefined;
    case 'notification-dropped':
      return counters.receivers.inc({ receiver: fact.receiver, result: 'dropped' });
    case 'rejected':
      return counters.rejected.inc({ reason: fact.reason });
    case 'stalled':
      return counters.stalls.inc();
    default:
      return;
  }
}

function countProbe(counters: Counters, { address, result }: Extract<Fact, { kind: 'probe' }>): void {
  counters.probes.inc({ address, result: result.kind === 'failed' ? result.reason : result.kind });
  if (result.kind !== 'inconclusive') counters.probeDuration.observe({ address }, seconds(result.durationMs));
}

function countHeartbeat(
  counters: Counters,
  peers: ReadonlySet<NodeId>,
  { peer, result, rttMs }: Extract<Fact, { kind: 'heartbeat' }>,
): void {
  if (!peers.has(peer)) return;
  counters.heartbeats.inc({ peer, result });
  if (rttMs !== null) counters.heartbeatRtt.observe({ peer }, seconds(rttMs));
}

function countConclusion(counters: Counters, { kind, address, result, steps }: HistoryEntry): void {
  if (kind === 'blocked') return;
  (kind === 'handover' ? counters.handovers : counters.takeovers).inc({ address, result });
  for (const { step, durationMs } of steps) {
    counters.takeoverDuration.observe({ address, step }, seconds(durationMs));
  }
}

function countRequest(counters: Counters, { service, operation, result }: CloudRequest): void {
  counters.requests.inc({ service, operation, result });
}

function startAtZero(counters: Counters, config: ProtocolConfig, services: readonly (string | null)[]): void {
  for (const reason of REJECT_REASONS) counters.rejected.inc({ reason }, 0);
  for (const result of ['passed', 'refused']) counters.guardChecks.inc({ result }, 0);
  for (const result of ['accepted', 'failed']) counters.notifications.inc({ result }, 0);
  for (const { name: receiver } of config.notify.receivers)
    for (const result of ['accepted', 'failed', 'dropped']) counters.receivers.inc({ receiver, result }, 0);
  for (const { id: peer } of config.peers) {
    for (const result of HEARTBEAT_RESULTS) counters.heartbeats.inc({ peer, result }, 0);
    counters.heartbeatRtt.zero({ peer });
  }
  for (const { ip: address } of config.addresses) {
    for (const result of CHECK_RESULTS) counters.probes.inc({ address, result }, 0);
    for (const [result, reason] of VOTES) counters.votes.inc({ address, result, reason }, 0);
    for (const result of BALLOT_RESULTS) counters.ballots.inc({ address, result }, 0);
    for (const result of MOVE_RESULTS) {
      counters.takeovers.inc({ address, result }, 0);
      counters.handovers.inc({ address, result }, 0);
    }
    counters.probeDuration.zero({ address });
    for (const step of MOVE_STEPS) counters.takeoverDuration.zero({ address, step });
    counters.blockedEpisodes.inc({ address }, 0);
    counters.lateAssociations.inc({ address }, 0);
  }
  for (const [service, operation] of CLOUD_OPERATIONS.filter(([name]) => services.includes(name))) {
    for (const result of CLOUD_REQUEST_RESULTS) counters.requests.inc({ service, operation, result }, 0);
  }
}

function showState(gauges: Gauges, view: GaugeView | null): void {
  for (const gauge of [gauges.addressUp, gauges.verdict, gauges.holder, gauges.holdDown]) gauge.reset();
  for (const gauge of [gauges.gate, gauges.peerState]) gauge.reset();
  gauges.localUp.set(view?.fit === 'fit' ? 1 : 0);
  gauges.paused.set(view?.paused === true ? 1 : 0);
  gauges.takeoverReady.set(view?.takeoverReady === true ? 1 : 0);
  gauges.pending.set(view?.notificationsPending ?? 0);
  gauges.pendingFor.reset();
  for (const { name: receiver, pending } of view?.receivers ?? [])
    gauges.pendingFor.set({ receiver }, pending);
  gauges.storageWritable.set(view?.storageWritable === false ? 0 : 1);
  gauges.identities.set(view?.identities === true ? 1 : 0);
  for (const { id: peer, state: present } of view?.peers ?? []) {
    for (const state of PEER_STATES) gauges.peerState.set({ peer, state }, state === present ? 1 : 0);
  }
  for (const { ip: address, verdict: present, holder, holdDownMs, gates } of view?.addresses ?? []) {
    gauges.addressUp.set({ address }, present === 'up' ? 1 : 0);
    for (const verdict of VERDICTS) gauges.verdict.set({ address, verdict }, verdict === present ? 1 : 0);
    gauges.holder.set({ address }, holder ? 1 : 0);
    gauges.holdDown.set({ address }, seconds(holdDownMs));
    for (const { name, passed } of gates)
      if (passed !== null) gauges.gate.set({ address, gate: name }, passed ? 1 : 0);
  }
}

function seconds(durationMs: DurationMs): number {
  return durationMs / 1000;
}
