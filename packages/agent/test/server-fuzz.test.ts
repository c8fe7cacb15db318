import { encodeMessage } from '@failtome/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signRequest } from '../src/auth/signature.ts';
import { MESSAGE_ROUTES } from '../src/http/message-routes.ts';
import { buildApi, envelope, KEYS, openRaw, rawPost, signed } from './support/api.ts';

const VIEW_ROUTES = ['/', '/v1/status', '/v1/why', '/v1/history', '/v1/holder', '/livez', '/metrics'];
const bytes = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
const jsonish = fc.json().map((text) => Buffer.from(text));

test('whatever is sent to a message route, signed or not, is refused without a fault', async () => {
  const api = buildApi();
  const route = fc.constantFrom(...MESSAGE_ROUTES);
  await fc.assert(
    fc.asyncProperty(route, fc.oneof(bytes, jsonish), fc.boolean(), async (path, body, isSigned) => {
      const signature = isSigned ? signRequest(KEYS, { method: 'POST', path, body }) : 'A'.repeat(43);
      const response = await api.app.inject({
        method: 'POST',
        url: path,
        body,
        headers: { [SIGNATURE_HEADER]: signature },
      });
      expect(response.statusCode).toBe(isSigned ? 400 : 401);
    }),
  );
  expect([api.received, api.faults]).toEqual([[], []]);
});

test('a message with any one byte changed never reaches the protocol', async () => {
  const api = buildApi();
  const whole = Buffer.from(encodeMessage(envelope()));
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const body = Buffer.from(whole);
      body[at] = (body[at] ?? 0) ^ flip;
      const response = await api.app.inject({
        method: 'POST',
        url: '/v1/gossip',
        body,
        headers: signed('/v1/gossip'),
      });
      expect(response.statusCode).toBe(401);
    }),
  );
  expect(api.received).toEqual([]);
});

test('whatever is asked of a view, the answer is a documented one', async () => {
  const api = buildApi();
  const query = fc.oneof(
    fc.webQueryParameters(),
    fc.constantFrom('ip=192.0.2.1', 'ip=%00', 'ip=%zz', 'ip[]=1', '__proto__=1'),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...VIEW_ROUTES), query, async (path, search) => {
      const response = await api.app.inject({ url: `${path}?${search}` });
      expect(path === '/v1/holder' ? [200, 400, 404, 503] : [200, 400, 404]).toContain(response.statusCode);
    }),
  );
  expect(api.faults).toEqual([]);
});

test('random bytes on a connection end in 4xx or a closed connection, and the next message is served', async () => {
  const api = buildApi({ limits: { headersMs: 50, requestMs: 100, checkMs: 10 } });
  const port = await api.listen();
  const start = fc.constantFrom(
    '',
    'POST /v1/gossip HTTP/1.1\r\n',
    rawPost('/v1/vote', '{}', signed('/v1/vote')),
    'GET / HTTP/1.1\r\n\r\n',
  );
  await fc.assert(
    fc.asyncProperty(start, bytes, async (prefix, junk) => {
      const stranger = await openRaw(port);
      stranger.socket.end(Buffer.concat([Buffer.from(prefix), junk]));
      const statuses = [...(await stranger.closed()).matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) =>
        Number(status),
      );
      expect(statuses.filter((status) => status >= 500)).toEqual([]);
    }),
    { numRuns: 60 },
  );
  const peer = await openRaw(port);
  peer.socket.write(rawPost('/v1/gossip', encodeMessage(envelope()), signed('/v1/gossip')));
  await peer.until(/ 200 OK/);
  expect(api.faults).toEqual([]);
});
