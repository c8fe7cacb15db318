import { decodeMessage, encodeMessage, MAX_MESSAGE_BYTES, type RejectReason } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signRequest, signResponse, verifyResponse } from '../src/auth/signature.ts';
import { MESSAGE_ROUTES } from '../src/http/message-routes.ts';
import { answerTo, buildApi, envelope, KEYS, OTHER_KEYS, type Received, signed } from './support/api.ts';

const BODY = encodeMessage(envelope());

test.each(MESSAGE_ROUTES)('%s hands a signed message over and signs the answer to it', async (route) => {
  const api = buildApi();
  const headers: Record<string, string> = { ...signed(route), 'content-type': 'application/json' };
  const response = await api.app.inject({ method: 'POST', url: route, body: BODY, headers });
  expect(response.statusCode).toBe(200);
  expect(api.received).toEqual([{ kind: 'received', requestId: 1, route, message: envelope() }]);
  expect(response.headers['content-type']).toBe('application/json');
  const requestSignature = headers[SIGNATURE_HEADER] ?? '';
  const answer = { method: 'POST', path: route, status: 200, requestSignature, body: response.rawPayload };
  expect(verifyResponse(KEYS, answer, String(response.headers[SIGNATURE_HEADER]))).toBe(true);
  expect(decodeMessage(response.body)).toMatchObject({
    kind: 'message',
    message: { to: 'saturn', re: { seq: 1 } },
  });
});

test.each([403, 409, 429] as const)('the protocol refuses with %i in a signed message', async (status) => {
  const api = buildApi({ answer: (event) => answerTo(event, status) });
  const headers = signed('/v1/gossip');
  const response = await api.app.inject({ method: 'POST', url: '/v1/gossip', body: BODY, headers });
  expect(response.statusCode).toBe(status);
  const requestSignature = headers[SIGNATURE_HEADER] ?? '';
  const answer = { method: 'POST', path: '/v1/gossip', status, requestSignature, body: response.rawPayload };
  expect(verifyResponse(KEYS, answer, String(response.headers[SIGNATURE_HEADER]))).toBe(true);
  // Counted by the protocol, which knows why.
  expect(api.rejected).toEqual([]);
});

const path = '/v1/gossip';
const reflected = signResponse(KEYS, {
  method: 'POST',
  path,
  status: 200,
  requestSignature: 'x',
  body: BODY,
});
const refusals: readonly (readonly [
  string,
  number,
  RejectReason,
  { url: string; body: string; headers: Record<string, string> },
])[] = [
  ['without a signature', 401, 'unsigned', { url: path, body: BODY, headers: {} }],
  [
    'with an empty signature',
    401,
    'unsigned',
    { url: path, body: BODY, headers: { [SIGNATURE_HEADER]: '' } },
  ],
  [
    'with a made-up signature',
    401,
    'signature',
    { url: path, body: BODY, headers: { [SIGNATURE_HEADER]: 'x'.repeat(43) } },
  ],
  [
    'signed by a foreign key',
    401,
    'signature',
    { url: path, body: BODY, headers: signed(path, BODY, OTHER_KEYS) },
  ],
  [
    'changed on its way',
    401,
    'signature',
    { url: path, body: BODY.replace('"web"', '"wub"'), headers: signed(path) },
  ],
  ['sent to another route', 401, 'signature', { url: '/v1/vote', body: BODY, headers: signed(path) }],
  ['sent with a query', 401, 'signature', { url: `${path}?a=1`, body: BODY, headers: signed(path) }],
  [
    'that was a response',
    401,
    'signature',
    { url: path, body: BODY, headers: { [SIGNATURE_HEADER]: reflected } },
  ],
  ['that is no message', 400, 'malformed', { url: path, body: '{}', headers: signed(path, '{}') }],
  ['that is not JSON', 400, 'malformed', { url: path, body: '{', headers: signed(path, '{') }],
  ['that is empty', 400, 'malformed', { url: path, body: '', headers: signed(path, '') }],
  [
    'of another content type',
    415,
    'malformed',
    { url: path, body: BODY, headers: { ...signed(path), 'content-type': 'text/plain' } },
  ],
  [
    'of a senseless content type',
    415,
    'malformed',
    { url: path, body: BODY, headers: { ...signed(path), 'content-type': ';;/' } },
  ],
  [
    'too large and unsigned',
    413,
    'too-large',
    { url: path, body: 'x'.repeat(MAX_MESSAGE_BYTES + 1), headers: {} },
  ],
  [
    'too large',
    413,
    'too-large',
    { url: path, body: 'x'.repeat(MAX_MESSAGE_BYTES + 1), headers: signed(path) },
  ],
];

