/** What every node's page shows of the others: who is asked, how often, for how long, and what is shown of one that is gone. */
import { expect, test } from 'vitest';
import type { PeerRead, ReadBounds } from '../src/adapters/peer-reads.ts';
import { ClusterView, MAX_ASKED, REPORT_PATH, ROUND_MS } from '../src/http/cluster-view.ts';
import type { NodeReport } from '../src/http/node-report.ts';

type Peer = Pick<NodeReport['peers'][number], 'id' | 'role' | 'state' | 'url'>;

function peer(id: string, role: Peer['role'] = 'candidate'): Peer {
  return { id, role, state: 'alive', url: `http://${id}.example:8741` };
}

function reportOf(id: string, peers: readonly Peer[] = [], protection = 'protected'): NodeReport {
  return {
    cluster: 'web',
    at: 1_000,
    node: { id, role: 'candidate' },
    addresses: [{ ip: '192.0.2.1', protection: { state: protection, next: null, reasons: [], advice: [] } }],
    peers,
    decisions: [{ address: '192.0.2.1' }],
    history: [{ id: `${id}-1` }],
  } as unknown as NodeReport; // of which no more is looked at
}

interface Question {
  readonly id: string;
  readonly path: string;
  readonly bounds: ReadBounds;
  readonly answer: (read: PeerRead) => void;
}

/** A view with a clock that is moved by hand, and peers that answer when told. */
class Scene {
  now = 0;
  questions: Question[] = [];
  peers: readonly Peer[];
  protection = 'protected';
  readonly view: ClusterView;

  constructor(...peers: readonly Peer[]) {
    this.peers = peers;
    this.view = new ClusterView({
      report: () => reportOf('saturn', this.peers, this.protection),
      read: (id, path, bounds) =>
        new Promise((answer) => {
          this.questions.push({ id, path, bounds, answer });
        }),
      monotonicMs: () => this.now,
      wait: () => Promise.resolve(),
    });
  }

  async answer(id: string, read: PeerRead = { kind: 'read', json: reportOf(id) }): Promise<void> {
    const question = this.questions.find((one) => one.id === id);
    this.questions = this.questions.filter((one) => one !== question);
    question?.answer(read);
    await Promise.resolve();
    await Promise.resolve();
  }

  async node(id: string) {
    const { nodes } = await this.view.get();
    return nodes.find((node) => node.id === id);
  }
}

const GONE: PeerRead = { kind: 'failed', code: 'timeout', message: 'no answer within 3000 ms' };

test('this node comes first, with all that it tells of itself, and a peer that has not answered has nothing yet', async () => {
  const scene = new Scene(peer('neptune'));
  const { cluster, node, nodes } = await scene.view.get();
  expect([cluster, node]).toEqual(['web', 'saturn']);
  expect(nodes).toMatchObject([
    { id: 'saturn', self: true, ageMs: 0, failure: null, history: [{ id: 'saturn-1' }], decisions: [{}] },
    { id: 'neptune', self: false, ageMs: null, failure: null, status: null, history: null, state: 'alive' },
  ]);
  expect(nodes[0]?.status).not.toHaveProperty('history');
  expect(scene.questions).toMatchObject([
    { id: 'neptune', path: REPORT_PATH, bounds: { timeoutMs: 3_000, maxBytes: 262_144 } },
  ]);
});

test('nobody is asked while nobody reads', () => {
  const scene = new Scene(peer('neptune'));
  scene.now = 1_000_000;
  expect(scene.view.known().nodes).toHaveLength(2);
  expect(scene.questions).toEqual([]);
});

test('an answer is shared by all who read, with its age, and asked for again after a round', async () => {
  const scene = new Scene(peer('neptune'));
  await scene.view.get();
  await scene.answer('neptune');
  scene.now += ROUND_MS - 1;
  expect(await scene.node('neptune')).toMatchObject({
    ageMs: ROUND_MS - 1,
    status: { node: { id: 'neptune' } },
    history: [{ id: 'neptune-1' }],
  });
  expect(scene.questions).toEqual([]);
  scene.now += 1;
  await scene.view.get();
  await scene.view.get();
  expect(scene.questions).toHaveLength(1);
});

test('while an address is failed over the peers are asked more often', async () => {
  const scene = new Scene(peer('neptune'));
  scene.protection = 'failing-over';
  await scene.view.get();
  await scene.answer('neptune');
  scene.now += 400;
  await scene.view.get();
  expect(scene.questions).toHaveLength(1);
});

test('of a peer that is gone the last answer is shown with its age and why, and it is asked less often', async () => {
  const scene = new Scene(peer('neptune'));
  await scene.view.get();
  await scene.answer('neptune');
  scene.now += ROUND_MS;
  await scene.view.get();
  await scene.answer('neptune', GONE);
  expect(await scene.node('neptune')).toMatchObject({
    ageMs: ROUND_MS,
    failure: { code: 'timeout' },
    status: { node: { id: 'neptune' } },
  });
  scene.now += ROUND_MS;
  await scene.view.get();
  expect(scene.questions).toEqual([]);
  scene.now += ROUND_MS;
  await scene.view.get();
  await scene.answer('neptune');
  expect(await scene.node('neptune')).toMatchObject({ ageMs: 0, failure: null });
});

test('one question of a peer is under way at a time, however long it takes', async () => {
  const scene = new Scene(peer('neptune'), peer('pluto'));
  for (let round = 0; round < 5; round += 1) {
    await scene.view.get();
    await scene.answer('pluto');
    scene.now += ROUND_MS;
  }
  expect(scene.questions.map(({ id }) => id)).toEqual(['neptune']);
});

test.each([[[]], ['text'], [null], [reportOf('mars')], [{ node: 'neptune' }]])(
  'an answer that is no status of that node is none: %j',
  async (json) => {
    const scene = new Scene(peer('neptune'));
    await scene.view.get();
    await scene.answer('neptune', { kind: 'read', json });
    expect(await scene.node('neptune')).toMatchObject({ status: null, failure: { code: 'malformed' } });
  },
);

test('so many nodes are asked and no more, first who votes or takes an address', async () => {
  const members = Array.from({ length: 30 }, (_, index) => peer(`member-${index}`, 'member'));
  const scene = new Scene(...members, peer('neptune'), peer('pluto', 'witness'));
  const { nodes } = await scene.view.get();
  expect(scene.questions).toHaveLength(MAX_ASKED);
  expect(scene.questions.slice(0, 2).map(({ id }) => id)).toEqual(['neptune', 'pluto']);
  expect(nodes.filter(({ failure }) => failure?.code === 'not-asked')).toHaveLength(32 - MAX_ASKED);
});

test('a peer that is configured no more is forgotten', async () => {
  const scene = new Scene(peer('neptune'));
  await scene.view.get();
  await scene.answer('neptune');
  scene.peers = [];
  scene.now += ROUND_MS;
  await scene.view.get();
  scene.peers = [peer('neptune')];
  expect(await scene.node('neptune')).toMatchObject({ status: null, ageMs: null });
});
