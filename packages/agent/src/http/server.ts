/**
 * The node's HTTP API: messages of peers and operators, views for everybody, the status page.
 *
 * It reads, checks and hands over; what a message means is decided by the protocol. Every queue, body and
 * wait in it has a bound, so that whoever reaches the port can cost the node little more than bandwidth.
 */
import type { Socket } from 'node:net';
import { type DurationMs, MAX_MESSAGE_BYTES, type RejectReason } from '@failtome/protocol';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { ClusterKeys } from '../auth/keys.ts';
import { ConnectionGate, MAX_CONNECTIONS } from './connections.ts';
import type { Inbox } from './inbox.ts';
import { addMessageRoutes, MESSAGE_ROUTES } from './message-routes.ts';
import { connectionFault, refuse, refuseConnection } from './refusals.ts';
import { addressOf } from './sender.ts';
import { addViewRoutes, type Views } from './view-routes.ts';

/** The bounds of the API. A test may narrow them. */
export interface ServerOptions {
  readonly limits?: Partial<ServerLimits>;
}

export interface ServerLimits {
  /** From a connection's or a request's beginning to the end of its headers. */
  readonly headersMs: DurationMs;
  /** From a request's beginning to the end of its body. */
  readonly requestMs: DurationMs;
  /** Without a byte either way while a request is under way. */
  readonly stalledMs: DurationMs;
  /** Between requests. Longer than a gossip interval, and than a peer keeps an idle connection. */
  readonly keepAliveMs: DurationMs;
  /** How often the first two are looked at. */
  readonly checkMs: DurationMs;
  readonly maxConnections: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 2_000,
  requestMs: 4_000,
  stalledMs: 10_000,
  keepAliveMs: 65_000,
  checkMs: 500,
  maxConnections: MAX_CONNECTIONS,
};

/** The most bytes of a request's line and headers together. */
const MAX_HEADER_BYTES = 8_192;

/** @param address where it came from, as the connection has it; empty where it is gone */
export type OnRejected = (reason: RejectReason, address: string) => void;

export interface ServerDependencies {
  /** The keys of this moment. */
  readonly keys: () => ClusterKeys;
  /** Where messages wait for the protocol's reply. */
  readonly inbox: Inbox;
  readonly views: Views;
  /** Counts what was refused before the protocol saw it. */
  readonly onRejected: OnRejected;
  /** Told of faults of the API itself, which its caller sees only as `internal`. */
  readonly onFault: (error: Error) => void;
}

/** Build the API. It listens when told to, and `close` ends it with every connection. */
export function createServer(options: ServerOptions, dependencies: ServerDependencies): FastifyInstance {
  const { keys, inbox, views, onRejected } = dependencies;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  const app = buildApp(limits, onRejected);
  const gate = new ConnectionGate(limits, {
    onEvicted: (socket) => onRejected('overloaded', addressOf(socket)),
  });
  app.server.on('connection', (socket: Socket) => gate.admit(socket));
  app.addHook('onClose', () => inbox.close());
  app.removeAllContentTypeParsers();
  addErrorHandler(app, dependencies);
  addNotFoundHandler(app);
  app.register((scope, _options, done) => {
    const told = (reason: RejectReason, socket: Socket): void => onRejected(reason, addressOf(socket));
    addMessageRoutes(scope, { keys, inbox, gate, onRejected: told });
    done();
  });
  app.register((scope, _options, done) => {
    addViewRoutes(scope, views);
    done();
  });
  return app;
}

function buildApp(limits: ServerLimits, onRejected: OnRejected): FastifyInstance {
  return fastify({
    logger: false,
    bodyLimit: MAX_MESSAGE_BYTES,
    forceCloseConnections: true,
    http: {
      headersTimeout: limits.headersMs,
      connectionsCheckingInterval: limits.checkMs,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.stalledMs,
    keepAliveTimeout: limits.keepAliveMs,
    clientErrorHandler(error, socket) {
      const fault = connectionFault(error.code);
      if (fault === null) {
        socket.destroy();
        return;
      }
      onRejected(fault.code, addressOf(socket));
      refuseConnection(socket, fault);
    },
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
