/** What `failtome check` says of a store with an arbiter in it. */
import { expect, test, vi } from 'vitest';
import { preflightStore } from '../../packages/agent/src/adapters/preflight-store.ts';
import { openStore } from '../../packages/agent/src/adapters/relay-stores.ts';
import { arbiterKey } from '../../packages/ports/src/index.ts';
import { encodeArbiterItem } from '../../packages/protocol/src/index.ts';
import { startDynalite } from '../support/dynalite.ts';

const IP = '198.51.100.7';
const STORE = { kind: 'dynamodb', table: 'failtome', region: 'us-east-1' } as const;
const PROBE = {
  scheme: 'http',
  host: IP,
  port: 80,
  path: '/',
  expect: [{ from: 200, to: 399 }],
  intervalMs: 1_000,
  fastIntervalMs: 500,
  timeoutMs: 1_000,
  fall: 3,
  rise: 2,
} as const;
const CONFIG = {
  cluster: 'web',
  store: STORE,
  gossip: { intervalMs: 500, timeoutMs: 400, deadMs: 3_000, fanout: 3 },
  agreement: { silentPeer: 'takeover', arbiter: true, leaseMs: 10_000 },
  addresses: [{ ip: IP, allocationId: null, privateIp: null, home: null, probe: PROBE }],
} as const;

test('shows what the arbiter has lent last, or that it is still to be made, or is none', async () => {
  const dynalite = await startDynalite();
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', dynalite.endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  const store = await openStore(STORE, null);
  try {
    await dynalite.createTable(STORE.table);
    const line = async () => (await preflightStore(CONFIG, { id: 'saturn', region: null }))[1];
    const stands = (text: string, expected: string | null) =>
      new Promise((resolve) => store.swap(arbiterKey('web', IP), text, expected, 5_000, resolve));
    expect(await line()).toMatchObject({
      name: `arbiter ${IP}`,
      found: expect.stringContaining('not there yet'),
    });
    const lent = encodeArbiterItem({
      founded: 'x.1',
      electorate: '1:x',
      leaseMs: 10_000,
      candidate: 'neptune',
      run: 'x',
      epoch: 7,
      over: true,
    });
    await stands(lent, null);
    expect(await line()).toMatchObject({ found: 'lent last to neptune, for epoch 7; that is over' });
    await stands('something else', lent);
    expect(await line()).toMatchObject({ fix: expect.stringContaining(arbiterKey('web', IP)) });
  } finally {
    store.close();
    await dynalite.close();
    vi.unstubAllEnvs();
  }
});
