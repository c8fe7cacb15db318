/** One file for every node: which entry of `peers` is this node's own, and the role that it has there. */
import { expect, test } from 'vitest';
import { checkConfig, faultLines } from '../src/config/load.ts';
import { CONFIG, cli } from './support/cli.ts';

const PEERS = `
  - { id: saturn, url: "http://10.0.1.12:8741" }
  - { id: neptune, url: "http://[fd00::b]:8741" }
  - { id: pluto, url: "http://10.0.2.10:8741", role: witness }
  - { id: charon, url: "http://charon.internal:8741", role: member }`;

function load(addresses: readonly string[], { node = '', env = {}, peers = PEERS } = {}) {
  const text = `cluster: web
${node}
peers:${peers}
auth: { keyFile: /etc/failtome/cluster.key }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: ec2 }
`;
  return checkConfig('failtome.yaml', Buffer.from(text), env, addresses);
}

function nodeOf(result: ReturnType<typeof load>) {
  return result.kind === 'loaded' ? result.config.node : faultLines(result.faults, 'failtome.yaml');
}

test.each([
  [['172.17.0.1', '10.0.1.12'], 'saturn', 'candidate'],
  [['fd00::b'], 'neptune', 'candidate'],
  [['10.0.2.10'], 'pluto', 'witness'],
])('a machine with %j is %s', (addresses, id, role) => {
  expect(nodeOf(load(addresses))).toMatchObject({ id, role });
});

test('a machine that is in no entry, or in two, is left to instance metadata', () => {
  expect(nodeOf(load(['10.0.9.9']))).toMatchObject({ id: null, role: 'candidate' });
  expect(nodeOf(load(['10.0.1.12', '10.0.2.10']))).toMatchObject({ id: null, role: 'candidate' });
  expect(nodeOf(load([]))).toMatchObject({ id: null, role: 'candidate' });
});

/** What `failtome run` does with this file on a machine whose addresses come and go. */
async function runs(text: string, addresses: () => readonly string[]) {
  let sleeps = 0;
  const { err } = await cli(['run'], {
    files: { '/etc/failtome/failtome.yaml': text },
    addresses,
    sleep: async () => {
      sleeps += 1;
    },
  });
  return { err, sleeps };
}

const BY_ADDRESS = CONFIG.replace('node: { id: saturn }\n', '');

test('a machine whose link is not up yet waits for its address, and says so', async () => {
  const looks: (readonly string[])[] = [[], ['fe80::1', '169.254.7.7', 'fd00::1']];
  const { err, sleeps } = await runs(BY_ADDRESS, () => looks.shift() ?? ['10.0.1.12']);
  expect(sleeps).toBe(2);
  expect(err).toMatch(/^waiting for an address of this machine, up to 60 s: \S+ has no node\.id/);
});

test('it does so for a minute, and then goes on with the instance id', async () => {
  const { err, sleeps } = await runs(BY_ADDRESS, () => []);
  expect(sleeps).toBe(120);
  expect(err).toMatch(/no address within 60 s: going on with the instance id as node\.id\n/);
});

test.each([
  ['has a node.id', CONFIG, []],
  ['names peers by their hosts alone', BY_ADDRESS.replace('10.0.1.11', 'neptune.internal'), []],
  ['leads to this machine alone', BY_ADDRESS.replace('10.0.1.11', '127.0.0.1'), []],
  ['has another address than its peers', BY_ADDRESS, ['10.0.9.9']],
  ['can not be read', '{', []],
])('a machine whose file %s waits for nothing', async (_, text, addresses) => {
  expect((await runs(text, () => addresses)).sleeps).toBe(0);
});

test('a loopback address is every machine’s, and tells none apart', () => {
  const peers = `
  - { id: saturn, url: "http://127.0.0.1:8741" }
  - { id: neptune, url: "http://10.0.1.11:8741" }`;
  expect(nodeOf(load(['127.0.0.1'], { peers }))).toMatchObject({ id: null });
});

test('a name from the file or the environment counts before the address, and brings its role', () => {
  expect(nodeOf(load(['10.0.1.12'], { node: 'node: { id: charon }' }))).toMatchObject({
    id: 'charon',
    role: 'member',
  });
  const env = { FAILTOME_NODE_ID: 'pluto' };
  expect(nodeOf(load(['10.0.1.12'], { env }))).toMatchObject({ id: 'pluto', role: 'witness' });
});

test('a role that is written and another one in the own entry are refused as ever', () => {
  const result = nodeOf(load(['10.0.2.10'], { node: 'node: { role: candidate }' }));
  expect(result).toEqual([
    "node.role: found candidate, expected witness, as this node's own entry peers[2].role has it; every node must count the same voters (failtome.yaml:2)",
  ]);
});
