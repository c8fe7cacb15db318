/**
 * The agent and the simulator share the keys that reach the protocol, and read them each in its own way. Here the same
 * files are read by both, and both must come to the same.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALL_KEYS } from '../../packages/agent/src/config/file-keys.ts';
import { checkConfig } from '../../packages/agent/src/config/load.ts';
import { toProtocolConfig } from '../../packages/agent/src/config/to-protocol.ts';
import { type ProtocolConfig, TOPIC } from '../../packages/protocol/src/index.ts';
import { readAgentFile } from '../../packages/sim/src/scenario/agent-file.ts';
import { readScenario } from '../../packages/sim/src/scenario/index.ts';
import { SETTINGS } from '../../packages/sim/src/scenario/setting-table.ts';
import { configFor } from '../../packages/sim/src/world/index.ts';

/** Without what only people want to know: the cluster's name, and what exactly a probe asks. */
type Compared = Omit<ProtocolConfig, 'cluster' | 'node' | 'addresses' | 'notify'> & {
  /** Of receivers the topic alone is simulated from an agent's file. */
  readonly notify: { readonly topic: boolean; readonly blockedAfterMs: number | null };
  readonly addresses: readonly (Pick<ProtocolConfig['addresses'][number], 'ip' | 'probe'> & {
    readonly home: string | null;
  })[];
  readonly node: Pick<ProtocolConfig['node'], 'id' | 'role' | 'priority'>;
};

function compared({ cluster: _, node, addresses, notify, ...rest }: ProtocolConfig): Compared {
  const { receivers, blockedAfterMs } = notify;
  const topic = receivers.some(({ name }) => name === TOPIC.name);
  const { id, role, priority } = node;
  const probes = addresses.map(({ ip, probe, home = null }) => ({ ip, probe, home }));
  return {
    node: { id, role, priority },
    addresses: probes,
    notify: { topic, blockedAfterMs },
    ...rest,
  };
}

/** Null: refused. */
function asAgent(text: string, id: string): Compared | null {
  const read = checkConfig('agent.yaml', new TextEncoder().encode(text), {});
  if (read.kind === 'faulty') return null;
  return compared(toProtocolConfig(read.config, { id, instanceId: 'i-1', region: null }, '0'));
}

/** Null: refused. */
function asSimulator(text: string, id: string): Compared | null {
  const agent = readAgentFile('agent.yaml', text);
  if (agent.kind === 'faulty') return null;
  const candidates = agent.configuration.nodes.filter(({ role }) => role === 'candidate');
  const nodes = candidates.length > 1 ? '[a, b]' : '[a, { id: b, role: witness }]';
  const scenario = `{ scenario: x, proves: Y., cluster: { nodes: ${nodes} }, run: { for: 1m } }`;
  const read = readScenario('x.yaml', scenario, { sets: [], config: agent.configuration });
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  const { world } = read.scenario.plan;
  const own = world.nodes.find((node) => node.id === id);
  if (own === undefined) throw new Error(`no node ${id}`);
  return compared(configFor(own, world.nodes, world.addresses, world.driver, world.settings, {}));
}

const LEAST = `cluster: web
node: { id: saturn }
peers:
  - { id: saturn, url: "http://10.0.1.12:8741" }
  - { id: neptune, url: "http://10.0.1.11:8741" }
auth: { keyFile: /etc/failtome/cluster.key }
addresses:
  - ip: 54.173.141.243
driver: { kind: ec2 }
`;