test.each(refusals)(
  'a message %s is answered %i and counted as %s; the protocol never sees it',
  async (_, status, reason, request) => {
    const api = buildApi();
    const response = await api.app.inject({ method: 'POST', ...request });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
    expect(api.rejected).toEqual([reason]);
    expect(api.received).toEqual([]);
    expect(api.faults).toEqual([]);
  },
);

test('a message of exactly the greatest size is read', async () => {
  const api = buildApi();
  const body = BODY + ' '.repeat(MAX_MESSAGE_BYTES - BODY.length);
  const response = await api.app.inject({ method: 'POST', url: path, body, headers: signed(path, body) });
  expect(response.statusCode).not.toBe(413);
  expect(api.rejected).not.toContain('too-large');
});

test('after a change of keys the old one is refused without a restart', async () => {
  let keys = KEYS;
  const api = buildApi({ keys: () => keys });
  const request = { method: 'POST', url: path, body: BODY, headers: signed(path) } as const;
  expect((await api.app.inject(request)).statusCode).toBe(200);
  keys = [OTHER_KEYS[0], KEYS[0]];
  expect((await api.app.inject(request)).statusCode).toBe(200);
  keys = OTHER_KEYS;
  expect((await api.app.inject(request)).statusCode).toBe(401);
});

test('a reply that does not come in time is 503, and dropped when it comes', async () => {
  const api = buildApi({ answer: () => null, inbox: { replyTimeoutMs: 20 } });
  const response = await api.app.inject({ method: 'POST', url: path, body: BODY, headers: signed(path) });
  expect(response.statusCode).toBe(503);
  expect(response.json()).toMatchObject({ error: { code: 'no-reply' } });
  expect(() => api.inbox.reply(answerTo(api.received[0] as Received))).not.toThrow();
});

test('beyond the bound of waiting requests the next is 503 at once, and there is room again after a reply', async () => {
  const api = buildApi({ answer: () => null, inbox: { maxWaiting: 2 } });
  const send = () => api.app.inject({ method: 'POST', url: path, body: BODY, headers: signed(path) });
  const waiting = [send(), send()];
  await expect.poll(() => api.received.length).toBe(2);
  const third = await send();
  expect([third.statusCode, third.json().error.code, api.received.length]).toEqual([503, 'overloaded', 2]);
  expect(api.rejected).toEqual(['overloaded']);
  for (const event of api.received) api.inbox.reply(answerTo(event));
  expect((await Promise.all(waiting)).map((response) => response.statusCode)).toEqual([200, 200]);
  const fourth = send();
  await expect.poll(() => api.received.length).toBe(3);
  api.inbox.reply(answerTo(api.received[2] as Received));
  expect((await fourth).statusCode).toBe(200);
});

test('closing the API answers what still waits', async () => {
  const api = buildApi({ answer: () => null });
  const response = api.app.inject({ method: 'POST', url: path, body: BODY, headers: signed(path) });
  await expect.poll(() => api.received.length).toBe(1);
  await api.app.close();
  expect((await response).statusCode).toBe(503);
});

