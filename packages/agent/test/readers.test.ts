/** Who may read: by name, by token, by signature, and on which listener. */
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER } from '../src/auth/signature.ts';
import { Tokens } from '../src/auth/tokens.ts';
import { READ_CLOCK_TOLERANCE_MS } from '../src/http/readers.ts';
import { type ApiOptions, buildApi, KEYS, OTHER_KEYS, openRaw, READERS } from './support/api.ts';

const CLOSED = [
  '/',
  '/v1/status',
  '/v1/cluster',
  '/v1/events',
  '/v1/why',
  '/v1/history',
  '/v1/holder',
  '/metrics',
];
const OPEN = ['/livez', '/readyz'];
const TOKEN = 'a-token-of-this-node';
const tokens = new Tokens(['another-token-of-it', TOKEN]);

function signedRead(path: string, at: number = READERS.now, keys = KEYS): Record<string, string> {
  const time = String(at);
  return { [TIME_HEADER]: time, [SIGNATURE_HEADER]: signRequest(keys, { method: 'GET', path, body: time }) };
}

async function ask(options: ApiOptions, url: string, headers: Record<string, string> = {}) {
  const response = await buildApi(options).app.inject({ url, headers: { host: '192.0.2.1', ...headers } });
  const refused = response.statusCode >= 400 && response.statusCode !== 503;
  return { status: response.statusCode, code: refused ? response.json().error.code : null, response };
}

test.each([
  '192.0.2.1',
  '192.0.2.1:8741',
  '[2001:db8::1]:8741',
  'localhost:8741',
  'LOCALHOST',
  'Test',
  'test.:80',
])('a read of %s is answered', async (host) => {
  expect((await ask({}, '/v1/status', { host })).status).toBe(200);
});

test.each([
  'attacker.example',
  'attacker.example:8741',
  'test.attacker.example',
  'localhost.attacker.example',
  '[::1',
  '192.0.2.1.attacker.example',
  'a b',
])('a read of %s is refused wherever something can be read', async (host) => {
  for (const url of [...CLOSED, ...OPEN])
    expect([url, await ask({}, url, { host })]).toMatchObject([url, { status: 421, code: 'host' }]);
});

test('two Hosts are refused', async () => {
  const api = buildApi();
  const stranger = await openRaw(await api.listen());
  stranger.socket.write('GET /v1/status HTTP/1.1\r\nhost: 192.0.2.1\r\nhost: attacker.example\r\n\r\n');
  expect(await stranger.until(/\}\}/)).toMatch(/^HTTP\/1\.1 400 .*"malformed"/s);
});

test('who signs may read by any name', async () => {
  const headers = { host: 'neptune.internal:8741', ...signedRead('/v1/status') };
  expect((await ask({}, '/v1/status', headers)).status).toBe(200);
});

for (const read of ['token', 'peers'] as const) {
  test(`with api.read: ${read} nobody reads without a proof, and health is open`, async () => {
    const code = read === 'token' ? 'token' : 'unsigned';
    for (const url of CLOSED)
      expect([url, await ask({ readers: { read, tokens } }, url)]).toMatchObject([
        url,
        { status: 401, code },
      ]);
    for (const url of OPEN) expect((await ask({ readers: { read, tokens } }, url)).status).toBe(200);
  });

  test(`with api.read: ${read} who signs may read`, async () => {
    const readers = { read, tokens };
    const path = '/v1/why?ip=192.0.2.1';
    expect((await ask({ readers }, path, signedRead(path))).status).toBe(200);
    const cases: readonly (readonly [Record<string, string>, string])[] = [
      [signedRead(path, READERS.now, OTHER_KEYS), 'signature'],
      [signedRead('/v1/status'), 'signature'],
      [{ ...signedRead(path), [TIME_HEADER]: String(READERS.now + 1) }, 'signature'],
      [signedRead(path, READERS.now - READ_CLOCK_TOLERANCE_MS - 1), 'stale'],
      [signedRead(path, READERS.now + READ_CLOCK_TOLERANCE_MS + 1), 'stale'],
      [{ [SIGNATURE_HEADER]: signRequest(KEYS, { method: 'GET', path, body: '' }) }, 'stale'],
      [{ [SIGNATURE_HEADER]: 'x' }, 'signature'],
    ];
    for (const [headers, code] of cases)
      expect(await ask({ readers }, path, headers)).toMatchObject({ status: 401, code });
  });
}

test('a token opens as a bearer’s and as a password, and no other word does', async () => {
  const readers = { read: 'token', tokens } as const;
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  for (const authorization of [
    `Bearer ${TOKEN}`,
    `bearer ${TOKEN}`,
    basic(`ann:${TOKEN}`),
    basic(`:${TOKEN}`),
  ])
    expect((await ask({ readers }, '/metrics', { authorization })).status).toBe(200);
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    TOKEN,
    basic('ann:'),
    basic(`${TOKEN}:`),
    `Digest ${TOKEN}`,
  ])
    expect((await ask({ readers }, '/metrics', { authorization })).status).toBe(401);
  const { response } = await ask({ readers }, '/');
  expect(response.headers['www-authenticate']).toMatch(/^Bearer realm="failtome", Basic realm="failtome"/);
});

test('without tokens none opens, an empty one neither', async () => {
  const readers = { read: 'token', tokens: new Tokens([]) } as const;
  for (const authorization of ['Bearer x', 'Basic Og==', ''])
    expect((await ask({ readers }, '/metrics', { authorization })).status).toBe(401);
});

test('a listener for reading routes takes no messages', async () => {
  const api = buildApi({ serves: 'reading routes' });
  expect((await api.app.inject({ url: '/v1/status' })).statusCode).toBe(200);
  for (const url of ['/v1/gossip', '/v1/vote', '/v1/handover', '/v1/pause', '/v1/resume']) {
    const response = await api.app.inject({ method: 'POST', url, body: '{}' });
    expect([url, response.statusCode, response.json().error.code]).toEqual([url, 404, 'not-found']);
  }
});
