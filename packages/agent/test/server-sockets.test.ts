import { encodeMessage, MAX_MESSAGE_BYTES } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import type { ServerLimits } from '../src/http/http-server.ts';
import { answerTo, buildApi, envelope, openRaw, type Received, rawPost, signed } from './support/api.ts';

const PATH = '/v1/gossip';
const BODY = encodeMessage(envelope());
const QUICK: Partial<ServerLimits> = { headersMs: 100, requestMs: 200, checkMs: 20 };

test('the answer to a heartbeat carries a signature and a length, and nothing else', async () => {
  const api = buildApi();
  const peer = await openRaw(await api.listen());
  peer.socket.write(rawPost(PATH, BODY, signed(PATH)));
  const text = await peer.until(/\r\n\r\n.*\}$/s);
  const [head = '', body = ''] = text.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\nx-failtome-signature: [\w-]{43}\r\ncontent-length: \d+$/);
  expect(body).toBe(encodeMessage(answerTo(api.received[0] as Received).message));
});

test('a connection serves many messages, pipelined ones too', async () => {
  const api = buildApi();
  const peer = await openRaw(await api.listen());
  peer.socket.write(rawPost(PATH, BODY, signed(PATH)).repeat(3));
  await peer.until(/(HTTP\/1\.1 200 OK.*){3}/s);
  peer.socket.write(rawPost(PATH, BODY, signed(PATH)));
  await peer.until(/(HTTP\/1\.1 200 OK.*){4}/s);
  expect(api.received.map(({ requestId }) => requestId)).toEqual([1, 2, 3, 4]);
});

test('one who asks for the connection to be closed is answered and closed', async () => {
  const api = buildApi();
  const peer = await openRaw(await api.listen());
  peer.socket.write(rawPost(PATH, BODY, { ...signed(PATH), connection: 'close' }));
  expect(await peer.closed()).toMatch(/^HTTP\/1\.1 200 OK/);
});

test.each([
  ['headers that never end', `POST ${PATH} HTTP/1.1\r\nhost: test\r\nx-a: `],
  ['a body that never ends', rawPost(PATH, BODY, signed(PATH)).slice(0, -5)],
  [
    'a chunked body that never ends',
    `POST ${PATH} HTTP/1.1\r\nhost: test\r\n${SIGNED()}transfer-encoding: chunked\r\n\r\n5\r\nabc`,
  ],
])('%s: 408 and closed', async (_what, text) => {
  const api = buildApi({ limits: QUICK });
  const slow = await openRaw(await api.listen());
  slow.socket.write(text);
  expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n.*"too-slow"/s);
  expect(api.rejected).toEqual(['too-slow']);
  expect(api.received).toEqual([]);
});

function SIGNED(): string {
  return Object.entries(signed(PATH))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}

test('a body that drips, a byte at a time, is cut off all the same', async () => {
  const api = buildApi({ limits: QUICK });
  const slow = await openRaw(await api.listen());
  const text = rawPost(PATH, BODY, signed(PATH));
  slow.socket.write(text.slice(0, -100));
  let at = text.length - 100;
  const drip = setInterval(() => slow.socket.writable && slow.socket.write(text.charAt(at++)), 10);
  onTestFinished(() => clearInterval(drip));
  expect(await slow.closed()).toMatch(/^HTTP\/1\.1 408 /);
  expect(api.received).toEqual([]);
});

test('a connection on which nothing is said is closed', async () => {
  const api = buildApi({ limits: QUICK });
  const silent = await openRaw(await api.listen());
  expect(await silent.closed()).not.toMatch(/ 200 /);
});

test('an unsigned message is refused before its body has come, and cut off when that never does', async () => {
  const api = buildApi({ limits: QUICK });
  const slow = await openRaw(await api.listen());
  slow.socket.write(rawPost(PATH, BODY, {}).slice(0, -5));
  expect(await slow.until(/\}\}/)).toMatch(/^HTTP\/1\.1 401 .*"unsigned"/s);
  await slow.closed();
});

