/** Whatever is sent to any route, over real connections: a documented status or a closed connection, and no effect. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Envelope, encodeMessage } from '../../packages/protocol/src/index.ts';
import { forgerOf, SIGNATURE_HEADER } from './support/forge.ts';
import { scenario } from './support/scenario.ts';
import { Stranger, statusesIn } from './support/sockets.ts';
import { expectUnchanged } from './support/unchanged.ts';

/** As many requests as a test can afford; the seed is fixed so that a failure can be looked at. */
const runs = 150;
const seed = 20_261;

const views = ['/', '/v1/status', '/v1/why', '/v1/history', '/v1/holder', '/livez', '/readyz', '/metrics'];
const messages = ['/v1/gossip', '/v1/vote', '/v1/handover', '/v1/pause', '/v1/resume'];

/** What anybody may be answered who isn't a peer. */
const documented = [200, 400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 421, 431, 501, 503, 505];

const query = fc.oneof(
  fc.constant(''),
  fc.webQueryParameters().map((text) => `?${text}`),
  fc.constantFrom(
    '?ip=127.0.0.1',
    '?ip=%00',
    '?ip=%zz',
    '?ip[]=1&ip=2',
    '?__proto__=1',
    '?ip=../../etc/passwd',
  ),
);
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'BREW');
const path = fc.oneof(
  fc.constantFrom(...views, ...messages),
  fc.webPath().map((text) => (text === '' ? '/' : text)),
  fc.constantFrom('//', '/v1/../v1/status', '/%2e%2e/etc/passwd', '/v1/gossip/', 'http://elsewhere/', '*'),
);
const header = fc.constantFrom(
  'content-type: application/json',
  'content-type: text/plain',
  'content-type: application/json; charset=\u00ff',
  'expect: 100-continue',
  'upgrade: websocket\r\nconnection: upgrade',
  'x-forwarded-for: 127.0.0.1',
  `${SIGNATURE_HEADER}: ${'A'.repeat(43)}`,
  `${SIGNATURE_HEADER}: `,
  `${SIGNATURE_HEADER}: a\r\n${SIGNATURE_HEADER}: b`,
  'accept-encoding: gzip, br',
);
const body = fc.oneof(
  fc.constant(''),
  fc.json(),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
);
const request = fc.record({
  method,
  path,
  query,
  headers: fc.array(header, { maxLength: 4 }),
  body,
});

scenario('requests at random, unsigned or badly signed', {}, async (scene) => {
  const { cluster } = scene;
  const { api } = cluster.node('saturn').agent;
  await expectUnchanged(scene, 'saturn', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method: verb, path: where, query: asked, headers, body: sent }) => {
        const length = Buffer.byteLength(sent, 'latin1');
        const head = [`${verb} ${where}${asked} HTTP/1.1`, 'host: saturn', 'connection: close', ...headers];
        const text = `${head.join('\r\n')}\r\ncontent-length: ${length}\r\n\r\n${sent}`;
        const stranger = new Stranger(api.url);
        stranger.socket.end(Buffer.from(text, 'latin1'));
        const statuses = statusesIn(await stranger.ended).filter((status) => status !== 100);
        for (const status of statuses) expect(documented).toContain(status);
      }),
      { numRuns: runs, seed },
    );
  });
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});

/** Any one part of a message replaced by something else. */
const spoilt = fc.record({
  key: fc.constantFrom<keyof Envelope>(
    'v',
    'cluster',
    'from',
    'session',
    'seq',
    'to',
    't',
    'echo',
    're',
    'payload',
  ),
  value: fc.jsonValue(),
  route: fc.constantFrom(...messages),
});

scenario('messages at random, signed with the right key', {}, async (scene) => {
  const { cluster } = scene;
  const forger = await forgerOf(cluster);
  const { api } = cluster.node('saturn').agent;
  await expectUnchanged(scene, 'saturn', async () => {
    await fc.assert(
      fc.asyncProperty(spoilt, async ({ key, value, route }) => {
        const whole: unknown = JSON.parse(encodeMessage(forger.message()));
        const text = JSON.stringify(Object.assign({}, whole, { [key]: value }));
        const { status } = await forger.post(api, route, text);
        expect([400, 403, 409]).toContain(status);
      }),
      { numRuns: runs, seed },
    );
  });
  await cluster.node('saturn').web.kill();
  await scene.moved('neptune');
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
