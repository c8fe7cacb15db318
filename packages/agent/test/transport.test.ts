import { createServer, type Server, type Socket } from 'node:net';
import {
  decodeMessage,
  type Envelope,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type SendEffect,
  type SendFailure,
} from '@failtome/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MAX_CONNECTIONS_PER_PEER } from '../src/adapters/peer-connections.ts';
import { PeerTransport } from '../src/adapters/transport.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import { SIGNATURE_HEADER, signResponse } from '../src/auth/signature.ts';
import { answerTo, buildApi, envelope, KEYS, OTHER_KEYS, type Received } from './support/api.ts';

interface Outcomes {
  readonly transport: PeerTransport;
  /** Every outcome posted so far. */
  readonly posted: {
    readonly sendId: number;
    readonly result: 'answered' | SendFailure;
  }[];
  /** Send, and wait for the outcome. */
  send(change?: Partial<SendEffect>): Promise<'answered' | SendFailure>;
  readonly answers: Envelope[];
}

function buildTransport(port: number, identities = SHARED_KEY): Outcomes {
  const posted: Outcomes['posted'] = [];
  const answers: Envelope[] = [];
  const waiting = new Map<number, (result: 'answered' | SendFailure) => void>();
  const transport = new PeerTransport(
    { peers: [{ id: 'neptune', url: `http://127.0.0.1:${port}` }], keys: KEYS, identities },
    {
      post(event) {
        if (event.kind !== 'answered' && event.kind !== 'send-failed')
          throw new Error(`unexpected ${event.kind}`);
        const result = event.kind === 'answered' ? 'answered' : event.reason;
        if (event.kind === 'answered') answers.push(event.message);
        posted.push({ sendId: event.sendId, result });
        waiting.get(event.sendId)?.(result);
      },
      reply: () => undefined,
    },
  );
  onTestFinished(() => transport.close());
  let lastId = 0;
  function send(change: Partial<SendEffect> = {}): Promise<'answered' | SendFailure> {
    lastId += 1;
    const sendId = lastId;
    return new Promise((resolve) => {
      waiting.set(sendId, resolve);
      const message = envelope({ seq: sendId });
      transport.send({
        kind: 'send',
        sendId,
        to: 'neptune',
        route: '/v1/gossip',
        message,
        fresh: false,
        timeoutMs: 5_000,
        ...change,
      });
    });
  }
  return { transport, posted, send, answers };
}

interface FakePeer {
  readonly port: number;
  /** Every connection so far. */
  readonly sockets: Socket[];
  /** Every request so far, head and body. */
  readonly requests: string[];
  readonly server: Server;
}

/** A peer that answers each request as it is told: with text, or by closing (`null`), or not at all (`''`). */
async function fakePeer(
  answer: (request: string, index: number, socket: Socket) => string | null,
): Promise<FakePeer> {
  const sockets: Socket[] = [];
  const requests: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const length = /content-length: (\d+)\r\n/.exec(text)?.[1];
      const end = text.indexOf('\r\n\r\n');
      if (end < 0 || text.length < end + 4 + Number(length)) return;
      const request = text;
      text = '';
      requests.push(request);
      const response = answer(request, requests.length - 1, socket);
      if (response === null) socket.destroy();
      else socket.write(response, 'latin1');
    });
  });
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return { port: address.port, sockets, requests, server };
}

function http(status: number, body: string, headers: Record<string, string> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} X\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** An authentic answer to this request. */
function authentic(
  request: string,
  status = 200,
  body = encodeMessage(envelope({ from: 'neptune' })),
  keys = KEYS,
): string {
  const requestSignature = /x-failtome-signature: (\S+)/.exec(request)?.[1] ?? '';
  const signature = signResponse(keys, {
    method: 'POST',
    path: '/v1/gossip',
    status,
    requestSignature,
    body,
  });
  return http(status, body, { [SIGNATURE_HEADER]: signature });
}

test('a message reaches the peer as it was, and its answer comes back', async () => {
  const api = buildApi();
  const { send, answers } = buildTransport(await api.listen());
  const message = envelope({ seq: 7 });
  expect(await send({ route: '/v1/vote', message })).toBe('answered');
  expect(api.received).toEqual([{ kind: 'received', requestId: 1, route: '/v1/vote', message }]);
  expect(answers).toEqual([answerTo(api.received[0] as Received).message]);
});

test.each([403, 409, 429] as const)('an authentic refusal (%i) is an answer', async (status) => {
  const api = buildApi({ answer: (event) => answerTo(event, status) });
  const { send } = buildTransport(await api.listen());
  expect(await send()).toBe('answered');
});

test('a peer with other keys is a failure of status, for it refuses first', async () => {
  const api = buildApi({ keys: () => OTHER_KEYS });
  const { send } = buildTransport(await api.listen());
  expect(await send()).toBe('status');
  expect(api.rejected).toEqual(['signature']);
});

