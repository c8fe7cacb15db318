/** `failtome voters` with real agents: a voter is added, replaced and removed, and what could make two majorities is refused. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { editedPeers, type PeersEdit } from '../../packages/agent/src/config/edit-peers.ts';
import {
  type Cluster,
  type ClusterNode,
  settingsIn,
  startCluster,
} from '../../packages/cluster/src/index.ts';
import { cliOf, program } from './support/command.ts';
import { patientGossip } from './support/three-nodes.ts';

interface Peer {
  readonly id: string;
  readonly url: string;
}

const settings = { agreement: { lease: '4s' }, gossip: patientGossip };
const probe = { interval: '500ms', timeout: '500ms' };

/** Where one node reaches another, as the cluster has written it. */
async function urlOf(from: ClusterNode, to: string): Promise<string> {
  // As the cluster has written it.
  const { peers } = settingsIn(await readFile(from.agent.configFile, 'utf8')) as {
    readonly peers: readonly Peer[];
  };
  return peers.find(({ id }) => id === to)?.url ?? '';
}

async function edit({ agent }: ClusterNode, change: PeersEdit): Promise<void> {
  const text = editedPeers(await readFile(agent.configFile, 'utf8'), change);
  if (text === null) throw new Error('the file cannot be edited');
  await writeFile(agent.configFile, text);
}

async function reload({ agent }: ClusterNode): Promise<void> {
  const since = agent.log.position;
  agent.reload();
  await agent.log.waitFor('configured', { since });
}

/** The command on a node. */
async function voters(cluster: Cluster, on: ClusterNode, ...args: readonly string[]) {
  const { code, stdout, stderr } = await cliOf(cluster, 'voters', ...args, '-c', on.agent.configFile);
  // As one line each: how it is folded is the terminal's affair.
  return { code, stdout: stdout.replace(/\s+/g, ' '), stderr };
}

async function refused(cluster: Cluster, on: ClusterNode, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await voters(cluster, on, ...args);
  expect([code, stdout]).toEqual([1, '']);
  return stderr;
}

/** The command is at work, and has come so far that the node's file has the change. */
async function written(cluster: Cluster, { id, agent }: ClusterNode, has: string): Promise<void> {
  const isWritten = async (): Promise<boolean> => (await readFile(agent.configFile, 'utf8')).includes(has);
  await cluster.until(`the file of ${id} to have ${has}`, isWritten, { withinMs: 30_000 });
}

