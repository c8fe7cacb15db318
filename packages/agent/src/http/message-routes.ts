/**
 * The routes that take signed messages: heartbeats and ballots of peers, commands of operators.
 *
 * A message is looked at in this order: its size, that it is signed at all (before a byte of its body is
 * read), its signature under the cluster's key, its form, and where identities are configured its sender's own signature,
 * which costs the most. What passes goes to the protocol, which alone judges whom it is for, whether it is fresh, and
 * what to answer.
 */
import type { Socket } from 'node:net';
import {
  decodeMessage,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type RejectReason,
  type ReplyEffect,
  type Route,
} from '@failtome/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { IDENTITY_HEADER, type Identities } from '../auth/identities.ts';
import { signAs } from '../auth/identity.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import {
  requestBytes,
  responseBytes,
  SIGNATURE_HEADER,
  signResponse,
  verifyRequest,
} from '../auth/signature.ts';
import type { ConnectionGate } from './connections.ts';
import type { Inbox } from './inbox.ts';
import { refuse } from './refusals.ts';

export const MESSAGE_ROUTES: readonly Route[] = [
  '/v1/gossip',
  '/v1/vote',
  '/v1/handover',
  '/v1/pause',
  '/v1/resume',
];

export interface MessageRouteDependencies {
  readonly keys: () => ClusterKeys;
  /** Who may speak for whom, at this moment. */
  readonly identities: () => Identities;
  readonly inbox: Inbox;
  readonly gate: ConnectionGate;
  readonly onRejected: (reason: RejectReason, socket: Socket) => void;
}

const NO_BODY = Buffer.alloc(0);

/** Add the routes to an app of their own scope. */
export function addMessageRoutes(app: FastifyInstance, dependencies: MessageRouteDependencies): void {
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const route of MESSAGE_ROUTES) {
    app.post(route, {
      bodyLimit: MAX_MESSAGE_BYTES,
      onRequest: (request, reply, done) => refuseUnread(request, reply, dependencies, done),
      onSend: (request, reply, payload, done) => {
        trimHeaders(request, reply);
        done(null, payload);
      },
      handler: (request, reply) => take(route, request, reply, dependencies),
    });
  }
}

/** What can be refused without its body. The rest of it is read and thrown away, within the request's time. */
function refuseUnread(
  request: FastifyRequest,
  reply: FastifyReply,
  { onRejected }: MessageRouteDependencies,
  done: () => void,
): void {
  if (Number(request.headers['content-length']) > MAX_MESSAGE_BYTES) {
    onRejected('too-large', request.raw.socket);
    refuse(reply, 413, 'too-large', `a message has at most ${MAX_MESSAGE_BYTES} bytes`);
    return;
  }
  if (signatureOf(request) === null) {
    onRejected('unsigned', request.raw.socket);
    refuse(reply, 401, 'unsigned', `a message needs the header ${SIGNATURE_HEADER}`);
    return;
  }
  done();
}

async function take(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  { keys, identities, inbox, gate, onRejected }: MessageRouteDependencies,
): Promise<FastifyReply> {
  const body = Buffer.isBuffer(request.body) ? request.body : NO_BODY;
  const signature = signatureOf(request) ?? '';
  const signed = { method: request.method, path: request.url, body };
  if (!verifyRequest(keys(), signed, signature)) {
    onRejected('signature', request.raw.socket);
    return refuse(
      reply,
      401,
      'signature',
      'the signature is not of this message under a key of this cluster',
    );
  }
  if (!isJson(request.headers['content-type'])) {
    onRejected('malformed', request.raw.socket);
    return refuse(reply, 415, 'content-type', 'a message is application/json');
  }
  const decoded = decodeMessage(body.toString('utf8'));
  if (decoded.kind === 'fault') {
    onRejected('malformed', request.raw.socket);
    return refuse(reply, 400, 'malformed', decoded.detail);
  }
  const own = identitySignatureOf(request);
  const objection = identities().objectionTo(decoded.message, () => requestBytes(signed), own);
  if (objection !== null) {
    onRejected('signature', request.raw.socket);
    return refuse(reply, objection.status, objection.code, objection.message);
  }
  const result = await inbox.submit(route, identities().orders.judged(decoded.message));
  switch (result.kind) {
    case 'overloaded':
      onRejected('overloaded', request.raw.socket);
      return refuse(reply, 503, 'overloaded', 'too many requests wait for their reply');
    case 'no-reply':
      onRejected('overloaded', request.raw.socket);
      return refuse(reply, 503, 'no-reply', 'the reply was not ready in time');
    case 'reply':
      if (result.effect.status === 200) gate.trust(request.raw.socket);
      return respond(request, reply, result.effect, { keys: keys(), identities: identities(), signature });
  }
}

/** What a response is signed with, and the request's signature, to which it is bound. */
interface Signing {
  readonly keys: ClusterKeys;
  readonly identities: Identities;
  readonly signature: string;
}

function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  { status, message }: ReplyEffect,
  { keys, identities, signature: requestSignature }: Signing,
): FastifyReply {
  const body = Buffer.from(encodeMessage(message));
  const response = { method: request.method, path: request.url, status, requestSignature, body };
  const signature = signResponse(keys, response);
  if (identities.own !== null) reply.header(IDENTITY_HEADER, signAs(identities.own, responseBytes(response)));
  return reply
    .code(status)
    .header(SIGNATURE_HEADER, signature)
    .header('content-type', 'application/json')
    .send(body);
}

/**
 * A heartbeat's answer carries no header that HTTP/1.1 can do without: no `Date` (RFC 9110, 6.6.1, says that an
 * origin server should send one; nothing here is cached), no `Connection: keep-alive`, which is the default,
 * and no content type to one who didn't name its own either, as peers don't.
 */
function trimHeaders(request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers['content-type'] === undefined && reply.hasHeader(SIGNATURE_HEADER))
    reply.removeHeader('content-type');
  reply.raw.sendDate = false;
  if (!reply.raw.hasHeader('connection') && !reply.hasHeader('connection'))
    reply.raw.removeHeader('connection');
}

function signatureOf(request: FastifyRequest): string | null {
  const value = request.headers[SIGNATURE_HEADER];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Empty where there is none: whether one is needed depends on the sender. */
function identitySignatureOf(request: FastifyRequest): string {
  const value = request.headers[IDENTITY_HEADER];
  return typeof value === 'string' ? value : '';
}

function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || /^application\/json\s*(;|$)/i.test(contentType);
}
