/** Who a peer is, over TLS: by an authority and a name, or by its identity; and that nothing is said to anybody else. */
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  authority,
  type CertificateOptions,
  type Issued,
  issue,
} from '../../../test/support/certificates.ts';
import { PeerTransport } from '../src/adapters/transport.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import type { ServerTls } from '../src/http/tls-server.ts';
import { renewCertificate, reviewConnections } from '../src/http/tls-server.ts';
import type { Certificate } from '../src/tls/certificate.ts';
import { type Api, buildApi, envelope, KEYS, openRaw } from './support/api.ts';
import { certificateOf, serverTls } from './support/tls.ts';

const MINUTE_MS = 60_000;

interface Caller {
  readonly transport: PeerTransport;
  readonly refusals: (string | null)[];
  readonly send: (change?: { readonly fresh?: boolean }) => Promise<string>;
  readonly reconfigure: (certificate: Certificate) => void;
}

interface CallerOptions {
  readonly port: number;
  readonly certificate: Certificate;
  readonly publicKeys?: readonly KeyObject[];
  readonly scheme?: 'http' | 'https';
}

/** The node saturn, which speaks to neptune at this port. */
function caller({ port, certificate, publicKeys = [], scheme = 'https' }: CallerOptions): Caller {
  const refusals: (string | null)[] = [];
  const waiting = new Map<number, (result: string) => void>();
  const peers = [
    { id: 'neptune', url: `${scheme}://127.0.0.1:${port}`, publicKeys: publicKeys.map((key) => ({ key })) },
  ];
  const transport = new PeerTransport(
    { peers, keys: KEYS, identities: SHARED_KEY, certificate },
    {
      post(event) {
        if (event.kind === 'answered') waiting.get(event.sendId)?.('answered');
        else if (event.kind === 'send-failed') waiting.get(event.sendId)?.(event.reason);
      },
      reply: () => undefined,
      onCertificate: (_peer, refusal) => refusals.push(refusal),
    },
  );
  onTestFinished(() => transport.close());
  let sendId = 0;
  return {
    transport,
    refusals,
    reconfigure: (next) =>
      transport.reconfigure({ peers, keys: KEYS, identities: SHARED_KEY, certificate: next }),
    send: ({ fresh = false } = {}) =>
      new Promise((resolve) => {
        sendId += 1;
        waiting.set(sendId, resolve);
        const message = envelope({ seq: sendId });
        transport.send({
          ...{ kind: 'send', sendId, to: 'neptune', route: '/v1/gossip', message, fresh, timeoutMs: 5_000 },
        });
      }),
  };
}

/** The node neptune, with this certificate. */
async function listening(
  certificate: Certificate,
  change: Partial<ServerTls> = {},
): Promise<{ readonly api: Api; readonly port: number }> {
  const api = buildApi({ tls: serverTls(certificate, change) });
  return { api, port: await api.listen() };
}

const NEPTUNE = { names: ['127.0.0.1'] };

async function saturn(ca?: Issued): Promise<Certificate> {
  return certificateOf(await issue({ names: ['saturn'], ...(ca === undefined ? {} : { issuer: ca }) }), ca);
}

test.each([
  ['its address', '127.0.0.1'],
  ['its id', 'neptune'],
])('a peer is known by an authority and %s; messages are the same as without TLS', async (_what, name) => {
  const ca = await authority();
  const { api, port } = await listening(await certificateOf(await issue({ names: [name], issuer: ca }), ca));
  const { send, refusals } = caller({ port, certificate: await saturn(ca) });
  expect(await send()).toBe('answered');
  expect(await send()).toBe('answered');
  expect(api.received).toHaveLength(2);
  expect(refusals).toEqual([]);
});

test.each<[string, CertificateOptions, 'ours' | 'another' | 'itself', RegExp]>([
  ['of another authority', NEPTUNE, 'another', /no authority that is trusted here/],
  ['that is signed by itself', NEPTUNE, 'itself', /signed by itself/],
  [
    'with another name',
    { names: ['10.0.0.1', 'pluto'] },
    'ours',
    /none of its names is 127\.0\.0\.1 or neptune/,
  ],
  ['that has expired', { ...NEPTUNE, fromMs: -2 * MINUTE_MS, forMs: -MINUTE_MS }, 'ours', /has expired/],
  ['that is not valid yet', { ...NEPTUNE, fromMs: MINUTE_MS }, 'ours', /not valid yet/],
])('a peer with a certificate %s is refused, told once, and sent nothing', async (_what, made, by, told) => {
  const [ca, other] = await Promise.all([authority(), authority()]);
  const issuer = { ours: { issuer: ca }, another: { issuer: other }, itself: {} }[by];
  const { api, port } = await listening(await certificateOf(await issue({ ...made, ...issuer })));
  const { send, refusals } = caller({ port, certificate: await saturn(ca) });
  expect(await send()).toBe('unauthentic');
  expect(await send({ fresh: true })).toBe('unauthentic');
  expect(refusals).toEqual([expect.stringMatching(told)]);
  expect(api.received).toEqual([]);
});

