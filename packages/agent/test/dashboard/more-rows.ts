/** The rows below the first look: failovers, the agreement, the paths, AWS, the process. */
import { type BoardRow, gauge, NONE_IS_GOOD, named, OF_ADDRESS, quantile, rate } from './rows.ts';

/** By result, over the whole of what is shown. */
function moves(name: string, word: string): { expr: string; legend: string } {
  const sum = `sum by (job, instance, result) (increase(failtome_${name}{${OF_ADDRESS}}[$__rate_interval]))`;
  return { expr: named(sum), legend: `${word} {{node}} {{result}}` };
}

const DURATION = `failtome_takeover_duration_seconds`;

export const FAILOVERS: BoardRow = {
  title: 'Failovers',
  panels: [
    {
      title: 'Moves by result',
      description: 'served: moved and answering. moved: not seen to answer. The rest moved nothing.',
      kind: 'bars',
      queries: [moves('takeovers_total', 'takeover'), moves('handovers_total', 'handover')],
      width: 8,
      height: 8,
    },
    {
      title: 'How long each step took',
      description:
        'Means over the time shown: from the first failed probe (detect) to an answer at the new place (total).',
      kind: 'steps',
      queries: [
        {
          expr:
            `sum by (step) (increase(${DURATION}_sum{${OF_ADDRESS}}[$__range]))` +
            ` / (sum by (step) (increase(${DURATION}_count{${OF_ADDRESS}}[$__range])) > 0)`,
          legend: '{{step}}',
        },
      ],
      unit: 's',
      steps: [
        { from: null, color: 'green' },
        { from: 5, color: 'yellow' },
        { from: 15, color: 'red' },
      ],
      width: 8,
      height: 8,
    },
    {
      title: 'How long takeovers took',
      description: 'From the first failed probe to an answer at the new place; each cell counts takeovers.',
      kind: 'heatmap',
      queries: [
        {
          expr: `sum by (le) (increase(${DURATION}_bucket{step="total", ${OF_ADDRESS}}[$__rate_interval]))`,
          legend: '{{le}}',
        },
      ],
      unit: 's',
      width: 8,
      height: 8,
    },
    {
      title: 'Gates that are open',
      description:
        'The takeover rule, gate by gate: 1 passed, 0 closed; absent while it is not asked. failtome why has the words.',
      kind: 'states',
      queries: [{ expr: gauge('decision_gate', OF_ADDRESS), legend: '{{node}} {{address}} {{gate}}' }],
      names: [
        { value: 0, text: 'closed', color: 'orange' },
        { value: 1, text: 'passed', color: 'green' },
      ],
      width: 16,
      height: 12,
    },
    {
      title: 'Hold-down',
      description:
        'What is left of it after a change of association. While it lasts only a silent or unfit holder loses the address.',
      kind: 'lines',
      queries: [{ expr: gauge('holddown_seconds', OF_ADDRESS), legend: '{{node}} {{address}}' }],
      unit: 's',
      width: 8,
      height: 6,
    },
    {
      title: 'Nobody might take it',
      description:
        'Episodes in which an address stayed down and no node was allowed to take it; and moves that AWS applied late.',
      kind: 'now',
      queries: [
        {
          expr: `sum by (job) (round(increase(failtome_blocked_episodes_total{${OF_ADDRESS}}[$__range])))`,
          legend: 'blocked',
        },
        {
          expr: `sum by (job) (round(increase(failtome_late_associations_total{${OF_ADDRESS}}[$__range])))`,
          legend: 'late',
        },
      ],
      steps: NONE_IS_GOOD,
      width: 8,
      height: 6,
    },
  ],
};

export const AGREEMENT: BoardRow = {
  title: 'Agreement',
  panels: [
    {
      title: 'Votes',
      description: 'What each voter answered to ballots, with its reason.',
      kind: 'bars',
      queries: [
        {
          expr: named(
            `sum by (job, instance, result, reason) (increase(failtome_votes_total{${OF_ADDRESS}}[$__rate_interval]) > 0)`,
          ),
          legend: '{{node}} {{result}} {{reason}}',
        },
      ],
      width: 8,
      height: 7,
    },
    {
      title: 'Ballots',
      description: 'Those that each candidate held. Lost ones name their reasons in the votes beside.',
      kind: 'bars',
      queries: [
        {
          expr: named(
            `sum by (job, instance, result) (increase(failtome_ballots_total{${OF_ADDRESS}}[$__rate_interval]))`,
          ),
          legend: '{{node}} {{result}}',
        },
      ],
      width: 8,
      height: 7,
    },
    {
      title: 'External-IP guard',
      description: 'Checks of a node’s own way out after the voters have agreed.',
      kind: 'bars',
      queries: [
        {
          expr: named(
            'sum by (job, instance, result) (increase(failtome_guard_checks_total{job=~"$job"}[$__rate_interval]))',
          ),
          legend: '{{node}} {{result}}',
        },
      ],
      width: 8,
      height: 7,
    },
  ],
};

