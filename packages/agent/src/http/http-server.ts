/** Node's HTTP server with the bounds of the API, and an answer of the documented form in every case. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { DurationMs, MonotonicMs, RejectReason } from '@failtome/protocol';
import { ALL_ARRIVALS_PER_SECOND, ARRIVALS_PER_SECOND, Arrivals } from './arrivals.ts';
import { ConnectionGate, MAX_CONNECTIONS } from './connections.ts';
import { HANDSHAKES_PER_SECOND, MAX_HANDSHAKES } from './handshakes.ts';
import { type Handle, Intake, MAX_HELD_BYTES, PIECES_PER_SECOND } from './intake.ts';
import { connectionFault, isTlsFault, refuseConnection, refuseRequest } from './refusals.ts';
import { REQUESTS_PER_SECOND, SECURE_KIB_PER_SECOND, Senders } from './senders.ts';
import { createTlsServer, type ServerTls } from './tls-server.ts';

/** How long the parts of a connection may take. */
export interface ServerLimits {
  /** From a connection's or a request's beginning to the end of its headers. */
  readonly headersMs: DurationMs;
  /** From a request's beginning to the end of its body. */
  readonly requestMs: DurationMs;
  /** From there until its answer has been taken in full. Longer than a reply may wait. */
  readonly answerMs: DurationMs;
  /** Without a byte either way while a request is under way. */
  readonly stalledMs: DurationMs;
  /** Between requests. Longer than a gossip interval, and than a peer keeps an idle connection. */
  readonly keepAliveMs: DurationMs;
  /** How often the first three are looked at. It wakes the process for as long as it lives. */
  readonly checkMs: DurationMs;
  readonly maxConnections: number;
  /** New connections of one stranger's address, and of all of these, that are taken in. */
  readonly arrivalsPerSecond: number;
  readonly allArrivalsPerSecond: number;
  readonly arrivalsAtOnce: number;
  readonly piecesPerSecond: number;
  readonly maxHeldBytes: number;
  /** Of one sender that has shown a key, served at once. */
  readonly requestsPerSecond: number;
  /** Of TLS: as `requestsPerSecond`, what is decrypted at once. */
  readonly secureKibPerSecond: number;
  /** Of TLS: from a connection's beginning until it is secure. */
  readonly handshakeMs: DurationMs;
  readonly handshakesPerSecond: number;
  /** Connections that are not secure yet, besides `maxConnections`. */
  readonly maxHandshakes: number;
}

/** The limits that an agent uses. */
export const SERVER_LIMITS: ServerLimits = {
  headersMs: 2_000,
  requestMs: 4_000,
  answerMs: 10_000,
  stalledMs: 10_000,
  keepAliveMs: 65_000,
  checkMs: 1_000,
  maxConnections: MAX_CONNECTIONS,
  arrivalsPerSecond: ARRIVALS_PER_SECOND,
  allArrivalsPerSecond: ALL_ARRIVALS_PER_SECOND,
  arrivalsAtOnce: MAX_CONNECTIONS,
  piecesPerSecond: PIECES_PER_SECOND,
  maxHeldBytes: MAX_HELD_BYTES,
  requestsPerSecond: REQUESTS_PER_SECOND,
  secureKibPerSecond: SECURE_KIB_PER_SECOND,
  handshakeMs: 2_000,
  handshakesPerSecond: HANDSHAKES_PER_SECOND,
  maxHandshakes: MAX_HANDSHAKES,
};

/** The most bytes of a request's line and headers together. */
const MAX_HEADER_BYTES = 8_192;

/** Of what a socket reads ahead, and of what it has to write, before it is asked to wait. */
const HIGH_WATER_BYTES = 16_384;

/** What the server has to know of who connects. */
export interface HttpServerDependencies {
  readonly monotonicMs: () => MonotonicMs;
  readonly isPeerAddress: (address: string) => boolean;
  readonly onRejected: (reason: RejectReason, socket: Socket) => void;
  /** Null: plain HTTP. */
  readonly tls: ServerTls | null;
}

/** The server, with what guards it. */
export interface HttpServer {
  readonly server: Server;
  readonly gate: ConnectionGate;
  readonly intake: Intake;
  /** Who is in the middle of a TLS handshake has to go: the server would wait for them. */
  readonly endHandshakes: () => void;
}

/** @param handle answers each request that can be read */
export function createHttpServer(
  limits: ServerLimits,
  handle: Handle,
  dependencies: HttpServerDependencies,
): HttpServer {
  const { monotonicMs, isPeerAddress, onRejected, tls } = dependencies;
  const gate = new ConnectionGate(limits, {
    onEvicted: (socket) => onRejected('overloaded', socket),
    isPeerAddress,
    senders: new Senders(limits, { monotonicMs }),
  });
  const intake = new Intake(limits, {
    monotonicMs,
    isPeerAddress,
    isTrusted: (socket) => gate.isTrusted(socket),
    mayRequest: (socket) => gate.mayRequest(socket),
    onCut: onRejected,
  });
  const options: ServerOptions = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    highWaterMark: HIGH_WATER_BYTES,
    // Node's own refusal has no body.
    requireHostHeader: false,
  };
  const admit = (socket: Socket): void => {
    gate.admit(socket);
    intake.open(socket);
  };
  const { server, endHandshakes } =
    tls === null
      ? { server: createServer(options).on('connection', admit), endHandshakes: () => undefined }
      : createTlsServer(options, limits, {
          ...dependencies,
          tls,
          admit,
          isTrusted: (socket) => gate.isTrusted(socket),
          mayDecrypt: (socket, bytes) => gate.mayDecrypt(socket, bytes),
          letGo: (socket) => intake.letGo(socket),
        });
  limitArrivals(server, new Arrivals(limits, { monotonicMs, isPeerAddress, onCut: onRejected }));
  server.setTimeout(limits.stalledMs);
  addRequestEvents(server, intake, handle, onRejected);
  return { server, gate, intake, endHandshakes };
}

/** Nothing hears of a connection that isn't taken in, Node's own reader included. */
function limitArrivals(server: Server, arrivals: Arrivals): void {
  const listeners = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!arrivals.take(socket)) return;
    for (const listener of listeners) listener.call(server, socket);
  });
}

/** Node answers some requests by itself, without a body, where nobody listens for their events. */
function addRequestEvents(
  server: Server,
  intake: Intake,
  handle: Handle,
  onRejected: HttpServerDependencies['onRejected'],
): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) =>
    intake.take(request, response, handle),
  );
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    intake.take(request, response, () => {
      response.writeContinue();
      handle(request, response);
    }),
  );
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    intake.take(request, response, () => {
      onRejected('malformed', request.socket);
      const message = 'of expectations only 100-continue can be met';
      refuseRequest(response, { status: 417, code: 'expectation', message });
    }),
  );
  server.on('connect', ({ socket }: IncomingMessage) => {
    intake.forget(socket);
    const message = 'this is no proxy: no path takes CONNECT';
    refuseConnection(socket, { status: 405, code: 'method-not-allowed', message });
  });
}

/** What Node couldn't read is refused, where somebody is left to hear of it. */
export function refuseUnreadable(
  errorCode: string,
  socket: Socket,
  onRejected: HttpServerDependencies['onRejected'],
): void {
  if (isTlsFault(errorCode)) {
    onRejected('tls', socket);
    socket.destroy(); // there is no common language to say why
    return;
  }
  const fault = connectionFault(errorCode);
  if (fault === null) {
    socket.destroy();
    return;
  }
  onRejected(fault.code, socket);
  refuseConnection(socket, fault);
}