test('a peer is known by its identity: a certificate that it signed itself, of any name and time, with its own key', async () => {
  const neptune = await issue({ algorithm: 'ed25519', fromMs: -2 * MINUTE_MS, forMs: -MINUTE_MS });
  const { api, port } = await listening(await certificateOf(neptune));
  const certificate = await saturn();
  const another = await issue({ algorithm: 'ed25519' });
  const known = caller({ port, certificate, publicKeys: [another.publicKey, neptune.publicKey] });
  expect(await known.send()).toBe('answered');
  const mistaken = caller({ port, certificate, publicKeys: [another.publicKey] });
  expect(await mistaken.send()).toBe('unauthentic');
  expect(mistaken.refusals).toEqual([expect.stringMatching(/not the one that it should have/)]);
  expect(api.received).toHaveLength(1);
});

test('beside an identity an authority counts where one is configured', async () => {
  const ca = await authority();
  const { port } = await listening(await certificateOf(await issue({ ...NEPTUNE, issuer: ca })));
  const { publicKey } = await issue({ algorithm: 'ed25519' });
  expect(await caller({ port, certificate: await saturn(ca), publicKeys: [publicKey] }).send()).toBe(
    'answered',
  );
});

test('a peer that is trusted again is told too, and connections that are kept outlast a change of certificates', async () => {
  const [ca, next] = await Promise.all([authority(), authority()]);
  const certificates = await Promise.all(
    [ca, next].map(async (issuer) => certificateOf(await issue({ ...NEPTUNE, issuer }), issuer)),
  );
  const [first, second] = certificates;
  if (first === undefined || second === undefined) throw new Error('two certificates');
  const { api, port } = await listening(first);
  const { send, refusals, reconfigure } = caller({ port, certificate: await saturn(ca) });
  expect(await send()).toBe('answered');
  renewCertificate(api.app.server, second);
  expect(await send()).toBe('answered');
  expect(refusals).toEqual([]);
  expect(await send({ fresh: true })).toBe('unauthentic');
  reconfigure(await saturn(next));
  expect(await send({ fresh: true })).toBe('answered');
  expect(refusals).toEqual([expect.stringMatching(/no authority/), null]);
});

test('a connection that follows another resumes its session, and none does after the certificate was renewed', async () => {
  const ca = await authority();
  const neptune = await certificateOf(await issue({ ...NEPTUNE, issuer: ca }), ca);
  const { api, port } = await listening(neptune);
  const reused: boolean[] = [];
  api.app.server.on('secureConnection', (socket: { isSessionReused(): boolean }) => {
    reused.push(socket.isSessionReused());
  });
  const { send } = caller({ port, certificate: await saturn(ca) });
  expect([await send({ fresh: true }), await send({ fresh: true })]).toEqual(['answered', 'answered']);
  renewCertificate(api.app.server, await certificateOf(await issue({ ...NEPTUNE, issuer: ca }), ca));
  expect(await send({ fresh: true })).toBe('answered');
  expect(reused).toEqual([false, true, false]);
});

test('who has to show a certificate is let in with one of the authority or of an identity, and else is sent away', async () => {
  const ca = await authority();
  const identity = await issue({ algorithm: 'ed25519' });
  const neptune = await certificateOf(await issue({ ...NEPTUNE, issuer: ca }), ca);
  const { api, port } = await listening(neptune, {
    clientAuth: 'required',
    peerKeys: () => [identity.publicKey],
  });
  const publicKeys = [neptune.own.publicKey];
  const send = async (issued: Issued): Promise<string> =>
    caller({ port, certificate: await certificateOf(issued), publicKeys }).send();
  expect(await send(await issue({ issuer: ca }))).toBe('answered');
  expect(await send(identity)).toBe('answered');
  expect(await send(await issue({}))).toBe('unreachable');
  expect(api.rejected).toEqual(['tls']);
  expect(api.received).toHaveLength(2);
});

