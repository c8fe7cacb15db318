/** The page on operations, step by step as it is written: a witness is added to a running pair. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Cluster, settingsIn, startCluster } from '../../packages/cluster/src/index.ts';
import { cliOf, program } from './support/command.ts';
import { patientGossip } from './support/three-nodes.ts';

interface Peer {
  readonly id: string;
  readonly url: string;
  readonly role?: string;
}

interface Configuration {
  readonly peers: readonly Peer[];
  readonly addresses: readonly { readonly ip: string; readonly probe: object }[];
  readonly [key: string]: unknown;
}

async function configurationIn(file: string): Promise<Configuration> {
  return settingsIn(await readFile(file, 'utf8')) as Configuration; // as the cluster has written it
}

/** The page's own file for the witness, and the line that it adds on the others. */
async function page(): Promise<{ readonly witness: Configuration; readonly line: Peer }> {
  const text = await readFile(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const [, section = ''] = /## Adding a witness\n([\s\S]*?)\n## /.exec(text) ?? [];
  const [file = '', line = ''] = [...section.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
    ([, yaml = '']) => yaml,
  );
  const [added] = settingsIn(line) as readonly Peer[]; // the page's own text, which the test is about
  if (added === undefined) throw new Error('the page adds no peer');
  return { witness: settingsIn(file) as Configuration, line: added };
}

async function done(cluster: Cluster, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cliOf(cluster, ...args);
  expect([code, stderr, args[0], code === 0 ? '' : stdout]).toEqual([0, '', args[0], '']);
  return stdout;
}

test('a witness is added to a running pair as the page on operations says, and its vote counts', async () => {
  const { witness, line } = await page();
  const cluster = await startCluster({
    agentFile: program,
    nodes: [
      { id: 'saturn', start: 'later' },
      { id: 'neptune', start: 'later' },
      { id: line.id, role: 'witness', start: 'later' },
    ],
    settings: { agreement: { lease: '8s' }, gossip: patientGossip },
    probe: { interval: '500ms', timeout: '500ms' },
  });
  onTestFinished(() => cluster.close());
  const [saturn, neptune, pluto] = [cluster.node('saturn'), cluster.node('neptune'), cluster.node(line.id)];
  const nodes = [saturn, neptune];

  // Before: a pair.
  const withWitness = new Map<string, Configuration>();
  for (const { id, agent } of nodes) {
    const whole = await configurationIn(agent.configFile);
    withWitness.set(id, whole);
    const peers = whole.peers.filter((peer) => peer.id !== line.id);
    await writeFile(agent.configFile, JSON.stringify({ ...whole, peers }));
  }
  await Promise.all(nodes.map(({ web }) => web.start()));
  for (const { agent } of nodes) agent.start();
  await cluster.settled();

  // 1. Pause.
  await done(cluster, 'pause', '--reason', 'adding a witness', '-c', saturn.agent.configFile);
  // 2. The witness's file, with this machine's places for the page's: addresses, ports, files.
  const places = await configurationIn(pluto.agent.configFile);
  expect(witness.peers.map(({ id, role }) => [id, role])).toEqual(
    places.peers.map(({ id, role }) => [id, role === 'candidate' ? undefined : role]),
  );
  const { api, auth, guard, stateDir, addresses, gossip, agreement } = places;
  const peers = witness.peers.map((peer, index) => ({ ...peer, url: places.peers[index]?.url }));
  await writeFile(
    pluto.agent.configFile,
    JSON.stringify({ ...witness, peers, api, auth, guard, stateDir, addresses, gossip, agreement }),
  );
  // 3. The line on the others, and a reload.
  for (const { id, agent } of nodes) {
    const whole = withWitness.get(id);
    const added = whole?.peers.find((peer) => peer.id === line.id);
    expect({ id: added?.id, role: added?.role }).toEqual({ id: line.id, role: line.role });
    const since = agent.log.position;
    await writeFile(agent.configFile, JSON.stringify(whole));
    agent.reload();
    await agent.log.waitFor('configured', { since });
  }
  // 4. Check, and start.
  await done(cluster, 'check', '-c', pluto.agent.configFile);
  pluto.agent.start();
  // 5. One digest everywhere, every peer alive.
  for (const { id, agent } of cluster.nodes) {
    let shown = '';
    const agreed = async (): Promise<boolean> => {
      shown = await done(cluster, 'status', '-c', agent.configFile);
      const alive = shown.match(/ alive /g) ?? [];
      return alive.length === 2 && /^Electorate \S+, the same on every node$/m.test(shown);
    };
    await cluster.until(`${id} to show one electorate and two live peers`, agreed, {
      withinMs: 60_000,
      seen: () => shown,
    });
  }
  // 6. Resume, on any node.
  await done(cluster, 'resume', '-c', neptune.agent.configFile);
  await cluster.settled();

  // Its vote is the one that is left when the holder is gone.
  await saturn.vanish();
  await cluster.held('neptune', { withinMs: 60_000 });
  const granted = neptune.agent.log.filter(
    ({ event, fields }) => event === 'ballot-answered' && fields.answer === 'grant',
  );
  expect(granted.map(({ fields }) => fields.voter)).toContain(line.id);
});
