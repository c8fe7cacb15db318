/**
 * One HTTP/1.1 request on a connection of its own, with nothing unbounded about it.
 *
 * `node:http` with a socket made for the request: no agent, no pool, no redirects, no proxy, and the
 * socket is destroyed at the end whatever happened. There is no time-out here; whoever starts an
 * exchange ends it (`http-check.ts`).
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP, type LookupFunction, connect as netConnect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, connect as tlsConnect } from 'node:tls';
import type { AttemptEnd } from '@failtome/ports';
import type { CheckFailure } from '@failtome/protocol';
import { boundAnswer } from './answer-bounds.ts';

/** The most bytes of status line and headers that an answer may have. */
export const MAX_HEADER_BYTES = 16_384;

/** The most bytes of a whole answer beside twice its body's: headers, informational responses, chunk framing, trailers. */
const MAX_FRAMING_BYTES = 65_536;

/** The most characters of a detail that comes from outside. */
const MAX_DETAIL_CHARS = 200;

/** Where a request goes, and what it asks for. */
export interface ExchangeTarget {
  /** Where to connect: an address, or a name to resolve. */
  readonly host: string;
  readonly port: number;
  /** 4 or 6: resolve a name to that family only. 0: either. */
  readonly family: 0 | 4 | 6;
  /** Null: no TLS. `servername` empty: none is sent. Without `verify` any certificate will do. */
  readonly tls: { readonly servername: string; readonly verify: boolean } | null;
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly path: string;
  /** Sent as they are, `Host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Left out: none. Its length is the caller's to say in a header. */
  readonly body?: string;
  /** Where the body is longer, reading stops and the answer counts as whole, `truncated`. */
  readonly maxBodyBytes: number;
  /** Whether `body` is wanted, or only read. */
  readonly keepBody: boolean;
}

/** How an exchange ended: an attempt at a check, with the body of its answer. */
export type ExchangeEnd =
  | (Extract<AttemptEnd, { kind: 'answered' }> & { readonly body: Buffer; readonly truncated: boolean })
  | Exclude<AttemptEnd, { kind: 'answered' }>;

/** How far an exchange has come. */
export type Stage = 'name' | 'connect' | 'tls' | 'answer' | 'body';

/** A request that is under way. */
export interface Exchange {
  stage(): Stage;
  /** End it without an answer: `ended` is not called any more. */
  destroy(): void;
}

/** Start an exchange. `ended` is called once at most, and never before this function has returned. */
export function exchange(
  target: ExchangeTarget,
  lookup: LookupFunction,
  ended: (end: ExchangeEnd) => void,
): Exchange {
  let stage: Stage = isIP(target.host) === 0 ? 'name' : 'connect';
  let over = false;
  let release = (): void => undefined;
  const destroy = (): void => {
    over = true;
    release();
  };
  const end = (result: ExchangeEnd): void => {
    if (over) return;
    destroy();
    ended(result);
  };
  const fail = (error: unknown): void => end(failureOf(error, stage));

  try {
    const socket = openSocket(target, lookup);
    // Errors that come after the end find this listener still there, and are of no interest then.
    socket.on('error', fail);
    release = () => socket.destroy();
    socket.once('lookup', () => (stage = 'connect'));
    socket.once('connect', () => (stage = target.tls === null ? 'answer' : 'tls'));
    socket.once('secureConnect', () => (stage = 'answer'));
    const request = requestOver(socket, target);
    release = () => {
      request.destroy();
      socket.destroy();
    };
    request.on('error', fail);
    let cutOff = fail;
    boundAnswer(request, MAX_FRAMING_BYTES + 2 * target.maxBodyBytes, (error) => cutOff(error));
    request.on('response', (response) => {
      stage = 'body';
      cutOff = readBody(response, target, end, fail);
    });
    request.on('close', () =>
      end({ kind: 'failed', reason: 'reset', detail: 'the connection was closed without a whole answer' }),
    );
    request.end(target.body);
  } catch (error) {
    // Only a target that no configuration should have let through, such as a path with a line break.
    queueMicrotask(() => end({ kind: 'inconclusive', detail: messageOf(error) }));
  }
  return { stage: () => stage, destroy };
}