test('who was let in by a key or an authority that counts no more is let go, and nobody else', async () => {
  const ca = await authority();
  const [kept, taken] = await Promise.all([issue({ algorithm: 'ed25519' }), issue({ algorithm: 'ed25519' })]);
  const neptune = await certificateOf(await issue({ ...NEPTUNE, issuer: ca }), ca);
  const entry = { keys: [kept.publicKey, taken.publicKey], authorities: 'the first' as string | null };
  const { api, port } = await listening(neptune, {
    clientAuth: 'required',
    peerKeys: () => entry.keys,
    authorities: () => entry.authorities,
  });
  const publicKeys = [neptune.own.publicKey];
  const open = new Map<string, unknown>();
  for (const [name, issued] of Object.entries({ kept, taken, vouched: await issue({ issuer: ca }) })) {
    const arrived = once(api.app.server, 'secureConnection');
    expect(await caller({ port, certificate: await certificateOf(issued), publicKeys }).send()).toBe(
      'answered',
    );
    const [socket] = await arrived;
    open.set(name, socket);
    socket.once('close', () => open.delete(name));
  }
  reviewConnections(api.app.server);
  entry.keys = [kept.publicKey];
  reviewConnections(api.app.server);
  await expect.poll(() => [...open.keys()]).toEqual(['kept', 'vouched']);
  entry.authorities = 'another';
  reviewConnections(api.app.server);
  await expect.poll(() => [...open.keys()]).toEqual(['kept']);
  reviewConnections(api.app.server);
  expect([...open.keys()]).toEqual(['kept']);
});

test('plain HTTP that is not accepted any more ends when it has been answered', async () => {
  const neptune = await certificateOf(await issue(NEPTUNE));
  let plain: 'accept' | 'refuse' = 'accept';
  const waiting: (() => void)[] = [];
  const api = buildApi({
    tls: serverTls(neptune, { plain: () => plain }),
    views: { metrics: () => new Promise((resolve) => waiting.push(() => resolve('failtome_paused 0\n'))) },
  });
  const port = await api.listen();
  const [idle, busy] = [await openRaw(port), await openRaw(port)];
  for (const [{ socket, until }, path] of [
    [idle, '/livez'],
    [busy, '/livez'],
  ] as const) {
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n`);
    await until(/"live":true/);
  }
  busy.socket.write('GET /metrics HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n');
  await expect.poll(() => waiting).toHaveLength(1);
  plain = 'refuse';
  reviewConnections(api.app.server);
  await idle.closed();
  waiting[0]?.();
  expect(await busy.closed()).toMatch(/failtome_paused 0/);
});

test('a connection to a peer that is recognised by another key from now on is used no more', async () => {
  const [neptune, another] = await Promise.all([
    issue({ algorithm: 'ed25519' }),
    issue({ algorithm: 'ed25519' }),
  ]);
  const { api, port } = await listening(await certificateOf(neptune));
  let connections = 0;
  api.app.server.on('secureConnection', () => {
    connections += 1;
  });
  const certificate = await saturn();
  const { send, transport } = caller({ port, certificate, publicKeys: [neptune.publicKey] });
  const recogniseBy = (...keys: readonly KeyObject[]): void => {
    const peer = {
      id: 'neptune',
      url: `https://127.0.0.1:${port}`,
      publicKeys: keys.map((key) => ({ key })),
    };
    transport.reconfigure({ peers: [peer], keys: KEYS, identities: SHARED_KEY, certificate });
  };
  expect(await send()).toBe('answered');
  recogniseBy(neptune.publicKey);
  expect(await send()).toBe('answered');
  expect(connections).toBe(1);
  recogniseBy(another.publicKey);
  expect(await send()).toBe('unauthentic');
  recogniseBy(another.publicKey, neptune.publicKey);
  expect(await send()).toBe('answered');
});

test('a peer that speaks plain HTTP where TLS is expected fails at once, and so does the reverse', async () => {
  const plain = buildApi();
  const certificate = await saturn();
  expect(await caller({ port: await plain.listen(), certificate }).send()).toBe('malformed');
  const { api, port } = await listening(certificate);
  expect(await caller({ port, certificate, scheme: 'http' }).send()).toBe('status');
  expect(api.rejected).toEqual(['tls']);
});

test('a peer that takes connections and says nothing is given up in time', async () => {
  const silent = createServer(() => undefined);
  onTestFinished(() => void silent.close());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const { transport } = caller({ port: address.port, certificate: await saturn() });
  const results: string[] = [];
  const patient = new PeerTransport(
    {
      peers: [{ id: 'neptune', url: `https://127.0.0.1:${address.port}` }],
      identities: SHARED_KEY,
      keys: KEYS,
      certificate: await saturn(),
    },
    {
      post: (event) => results.push(event.kind === 'send-failed' ? event.reason : event.kind),
      reply: () => undefined,
    },
  );
  onTestFinished(() => patient.close());
  patient.send({
    ...{
      kind: 'send',
      sendId: 1,
      to: 'neptune',
      route: '/v1/gossip',
      message: envelope(),
      fresh: true,
      timeoutMs: 100,
    },
  });
  await expect.poll(() => results).toEqual(['timeout']);
  transport.close();
});
