/** What strangers send again and again. */
import { SIGNATURE_HEADER } from '../../../packages/agent/src/auth/signature.ts';
import type { Wave } from './flood.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;

/** Fifty kilobytes of requests in one write. */
const pipelined = (path: string): string => get(path).repeat(1_500);

const forged = (bytes: number): string =>
  `POST /v1/gossip HTTP/1.1\r\nhost: saturn\r\n${SIGNATURE_HEADER}: ${'A'.repeat(43)}\r\n` +
  `content-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;

/** Reads that are answered to anyone, pipelined; some are never read. */
export const OPEN_READS: readonly Wave[] = [
  { connections: 2, text: pipelined('/metrics') },
  { connections: 2, text: pipelined('/v1/history') },
  { connections: 2, text: pipelined('/v1/status') },
  { connections: 1, text: pipelined('/v1/why') },
  { connections: 4, text: pipelined('/v1/history?limit=1000'), deaf: true },
];

/** Requests that are refused, each in another place, and connections that are opened again and again. */
export const REFUSED_REQUESTS: readonly Wave[] = [
  { connections: 2, text: get('/v1/none').repeat(2_000) },
  { connections: 4, text: forged(60_000) },
  { connections: 4, text: forged(10).repeat(300) },
  { connections: 2, text: get('/metrics').replace('GET', 'HEAD').repeat(1_500) },
  { connections: 2, text: get('/%zz').repeat(1_500) },
  { connections: 2, text: get('/livez').replace('\r\n\r\n', '\r\nexpect: tea\r\n\r\n') },
  {
    connections: 2,
    text: get('/livez').replace('\r\n\r\n', '\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  },
  { connections: 2, text: `GARBAGE${'\0'.repeat(500)}\r\n\r\n` },
  { connections: 30, text: get('/v1/status').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') },
];