test('an unknown path is 404; a known one with another method is 405 and names its own', async () => {
  const api = buildApi();
  const inject = (method: 'GET' | 'POST' | 'DELETE', url: string) => api.app.inject({ method, url });
  expect((await inject('GET', '/v1/none')).statusCode).toBe(404);
  expect((await inject('POST', '/v1/none')).statusCode).toBe(404);
  expect((await inject('GET', '/v1/gossip')).headers.allow).toBe('POST');
  expect((await inject('POST', '/v1/status?x=1')).headers.allow).toBe('GET, HEAD');
  expect((await inject('DELETE', '/v1/gossip')).statusCode).toBe(405);
  expect((await inject('GET', '/%zz')).statusCode).toBe(400);
});

test('views answer JSON that nobody may cache', async () => {
  const api = buildApi();
  for (const url of ['/v1/status', '/v1/history', '/v1/why', '/livez', '/readyz']) {
    const response = await api.app.inject({ url });
    expect([url, response.statusCode, response.headers['cache-control']]).toEqual([url, 200, 'no-store']);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    expect(response.headers).not.toHaveProperty('server');
  }
});

test('metrics are text', async () => {
  const response = await buildApi().app.inject({ url: '/metrics' });
  expect(response.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(response.body).toBe('failtome_paused 0\n');
});

test('readyz says why not', async () => {
  const api = buildApi({
    views: { ready: () => ({ ready: false, reason: 'the probe of 192.0.2.1 has not run' }) },
  });
  const response = await api.app.inject({ url: '/readyz' });
  expect([response.statusCode, response.json().reason]).toEqual([503, 'the probe of 192.0.2.1 has not run']);
});

test('GET /v1/holder answers 200 on the holder and 503 elsewhere', async () => {
  const views = {
    addresses: () => ['192.0.2.1', '2001:db8::A'],
    isHolder: (ip: string) => ip === '2001:db8::A',
  };
  const api = buildApi({ views });
  const status = async (ip: string) => (await api.app.inject({ url: `/v1/holder?ip=${ip}` })).statusCode;
  expect(await Promise.all([status('192.0.2.1'), status('2001:db8::a'), status('192.0.2.9')])).toEqual([
    503, 200, 404,
  ]);
});

test('why needs an address where there are several, and a known one', async () => {
  const api = buildApi({ views: { addresses: () => ['192.0.2.1', '192.0.2.2'] } });
  const get = async (query: string) => await api.app.inject({ url: `/v1/why${query}` });
  expect((await get('')).json().error.message).toBe('ip is needed: one of 192.0.2.1, 192.0.2.2');
  expect((await get('')).statusCode).toBe(400);
  expect((await get('?ip=192.0.2.2')).json().address).toBe('192.0.2.2');
  expect((await get('?ip=192.0.2.3')).statusCode).toBe(404);
  expect((await get('?ip=')).statusCode).toBe(404);
  expect((await get('?ip=192.0.2.1&ip=192.0.2.2')).statusCode).toBe(400);
});

test('a fault of a view is 500 without its text, and is told to the agent', async () => {
  const fault = new Error('secret detail');
  const api = buildApi({
    views: {
      status: () => {
        throw fault;
      },
    },
  });
  const response = await api.app.inject({ url: '/v1/status' });
  expect(response.statusCode).toBe(500);
  expect(response.body).not.toMatch(/secret detail|at .*\.ts/);
  expect(api.faults).toEqual([fault]);
});

test('the signature of one request does not verify the answer to another', async () => {
  const api = buildApi();
  const response = await api.app.inject({ method: 'POST', url: path, body: BODY, headers: signed(path) });
  const requestSignature = signRequest(KEYS, { method: 'POST', path, body: '{}' });
  const answer = { method: 'POST', path, status: 200, requestSignature, body: response.rawPayload };
  expect(verifyResponse(KEYS, answer, String(response.headers[SIGNATURE_HEADER]))).toBe(false);
});
