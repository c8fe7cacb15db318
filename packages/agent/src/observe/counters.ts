/** The agent's counters and histograms: what happened, of which kind, and how long it took. */
import { Counter, Histogram, type Registry } from 'prom-client';

/** From an answer on the same machine to the longest time-out that a probe usually has. */
const PROBE_BUCKETS_S = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1, 1.5, 3, 5,
];

/** From one rack to the gossip time-out. */
const RTT_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** From a single call to a failover that had to wait for a lease; closest together where failovers end. */
const STEP_BUCKETS_S = [0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1, 1.5, 2, 3, 5, 8, 15, 30, 60];

/** All counters and histograms of one agent, with their labels. */
export interface Counters {
  readonly probes: Counter<'address' | 'result'>;
  readonly probeDuration: Histogram<'address'>;
  readonly heartbeats: Counter<'peer' | 'result'>;
  readonly heartbeatRtt: Histogram<'peer'>;
  readonly votes: Counter<'address' | 'result' | 'reason'>;
  readonly ballots: Counter<'address' | 'result'>;
  readonly guardChecks: Counter<'result'>;
  readonly rejected: Counter<'reason'>;
  readonly stalls: Counter;
  readonly takeovers: Counter<'address' | 'result'>;
  readonly handovers: Counter<'address' | 'result'>;
  readonly takeoverDuration: Histogram<'address' | 'step'>;
  readonly blockedEpisodes: Counter<'address'>;
  readonly lateAssociations: Counter<'address'>;
  readonly requests: Counter<'service' | 'operation' | 'result'>;
  readonly receivers: Counter<'receiver' | 'result'>;
  readonly notifications: Counter<'result'>;
}

/** Build them on a registry. */
export function createCounters(registry: Registry): Counters {
  const make = makersOn(registry);
  return { ...agreementCounters(make), ...cloudCounters(make) };
}

function makersOn(registry: Registry) {
  const counter = <T extends string>(name: string, help: string, ...labelNames: T[]) =>
    new Counter({ name: `failtome_${name}`, help, labelNames, registers: [registry] });
  const histogram = <T extends string>(name: string, help: string, buckets: number[], ...labelNames: T[]) =>
    new Histogram({ name: `failtome_${name}`, help, buckets, labelNames, registers: [registry] });
  return { counter, histogram };
}

/** What this node saw, heard and agreed to. */
function agreementCounters({ counter, histogram }: ReturnType<typeof makersOn>) {
  return {
    probes: counter('probes_total', 'External probes of an address, by result.', 'address', 'result'),
    probeDuration: histogram(
      'probe_duration_seconds',
      'How long external probes took that succeeded or failed.',
      PROBE_BUCKETS_S,
      'address',
    ),
    heartbeats: counter('heartbeats_total', 'Messages sent to a peer, by how they ended.', 'peer', 'result'),
    heartbeatRtt: histogram(
      'heartbeat_rtt_seconds',
      'Round trips of heartbeats that were answered.',
      RTT_BUCKETS_S,
      'peer',
    ),
    votes: counter(
      'votes_total',
      'Answers this node gave as a voter, by answer and reason.',
      'address',
      'result',
      'reason',
    ),
    ballots: counter(
      'ballots_total',
      'Ballots this node held as a candidate, by result.',
      'address',
      'result',
    ),
    guardChecks: counter(
      'guard_checks_total',
      'Checks of the external IP after an agreement, by result.',
      'result',
    ),
    rejected: counter('rejected_messages_total', 'Messages rejected, by reason.', 'reason'),
    stalls: counter(
      'stalls_total',
      'Stalls: times this node stood still for longer than its peers tolerate.',
    ),
  };
}

/** What came of it in the cloud. */
function cloudCounters({ counter, histogram }: ReturnType<typeof makersOn>) {
  return {
    takeovers: counter(
      'takeovers_total',
      'Concluded takeovers by this node, by result.',
      'address',
      'result',
    ),
    handovers: counter(
      'handovers_total',
      'Concluded handovers to this node, by result.',
      'address',
      'result',
    ),
    takeoverDuration: histogram(
      'takeover_duration_seconds',
      'How long each step of a move took.',
      STEP_BUCKETS_S,
      'address',
      'step',
    ),
    blockedEpisodes: counter(
      'blocked_episodes_total',
      'Times an address stayed down for notify.blockedAfter while no node might take it.',
      'address',
    ),
    lateAssociations: counter(
      'late_associations_total',
      'Moves of an address to this node that the cloud applied after they had been given up.',
      'address',
    ),
    requests: counter(
      'aws_requests_total',
      'Requests to the cloud, by result.',
      'service',
      'operation',
      'result',
    ),
    receivers: counter(
      'receiver_notifications_total',
      'Attempts to tell a receiver, and notifications that were given up, by result.',
      'receiver',
      'result',
    ),
    notifications: counter('notifications_total', 'Attempts to publish a notification, by result.', 'result'),
  };
}
