/** The part of a scenario that says who takes part, and in what kind of world. */
import { isIPv6 } from 'node:net';
import type { RawNode } from '@failtome/config';
import { counted, MAX_ADDRESSES, MAX_VOTERS, type Role } from '@failtome/protocol';
import { ROLES_OF_THE_MOMENT } from '../plan/index.ts';
import { ADDRESS } from '../world/index.ts';
import { ipv4, movable } from './ip-shapes.ts';
import { type Given, merge, NODE_SETTINGS, PROBE_SETTINGS, SETTINGS, settingsOf } from './setting-table.ts';
import { reportClashes, sectionShape, settingsShape } from './settings-shape.ts';
import {
  at,
  type Context,
  choice,
  duration,
  eitherOf,
  flag,
  listOf,
  map,
  mapped,
  named,
  optional,
  type Reading,
  reportFault,
  required,
  type Shape,
  scalar,
  scalarOr,
  share,
  text,
  whole,
  word,
} from './shape.ts';

const ROLES = ['candidate', 'witness', 'member'] as const satisfies readonly Role[];
/** Far more than a cluster that anybody would simulate has. */
const MAX_NODES = 32;
const DAY_MS = 86_400_000;
/** Clocks may show anything. */
const MAX_CLOCK_MS = 1e12;

/** Words that stand for somebody else wherever a node is named. */
const RESERVED: readonly string[] = [...ROLES_OF_THE_MOMENT, 'nobody', 'anyone', 'none'];

/** The name of a node. */
export const nodeName: Shape<string> = {
  ...text('a name of 1 to 64 letters, digits, dots, hyphens and underscores', /^[A-Za-z0-9._-]{1,64}$/),
};

const ppm = scalar<number>(
  'parts per million from -10000 to 10000, such as 200 ppm',
  { type: 'string', pattern: '^-?\\d{1,5} ?ppm$' },
  (value) => {
    const [, digits] = /^(-?\d{1,5}) ?ppm$/.exec(String(value)) ?? [];
    return digits === undefined || Math.abs(Number(digits)) > 10_000
      ? { hint: '' }
      : { value: Number(digits) };
  },
);

/** A node in full; what is left out is undefined. */
export interface NodePart {
  readonly id: string;
  readonly role?: Role | undefined;
  readonly priority?: number | undefined;
  /** Null: its agent stays off. */
  readonly boot?: number | null | undefined;
  readonly clock?: ClockPart | undefined;
  /** Null: it has neither a public address nor a gateway. */
  readonly nat?: string | null | undefined;
  readonly occupied?: boolean | undefined;
  readonly settings?: Given | undefined;
  readonly peers?: readonly string[] | undefined;
  readonly wire?: number | undefined;
}

interface ClockPart {
  readonly drift: number | undefined;
  readonly offset: number | undefined;
  readonly wallError: number | undefined;
}

/** An address of a scenario. */
export interface AddressPart {
  readonly ip: string;
  readonly holder?: string | undefined;
  readonly home?: string | undefined;
  readonly probe?: Given | undefined;
}

/** Who takes part in a scenario. */
export interface ClusterPart {
  readonly nodes: readonly NodePart[];
  readonly addresses: readonly AddressPart[] | undefined;
}

/** What AWS is like in a scenario. */
export interface CloudPart {
  readonly apply: readonly number[] | undefined;
  readonly answer: readonly number[] | undefined;
  readonly lostAnswers: number | undefined;
  readonly associationSettles: number | undefined;
  readonly newPublicAddress: number | null | undefined;
  readonly staleRelease: 'not-found' | 'success' | undefined;
}

/** What the disks are like in a scenario. */
export interface DiskPart {
  readonly write: readonly number[] | undefined;
}

/** What timers are like in a scenario. */
export interface TimersPart {
  readonly late: number | undefined;
}

/** What the network is like in a scenario whose packets are lost one by one. */
export interface NetworkPart {
  /** In thousandths. */
  readonly loss: number | undefined;
}

const range: Shape<readonly number[]> = listOf(duration(0, 600_000), 2, 2);

const nodeSettings = named('node-settings', settingsShape(NODE_SETTINGS));