export const PATHS: BoardRow = {
  title: 'Paths',
  panels: [
    {
      title: 'Probes that failed',
      description: 'A second, by what went wrong.',
      kind: 'lines',
      queries: [
        {
          expr: rate('probes_total', 'address, result', `result!="ok", ${OF_ADDRESS}`),
          legend: '{{node}} {{address}} {{result}}',
        },
      ],
      unit: 'cps',
      width: 8,
      height: 7,
    },
    {
      title: 'Probe duration',
      description: 'The median and the slowest hundredth. Near the probe’s timeout it is about to fail.',
      kind: 'lines',
      queries: [
        {
          expr: quantile(0.5, 'probe_duration_seconds', 'address', OF_ADDRESS),
          legend: '{{node}} {{address}} p50',
        },
        {
          expr: quantile(0.99, 'probe_duration_seconds', 'address', OF_ADDRESS),
          legend: '{{node}} {{address}} p99',
        },
      ],
      unit: 's',
      width: 8,
      height: 7,
    },
    {
      title: 'Heartbeat round trip',
      description: 'The slowest hundredth. Near gossip.timeout peers begin to look suspect.',
      kind: 'lines',
      queries: [
        {
          expr: quantile(0.99, 'heartbeat_rtt_seconds', 'peer', 'job=~"$job"'),
          legend: '{{node}} to {{peer}}',
        },
      ],
      unit: 's',
      width: 8,
      height: 7,
    },
    {
      title: 'Heartbeats that failed',
      description: 'A second, by what went wrong.',
      kind: 'lines',
      queries: [
        {
          expr: rate('heartbeats_total', 'peer, result', 'result!="ok", job=~"$job"'),
          legend: '{{node}} to {{peer}} {{result}}',
        },
      ],
      unit: 'cps',
      width: 12,
      height: 7,
    },
    {
      title: 'Messages turned away',
      description:
        'By reason. session and stale are how every conversation begins; signature and cluster never should be here.',
      kind: 'lines',
      queries: [{ expr: rate('rejected_messages_total', 'reason'), legend: '{{node}} {{reason}}' }],
      unit: 'cps',
      width: 12,
      height: 7,
    },
  ],
};

export const CLOUD: BoardRow = {
  title: 'AWS and notifications',
  panels: [
    {
      title: 'Requests to the cloud',
      description: 'By call and result. throttled and refused need a look at the account and the policy.',
      kind: 'lines',
      queries: [
        {
          expr: rate('aws_requests_total', 'service, operation, result'),
          legend: '{{node}} {{service}} {{operation}} {{result}}',
        },
      ],
      unit: 'reqps',
      width: 12,
      height: 7,
    },
    {
      title: 'Notifications',
      description: 'Attempts to publish one, and those that still wait.',
      kind: 'lines',
      queries: [
        {
          expr: named(
            'sum by (job, instance, result) (increase(failtome_notifications_total{job=~"$job"}[$__rate_interval]))',
          ),
          legend: '{{node}} {{result}}',
        },
        { expr: gauge('notifications_pending'), legend: '{{node}} waiting' },
      ],
      width: 12,
      height: 7,
    },
  ],
};

export const PROCESS: BoardRow = {
  title: 'The agents',
  panels: [
    {
      title: 'What runs',
      description: 'Versions, by node. More than one for long: an update was begun and not finished.',
      kind: 'table',
      queries: [{ expr: 'failtome_build_info{cluster=~"$cluster", job=~"$job", node=~"$node"}', legend: '' }],
      width: 12,
      height: 7,
    },
    {
      title: 'State directory',
      description: 'Whether it takes writes. A node that cannot write neither votes nor takes an address.',
      kind: 'now',
      queries: [{ expr: gauge('storage_writable'), legend: '{{node}}' }],
      names: [
        { value: 0, text: 'fails', color: 'red' },
        { value: 1, text: 'writes', color: 'green' },
      ],
      width: 6,
      height: 7,
    },
    {
      title: 'TLS certificate',
      description: 'What is left until it expires. Empty without TLS.',
      kind: 'now',
      queries: [
        {
          expr: named('(failtome_tls_certificate_expiry_timestamp_seconds{job=~"$job"} - time())'),
          legend: '{{node}}',
        },
      ],
      unit: 's',
      steps: [
        { from: null, color: 'red' },
        { from: 3 * 86_400, color: 'yellow' },
        { from: 14 * 86_400, color: 'green' },
      ],
      width: 6,
      height: 7,
    },
    {
      title: 'CPU',
      description: 'Of one core.',
      kind: 'lines',
      queries: [
        { expr: named('rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval])'), legend: '{{node}}' },
      ],
      unit: 'percentunit',
      width: 8,
      height: 7,
    },
    {
      title: 'Memory',
      description: 'Resident.',
      kind: 'lines',
      queries: [{ expr: named('process_resident_memory_bytes{job=~"$job"}'), legend: '{{node}}' }],
      unit: 'bytes',
      width: 8,
      height: 7,
    },
    {
      title: 'Event-loop lag',
      description: 'How late the event loop was at each scrape.',
      kind: 'lines',
      queries: [{ expr: named('nodejs_eventloop_lag_seconds{job=~"$job"}'), legend: '{{node}}' }],
      unit: 's',
      width: 4,
      height: 7,
    },
    {
      title: 'Stalls',
      description: 'Times that a node stood still for longer than its peers tolerate.',
      kind: 'bars',
      queries: [
        { expr: named('increase(failtome_stalls_total{job=~"$job"}[$__rate_interval])'), legend: '{{node}}' },
      ],
      width: 4,
      height: 7,
    },
  ],
};
