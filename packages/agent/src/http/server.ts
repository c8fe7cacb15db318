/**
 * The node's HTTP API: messages of peers and operators, views for everybody, the status page.
 *
 * It reads, checks and hands over; what a message means is decided by the protocol. Every queue, body and
 * wait in it has a bound, so that whoever reaches the port can cost the node little more than bandwidth.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { MAX_MESSAGE_BYTES, type MonotonicMs, type RejectReason } from '@failtome/protocol';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Receiver } from '../auth/authentic-message.ts';
import type { Identities } from '../auth/identities.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { addEventRoute } from './event-routes.ts';
import type { EventStreams } from './event-streams.ts';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerDependencies,
  refuseUnreadable,
  SERVER_LIMITS,
  type ServerLimits,
} from './http-server.ts';
import type { Inbox } from './inbox.ts';
import { addMessageRoutes, MESSAGE_ROUTES } from './message-routes.ts';
import { type Readers, refusalOfRead } from './readers.ts';
import { addRecordingRoute, type RecordingSource } from './recording-routes.ts';
import { refuse } from './refusals.ts';
import { addressOf } from './sender.ts';
import type { ServerTls } from './tls-server.ts';
import { addViewRoutes, type Views } from './view-routes.ts';

/** The bounds of the API. A test may narrow them. */
export interface ServerOptions {
  /** `everything` by default. */
  readonly serves?: 'everything' | 'reading routes';
  readonly limits?: Partial<ServerLimits>;
}

/** @param address where it came from, as the connection has it; empty where it is gone */
export type OnRejected = (reason: RejectReason, address: string) => void;

/** What the routes show and check, at each moment anew. */
export interface ServerDependencies {
  /** The keys of this moment. */
  readonly keys: () => ClusterKeys;
  /** Who may speak for whom, at this moment. */
  readonly identities: () => Identities;
  /** Whom messages have to be for, at this moment. */
  readonly receiver: () => Receiver;
  /** Where messages wait for the protocol's reply. */
  readonly inbox: Inbox;
  readonly views: Views;
  readonly recordings: RecordingSource;
  /** Whoever watches; ended with the server. */
  readonly streams: EventStreams;
  /** Who may read, at this moment. */
  readonly readers: () => Readers;
  /** A peer is configured at this address. */
  readonly isPeerAddress: (address: string) => boolean;
  /** Absent: plain HTTP. */
  readonly tls?: ServerTls;
  /** Counts what was refused before the protocol saw it. */
  readonly onRejected: OnRejected;
  /** Told of faults of the API itself, which its caller sees only as `internal`. */
  readonly onFault: (error: Error) => void;
}

/** Build the API. It listens when told to, and `close` ends it with every connection. */
export function createServer(options: ServerOptions, dependencies: ServerDependencies): FastifyInstance {
  const { keys, identities, receiver, inbox, onRejected, isPeerAddress } = dependencies;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const told = (reason: RejectReason, socket: Socket): void => onRejected(reason, addressOf(socket));
  const { app, http } = buildApp(limits, {
    monotonicMs,
    isPeerAddress,
    onRejected: told,
    tls: dependencies.tls ?? null,
  });
  app.removeAllContentTypeParsers();
  addHooks(app, http, dependencies, told);
  addErrorHandler(app, dependencies);
  addNotFoundHandler(app);
  if (options.serves !== 'reading routes') {
    app.register((scope, _options, done) => {
      addMessageRoutes(scope, { keys, identities, receiver, inbox, gate: http.gate, onRejected: told });
      done();
    });
    app.register((scope, _options, done) => {
      // Whatever `api.read` says, and however the path is spelled.
      admitReaders(scope, () => ({ ...dependencies.readers(), read: 'peers' }), told);
      addRecordingRoute(scope, dependencies.recordings, keys);
      done();
    });
  }
  app.register((scope, _options, done) => {
    admitReaders(scope, dependencies.readers, told);
    addViewRoutes(scope, dependencies.views, { monotonicMs, wait }, keys);
    const keepOpen = (socket: Socket): void => http.intake.keepOpen(socket);
    addEventRoute(scope, { streams: dependencies.streams, keepOpen, onRejected: told });
    done();
  });
  return app;
}

const monotonicMs = (): MonotonicMs => performance.now();

function buildApp(
  limits: ServerLimits,
  dependencies: HttpServerDependencies,
): { readonly app: FastifyInstance; readonly http: HttpServer } {
  let http: HttpServer | null = null;
  const app = fastify({
    logger: false,
    bodyLimit: MAX_MESSAGE_BYTES,
    forceCloseConnections: true,
    return503OnClosing: false,
    serverFactory: (handle) => {
      http = createHttpServer(limits, handle, dependencies);
      return http.server;
    },
    clientErrorHandler: (error, socket) => refuseUnreadable(error.code, socket, dependencies.onRejected),
    frameworkErrors: (_error, request, reply) => {
      dependencies.onRejected('malformed', request.raw.socket);
      refuse(reply, 400, 'malformed', 'the path can not be read');
    },
  });
  assert(http !== null, 'fastify makes its server at once');
  return { app, http };
}

function addHooks(
  app: FastifyInstance,
  { intake, endHandshakes }: HttpServer,
  { inbox, streams }: Pick<ServerDependencies, 'inbox' | 'streams'>,
  onRejected: HttpServerDependencies['onRejected'],
): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    inbox.close();
    streams.close();
    endHandshakes();
    done();
  });
  app.addHook('onClose', () => intake.close());
  app.addHook('onRequest', (request, reply, done) => {
    if (closing) {
      refuse(reply, 503, 'no-reply', 'the agent is shutting down');
      return;
    }
    // RFC 9112, 3.2.
    if (request.raw.httpVersion === '1.1' && request.headers.host === undefined) {
      onRejected('malformed', request.raw.socket);
      refuse(reply, 400, 'malformed', 'a request of HTTP/1.1 has the header Host');
      return;
    }
    done();
  });
}

function admitReaders(
  app: FastifyInstance,
  readers: () => Readers,
  onRejected: HttpServerDependencies['onRejected'],
): void {
  app.addHook('onRequest', (request, reply, done) => {
    const refusal = refusalOfRead(request, readers());
    if (refusal === null) return done();
    onRejected(refusal.reason, request.raw.socket);
    if (refusal.challenge !== undefined) reply.header('www-authenticate', refusal.challenge);
    refuse(reply, refusal.status, refusal.code, refusal.message);
  });
}

function addErrorHandler(app: FastifyInstance, { onRejected, onFault }: ServerDependencies): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) {
      onRejected('too-large', addressOf(request.raw.socket));
      return refuse(reply, 413, 'too-large', `a message has at most ${MAX_MESSAGE_BYTES} bytes`);
    }
    // The connection ended within the body: nobody is left to answer, and why was counted where it was ended.
    if (error.code === 'ECONNRESET') return reply.code(400).send();
    if (status >= 400 && status < 500) {
      onRejected('malformed', addressOf(request.raw.socket));
      return refuse(reply, status, 'malformed', 'the request can not be read');
    }
    onFault(error);
    return refuse(reply, 500, 'internal', 'the agent could not answer; its log says why');
  });
}

function addNotFoundHandler(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = MESSAGE_ROUTES.some((route) => route === path) ? ['POST'] : ['GET', 'HEAD'];
    if (!allowed.some((method) => app.hasRoute({ url: path, method }))) {
      return refuse(reply, 404, 'not-found', 'there is nothing at this path');
    }
    reply.header('allow', allowed.join(', '));
    return refuse(reply, 405, 'method-not-allowed', `this path takes ${allowed.join(' and ')}`);
  });
}
