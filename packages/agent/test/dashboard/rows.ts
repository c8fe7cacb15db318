/** The dashboard's panels, row by row: from the first look in an incident to what the process itself needs. */
import type { NamedValue, Panel, Step } from './panel.ts';

export interface BoardRow {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** Of the cluster and the address that are chosen. */
const OF_ADDRESS = 'job=~"$job", address=~"$address"';

/** The same, of the nodes that are chosen, and with their names. */
function named(expr: string): string {
  return `${expr} * on (job, instance) group_left (node) failtome_build_info{cluster=~"$cluster", node=~"$node"}`;
}

function gauge(name: string, labels = 'job=~"$job"'): string {
  return named(`failtome_${name}{${labels}}`);
}

/** Per second, by node and the labels that are given. */
function rate(name: string, by: string, labels = 'job=~"$job"'): string {
  return named(`sum by (job, instance, ${by}) (rate(failtome_${name}{${labels}}[$__rate_interval]))`);
}

function quantile(q: number, name: string, by: string, labels: string): string {
  const buckets = `rate(failtome_${name}_bucket{${labels}}[$__rate_interval])`;
  return named(`histogram_quantile(${q}, sum by (job, instance, ${by}, le) (${buckets}))`);
}

const UP_OR_DOWN: readonly NamedValue[] = [
  { value: 0, text: 'down', color: 'red' },
  { value: 1, text: 'cannot tell', color: 'yellow' },
  { value: 2, text: 'up', color: 'green' },
];

/** In one number for a state timeline. */
const VERDICT =
  `failtome_address_verdict{verdict="up", ${OF_ADDRESS}} * 2` +
  ` or failtome_address_verdict{verdict="unknown", ${OF_ADDRESS}}`;

const PEER =
  'failtome_peer_state{state="alive", job=~"$job"} * 3 or failtome_peer_state{state="suspect", job=~"$job"} * 2' +
  ' or failtome_peer_state{state="unknown", job=~"$job"}';

const YES_OR_NO: readonly NamedValue[] = [
  { value: 0, text: 'no', color: 'red' },
  { value: 1, text: 'yes', color: 'green' },
];

const NONE_IS_GOOD: readonly Step[] = [
  { from: null, color: 'green' },
  { from: 1, color: 'red' },
];

const NOW: BoardRow = {
  title: 'Now',
  panels: [
    {
      title: 'Serves',
      description:
        'The node that holds each address, by its own word. Two names: one of them could not read AWS.',
      kind: 'now',
      queries: [{ expr: `${gauge('holder', OF_ADDRESS)} == 1`, legend: '{{address}}: {{node}}' }],
      showName: true,
      steps: [{ from: null, color: 'blue' }],
      width: 6,
      height: 4,
    },
    {
      title: 'Address',
      description:
        'What most nodes see of each address. One node alone that sees it down has a broken path, not an outage.',
      kind: 'now',
      queries: [
        {
          expr:
            `sum by (job, address) (failtome_address_verdict{verdict="up", ${OF_ADDRESS}})` +
            ` >= bool sum by (job, address) (failtome_address_verdict{verdict="down", ${OF_ADDRESS}})`,
          legend: '{{address}}',
        },
      ],
      names: [
        { value: 0, text: 'down', color: 'red' },
        { value: 1, text: 'up', color: 'green' },
      ],
      width: 6,
      height: 4,
    },
    {
      title: 'Nodes that could hold it',
      description: 'Candidates whose preflight holds. With fewer than two the next failure is an outage.',
      kind: 'now',
      queries: [
        {
          expr:
            `sum by (job, address) (failtome_decision_gate{gate="role", ${OF_ADDRESS}}` +
            ' * on (job, instance) group_left () failtome_takeover_ready{job=~"$job"})',
          legend: '{{address}}',
        },
      ],
      steps: [
        { from: null, color: 'red' },
        { from: 1, color: 'orange' },
        { from: 2, color: 'green' },
      ],
      width: 4,
      height: 4,
    },
    {
      title: 'Automatic takeover',
      description: 'Paused: nothing fails over in the whole cluster. failtome status says by whom and why.',
      kind: 'now',
      queries: [{ expr: 'max by (job) (failtome_paused{job=~"$job"})', legend: '{{job}}' }],
      names: [
        { value: 0, text: 'on', color: 'green' },
        { value: 1, text: 'paused', color: 'orange' },
      ],
      width: 4,
      height: 4,
    },
    {
      title: 'Takeovers',
      description: 'Addresses that were taken over in the time shown, seen to answer or not.',
      kind: 'now',
      queries: [
        {
          expr: `sum by (job) (round(increase(failtome_takeovers_total{result=~"served|moved", ${OF_ADDRESS}}[$__range])))`,
          legend: '{{job}}',
        },
      ],
      steps: [
        { from: null, color: 'green' },
        { from: 1, color: 'yellow' },
        { from: 3, color: 'red' },
      ],
      width: 4,
      height: 4,
    },
  ],
};

const OVER_TIME: BoardRow = {
  title: 'Over time',
  panels: [
    {
      title: 'Who holds the address',
      description: 'By each node’s own word. The gap in a failover is the time in which nobody held it.',
      kind: 'states',
      queries: [{ expr: gauge('holder', OF_ADDRESS), legend: '{{address}} {{node}}' }],
      names: [
        { value: 0, text: ' ', color: 'gray' },
        { value: 1, text: 'holds', color: 'blue' },
      ],
      width: 12,
      height: 7,
    },
    {
      title: 'How each node sees the address',
      description:
        'Verdicts of the probes from every node. A node that cannot prove its own way out says that it cannot tell.',
      kind: 'states',
      queries: [
        { expr: named(`sum by (job, instance, address) (${VERDICT})`), legend: '{{address}} {{node}}' },
      ],
      names: UP_OR_DOWN,
      width: 12,
      height: 7,
    },
    {
      title: 'How each node sees its peers',
      description: 'From heartbeats. A peer that only one node calls dead has a broken path to that node.',
      kind: 'states',
      queries: [{ expr: named(`sum by (job, instance, peer) (${PEER})`), legend: '{{node}} of {{peer}}' }],
      names: [
        { value: 0, text: 'dead', color: 'red' },
        { value: 1, text: 'unknown', color: 'gray' },
        { value: 2, text: 'suspect', color: 'yellow' },
        { value: 3, text: 'alive', color: 'green' },
      ],
      width: 12,
      height: 7,
    },
    {
      title: 'Fit and ready',
      description: 'Whether each node’s own HAProxy answers, and whether its preflight for a takeover holds.',
      kind: 'states',
      queries: [
        { expr: gauge('local_up'), legend: '{{node}} fit' },
        { expr: gauge('takeover_ready'), legend: '{{node}} ready' },
      ],
      names: YES_OR_NO,
      width: 12,
      height: 7,
    },
  ],
};

export { gauge, NONE_IS_GOOD, NOW, named, OF_ADDRESS, OVER_TIME, quantile, rate };
