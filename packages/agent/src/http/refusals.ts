/**
 * How the API says no: `{"error":{"code","message"}}`, with a stable code and never a stack trace.
 */

import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { RejectReason } from '@failtome/protocol';
import type { FastifyReply } from 'fastify';

/** Every code that an error answer may carry; docs/http.md says what each means. */
export const REFUSAL_CODES = [
  'unsigned',
  'signature',
  'operator',
  'malformed',
  'content-type',
  'too-large',
  'too-slow',
  'overloaded',
  'no-reply',
  'bad-query',
  'unknown-address',
  'not-found',
  'method-not-allowed',
  'internal',
  'starting',
  'expectation',
  'host',
  'token',
  'stale',
  'tls',
] as const;

/** The codes of errors of the API. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** The body of an error. */
export interface ErrorBody {
  readonly error: { readonly code: RefusalCode; readonly message: string };
}

/** Send an error answer. */
export function refuse(
  reply: FastifyReply,
  status: number,
  code: RefusalCode,
  message: string,
): FastifyReply {
  const body: ErrorBody = { error: { code, message } };
  return reply.code(status).header('cache-control', 'no-store').send(body);
}

/** What Node's HTTP parser and timers report before there is a request to answer. */
export interface ConnectionFault<Code extends RefusalCode = RefusalCode> {
  readonly status: number;
  readonly code: Code;
  readonly message: string;
}

/** Node's code of a connection's error as a refusal; null where the other side simply went away. */
export function connectionFault(errorCode: string): ConnectionFault<RefusalCode & RejectReason> | null {
  switch (errorCode) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'HPE_INVALID_EOF_STATE':
      return null;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, code: 'too-slow', message: 'the request did not arrive in time' };
    case 'HPE_HEADER_OVERFLOW':
      return { status: 431, code: 'too-large', message: 'the request has too many header bytes' };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code: 'too-large', message: 'the request has too many chunk extension bytes' };
    default:
      return { status: 400, code: 'malformed', message: 'this is not an HTTP/1.1 request' };
  }
}

/** Of a handshake, or of a record after it. */
export function isTlsFault(errorCode: string): boolean {
  return /^ERR_(SSL|TLS)_/.test(errorCode) || errorCode === 'EPROTO';
}

/** Write the refusal, if the connection can still take it, and close. */
export function refuseConnection(socket: Socket, { status, code, message }: ConnectionFault): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = bodyOf(code, message);
  socket.write(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  socket.destroySoon();
}

/** Of a request that no route is asked about. The connection is closed after it. */
export function refuseRequest(response: ServerResponse, { status, code, message }: ConnectionFault): void {
  const body = bodyOf(code, message);
  response.writeHead(status, {
    connection: 'close',
    'cache-control': 'no-store',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

function bodyOf(code: RefusalCode, message: string): string {
  return JSON.stringify({ error: { code, message } } satisfies ErrorBody);
}