const ALL = `cluster: web
preset: quick
node: { id: saturn, role: candidate, priority: 7 }
api:
  listen: "0.0.0.0:8741"
  advertise: "http://10.0.1.12:8741"
  hosts: [saturn.example]
  read: token
  readTokenFile: /etc/failtome/tokens
  observe: "127.0.0.1:9741"
  tls: { certFile: /c, keyFile: /k, caFile: /a, clientAuth: required, plain: accept, observe: plain }
peers:
  from: { ec2Tag: failtome-web, port: 8741, scheme: https }
  nodes:
  - { id: neptune, priority: 9, publicKey: MCowBQYDK2VwAyEAgTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q= }
  - { id: pluto, url: "http://10.0.1.10:8741", role: witness }
  - { id: eris, url: "http://10.0.1.9:8741", role: member, priority: 1 }
auth:
  keyFile: /etc/failtome/cluster.key
  identity: /etc/failtome/saturn.key
  operators: [{ name: ann, publicKey: [MCowBQYDK2VwAyEA7UkoxijRwsbq6QM4kFmVYSlZJzpcY/k2NsFGFKyHN9E=] }]
addresses:
  - ip: 54.173.141.243
    allocationId: eipalloc-0abc
    privateIp: 10.0.0.5
    home: saturn
    probe:
      { scheme: https, host: www.example.org, port: 8443, path: /x, interval: 2s, fastInterval: 1s, timeout: 3s, fall: 4, rise: 5, expect: 200-299 }
  - ip: 54.173.141.244
    probe: { fall: 9 }
local: { url: "http://127.0.0.1:8080/", socket: /s, command: [/c], need: any, interval: 3s, fastInterval: 2s, timeout: 4s, fall: 6, rise: 7 }
gossip: { interval: 250ms, dead: 2s, timeout: 150ms, fanout: 5 }
agreement: { silentPeer: hold, arbiter: false, lease: 12s }
guard: { urls: ["http://checkip.amazonaws.com"], timeout: 2s, allowPrivate: true }
driver: { kind: opsworks, region: us-east-1, instanceId: i-0abc, assumeRole: "arn:aws:iam::123456789012:role/mover", displace: allow }
store: { kind: etcd, endpoints: ["http://10.0.3.1:2379"], prefix: /x/, caFile: /a, certFile: /c, keyFile: /k, user: u, passwordFile: /p }
notify:
  sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:failover" }
  webhook:
    - { form: json, name: ops, url: "https://ops.example.org/hook", keyFile: /h, timeout: 2s, events: [lost] }
    - { form: slack, urlFile: /u }
  exec: { command: [/usr/local/bin/tell], timeout: 3s }
  events: { sns: [taken, blocked], webhook: [lost, paused], exec: [lost] }
  blockedAfter: 90s
holdDown: 30s
flap: { moves: 3, within: 5m }
failback: { after: 20m, window: 02:00-05:00 UTC }
handover: { on: [spot] }
stateDir: /tmp/x
recorder: { keep: 1h, size: 8MB }
log: { level: debug }
`;

const WITNESS = `${LEAST.replace('{ id: saturn }', '{ id: pluto, role: witness }').replace(/driver.*/, '')}local: { interval: 2s }\n`;

const example = readFileSync(
  new URL('../../packages/agent/deploy/failtome.example.yaml', import.meta.url),
  'utf8',
);

describe('agent and simulator come to the same from', () => {
  test.each([
    ["the agent's example", example.replace('# id: saturn', 'id: saturn'), 'saturn'],
    ['the least that works', LEAST, 'saturn'],
    ['every key there is', ALL, 'saturn'],
    ['no check of its own and no topic', `${LEAST}local:\nnotify: { blockedAfter: 5s }\n`, 'saturn'],
    [
      'a short interval, which others follow',
      LEAST.replace(/ {2}- ip.*/, '$&\n    probe: { interval: 200ms }'),
      'saturn',
    ],
    ['a local interval, which another follows', `${LEAST}local: { interval: 50ms }\n`, 'saturn'],
    ['an early death, which the time-out follows', `${LEAST}gossip: { dead: 1200ms }\n`, 'saturn'],
    ['a death too early to follow', `${LEAST}gossip: { dead: 1s }\n`, 'saturn'],
    ['sections that are empty', `${LEAST}gossip:\nagreement:\nflap:\n`, 'saturn'],
    ['a pause longer than a day', `${LEAST}holdDown: 24h\n`, 'saturn'],
  ])('%s', (_, text, id) => {
    const agent = asAgent(text, id);
    expect(asSimulator(text, id)).toEqual(agent);
    expect(agent === null).toBe(text.includes('dead: 1s }'));
  });

  test("a witness's file, whose settings of a candidate count for nothing", () => {
    const { driver, local, notify, ...agent } = asAgent(WITNESS, 'pluto') ?? {};
    const { driver: a, local: b, notify: c, ...simulated } = asSimulator(WITNESS, 'pluto') ?? {};
    expect(simulated).toEqual(agent);
    expect([a, b, c]).toEqual([driver, local, notify]);
  });
});