/** @throws TypeError for a path or a header that no request can carry */
export function requestOver(socket: Duplex, { method, path, headers }: ExchangeTarget): ClientRequest {
  return httpRequest({
    createConnection: () => socket,
    method,
    path,
    headers: { ...headers, Connection: 'close' },
    setHost: false,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
}

/** Without verification no trusted certificates are loaded either, which would cost megabytes. */
let unverified: SecureContext | undefined;

function openSocket(target: ExchangeTarget, lookup: LookupFunction): Socket {
  const to = {
    host: target.host,
    port: target.port,
    lookup,
    ...(target.family === 0 ? {} : { family: target.family }),
  };
  if (target.tls === null) return netConnect(to);
  const { servername, verify } = target.tls;
  const tls = { ...to, servername, rejectUnauthorized: verify, ALPNProtocols: ['http/1.1'] };
  if (verify) return tlsConnect(tls);
  unverified ??= createSecureContext({ ca: [] });
  return tlsConnect({ ...tls, secureContext: unverified });
}

/** Answers how to take what has been read for the whole, when the rest is more than will be read. */
function readBody(
  response: IncomingMessage,
  target: ExchangeTarget,
  end: (end: ExchangeEnd) => void,
  fail: (error: unknown) => void,
): () => void {
  const kept: Buffer[] = [];
  let bytes = 0;
  const answered = (truncated: boolean): void =>
    end({
      kind: 'answered',
      status: response.statusCode ?? 0,
      body: Buffer.concat(kept).subarray(0, target.maxBodyBytes),
      truncated,
    });
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (target.keepBody) kept.push(chunk);
    if (bytes > target.maxBodyBytes) answered(true);
  });
  response.on('end', () => answered(false));
  response.on('error', fail);
  return () => answered(true);
}

const FAILURES: Readonly<Record<string, CheckFailure>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  // What a local firewall that drops outgoing packets answers.
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ENOTFOUND: 'name',
  ENODATA: 'name',
};

/** These tell about this machine, not about the other. */
const OWN_SIDE: ReadonlySet<string> = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'EADDRINUSE',
  'EAFNOSUPPORT',
]);

/** What an error of a socket, a TLS session, a resolver or the HTTP parser means. */
export function failureOf(error: unknown, stage: Stage): ExchangeEnd {
  const code = codeOf(error);
  const detail = messageOf(error);
  if (OWN_SIDE.has(code)) return { kind: 'inconclusive', detail };
  const reason = FAILURES[code];
  if (reason !== undefined) return { kind: 'failed', reason, detail };
  if (code.startsWith('EAI_')) return { kind: 'failed', reason: 'name', detail };
  if (code.startsWith('HPE_')) return { kind: 'failed', reason: 'protocol', detail };
  return { kind: 'failed', reason: stage === 'tls' ? 'tls' : 'protocol', detail };
}

/** Where a name had several addresses and each failed: refused only if all of them refused. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const codes = error.errors.map(codeOf);
    return codes.find((code) => code !== 'ECONNREFUSED') ?? 'ECONNREFUSED';
  }
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError)
    return error.errors.map(messageOf).join('; ').slice(0, MAX_DETAIL_CHARS);
  const message = error instanceof Error ? error.message : String(error);
  return message.slice(0, MAX_DETAIL_CHARS);
}

/** What was missing when time ran out. */
export const UNFINISHED: Readonly<Record<Stage, string>> = {
  name: 'the name was not resolved',
  connect: 'no connection',
  tls: 'connected, but the TLS handshake did not finish',
  answer: 'connected, but no answer',
  body: 'the answer did not end',
};
