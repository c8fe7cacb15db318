/** Reads of a peer's views against a real API: signed both ways, bounded, whatever `api.read` says there. */
import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { PeerReads } from '../src/adapters/peer-reads.ts';
import type { ClusterKeys } from '../src/auth/keys.ts';
import { REPORT_PATH } from '../src/http/cluster-view.ts';
import { type ApiOptions, buildApi, KEYS, OTHER_KEYS, READERS } from './support/api.ts';

const BOUNDS = { timeoutMs: 5_000, maxBytes: 10_000 };

function reads(port: number, keys: ClusterKeys = KEYS): PeerReads {
  const made = new PeerReads({
    peers: () => [{ id: 'neptune', url: `http://127.0.0.1:${port}` }],
    keys: () => keys,
    certificate: () => null,
    wallMs: () => READERS.now,
  });
  onTestFinished(() => made.close());
  return made;
}

async function readFrom(options: ApiOptions, keys?: ClusterKeys) {
  const api = buildApi(options);
  return reads(await api.listen(), keys).read('neptune', REPORT_PATH, BOUNDS);
}

/** Answers everything with this body, signed by nobody. */
async function impostor(body: string): Promise<number> {
  const server = createServer((_request, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test.each(['anyone', 'token', 'peers'] as const)('with api.read: %s a peer reads', async (read) => {
  expect(await readFrom({ readers: { read } })).toMatchObject({
    kind: 'read',
    json: { cluster: 'web', decisions: [{ address: '192.0.2.1' }], history: [] },
  });
});

test('a node with another key is refused where reading is closed, and believes nothing where it is open', async () => {
  expect(await readFrom({ readers: { read: 'peers' } }, OTHER_KEYS)).toMatchObject({ code: 'refused' });
  expect(await readFrom({}, OTHER_KEYS)).toMatchObject({ kind: 'failed', code: 'unauthentic' });
});

test('an answer that nobody signed is no word of the peer', async () => {
  const port = await impostor('{"node":{"id":"neptune"}}');
  expect(await reads(port).read('neptune', REPORT_PATH, BOUNDS)).toMatchObject({ code: 'unauthentic' });
});

test('an answer that is too large, late or of nobody is a failure with its reason', async () => {
  const port = await impostor('x'.repeat(20_000));
  expect(await reads(port).read('neptune', '/', BOUNDS)).toMatchObject({ code: 'malformed' });
  const hanging = buildApi({ views: { cluster: () => new Promise(() => undefined) } });
  const slow = reads(await hanging.listen());
  expect(await slow.read('neptune', '/v1/cluster', { ...BOUNDS, timeoutMs: 20 })).toMatchObject({
    code: 'timeout',
  });
  expect(await reads(1).read('neptune', '/', BOUNDS)).toMatchObject({ code: 'unreachable' });
  expect(await reads(1).read('mars', '/', BOUNDS)).toMatchObject({ code: 'unreachable' });
});

test('one connection serves one read after another, and none is opened after the end', async () => {
  const api = buildApi();
  let opened = 0;
  api.app.server.on('connection', () => {
    opened += 1;
  });
  const made = reads(await api.listen());
  for (let i = 0; i < 3; i += 1) expect((await made.read('neptune', REPORT_PATH, BOUNDS)).kind).toBe('read');
  expect(opened).toBe(1);
  made.close();
  expect((await made.read('neptune', REPORT_PATH, BOUNDS)).kind).toBe('failed');
});
