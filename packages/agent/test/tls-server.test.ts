/** The API over TLS against strangers: handshakes on a budget, little time for them, and no mistaking of other protocols. */
import { once } from 'node:events';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { encodeMessage } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { issue } from '../../../test/support/certificates.ts';
import type { ServerTls } from '../src/http/tls-server.ts';
import { type Api, type ApiOptions, buildApi, envelope, openRaw, rawPost, signed } from './support/api.ts';
import { certificateOf, serverTls } from './support/tls.ts';

const PATH = '/v1/gossip';
const MESSAGE = rawPost(PATH, encodeMessage(envelope()), signed(PATH));
const QUICK = { handshakeMs: 150, checkMs: 30 };
const GET_LIVE = 'GET /livez HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n';

async function listen(
  options: ApiOptions = {},
  change: Partial<ServerTls> = {},
): Promise<{ readonly api: Api; readonly port: number }> {
  const api = buildApi({ ...options, tls: serverTls(await certificateOf(await issue()), change) });
  return { api, port: await api.listen() };
}

interface SecureConnection {
  readonly socket: TLSSocket;
  readonly text: () => string;
}

async function openSecure(
  port: number,
  version: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3',
): Promise<SecureConnection> {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: version });
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(socket, 'secureConnect');
  socket.on('error', () => socket.destroy());
  return { socket, text: () => text };
}

test('a stranger reads, and a peer is heard, as without TLS', async () => {
  const { api, port } = await listen();
  const stranger = await openSecure(port);
  stranger.socket.write(GET_LIVE.repeat(20));
  await expect.poll(() => stranger.text().match(/"live":true/g)).toHaveLength(20);
  const peer = await openSecure(port);
  peer.socket.write(MESSAGE);
  await expect.poll(peer.text).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(api.received).toHaveLength(1);
});

test('plain HTTP is told in plain HTTP that this is a port of TLS, and counted', async () => {
  const { api, port } = await listen();
  const stranger = await openRaw(port);
  stranger.socket.write(MESSAGE);
  expect(await stranger.closed()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n.*"code":"tls"/s);
  expect(api.rejected).toEqual(['tls']);
  expect(api.received).toEqual([]);
});

test('plain HTTP is served beside TLS while a cluster is being changed over', async () => {
  let plain: 'accept' | 'refuse' = 'accept';
  const { api, port } = await listen({}, { plain: () => plain });
  const old = await openRaw(port);
  old.socket.write(MESSAGE);
  await old.until(/^HTTP\/1\.1 200 OK/);
  const stranger = await openSecure(port);
  stranger.socket.write(GET_LIVE);
  await expect.poll(stranger.text).toMatch(/"live":true/);
  plain = 'refuse';
  const late = await openRaw(port);
  late.socket.write(MESSAGE);
  expect(await late.closed()).toMatch(/"code":"tls"/);
  expect(api.received).toHaveLength(1);
});

test('an older TLS than 1.3 is refused, and counted', async () => {
  const { api, port } = await listen();
  await expect(openSecure(port, 'TLSv1.2')).rejects.toThrow(/protocol version|PROTOCOL_VERSION/i);
  await expect.poll(() => api.rejected).toEqual(['tls']);
});

test.each([
  ['says nothing', ''],
  ['begins a handshake and leaves it', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
])('a connection that %s is cut off in time', async (_what, bytes) => {
  const { api, port } = await listen({ limits: QUICK });
  const slow = await openRaw(port);
  if (bytes !== '') slow.socket.write(bytes, 'latin1');
  await slow.closed();
  expect(['too-slow', 'tls']).toContain(api.rejected[0]);
  expect(api.rejected).toHaveLength(1);
});

test('what looks like TLS and is none ends its own connection, and is counted', async () => {
  const { api, port } = await listen();
  const stranger = await openRaw(port);
  stranger.socket.write(`\x16\x03\x01\x00\x05${'x'.repeat(500)}`, 'latin1');
  await stranger.closed();
  expect(api.rejected).toEqual(['tls']);
  expect(api.faults).toEqual([]);
});

test('handshakes have a budget, and one that a peer begins does not wait for those of strangers', async () => {
  const { port } = await listen({
    limits: { handshakesPerSecond: 1, handshakeMs: 60_000 },
    isPeerAddress: (address) => address === '127.0.0.1',
  });
  let secure = 0;
  const strangers = Array.from({ length: 20 }, () => {
    const from = { host: '127.0.0.1', port, localAddress: '127.0.0.2' };
    const socket = connectTls({ ...from, rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    socket.on('secureConnect', () => {
      secure += 1;
    });
    return once(socket, 'connect');
  });
  await Promise.all(strangers);
  const peer = await openSecure(port);
  peer.socket.write(MESSAGE);
  await expect.poll(peer.text).toMatch(/ 200 OK/);
  expect(secure).toBeLessThan(20);
});

test('of connections that are not secure yet so many are held; the oldest of who has most makes room', async () => {
  const { api, port } = await listen({ limits: { maxHandshakes: 2, handshakeMs: 60_000 } });
  const [first, second] = [await openRaw(port), await openRaw(port)];
  const peer = await openSecure(port);
  await first.closed();
  expect(api.rejected).toEqual(['overloaded']);
  expect(second.socket.destroyed).toBe(false);
  peer.socket.write(GET_LIVE);
  await expect.poll(peer.text).toMatch(/"live":true/);
});

test('a close ends those who are in the middle of a handshake, too', async () => {
  const { api, port } = await listen({ limits: { handshakeMs: 60_000 } });
  const [silent, begun] = [await openRaw(port), await openRaw(port)];
  begun.socket.write('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1');
  await openSecure(port);
  await api.app.close();
  await Promise.all([silent.closed(), begun.closed()]);
});
