/** Peers without URLs: real agents find each other by the tags of their instances, also after one was replaced. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Cluster, startCluster } from '../../packages/cluster/src/index.ts';
import { cliOf, failtome, program } from './support/command.ts';
import { patientGossip } from './support/three-nodes.ts';

const TAG = 'failtome-web';
const tagged = (node: string) => ({ tags: { [TAG]: node } });

/** Neptune's replacement stands ready: another instance, another address, the same file, and no id in it. */
async function start(): Promise<Cluster> {
  const cluster = await startCluster({
    agentFile: program,
    privateIps: 'loopback',
    nodes: [
      { id: 'saturn', instance: tagged('saturn') },
      { id: 'neptune', instance: tagged('neptune'), settings: { node: { id: null } } },
      { id: 'second', instance: tagged('neptune'), settings: { node: { id: null } }, start: 'later' },
    ],
    settings: {
      peers: { from: { ec2Tag: TAG }, nodes: [{ id: 'saturn' }, { id: 'neptune' }] },
      gossip: patientGossip,
    },
    probe: { interval: '500ms', timeout: '500ms' },
  });
  onTestFinished(() => cluster.close());
  cluster.cloud.setInstanceState(cluster.node('second').instanceId, 'stopped');
  await cluster.settled();
  return cluster;
}

async function stateOf(cluster: Cluster, of: string): Promise<string> {
  const { stdout } = await cliOf(cluster, 'status', '--json', '-c', cluster.node('saturn').agent.configFile);
  const { peers }: { readonly peers: readonly { readonly id: string; readonly state: string }[] } =
    JSON.parse(stdout);
  return peers.find(({ id }) => id === of)?.state ?? 'unknown';
}

test('a node that is replaced under its id is found at its new address, and nothing is edited', async () => {
  const cluster = await start();
  const [saturn, neptune, second] = ['saturn', 'neptune', 'second'].map((id) => cluster.node(id));
  if (saturn === undefined || neptune === undefined || second === undefined)
    throw new Error('a node is missing');
  const configuration = await readFile(saturn.agent.configFile, 'utf8');

  await neptune.vanish();
  cluster.cloud.setInstanceState(neptune.instanceId, 'terminated');
  const isDead = async (): Promise<boolean> => (await stateOf(cluster, 'neptune')) === 'dead';
  await cluster.until('saturn to miss neptune', isDead);

  const since = saturn.agent.log.position;
  cluster.cloud.setInstanceState(second.instanceId, 'running');
  await second.web.start();
  second.agent.start();
  const found = await saturn.agent.log.waitFor('discovery', { since, withinMs: 90_000 });
  expect(found.fields).toMatchObject({ peer: 'neptune', instanceId: second.instanceId });
  const isAlive = async (): Promise<boolean> => (await stateOf(cluster, 'neptune')) === 'alive';
  await cluster.until('saturn to hear its replacement', isAlive, { withinMs: 60_000 });
  expect(await readFile(saturn.agent.configFile, 'utf8')).toBe(configuration);

  // What was found outlives a restart, during which EC2 says nothing.
  cluster.cloud.setPermission(saturn.instanceId, 'ec2:DescribeInstances', 'revoked');
  const restarted = saturn.agent.log.position;
  await saturn.agent.stop();
  saturn.agent.start();
  await saturn.agent.log.waitFor('discovery', { since: restarted, withinMs: 60_000 });
  await cluster.until('saturn to hear it after a restart', isAlive, { withinMs: 60_000 });
  const kept: unknown = JSON.parse(await readFile(join(saturn.folder, 'state/peers.json'), 'utf8'));
  expect(kept).toMatchObject({ cluster: 'web', tag: TAG });
  expect(cluster.moves()).toBe(0);
});

test('two running instances of one id are named, and the one that is known stays', async () => {
  const cluster = await start();
  const [saturn, second] = [cluster.node('saturn'), cluster.node('second')];
  cluster.cloud.setInstanceState(second.instanceId, 'running');
  const since = saturn.agent.log.position;
  await saturn.agent.stop();
  saturn.agent.start();
  const told = await saturn.agent.log.waitFor('discovery', { since, withinMs: 60_000 });
  expect(told.level).toBe('error');
  expect(told.fields).toMatchObject({ peer: 'neptune' });
  expect(JSON.stringify(told.fields)).toContain(second.instanceId);
  const isAlive = async (): Promise<boolean> => (await stateOf(cluster, 'neptune')) === 'alive';
  await cluster.until('saturn to hear neptune all the same', isAlive, { withinMs: 60_000 });
  const metrics = await fetch(`${saturn.agent.api.url}/metrics`).then((answer) => answer.text());
  expect(metrics).toContain('failtome_peer_discovery{peer="neptune",state="contested"} 1');
  const env = cluster.cloud.environmentFor(saturn.instanceId);
  const { stdout } = await failtome(['check', '--json', '-c', saturn.agent.configFile], { env });
  expect(stdout).toContain('none is believed');
});