test('a large message is 413 as soon as it is told, and its sender can read so', async () => {
  const api = buildApi();
  const sender = await openRaw(await api.listen());
  sender.socket.write(
    rawPost(PATH, 'x'.repeat(20 * MAX_MESSAGE_BYTES), { ...signed(PATH), connection: 'close' }),
  );
  expect(await sender.closed()).toMatch(/^HTTP\/1\.1 413 .*"too-large"/s);
  expect(api.rejected).toEqual(['too-large']);
});

test('a chunked message that turns out too large is 413', async () => {
  const api = buildApi();
  const sender = await openRaw(await api.listen());
  const chunk = 'x'.repeat(MAX_MESSAGE_BYTES + 1);
  sender.socket.write(`POST ${PATH} HTTP/1.1\r\nhost: test\r\n${SIGNED()}transfer-encoding: chunked\r\n\r\n`);
  sender.socket.write(`${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`);
  expect(await sender.until(/\}\}/)).toMatch(/^HTTP\/1\.1 413 /);
  expect(api.rejected).toEqual(['too-large']);
});

test.each([
  ['not HTTP', 'hello there\r\n\r\n', 400, 'malformed'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00', 400, 'malformed'],
  [
    'two lengths',
    `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`,
    400,
    'malformed',
  ],
  [
    'a length and chunks',
    `POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`,
    400,
    'malformed',
  ],
  ['endless headers', `GET / HTTP/1.1\r\nx-a: ${'a'.repeat(10_000)}\r\n`, 431, 'too-large'],
])('%s is refused and closed', async (_what, text, status, reason) => {
  const api = buildApi();
  const stranger = await openRaw(await api.listen());
  stranger.socket.write(text, 'latin1');
  expect(await stranger.closed()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} .*"${reason}"`, 's'));
  expect(api.rejected).toEqual([reason]);
});

test('junk after a message does not spoil its answer', async () => {
  const api = buildApi();
  const peer = await openRaw(await api.listen());
  peer.socket.write(`${rawPost(PATH, BODY, signed(PATH))}\0\0junk\r\n\r\n`);
  await peer.closed();
  expect(api.received).toHaveLength(1);
  expect(api.rejected).toEqual(['malformed']);
});

test('a flood of connections cannot push out a peer, and a new one gets in', async () => {
  const api = buildApi({ limits: { maxConnections: 3 } });
  const port = await api.listen();
  const peer = await openRaw(port);
  peer.socket.write(rawPost(PATH, BODY, signed(PATH)));
  await peer.until(/ 200 OK/);
  const flood = [await openRaw(port), await openRaw(port), await openRaw(port)] as const;
  await flood[0].closed();
  const late = await openRaw(port);
  await flood[1].closed();
  for (const connection of [peer, late]) {
    connection.socket.write(
      rawPost(PATH, encodeMessage(envelope({ seq: 2 })), signed(PATH, encodeMessage(envelope({ seq: 2 })))),
    );
  }
  await late.until(/ 200 OK/);
  await peer.until(/( 200 OK.*){2}/s);
  expect(api.rejected).toEqual(['overloaded', 'overloaded']);
});

test('a connection whose message the protocol refused is not trusted', async () => {
  const api = buildApi({ limits: { maxConnections: 1 }, answer: (event) => answerTo(event, 409) });
  const port = await api.listen();
  const replayer = await openRaw(port);
  replayer.socket.write(rawPost(PATH, BODY, signed(PATH)));
  await replayer.until(/ 409 /);
  await openRaw(port);
  await replayer.closed();
});

test('closing the API closes connections that are idle or silent', async () => {
  const api = buildApi();
  const port = await api.listen();
  const [silent, idle] = [await openRaw(port), await openRaw(port)];
  idle.socket.write(rawPost(PATH, BODY, signed(PATH)));
  await idle.until(/ 200 OK/);
  await api.app.close();
  await Promise.all([silent.closed(), idle.closed()]);
});
