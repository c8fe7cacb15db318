/** Requests as bytes: valid ones of every route, bent by the grammar of HTTP, one after the other on one connection. */
import fc from 'fast-check';
import { SIGNATURE_HEADER, signRequest } from '../../packages/agent/src/auth/signature.ts';
import { MESSAGE_ROUTES } from '../../packages/agent/src/http/message-routes.ts';
import { KEYS } from '../../packages/agent/test/support/api.ts';
import { encodeMessage } from '../../packages/protocol/src/index.ts';
import { anyMessage, anyText } from '../../packages/protocol/test/support/arbitraries.ts';
import { spoils, spoilt } from './mutate.ts';

const views = ['/', '/v1/status', '/v1/why', '/v1/history', '/v1/holder', '/livez', '/readyz', '/metrics'];
const method = fc.constantFrom(
  'GET',
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'BREW',
  'get',
  '',
);
const query = fc.constantFrom(
  '',
  '?',
  '?ip=192.0.2.1',
  '?ip=%zz',
  '?ip=a&ip=b',
  '?limit=1',
  '?limit=-1',
  '?limit=1e9',
  '?__proto__=1',
  '?%00',
  `?${'x'.repeat(9_000)}`,
);
const path = fc.oneof(
  fc.constantFrom(...views, ...MESSAGE_ROUTES),
  fc.constantFrom(
    '*',
    '//',
    '/..',
    '/%2e%2e/',
    '/v1/gossip/',
    'http://elsewhere/livez',
    '/\u00ff',
    '/v1/status#x',
    '',
  ),
);
const version = fc.constantFrom(
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/9.9',
  'http/1.1',
  '',
);
const header = fc.constantFrom(
  'host: test',
  'host: test',
  'host: elsewhere.example',
  'host:',
  'Host: test\r\nHost: other',
  'content-length: 5',
  'content-length: -1',
  'content-length: 99999999999999999999',
  'content-length: 5, 5',
  'content-length : 5',
  'transfer-encoding: chunked',
  'transfer-encoding: gzip, chunked',
  'Transfer-Encoding:\tchunked\r\n content-length: 3',
  'expect: 100-continue',
  'expect: tea',
  'connection: close',
  'connection: keep-alive, upgrade\r\nupgrade: h2c',
  'connection: x-failtome-signature',
  'content-type: application/json',
  'content-type: text/html',
  'content-type: \u00ff',
  'authorization: Bearer 0123456789abcdef',
  `${SIGNATURE_HEADER}: ${'A'.repeat(43)}`,
  `${SIGNATURE_HEADER}:`,
  'x-failtome-time: 1e99',
  'cookie: a=b',
  'x: \u0000',
  `x: ${'y'.repeat(9_000)}`,
  ' folded: yes',
  'no colon',
);
const ending = fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r');
const chunked = fc.constantFrom(
  '0\r\n\r\n',
  '5\r\nhello\r\n0\r\n\r\n',
  '5;x=y\r\nhello\r\n0\r\nt: 1\r\n\r\n',
  'zz\r\n',
  'fffffffff\r\n',
  '-1\r\n\r\n',
);
const body = fc.oneof(fc.constant(''), fc.json(), chunked, anyText(50));

const plain = fc
  .record({ method, path, query, version, headers: fc.array(header, { maxLength: 5 }), ending, body })
  .map(
    ({ method: verb, path: where, query: asked, version: spoken, headers, ending: end, body: sent }) =>
      `${[`${verb} ${where}${asked} ${spoken}`, 'host: test', ...headers].join(end)}${end}${end}${sent}`,
  );

/** A message as its sender would put it on the wire, rightly signed, and then spoilt. */
const message = fc
  .record({ message: anyMessage, route: fc.constantFrom(...MESSAGE_ROUTES), spoils })
  .map(({ message: told, route, spoils: where }) => {
    const text = spoilt(encodeMessage(told), where);
    const signature = signRequest(KEYS, { method: 'POST', path: route, body: text });
    const head = `POST ${route} HTTP/1.1\r\nhost: test\r\n${SIGNATURE_HEADER}: ${signature}`;
    return `${head}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  });

/** What one connection sends: some requests, the bytes of which may be spoilt, in some pieces. */
export const connection: fc.Arbitrary<readonly Buffer[]> = fc
  .record({
    requests: fc.array(fc.oneof(plain, message), { minLength: 1, maxLength: 4 }),
    spoils,
    pieces: fc.array(fc.nat(4_000), { maxLength: 3 }),
  })
  .map(({ requests, spoils: where, pieces }) => {
    const bytes = Buffer.from(spoilt(requests.join(''), where), 'utf8');
    const cuts = [0, ...pieces.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
  });