const body = encodeMessage(envelope({ from: 'neptune' }));
const otherRequest = signResponse(KEYS, {
  method: 'POST',
  path: '/v1/gossip',
  status: 200,
  requestSignature: 'x',
  body,
});
const LONG = 'HTTP/1.1 200 OK\r\n';
const LARGE = 'x'.repeat(MAX_MESSAGE_BYTES + 1);
const bad: readonly (readonly [string, SendFailure, (request: string) => string | null])[] = [
  ['that is unsigned', 'unauthentic', () => http(200, body)],
  ['of a foreign key', 'unauthentic', (request) => authentic(request, 200, body, OTHER_KEYS)],
  ['to another request', 'unauthentic', () => http(200, body, { [SIGNATURE_HEADER]: otherRequest })],
  ['whose status was changed', 'unauthentic', (request) => authentic(request, 409).replace('409', '200')],
  ['that was changed', 'unauthentic', (request) => authentic(request).replace('"web"', '"wub"')],
  [
    'that is the request itself',
    'unauthentic',
    (request) =>
      http(200, request.split('\r\n\r\n')[1] ?? '', {
        [SIGNATURE_HEADER]: /x-failtome-signature: (\S+)/.exec(request)?.[1] ?? '',
      }),
  ],
  ['that is an error page', 'status', () => http(502, '<html>')],
  ['that is unsigned and refuses', 'status', () => http(409, body)],
  ['that is a redirect', 'status', () => http(302, '', { location: 'http://127.0.0.1:1/' })],
  ['that is authentic and no message', 'malformed', (request) => authentic(request, 200, '{}')],
  // Neither ends: what is too large is given up at the bound, not at the time-out.
  ['that is too large', 'malformed', () => `${LONG}content-length: 9999999\r\n\r\n${LARGE}`],
  // It ends with the very bytes that are too many.
  [
    'that is too large by a byte, and whole',
    'malformed',
    () => `${LONG}content-length: ${MAX_MESSAGE_BYTES + 1}\r\n\r\n${'x'.repeat(MAX_MESSAGE_BYTES + 1)}`,
  ],
  [
    'that is too large, in chunks',
    'malformed',
    () => `${LONG}transfer-encoding: chunked\r\n\r\nfffff\r\n${LARGE}`,
  ],
  ['with too many header bytes', 'malformed', () => http(200, '', { 'x-a': 'a'.repeat(5_000) })],
  ['that is not HTTP', 'malformed', () => 'hello\r\n\r\n'],
  ['that breaks off', 'unreachable', () => null],
];

test.each(bad)(
  'an answer %s is a failure (%s), and its connection is not used again',
  async (_what, failure, answer) => {
    const peer = await fakePeer((request, index) => (index === 0 ? answer(request) : authentic(request)));
    const { send, posted } = buildTransport(peer.port);
    expect(await send()).toBe(failure);
    expect(await send()).toBe('answered');
    expect(peer.sockets).toHaveLength(2);
    expect(posted.map(({ sendId }) => sendId)).toEqual([1, 2]);
  },
);

test('an answer that does not come, or comes in drips, is a time-out, counted to the last byte', async () => {
  const peer = await fakePeer((request, index, socket) => {
    if (index === 0) return '';
    const text = authentic(request);
    let at = text.length - 50;
    const drip = setInterval(() => socket.writable && socket.write(text.charAt(at++)), 90);
    socket.on('close', () => clearInterval(drip));
    return text.slice(0, at);
  });
  const { send } = buildTransport(peer.port);
  // Not later: the drips would have come to an answer.
  expect([await send({ timeoutMs: 100 }), await send({ timeoutMs: 100 })]).toEqual(['timeout', 'timeout']);
  expect(peer.sockets).toHaveLength(2);
});

test('an answer that comes after its time-out shows that the peer is there', async () => {
  const held: (() => void)[] = [];
  const peer = await fakePeer((request, _index, socket) => {
    held.push(() => socket.write(authentic(request), 'latin1'));
    return '';
  });
  const { send, posted, answers } = buildTransport(peer.port);
  // Long enough for the request to have left, on a busy machine too: one that never left has no late answer.
  expect(await send({ timeoutMs: 500 })).toBe('timeout');
  await vi.waitFor(() => expect(held).toHaveLength(1), 10_000);
  for (const answer of held) answer();
  await vi.waitFor(() => expect(answers).toHaveLength(1), 10_000);
  expect(posted.map(({ result }) => result)).toEqual(['timeout', 'answered']);
});

test('a peer that does not listen has refused', async () => {
  const peer = await fakePeer(() => null);
  await new Promise((resolve) => peer.server.close(resolve));
  expect(await buildTransport(peer.port).send()).toBe('refused');
});

test('a peer that nobody knows is unreachable', async () => {
  const { send } = buildTransport(1);
  expect(await send({ to: 'pluto' })).toBe('unreachable');
});