test('a witness is added and removed again, step by step, and two changes at once are refused', async () => {
  const cluster = await startCluster({
    agentFile: program,
    nodes: [{ id: 'saturn' }, { id: 'neptune' }, { id: 'pluto', role: 'witness', start: 'later' }],
    settings,
    probe,
  });
  onTestFinished(() => cluster.close());
  const [saturn, neptune, pluto] = ['saturn', 'neptune', 'pluto'].map((id) => cluster.node(id));
  if (saturn === undefined || neptune === undefined || pluto === undefined)
    throw new Error('a node is missing');
  const at = { saturn: await urlOf(saturn, 'pluto'), neptune: await urlOf(neptune, 'pluto') };
  for (const node of [saturn, neptune]) {
    await edit(node, { kind: 'remove', id: 'pluto' });
    await node.agent.ready();
    await reload(node);
  }
  await writeFile(saturn.agent.configFile, `# of saturn\n${await readFile(saturn.agent.configFile, 'utf8')}`);
  await cluster.settled();
  const pair = await voters(cluster, saturn);
  expect(pair.code, pair.stdout + pair.stderr).toBe(0);
  expect(pair.stdout).toContain('2 voters, of which 2 are a majority. One electorate, one majority.');

  // What mustn't begin.
  expect(await refused(cluster, neptune, 'replace', 'eris')).toContain('eris is no voter');
  expect((await voters(cluster, neptune, 'remove', 'eris')).code).toBe(0);
  const alone = await voters(cluster, neptune, 'remove', 'saturn');
  expect(alone.code).toBe(2);
  expect(alone.stderr).toContain('peers: found no node but this one');

  // It is begun, interrupted, and goes on.
  const add = ['add', 'pluto', '--url', at.saturn, '--role', 'witness', '--write'];
  const plan = await voters(cluster, saturn, ...add, '--plan');
  expect(plan.code, plan.stderr).toBe(0);
  expect(plan.stdout).toContain('On neptune: add');
  const first = await voters(cluster, saturn, ...add, '--timeout', '1s');
  expect(first.code).toBe(1);
  expect(first.stderr).toContain('Call it again: it goes on from here.');
  await written(cluster, saturn, 'pluto');
  expect(await readFile(saturn.agent.configFile, 'utf8')).toMatch(/^# of saturn\n/);
  await reload(saturn);
  const half = await voters(cluster, saturn, '--json');
  expect(half.code).toBe(1);
  expect(JSON.parse(half.stdout)).toMatchObject({ agree: false, electorates: [{}, {}] });
  expect(await refused(cluster, neptune, 'add', 'eris', '--url', 'http://127.0.0.1:1')).toContain(
    'another change is under way',
  );
  const status = JSON.parse(
    (await cliOf(cluster, 'status', '--json', '-c', neptune.agent.configFile)).stdout,
  );
  expect(status.pause).toMatchObject({ paused: true, reason: 'voters: add pluto' });

  const again = voters(cluster, saturn, ...add);
  await edit(neptune, {
    kind: 'add',
    entry: { id: 'pluto', url: at.neptune, role: 'witness', publicKey: null },
  });
  await reload(neptune);
  pluto.agent.start();
  const added = await again;
  expect([added.code, added.stderr]).toEqual([0, '']);
  expect(added.stdout).toContain('Done: neptune, pluto, saturn vote');
  expect(added.stdout).toContain('Automatic moves are on again.');
  const three = await voters(cluster, saturn);
  expect([three.code, three.stdout.includes('3 voters, of which 2 are a majority.')]).toEqual([0, true]);

  // Nothing to do any more is done, and the holder isn't taken out.
  expect((await voters(cluster, saturn, ...add)).code).toBe(0);
  expect(await refused(cluster, neptune, 'remove', 'saturn')).toMatch(/saturn holds .*: failtome handover/);
  expect(await refused(cluster, neptune, 'remove', 'neptune')).toContain('run it on one that stays');

  // And out again.
  const removing = voters(cluster, saturn, 'remove', 'pluto', '--write');
  await cluster.until(
    'the file of saturn to have it no more',
    async () => !(await readFile(saturn.agent.configFile, 'utf8')).includes('pluto'),
  );
  await pluto.agent.stop();
  await edit(neptune, { kind: 'remove', id: 'pluto' });
  for (const node of [saturn, neptune]) await reload(node);
  const removed = await removing;
  expect([removed.code, removed.stderr]).toEqual([0, '']);
  expect(removed.stdout).toContain('Done: neptune, saturn vote');
  expect(cluster.moves()).toBe(0);
});

test('a voter is replaced only when the old machine is gone, and nothing begins while one cannot be asked', async () => {
  const cluster = await startCluster({
    agentFile: program,
    nodes: [
      { id: 'saturn' },
      { id: 'neptune' },
      { id: 'second', settings: { node: { id: 'neptune' } }, start: 'later' },
    ],
    settings,
    probe,
  });
  onTestFinished(() => cluster.close());
  const [saturn, neptune, second] = ['saturn', 'neptune', 'second'].map((id) => cluster.node(id));
  if (saturn === undefined || neptune === undefined || second === undefined)
    throw new Error('a node is missing');
  const url = await urlOf(saturn, 'second');
  await edit(second, { kind: 'remove', id: 'second' });
  for (const node of [saturn, neptune]) {
    await edit(node, { kind: 'remove', id: 'second' });
    await node.agent.ready();
    await reload(node);
  }
  await cluster.settled();
  const replace = ['replace', 'neptune', '--url', url, '--write'];
  expect(await refused(cluster, saturn, ...replace)).toMatch(/neptune still (runs|answers)/);

  await neptune.vanish();
  expect(await refused(cluster, saturn, 'add', 'pluto', '--url', 'http://127.0.0.1:1')).toContain('neptune');
  const replacing = voters(cluster, saturn, ...replace);
  await written(cluster, saturn, url);
  await reload(saturn);
  await second.web.start();
  second.agent.start();
  const done = await replacing;
  expect([done.code, done.stderr]).toEqual([0, '']);
  expect(done.stdout).toContain('Done: neptune, saturn vote');
  expect((await voters(cluster, saturn)).code).toBe(0);
  expect(cluster.moves()).toBe(0);
});
