/**
 * One connection to a peer: HTTP/1.1, kept open between requests, one request at a time.
 *
 * On Node's own client. undici's parser is WebAssembly, and the compiled module costs every idle agent 9 MB of memory
 * (docs/decisions/0010-peers-over-nodes-own-client.md).
 */
import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { DurationMs } from '@failtome/protocol';
import { type HttpUrl, httpUrl } from '../config/http-url.ts';
import { connectSecurely, type Secure } from '../tls/connect.ts';
import { boundAnswer } from './answer-bounds.ts';

/** Shorter than the server's own limit, so that a connection is hardly ever closed under a request. */
const IDLE_MS: DurationMs = 60_000;

const MAX_RESPONSE_HEADER_BYTES = 4_096;

/** The most bytes of a whole answer beside its body's: headers, informational responses, chunk framing. */
const MAX_FRAMING_BYTES = 65_536;

/** One request to a peer. */
export interface PeerRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty for a GET. */
  readonly body: string;
  /** The connection is closed after this one. */
  readonly last: boolean;
  /** The most bytes of the answer's body. */
  readonly maxBodyBytes: number;
}

/** A peer's answer, read to its end. */
export interface PeerResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Why a connection was given up, by the code. */
export class ConnectionError extends Error {
  readonly code: 'CONNECT_TIMEOUT' | 'EXCHANGE_TIMEOUT' | 'RESPONSE_TOO_LARGE';

  constructor(code: ConnectionError['code']) {
    super(code);
    this.code = code;
  }
}

/** Where a peer is, and how it is connected to. */
export interface PeerConnectionOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly connectTimeoutMs: DurationMs;
  /** Null: plain HTTP. */
  readonly secure: Secure | null;
}

/** One connection to a peer: a request at a time, kept open between them. */
export class PeerConnection {
  readonly #origin: HttpUrl;
  readonly #connectTimeoutMs: DurationMs;
  readonly #agent: Agent;
  /** A connection that is not secure yet: no request has it. */
  #opening: Socket | null = null;
  #underWay: ClientRequest | null = null;
  #cause: Error | null = null;

  /** Nothing is opened yet. */
  constructor({ origin, connectTimeoutMs, secure }: PeerConnectionOptions) {
    this.#origin = httpUrl(origin);
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: IDLE_MS });
    // A request gets the connection only when the peer has proved who it is: nothing is sent to anybody else.
    if (secure !== null) this.#agent.createConnection = (_options, created) => this.#open(secure, created);
  }

  /**
   * Ask, and read the whole answer, whatever its status. Nothing is sent twice.
   *
   * @throws ConnectionError, or the system's or the parser's error with its `code`
   */
  ask({ method, path, headers, body, last, maxBodyBytes }: PeerRequest): Promise<PeerResponse> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(this.#cause ?? error);
      const { host, port, secure } = this.#origin;
      const request = httpRequest({
        host,
        port,
        defaultPort: secure ? 443 : 80,
        method,
        path,
        headers: {
          ...headers,
          ...(method === 'GET' ? {} : { 'Content-Length': Buffer.byteLength(body) }),
          ...(last ? { Connection: 'close' } : {}),
        },
        agent: this.#agent,
        maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
      });
      // Open is what a connection stays by default (RFC 9112, 9.3): the header would only cost bytes.
      if (!last) request.removeHeader('connection');
      this.#underWay = request;
      this.#limitConnecting(request);
      boundAnswer(request, maxBodyBytes + MAX_FRAMING_BYTES, () =>
        this.destroy(new ConnectionError('RESPONSE_TOO_LARGE')),
      );
      request.on('error', fail);
      request.on('response', (response) => {
        readBody(response, maxBodyBytes, (error) => this.destroy(error)).then((bytes) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes });
        }, fail);
      });
      request.end(body);
    });
  }

  /** Close it. A request under way fails with `cause`, where one is given. */
  destroy(cause: Error | null = null): void {
    this.#cause ??= cause;
    // Without the cause: where the answer has come in full, Node gives it to a socket that nobody listens to any more.
    this.#underWay?.destroy();
    this.#opening?.destroy();
    this.#agent.destroy();
  }

  /** From the look-up of the name on. */
  #limitConnecting(request: ClientRequest): void {
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const connected = this.#startConnecting();
      socket.once('connect', connected).once('close', connected);
    });
  }

  /** Answers what ends the time for it. */
  #startConnecting(): () => void {
    const timer = setTimeout(
      () => this.destroy(new ConnectionError('CONNECT_TIMEOUT')),
      this.#connectTimeoutMs,
    );
    return () => clearTimeout(timer);
  }

  #open(secure: Secure, created: ((error: Error | null, socket: Socket) => void) | undefined): null {
    const connected = this.#startConnecting();
    const { host, port } = this.#origin;
    const opening = connectSecurely({ host, port, idleMs: IDLE_MS }, secure, (result) => {
      connected();
      this.#opening = null;
      if (result instanceof Error) created?.(result, opening);
      else created?.(null, result);
    });
    this.#opening = opening;
    return null;
  }
}

function readBody(
  response: IncomingMessage,
  maxBytes: number,
  giveUp: (error: Error) => void,
): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    response.on('error', reject);
    response.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= maxBytes) return void parts.push(part);
      const error = new ConnectionError('RESPONSE_TOO_LARGE');
      giveUp(error);
      // It may have come in full, and would end as if nothing were wrong.
      reject(error);
    });
    response.on('end', () => resolve(Buffer.concat(parts)));
  });
}
