import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EtcdStore } from '../../packages/agent/src/adapters/etcd-store.ts';
import { type OpenStore, openStore } from '../../packages/agent/src/adapters/relay-stores.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import { SimulatedStore } from '../../packages/sim/src/world/simulated-store.ts';
import { has } from '../../scripts/requirements.mjs';
import { type Dynalite, startDynalite } from '../support/dynalite.ts';
import { type Etcd, etcdSettings as settingsOf, startEtcd } from '../support/etcd.ts';
import { describeRelayStore, read, type StoreWorld, write } from './relay-store-contract.ts';

const settle = <T>(answer: Promise<T>): Promise<T> => answer;

describeRelayStore('of the simulator', async () => {
  const queue = createQueue();
  const store = new SimulatedStore(queue, createRandom(1));
  return {
    open: () => store.for('a', (ms) => queue.now() + ms),
    lose() {
      store.fail(null, 'lost');
      store.heal();
    },
    settle(answer) {
      while (queue.runNext(queue.now() + 1_000));
      return answer;
    },
    close: () => undefined,
  };
});

const TABLE = 'failtome';

/** A table of dynalite's, and clients that find it as they find AWS. */
async function openDynamo(): Promise<StoreWorld & { readonly dynalite: Dynalite }> {
  const dynalite = await startDynalite();
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', dynalite.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  const opened: OpenStore[] = [];
  await dynalite.createTable(TABLE);
  return {
    dynalite,
    async open() {
      const store = await openStore({ kind: 'dynamodb', table: TABLE, region: null }, 'us-east-1');
      opened.push(store);
      return store;
    },
    async lose() {
      await dynalite.deleteTable(TABLE);
      await vi.waitFor(() => dynalite.createTable(TABLE));
    },
    settle,
    async close() {
      for (const store of opened) store.close();
      await dynalite.close();
      vi.unstubAllEnvs();
    },
  };
}

describeRelayStore('in DynamoDB', openDynamo);

describe('a table of DynamoDB', () => {
  test('that is gone is told as such, and works again once it is there', async () => {
    const world = await openDynamo();
    try {
      const store = await world.open();
      expect(await write(store, 'k', 'one', null)).toMatchObject({ kind: 'written' });
      await world.dynalite.deleteTable(TABLE);
      const gone = { kind: 'failed', code: 'ResourceNotFoundException' };
      await vi.waitFor(async () => expect(await read(store, 'k')).toMatchObject(gone));
      expect(await write(store, 'k', 'two', '1')).toMatchObject(gone);
      await vi.waitFor(() => world.dynalite.createTable(TABLE));
      await vi.waitFor(async () => expect(await read(store, 'k')).toEqual({ kind: 'none' }));
      expect(await write(store, 'k', 'two', '1')).toEqual({ kind: 'conflict' });
    } finally {
      await world.close();
    }
  });
});

const missing = has('etcd') ? '' : ' (skipped: needs etcd; apt-get install -y etcd-server)';
describe.skipIf(!has('etcd'))(`a real etcd${missing}`, () => {
  describeRelayStore('in etcd', async () => {
    const etcd = await startEtcd();
    const opened: EtcdStore[] = [];
    return {
      open() {
        const store = new EtcdStore(settingsOf(etcd.endpoint), {});
        opened.push(store);
        return store;
      },
      lose: () => etcd.lose(),
      settle,
      async close() {
        for (const store of opened) store.close();
        await etcd.close();
      },
    };
  });

  describe('in trouble', () => {
    let etcd: Etcd;
    beforeAll(async () => {
      etcd = await startEtcd(['--quota-backend-bytes', '200000']);
    });
    afterAll(() => etcd.close());

    test('keeps what it has accepted over a loss of power', async () => {
      const store = new EtcdStore(settingsOf(etcd.endpoint), {});
      const result = await write(store, 'power', 'one', null);
      const version = result.kind === 'written' ? result.version : '';
      await etcd.restart();
      // The kept connection is dead: that call is lost, and none of it is sent twice.
      await vi.waitFor(async () =>
        expect(await read(store, 'power')).toEqual({ kind: 'item', version, text: 'one' }),
      );
      expect(await write(store, 'power', 'two', version)).toMatchObject({ kind: 'written' });
      store.close();
    });

    test('that stands still is unanswered when its time is up, and the next call asks the next endpoint', async () => {
      const other = await startEtcd();
      const store = new EtcdStore(settingsOf(etcd.endpoint, other.endpoint), {});
      expect(await read(store, 'still')).toEqual({ kind: 'none' });
      etcd.freeze();
      try {
        expect(await write(store, 'still', 'one', null, 300)).toMatchObject({
          kind: 'failed',
          code: 'timeout',
        });
        expect(await read(store, 'still')).toEqual({ kind: 'none' });
      } finally {
        etcd.thaw();
        store.close();
        await other.close();
      }
    });

    test('that is full refuses writes, and says why', async () => {
      const store = new EtcdStore(settingsOf(etcd.endpoint), {});
      let last = await write(store, 'full', 'x', null);
      for (let count = 0; last.kind === 'written' && count < 50; count += 1)
        last = await write(store, 'full', 'x'.repeat(100_000), last.version);
      expect(last).toMatchObject({ kind: 'failed', detail: expect.stringContaining('space exceeded') });
      expect(await read(store, 'power')).toMatchObject({ kind: 'item' });
      store.close();
    });

    test('that is not there fails at once, and what is no etcd is not believed', async () => {
      const store = new EtcdStore(settingsOf('http://127.0.0.1:1'), {});
      expect(await read(store, 'k')).toMatchObject({ kind: 'failed', code: 'ECONNREFUSED' });
      store.close();
    });
  });
});