const nodeShape: Shape<NodePart> = scalarOr(
  mapped(nodeName, (id): NodePart => ({ id })),
  map('a node', {
    id: required(nodeName, 'what it is called'),
    role: optional(
      choice(ROLES),
      'candidate: may hold addresses, and votes; witness: only votes; member: neither',
    ),
    priority: optional(whole(0, 1_000_000), 'among fit candidates the higher goes first; default 100'),
    boot: optional(
      eitherOf(duration(0, DAY_MS), word('never', null)),
      'when its agent is started first; default 0s; never: it stays off',
    ),
    clock: optional(
      map('a clock', {
        drift: optional(ppm, 'how much too fast the monotonic clock runs'),
        offset: optional(duration(0, MAX_CLOCK_MS), 'what it showed at the beginning'),
        wallError: optional(duration(-MAX_CLOCK_MS, MAX_CLOCK_MS), 'how far the wall clock is off'),
      }),
      'its clocks',
    ),
    nat: optional(
      eitherOf(ipv4, word('none', null)),
      'the address of the NAT gateway it goes out through, without one of its own; none: it has neither',
    ),
    occupied: optional(flag, 'whether another Elastic IP is on the private address that an address lands on'),
    settings: optional(nodeSettings, "what its configuration says differently from the others'"),
    peers: optional(listOf(nodeName, MAX_NODES), 'the peers that it knows; default all'),
    wire: optional(whole(-3, 3), 'by how much its wire version is above the present one'),
  }),
);

const addressShape: Shape<AddressPart> = scalarOr(
  mapped(movable, (ip): AddressPart => ({ ip })),
  map('an address', {
    ip: required(movable, 'the address that moves'),
    holder: optional(nodeName, 'who holds it at the beginning; default the first candidate; or nobody'),
    home: optional(nodeName, 'whose it is when all are well; default nobody in particular'),
    probe: optional(sectionShape('probe', PROBE_SETTINGS), 'where its probe differs from `settings.probe`'),
  }),
);

/** `cluster:` of a scenario. */
export const clusterShape: Shape<ClusterPart> = map('the cluster', {
  nodes: required(listOf(nodeShape, MAX_NODES, 2), 'the nodes, by name or in full'),
  addresses: optional(listOf(addressShape, MAX_ADDRESSES, 1), `the addresses that move; default ${ADDRESS}`),
});

/** `cloud:` of a scenario. */
export const cloudShape: Shape<CloudPart> = map('what the cloud is like', {
  apply: optional(range, 'from a call until it has an effect, at least and at most; default [10ms, 60ms]'),
  answer: optional(range, 'from then until its answer; default [5ms, 30ms]'),
  lostAnswers: optional(
    share,
    'how often the answer is lost to a caller whose public address has changed; default 0 %',
  ),
  associationSettles: optional(duration(0, 600_000), 'from an association to the first packet; default 0s'),
  newPublicAddress: optional(
    eitherOf(duration(0, DAY_MS), word('never', null)),
    'until the loser of a move has a public address, and with it a way out, again; default 60s',
  ),
  staleRelease: optional(
    choice(['not-found', 'success']),
    'what the release of an association that has ended is answered',
  ),
});

/** `disk:` of a scenario. */
export const diskShape: Shape<DiskPart> = map('what the disks are like', {
  write: optional(range, 'how long a durable write takes, at least and at most; default [0.5ms, 4ms]'),
});

/** `timers:` of a scenario. */
export const timersShape: Shape<TimersPart> = map('what timers are like', {
  late: optional(duration(0, 60_000), 'how late a timer may fire; default 1ms'),
});

/** `network:` of a scenario. */
export const networkShape: Shape<NetworkPart> = map('what the network is like', {
  loss: optional(share, 'how many of all packets are lost, each by itself; default 0 %'),
});

/** The one address of a scenario that names none. */
export const DEFAULT_ADDRESSES: readonly AddressPart[] = [{ ip: ADDRESS }];

/** A node is a candidate unless the scenario says otherwise. */
export const roleOf = (node: NodePart): Role => node.role ?? 'candidate';

