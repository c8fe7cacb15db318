/** Whatever is wrong with a request, its answer has the documented form. */
import { expect, test } from 'vitest';
import { answerWhileStarting } from '../src/state-views.ts';
import { buildApi, openRaw } from './support/api.ts';

const cases: readonly (readonly [what: string, text: string, status: number, code: string])[] = [
  ['no Host', 'GET /livez HTTP/1.1\r\n\r\n', 400, 'malformed'],
  ['a bad escape', 'GET /%zz HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 400, 'malformed'],
  ['a bad escape in a known path', 'GET /v1/%E0%A4%A HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 400, 'malformed'],
  ['an expectation', 'GET /livez HTTP/1.1\r\nhost: 192.0.2.1\r\nexpect: tea\r\n\r\n', 417, 'expectation'],
  ['CONNECT', 'CONNECT 192.0.2.9:443 HTTP/1.1\r\nhost: 192.0.2.9\r\n\r\n', 405, 'method-not-allowed'],
  ['no route', 'GET /v1/none HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 404, 'not-found'],
  ['a path of *', 'OPTIONS * HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 404, 'not-found'],
  ['another method', 'TRACE /livez HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 405, 'method-not-allowed'],
  ['a rare method', 'PROPFIND /livez HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n', 405, 'method-not-allowed'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'malformed'],
  ['an unknown version', 'GET /livez HTTP/3.7\r\nhost: 192.0.2.1\r\n\r\n', 400, 'malformed'],
  ['a name without a value', 'GET /livez HTTP/1.1\r\nhost 192.0.2.1\r\n\r\n', 400, 'malformed'],
  ['a long path', `GET /${'a'.repeat(9_000)} HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n`, 431, 'too-large'],
  [
    'an upgrade',
    'GET /v1/none HTTP/1.1\r\nhost: 192.0.2.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    404,
    'not-found',
  ],
  [
    'a large message that waits to be asked for',
    'POST /v1/gossip HTTP/1.1\r\nhost: 192.0.2.1\r\nexpect: 100-continue\r\ncontent-length: 99999999\r\n\r\n',
    413,
    'too-large',
  ],
  [
    'chunk extensions without end',
    `POST /v1/gossip HTTP/1.1\r\nhost: 192.0.2.1\r\nx-failtome-signature: ${'A'.repeat(43)}\r\n` +
      `transfer-encoding: chunked\r\n\r\n5;${'x'.repeat(20_000)}`,
    413,
    'too-large',
  ],
];

test.each(cases)('%s is answered in the documented form', async (_what, text, status, code) => {
  const api = buildApi();
  const stranger = await openRaw(await api.listen());
  stranger.socket.write(text);
  const answered = (await stranger.until(/\}\}/)).replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
  expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  const [head = '', body = ''] = answered.split('\r\n\r\n');
  expect(head).toMatch(/\r\ncontent-type: application\/json/i);
  expect(JSON.parse(body)).toEqual({ error: { code, message: expect.any(String) } });
  expect(api.faults).toEqual([]);
});

test('a monitor that speaks HTTP/1.0 without Host is answered', async () => {
  const api = buildApi();
  const monitor = await openRaw(await api.listen());
  monitor.socket.write('GET /livez HTTP/1.0\r\n\r\n');
  expect(await monitor.closed()).toMatch(/^HTTP\/1\.1 200 OK.*"live":true/s);
});

test('a message that waits to be asked for is asked for', async () => {
  const api = buildApi();
  const stranger = await openRaw(await api.listen());
  stranger.socket.write(
    'POST /v1/gossip HTTP/1.1\r\nhost: 192.0.2.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n' +
      `x-failtome-signature: ${'A'.repeat(43)}\r\n\r\n`,
  );
  await stranger.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  stranger.socket.write('{}');
  expect(await stranger.until(/\}\}/)).toMatch(/HTTP\/1\.1 401 .*"signature"/s);
});

test('while starting everything but health is refused in the documented form', async () => {
  const api = buildApi();
  answerWhileStarting(api.app, { state: () => null, waitingFor: () => 'finding out who this node is' });
  for (const url of ['/v1/status', '/v1/history', '/', '/v1/none']) {
    const response = await api.app.inject({ url });
    expect([url, response.statusCode, response.json()]).toEqual([
      url,
      503,
      { error: { code: 'starting', message: 'finding out who this node is' } },
    ]);
  }
  expect((await api.app.inject({ url: '/livez' })).statusCode).toBe(200);
});
