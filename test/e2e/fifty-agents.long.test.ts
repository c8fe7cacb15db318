/**
 * Fifty real agents on loopback, beside fifty of the simulator: what they say to each other, and in how many rounds news reaches all.
 * Both go by rounds, which the voters' own metrics count: how fast this machine is doesn't matter.
 */
import { expect, test } from 'vitest';
import {
  type Cluster,
  type ClusterOptions,
  type NodeSpec,
  startCluster,
  until,
} from '../../packages/cluster/src/index.ts';
import { startFailtome } from '../../packages/sim/src/scale/failtome-cluster.ts';
import { measureQuiet } from '../../packages/sim/src/scale/growth.ts';
import { DEFAULT_SETTINGS } from '../../packages/sim/src/world/index.ts';
import { failtome, program } from './support/command.ts';

const AGENTS = 50;
const VOTERS = ['n1', 'n2', 'n3'] as const;
/** Slow, so that fifty processes fit on a small machine. */
const settings = {
  gossip: { interval: '2s', timeout: '1500ms', dead: '12s' },
  recorder: 'off',
} as const;
const probe = { interval: '10s', timeout: '5s', fastInterval: '10s' };
/** Of what both measure, the one may be so many times the other. */
const ALIKE = 1.5;
const withinMs = 240_000;

type Api = Cluster['nodes'][number]['agent']['api'];

const nodes = Array.from(
  { length: AGENTS },
  (_, index): NodeSpec => ({
    id: `n${index + 1}`,
    role: index < 2 ? 'candidate' : index === 2 ? 'witness' : 'member',
    // Members serve nobody: of theirs the agents alone are started.
    start: index < 2 ? 'now' : 'later',
  }),
);

test('fifty agents say as much to each other as fifty simulated ones, and tell news in as few rounds', async () => {
  const simulated = measureQuiet(
    startFailtome,
    { members: AGENTS, seed: 1, lossPerMille: 0 },
    { settleMs: 30_000, bytesMs: 20_000, withinMs: 30_000, slowMs: 1 },
  );
  const { intervalMs } = DEFAULT_SETTINGS.gossip;
  const [first, ...others] = nodes;
  if (first === undefined) throw new Error('a cluster has a node');
  const options: ClusterOptions = {
    agentFile: program,
    nodes: [first, ...others],
    settings,
    probe,
  };
  const cluster = await startCluster(options);
  try {
    for (const { id, start } of nodes) if (start === 'later') cluster.node(id).agent.start();
    await until(
      'all agents to run',
      () => everyone(cluster, async (api) => (await api.ready()).status === 200),
      { withinMs },
    );
    await until('all neighbours to have met', async () => (await rounds(cluster)) >= 6, { withinMs });

    const [from, roundsFrom] = [await heartbeats(cluster), await rounds(cluster)];
    await until('ten more rounds', async () => (await rounds(cluster)) >= roundsFrom + 10, { withinMs });
    const [to, roundsTo] = [await heartbeats(cluster), await rounds(cluster)];
    const messages = (2 * (to - from)) / AGENTS / (roundsTo - roundsFrom);
    const expected = (simulated.meanMessages * intervalMs) / 1_000;
    expect(messages / expected).toBeGreaterThan(1 / ALIKE);
    expect(messages / expected).toBeLessThan(ALIKE);

    const toldAt = await rounds(cluster);
    const paused = await failtome([
      'pause',
      '--reason',
      'news',
      '--url',
      cluster.node('n50').agent.api.url,
      '--key-file',
      cluster.keyFile,
    ]);
    expect(paused.code).toBe(0);
    await until(
      'all to know of the pause',
      () => everyone(cluster, async (api) => (await api.metric('paused'))[0]?.value === 1),
      { withinMs },
    );
    const expectedRounds = (simulated.newsMs ?? Number.POSITIVE_INFINITY) / intervalMs;
    // Those who look take their time, too, in which more rounds pass.
    expect((await rounds(cluster)) - toldAt).toBeLessThan(3 * expectedRounds + 4);
  } finally {
    await cluster.close();
  }
});

/** Whether it holds of all agents. */
async function everyone(cluster: Cluster, holds: (api: Api) => Promise<boolean>): Promise<boolean> {
  for (const { agent } of cluster.nodes) if (!(await holds(agent.api))) return false;
  return true;
}

/** How many messages of these agents were answered. */
async function answered(apis: readonly Api[], counts: (peer: string) => boolean): Promise<number> {
  const samples = await Promise.all(apis.map((api) => api.metric('heartbeats_total')));
  return samples
    .flat()
    .filter(({ labels }) => labels.result === 'ok' && counts(labels.peer ?? ''))
    .reduce((sum, { value }) => sum + value, 0);
}

function heartbeats(cluster: Cluster): Promise<number> {
  return answered(
    cluster.nodes.map(({ agent }) => agent.api),
    () => true,
  );
}

/** In each round a voter speaks once to each of the two others. */
async function rounds(cluster: Cluster): Promise<number> {
  const voters: readonly string[] = VOTERS;
  const apis = voters.map((id) => cluster.node(id).agent.api);
  return (await answered(apis, (peer) => voters.includes(peer))) / (voters.length * (voters.length - 1));
}
