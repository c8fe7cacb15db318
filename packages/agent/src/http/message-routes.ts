/**
 * The routes that take signed messages: heartbeats and ballots of peers, commands of operators.
 *
 * A message is looked at in this order, what costs least first: its size, that it is signed at all (before a byte of its body
 * is read), its signature under the cluster's key, its form, whom it is for, and where identities are configured its sender's
 * own signature and those of the orders in it. What passes goes to the protocol, which judges whether it is fresh, and what
 * to answer. What is for somebody else goes there unverified and empty, to be refused.
 */
import type { Socket } from 'node:net';
import { MAX_MESSAGE_BYTES, type RejectReason, type ReplyEffect, type Route } from '@failtome/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Authentic, authenticate, type Receiver, signReply } from '../auth/authentic-message.ts';
import { IDENTITY_HEADER, type Identities } from '../auth/identities.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER } from '../auth/signature.ts';
import type { ConnectionGate } from './connections.ts';
import type { Inbox } from './inbox.ts';
import { type RefusalCode, refuse } from './refusals.ts';
import { addressOf } from './sender.ts';

/** The routes that take signed messages. */
export const MESSAGE_ROUTES: readonly Route[] = [
  '/v1/gossip',
  '/v1/vote',
  '/v1/handover',
  '/v1/pause',
  '/v1/resume',
];

/** What the message routes check a message against. */
export interface MessageRouteDependencies {
  readonly receiver: () => Receiver;
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

/** What is refused before the protocol sees it. */
interface Refusal {
  readonly reason: RejectReason;
  readonly status: number;
  readonly code: RefusalCode;
  readonly message: string;
}

async function take(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  dependencies: MessageRouteDependencies,
): Promise<FastifyReply> {
  const { inbox, gate, onRejected } = dependencies;
  const { socket } = request.raw;
  const signature = signatureOf(request) ?? '';
  const judged = judge(request, signature, dependencies);
  if ('code' in judged) {
    gate.distrust(socket);
    onRejected(judged.reason, socket);
    return refuse(reply, judged.status, judged.code, judged.message);
  }
  const result = await inbox.submit(route, judged.message);
  switch (result.kind) {
    case 'overloaded':
      onRejected('overloaded', socket);
      return refuse(reply, 503, 'overloaded', 'too many requests wait for their reply');
    case 'no-reply':
      onRejected('overloaded', socket);
      return refuse(reply, 503, 'no-reply', 'the reply was not ready in time');
    case 'reply':
      // 409 is how every conversation begins, and begins again.
      if (result.effect.status === 200) gate.trust(socket, judged.sender);
      if (result.effect.status === 403) gate.distrust(socket);
      return respond(request, reply, result.effect, signature, dependencies);
  }
}

function judge(
  request: FastifyRequest,
  signature: string,
  { keys, identities, receiver }: MessageRouteDependencies,
): Authentic | Refusal {
  const signed = {
    method: request.method,
    path: request.url,
    body: Buffer.isBuffer(request.body) ? request.body : NO_BODY,
    signature,
    identity: identitySignatureOf(request),
    address: addressOf(request.raw.socket),
  };
  const judged = authenticate(signed, { keys: keys(), identities: identities(), receiver: receiver() });
  // Only who has shown the key is told that he should mend his form.
  const isForeign = 'code' in judged && judged.status === 401;
  return !isForeign && !isJson(request.headers['content-type']) ? NOT_JSON : judged;
}

const NOT_JSON: Refusal = {
  reason: 'malformed',
  status: 415,
  code: 'content-type',
  message: 'a message is application/json',
};

function respond(
  request: FastifyRequest,
  reply: FastifyReply,
  effect: ReplyEffect,
  signature: string,
  { keys, identities }: MessageRouteDependencies,
): FastifyReply {
  const asked = { method: request.method, path: request.url, signature };
  const signed = signReply(effect, asked, { keys: keys(), identities: identities() });
  if (signed.identity !== '') reply.header(IDENTITY_HEADER, signed.identity);
  return reply
    .code(signed.status)
    .header(SIGNATURE_HEADER, signed.signature)
    .header('content-type', 'application/json')
    .send(Buffer.from(signed.body));
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
