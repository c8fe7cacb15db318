/** One file for every node: which entry of `peers` is this node's own, and the role that it has there. */
import { expect, test } from 'vitest';
import { checkConfig, faultLines } from '../src/config/load.ts';

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