/** Values around the bounds of all kinds, good and bad. */
const VALUES = [
  '02:00-05:00 UTC',
  '22:30-01:00 UTC',
  ...['0s', '9ms', '10ms', '19ms', '20ms', '49ms', '50ms', '99ms', '100ms', '999ms', '1s', '1999ms', '2s'],
  ...[
    '30s',
    '30001ms',
    '1m',
    '60001ms',
    '2m',
    '120001ms',
    '5m',
    '300001ms',
    '10m',
    '600001ms',
    '24h',
    '86400001ms',
  ],
  ...[
    '1.5s',
    '-1s',
    '5',
    '500',
    '0',
    '1',
    '16',
    '17',
    '100',
    '101',
    '1000',
    '1001',
    '1.5',
    '"2"',
    'true',
    'false',
    '[]',
    '{}',
  ],
  ...[
    'takeover',
    'hold',
    'refuse',
    'allow',
    'ec2',
    'ec2-private-ip',
    'ec2-route',
    'opsworks',
    'Hold',
    'maybe',
  ],
  ...['patient', 'quick', 'Quick'],
];

/** The least file with one key in it; what it depends on gives way. */
function withKey(path: string, value: string): string {
  const [section = '', name] = path.split('.');
  if (section === 'probe') return LEAST.replace(/ {2}- ip.*/, `$&\n    probe: { ${name}: ${value} }`);
  if (section === 'driver')
    return LEAST.replace(
      '{ kind: ec2 }',
      name === 'kind'
        ? `{ kind: ${value}${value === 'ec2-route' ? ', routeTables: [rtb-0a]' : ''} }`
        : `{ kind: ec2, ${name}: ${value} }`,
    );
  const store = path === 'agreement.arbiter' ? 'store: { kind: dynamodb }\n' : '';
  return `${LEAST}${store}${name === undefined ? `${section}: ${value}` : `${section}: { ${name}: ${value} }`}\n`;
}

/** Simulated operators have no keys that a file could name, one web hook stands for all receivers but the topic, and one store for all kinds. */
const WITHOUT_KEY: readonly string[] = ['identities', 'notify.webhook', 'store'];

test.each(
  SETTINGS.filter(({ path, write }) => write !== 'none' && !WITHOUT_KEY.includes(path)).map(
    ({ path }) => path,
  ),
)('%s takes the values that the agent takes, and comes to the same', (path) => {
  let taken = 0;
  for (const value of VALUES) {
    const text = withKey(path, value);
    const agent = asAgent(text, 'saturn');
    expect({ value, config: asSimulator(text, 'saturn') }).toEqual({ value, config: agent });
    taken += agent === null ? 0 : 1;
  }
  expect(taken).toBeGreaterThan(1);
  expect(taken).toBeLessThan(VALUES.length);
});

test('the file with every key there is has them all, but those of other drivers, and the table of another store', () => {
  for (const { path } of ALL_KEYS) {
    if (['driver.command', 'driver.networkInterfaceId', 'driver.routeTables', 'store.table'].includes(path))
      continue;
    const name = path.split('.').at(-1)?.replace('[]', '') ?? '';
    expect(ALL).toContain(`${name}:`);
  }
});