test('messages share a connection; a fresh one has its own, closed afterwards', async () => {
  const peer = await fakePeer((request) => authentic(request));
  const { send } = buildTransport(peer.port);
  for (const fresh of [false, false, true, false]) expect(await send({ fresh })).toBe('answered');
  expect(peer.sockets).toHaveLength(2);
  expect(peer.requests.map((request) => /connection: (\S+)/i.exec(request)?.[1])).toEqual([
    undefined,
    undefined,
    'close',
    undefined,
  ]);
  const second = peer.sockets[1];
  await expect.poll(() => second?.readyState).not.toBe('open');
});

test('a stuck message does not hold up the next', async () => {
  const peer = await fakePeer((request, index) => (index === 0 ? '' : authentic(request)));
  const { send, posted } = buildTransport(peer.port);
  const stuck = send({ timeoutMs: 300 });
  await expect.poll(() => peer.requests.length).toBe(1);
  expect(await send()).toBe('answered');
  expect(await stuck).toBe('timeout');
  expect(posted.map(({ sendId }) => sendId)).toEqual([2, 1]);
});

test('a kept connection that the peer has closed meanwhile is replaced before the next message, sent once', async () => {
  const peer = await fakePeer((request) => authentic(request));
  const { send } = buildTransport(peer.port);
  expect(await send()).toBe('answered');
  const first = peer.sockets[0];
  const closed = new Promise((resolve) => first?.once('close', resolve));
  first?.end();
  await closed;
  expect(await send()).toBe('answered');
  expect([peer.sockets.length, peer.requests.length]).toEqual([2, 2]);
});

test('a connection that breaks under a message fails it; the message is not sent again', async () => {
  const peer = await fakePeer((request, index) => (index === 1 ? null : authentic(request)));
  const { send } = buildTransport(peer.port);
  expect([await send(), await send()]).toEqual(['answered', 'unreachable']);
  expect(peer.requests).toHaveLength(2);
});

test('the connections to one peer are bounded, and each message has one outcome', async () => {
  const peer = await fakePeer(() => '');
  const { send, posted } = buildTransport(peer.port);
  const sends = Array.from({ length: MAX_CONNECTIONS_PER_PEER + 3 }, () => send({ timeoutMs: 200 }));
  const results = await Promise.all(sends);
  expect(results.filter((result) => result === 'unreachable')).toHaveLength(3);
  expect(results.filter((result) => result === 'timeout')).toHaveLength(MAX_CONNECTIONS_PER_PEER);
  expect(peer.sockets.length).toBeLessThanOrEqual(MAX_CONNECTIONS_PER_PEER);
  expect(new Set(posted.map(({ sendId }) => sendId)).size).toBe(posted.length);
});

test('another URL and other keys count from the next message on', async () => {
  const [before, after] = [
    await fakePeer((request) => authentic(request)),
    await fakePeer((request) => authentic(request, 200, body, OTHER_KEYS)),
  ];
  const { send, transport } = buildTransport(before.port);
  expect(await send()).toBe('answered');
  transport.reconfigure({
    peers: [{ id: 'neptune', url: `http://127.0.0.1:${after.port}/` }],
    keys: OTHER_KEYS,
    identities: SHARED_KEY,
  });
  expect(await send()).toBe('answered');
  expect([before.requests.length, after.requests.length]).toEqual([1, 1]);
  await expect.poll(() => before.sockets[0]?.readyState).not.toBe('open');
  transport.reconfigure({ peers: [], keys: OTHER_KEYS, identities: SHARED_KEY });
  expect(await send()).toBe('unreachable');
});

test('connections to a peer that did not change outlive a reconfiguration', async () => {
  const peer = await fakePeer((request) => authentic(request));
  const { send, transport } = buildTransport(peer.port);
  expect(await send()).toBe('answered');
  transport.reconfigure({
    peers: [{ id: 'neptune', url: `http://127.0.0.1:${peer.port}` }],
    keys: KEYS,
    identities: SHARED_KEY,
  });
  expect(await send()).toBe('answered');
  expect(peer.sockets).toHaveLength(1);
});

test('a heartbeat has no header but those that it needs', async () => {
  const peer = await fakePeer((request) => authentic(request));
  await buildTransport(peer.port).send();
  const [head = '', sent = ''] = (peer.requests[0] ?? '').split('\r\n\r\n');
  const [request, ...headers] = head.split('\r\n');
  expect(request).toBe('POST /v1/gossip HTTP/1.1');
  expect(headers.map((line) => line.split(':')[0]?.toLowerCase()).sort()).toEqual([
    'content-length',
    'host',
    SIGNATURE_HEADER,
  ]);
  expect(decodeMessage(sent)).toEqual({ kind: 'message', message: envelope() });
});

test('a reply goes to the request that waits for it', () => {
  const replies: unknown[] = [];
  const transport = new PeerTransport(
    { peers: [], keys: KEYS, identities: SHARED_KEY },
    { post: () => undefined, reply: (effect) => replies.push(effect) },
  );
  const effect = { kind: 'reply', requestId: 3, status: 200, message: envelope() } as const;
  transport.reply(effect);
  expect(replies).toEqual([effect]);
});
