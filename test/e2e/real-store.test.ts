/** A pair on a real network whose direct path is cut, with a real etcd that both reach. */
import { describe, expect, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { canRun, etcdIn, etcdUrl, folderWithKey, missing } from './support/etcd-beside.ts';
import {
  type Id,
  ids,
  type NamespacedPair,
  sharedAddress,
  withNamespacedPair,
} from './support/namespaces.ts';

const withinMs = 60_000;
const timeout = 300_000;

const settings = {
  agreement: { lease: '6s' },
  holdDown: '3s',
  log: { level: 'debug' },
  store: { kind: 'etcd', endpoints: [etcdUrl] },
};

/** What of a node's status this is about. */
interface WithStore {
  readonly node: { readonly ready: boolean };
  readonly peers: readonly { readonly state: string }[];
  readonly store: {
    readonly failing: string | null;
    readonly peers: readonly { readonly state: string; readonly heardMs: number | null }[];
  };
}

function statusOf(pair: NamespacedPair, id: Id): WithStore {
  return pair.status(id) as unknown as WithStore; // the status of an agent with a store
}

/** Every node is in the state in which its own store's only line is, and has a peer that is alive. */
async function reached(pair: NamespacedPair, state: 'direct' | 'relaying'): Promise<void> {
  for (const id of ids)
    await until(
      `${id} to be ${state}`,
      () => {
        const { peers, store, node } = statusOf(pair, id);
        const [line] = store.peers;
        const heard = state === 'direct' || (line?.heardMs ?? withinMs) < 2_000;
        return line?.state === state && heard && node.ready && peers.every((peer) => peer.state === 'alive');
      },
      { withinMs },
    );
}

function counted(pair: NamespacedPair, id: Id, metric: string): number {
  const script = `fetch('http://${pair.apiOf(id)}/metrics').then(async (a) => console.log(await a.text()))`;
  const text = pair.network.inside(id, process.execPath, '-e', script);
  const line = text.split('\n').find((one) => one.startsWith(metric));
  return Number(line?.split(' ').at(-1) ?? Number.NaN);
}

describe.skipIf(!canRun)(`a pair with a store whose direct path is cut${missing}`, () => {
  test('leaves an address alone that one of them cannot see, and moves it once its holder is gone', {
    timeout,
  }, async (context) => {
    const folder = await folderWithKey(context);
    await withNamespacedPair(
      folder,
      settings,
      async (pair) => {
        const { network, logs } = pair;
        for (const id of ids) await logs[id].waitFor('agent-ready', { withinMs });
        await reached(pair, 'direct');
        for (const id of ids) expect(statusOf(pair, id).store.failing).toBe(null);
        // Whoever started first has found the other silent for a moment.
        const written = 'failtome_store_calls_total{operation="write",result="ok"}';
        const atRest = counted(pair, 'neptune', written);
        const resting = logs.neptune.position;
        await until('ten probes', () => logs.neptune.filter('probe', resting).length >= 10, { withinMs });
        expect(counted(pair, 'neptune', written)).toBe(atRest);

        network.cutBetween();
        await reached(pair, 'relaying');
        expect(counted(pair, 'neptune', 'failtome_relaying{peer="saturn"}')).toBe(1);
        expect(
          counted(pair, 'neptune', 'failtome_relayed_messages_total{peer="saturn",way="in"}'),
        ).toBeGreaterThan(0);

        const since = logs.neptune.position;
        network.hideFrom('neptune', sharedAddress);
        const lost = ({ event, fields }: { event: string; fields: Readonly<Record<string, unknown>> }) =>
          event === 'ballot-closed' && fields.result === 'lost';
        await until('three lost ballots', () => logs.neptune.filter(lost, since).length >= 3, { withinMs });
        expect(pair.takers()).toEqual([]);

        network.setLink('saturn', 'down');
        await until('a move', () => pair.takers().length > 0, { withinMs });
        expect(pair.takers()).toEqual(['i-neptune']);
      },
      etcdIn(folder),
    );
  });
});
