/** The digest of what has to be the same on every node: what changes it, and what may differ. */
import { expect, test } from 'vitest';
import { configDigest } from '../src/config/config-digest.ts';
import { checkConfig } from '../src/config/load.ts';

const FILE = `
cluster: web
node: { id: saturn }
peers:
  - { id: neptune, url: "http://10.0.1.11:8741" }
  - { id: pluto, url: "http://10.0.1.13:8741", role: witness }
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 54.173.141.243, probe: { host: www.example.org } }]
local: { url: "http://127.0.0.1/" }
driver: { kind: ec2 }
`;

function digestOf(file: string, id = 'saturn'): string {
  const result = checkConfig('failtome.yaml', Buffer.from(file), {});
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result));
  return configDigest(result.config, id);
}

const before = digestOf(FILE);

test('it is short, in two parts', () => {
  expect(before).toMatch(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
});

test.each([
  [
    'its own entry among the peers',
    FILE.replace('peers:', 'peers:\n  - { id: saturn, url: "http://10.0.1.12:8741" }'),
  ],
  ['where the API listens', `${FILE}api: { listen: "0.0.0.0:9000" }\n`],
  ['its priority', FILE.replace('{ id: saturn }', '{ id: saturn, priority: 7 }')],
  ['where its own HAProxy is', FILE.replace('127.0.0.1/', '127.0.0.1:8080/')],
  [
    'the port by which it reaches the address',
    FILE.replace('host: www.example.org', 'host: www.example.org, port: 8080'),
  ],
  ['its instance', FILE.replace('kind: ec2', 'kind: ec2, instanceId: i-0abc')],
  ['its private address', FILE.replace('ip: 54.173.141.243,', 'ip: 54.173.141.243, privateIp: 10.0.1.12,')],
  ['where its files are', FILE.replace('/etc/failtome/cluster.key', '/root/key')],
])('%s may differ', (_what, file) => {
  expect(file).not.toBe(FILE);
  expect(digestOf(file)).toBe(before);
});

test('the same file on the other node has the same digest', () => {
  const file = FILE.replace('id: saturn', 'id: neptune').replace('id: neptune, url', 'id: saturn, url');
  expect(digestOf(file, 'neptune')).toBe(before);
});

test.each([
  ['a probe', FILE.replace('host: www.example.org', 'host: www.example.com'), [false, true]],
  ['the electorate', FILE.replace('role: witness', 'role: candidate'), [false, true]],
  ['a timing', `${FILE}gossip: { interval: 700ms }\n`, [false, true]],
  ['the lease', `${FILE}agreement: { lease: 12s }\n`, [false, true]],
  ['the table of the store', `${FILE}store: { kind: dynamodb, table: relay }\n`, [true, false]],
  ['the driver', FILE.replace('kind: ec2', 'kind: ec2, displace: allow'), [true, false]],
  [
    'the notification',
    `${FILE}notify: { sns: { topicArn: "arn:aws:sns:us-east-1:123456789012:x" } }\n`,
    [true, false],
  ],
])('%s has to be the same', (_what, file, expected) => {
  const parts = digestOf(file).split('-');
  expect(parts.map((part, index) => part === before.split('-')[index])).toEqual(expected);
});

test('a witness has the first part alone, and it is the same', () => {
  const file = FILE.replace('{ id: saturn }', '{ id: pluto, role: witness }')
    .replace('id: pluto, url', 'id: saturn, url')
    .replace(', role: witness }\nauth', ' }\nauth');
  expect(digestOf(file, 'pluto')).toBe(before.split('-')[0]);
});

test('how a node gets to the store may differ, and where it writes there may not', () => {
  const withStore = (store: string): string => digestOf(`${FILE}store: { kind: etcd, ${store} }\n`);
  const one = withStore('endpoints: ["http://10.0.3.1:2379"]');
  expect(withStore('endpoints: ["https://10.0.3.2:2379"], caFile: /ca')).toBe(one);
  expect(withStore('endpoints: ["http://10.0.3.1:2379"], prefix: /other/')).not.toBe(one);
});