/** Tell what is wrong with the nodes and addresses together, and remember their names for what comes later. */
export function checkCluster(node: RawNode, reading: Reading, cluster: ClusterPart, given: Given): void {
  const { context } = reading;
  const before = context.faults.length;
  checkNodes(node, at(reading, 'nodes'), cluster.nodes, given);
  checkElectorate(node, at(reading, 'nodes'), cluster.nodes);
  checkAddresses(node, at(reading, 'addresses'), cluster, given);
  if (context.faults.length === before) remember(context, cluster);
}

function checkNodes(node: RawNode, reading: Reading, nodes: readonly NodePart[], given: Given): void {
  const places = itemsOf(node, 'nodes');
  for (const [index, { id, settings, peers = [] }] of nodes.entries()) {
    const place = places[index] ?? node;
    const here = at(reading, index);
    if (nodes.findIndex((other) => other.id === id) < index)
      reportFault(place, here, `a second node called ${id}`, 'an id of its own');
    if (RESERVED.includes(id))
      reportFault(
        place,
        here,
        `a node called ${id}`,
        'another name',
        `${id} stands for somebody else elsewhere`,
      );
    for (const peer of peers)
      if (!nodes.some((other) => other.id === peer)) unknownNode(place, at(here, 'peers'), peer, nodes);
    if (settings !== undefined)
      reportClashes(place, at(here, 'settings'), settingsOf(merge(given, settings)));
  }
}

function checkElectorate(node: RawNode, reading: Reading, nodes: readonly NodePart[]): void {
  const voters = nodes.filter((each) => roleOf(each) !== 'member').length;
  if (voters > MAX_VOTERS)
    reportFault(
      node,
      reading,
      counted(voters, 'voter'),
      `at most ${MAX_VOTERS}`,
      'give the others role: member',
    );
  if (voters < 2)
    reportFault(
      node,
      reading,
      counted(voters, 'voter'),
      'at least two candidates or witnesses',
      'members have no vote',
    );
  if (!nodes.some((each) => roleOf(each) === 'candidate'))
    reportFault(node, reading, 'no candidate', 'at least one node that may hold the addresses');
}

/** The names that later parts may use. */
function remember(context: Context, { nodes, addresses }: ClusterPart): void {
  context.nodes = nodes.map(({ id }) => id);
  context.addresses = (addresses ?? DEFAULT_ADDRESSES).map(({ ip }) => ip);
}

function checkAddresses(
  node: RawNode,
  reading: Reading,
  { addresses = [], nodes }: ClusterPart,
  given: Given,
): void {
  const driver = given.get('driver.kind') ?? 'ec2';
  const places = itemsOf(node, 'addresses');
  for (const [index, { ip, holder, home }] of addresses.entries()) {
    const place = places[index] ?? node;
    const here = at(reading, index);
    if (addresses.findIndex((other) => other.ip === ip) < index)
      reportFault(place, here, `${ip} twice`, 'each address once');
    if (isIPv6(ip) && driver !== 'ec2-private-ip')
      reportFault(
        place,
        here,
        ip,
        `an IPv4 address, because driver.kind is ${driver}`,
        'ec2-private-ip moves IPv6 addresses of network interfaces',
      );
    if (holder !== undefined && holder !== 'nobody') checkHolder(place, at(here, 'holder'), holder, nodes);
    if (home !== undefined) checkHolder(place, at(here, 'home'), home, nodes);
  }
}

function checkHolder(place: RawNode, reading: Reading, name: string, nodes: readonly NodePart[]): void {
  const found = nodes.find(({ id }) => id === name);
  if (found === undefined) return unknownNode(place, reading, name, nodes);
  const role = roleOf(found);
  if (role !== 'candidate')
    reportFault(place, reading, `${name}, a ${role}`, 'a candidate', 'others never hold an address');
}

function unknownNode(node: RawNode, reading: Reading, name: string, nodes: readonly NodePart[]): void {
  const ids = nodes.map(({ id }) => id);
  reportFault(node, reading, `a node called ${name}`, `one of ${ids.join(', ')}`);
}

function itemsOf(node: RawNode, key: string): readonly RawNode[] {
  const list = node.kind === 'map' ? node.entries.get(key)?.value : undefined;
  return list?.kind === 'list' ? list.items : [];
}

/** `settings:` of a scenario. */
export const settingsInFile: Shape<Given> = settingsShape(SETTINGS);
