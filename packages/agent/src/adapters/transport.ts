/**
 * The port `transport`: messages to peers over HTTP, and replies to theirs.
 *
 * Nothing is sent twice. A request whose connection broke may have been heard, and the copy of a message
 * is refused as replayed; the protocol speaks again with its next message.
 */
import { LATE_ANSWER_MS, type RelayedRequest } from '@failtome/ports';
import {
  type DurationMs,
  decodeMessage,
  type Event,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type NodeId,
  type Ports,
  type ReplyEffect,
  type SendEffect,
  type SendFailure,
} from '@failtome/protocol';
import { IDENTITY_HEADER, type Identities } from '../auth/identities.ts';
import { signAs } from '../auth/identity.ts';
import type { ClusterKeys } from '../auth/keys.ts';
import {
  requestBytes,
  responseBytes,
  SIGNATURE_HEADER,
  signRequest,
  verifyResponse,
} from '../auth/signature.ts';
import { httpUrl } from '../config/http-url.ts';
import type { Certificate } from '../tls/certificate.ts';
import { groundsOf, type SecurePeer, secureFor } from '../tls/peers.ts';
import { CertificateRefusedError } from '../tls/verification.ts';
import { ConnectionError, type PeerConnection } from './peer-connection.ts';
import { PeerConnections } from './peer-connections.ts';

/** Of its URL scheme, host and port count. */
export type PeerEndpoint = SecurePeer;

/** Whom the transport speaks to, and with which keys. */
export interface TransportOptions {
  readonly peers: readonly PeerEndpoint[];
  readonly keys: ClusterKeys;
  readonly identities: Identities;
  /** By what this node is known, and knows others, where URLs are https. Null or absent: none is. */
  readonly certificate?: Certificate | null;
}

/** Who takes what arrives. */
export interface TransportDependencies {
  /** Takes each answer. */
  readonly post: (event: Event) => void;
  /** Completes the request that waits in the API. */
  readonly reply: (effect: ReplyEffect) => void;
  /** Is told what becomes of each request, for whoever knows another way. */
  readonly beside?: Beside;
  /** A peer couldn't prove over TLS who it is, or null: it can again. Told when it changes. */
  readonly onCertificate?: (peer: NodeId, refusal: string | null) => void;
}

/** Another way to the peers, beside the direct one. */
export interface Beside {
  /** A request goes out directly, signed like this. */
  sent(effect: SendEffect, signed: Pick<RelayedRequest, 'body' | 'signature' | 'identity'>): void;
  /** The peer has answered one directly, late or not. */
  answered(by: NodeId): void;
  /** A request has come to nothing, or isn't answered yet when its time is up. */
  failed(to: NodeId): void;
}

type Outcome = Extract<Event, { kind: 'answered' | 'send-failed' }>;

/** An answer to a message, as it came. */
export interface RawResponse {
  readonly status: number;
  readonly signature: string;
  /** The sender's own; empty where there is none. */
  readonly identity: string;
  readonly body: Buffer;
}

type TransportPort = Ports['transport'];

/** Sends signed messages to the peers, and takes their signed answers. */
export class PeerTransport implements TransportPort {
  readonly #dependencies: TransportDependencies;
  readonly #peers = new Map<NodeId, PeerConnections>();
  /** Why a peer's certificate is refused, as long as it is. */
  readonly #refused = new Map<NodeId, string>();
  #keys: ClusterKeys;
  #identities: Identities;
  #certificate: Certificate | null = null;

  constructor(options: TransportOptions, dependencies: TransportDependencies) {
    this.#dependencies = dependencies;
    this.#keys = options.keys;
    this.#identities = options.identities;
    this.reconfigure(options);
  }

  /**
   * POST the message, and post one `answered` or `send-failed`, `timeoutMs` from now at the latest. After a `timeout`
   * an answer that comes late, but comes, is posted too: it shows that the peer is there.
   */
  send(effect: SendEffect): void {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.#dependencies.beside?.failed(effect.to);
      this.#dependencies.post(failed(effect.sendId, 'timeout'));
    }, effect.timeoutMs);
    // An error thrown by `post` is a broken invariant of the protocol: it must end the process.
    void this.#exchange(effect).then((outcome) => {
      clearTimeout(timer);
      if (outcome.kind === 'answered') this.#dependencies.beside?.answered(effect.to);
      else if (!timedOut) this.#dependencies.beside?.failed(effect.to);
      if (!timedOut || outcome.kind === 'answered') this.#dependencies.post(outcome);
    });
  }

  /** Answer a request that a peer or an operator made. */
  reply(effect: ReplyEffect): void {
    this.#dependencies.reply(effect);
  }

  /**
   * Take over other peers, other URLs, other keys and another certificate. What is under way goes on; connections to
   * peers that are found and recognised as before stay.
   */
  reconfigure({ peers, keys, identities, certificate = null }: TransportOptions): void {
    this.#keys = keys;
    this.#identities = identities;
    this.#certificate = certificate;
    this.relocate(peers);
  }

  /** Take over other peers, or other URLs of the same. */
  relocate(peers: readonly PeerEndpoint[]): void {
    const certificate = this.#certificate;
    const origins = new Map(peers.map(({ id, url }) => [id, httpUrl(url).origin]));
    for (const [id, connections] of this.#peers) {
      if (origins.get(id) === connections.origin) continue;
      connections.close();
      this.#peers.delete(id);
    }
    for (const peer of peers) {
      const secure = secureFor(peer, certificate);
      const grounds = groundsOf(peer, certificate);
      const connections = this.#peers.get(peer.id);
      if (connections === undefined)
        this.#peers.set(peer.id, new PeerConnections(httpUrl(peer.url).origin, secure, grounds));
      else connections.secureBy(secure, grounds);
    }
  }

  /** Close every kept connection. What is under way ends by itself, within its time-out. */
  close(): void {
    for (const connections of this.#peers.values()) connections.close();
    this.#peers.clear();
  }

  async #exchange(effect: SendEffect): Promise<Outcome> {
    const { sendId, to, route, fresh, timeoutMs } = effect;
    const body = encodeMessage(effect.message);
    const signature = signRequest(this.#keys, { method: 'POST', path: route, body });
    const identity = this.#identityOf(route, body);
    this.#dependencies.beside?.sent(effect, { body, signature, identity });
    const connections = this.#peers.get(to);
    const connection = connections?.borrow(fresh, timeoutMs) ?? null;
    if (connections === undefined || connection === null) return failed(sendId, 'unreachable');
    const headers = {
      [SIGNATURE_HEADER]: signature,
      ...(identity === '' ? {} : { [IDENTITY_HEADER]: identity }),
    };
    const request = { path: route, headers, body, fresh, timeoutMs };
    const ended = await exchange(connection, request).catch((error: unknown) => ({ error }));
    // Beyond the exchange an error is a fault of this program, and no failure of the peer's.
    if ('error' in ended) {
      connections.drop(connection);
      if (ended.error instanceof CertificateRefusedError) this.#tellCertificate(to, ended.error.message);
      return failed(sendId, failureOf(ended.error));
    }
    this.#tellCertificate(to, null);
    const outcome = this.judge(effect, signature, ended);
    if (fresh || outcome.kind === 'send-failed') connections.drop(connection);
    else connections.giveBack(connection);
    return outcome;
  }

  #tellCertificate(peer: NodeId, refusal: string | null): void {
    if ((this.#refused.get(peer) ?? null) === refusal) return;
    if (refusal === null) this.#refused.delete(peer);
    else this.#refused.set(peer, refusal);
    this.#dependencies.onCertificate?.(peer, refusal);
  }

  #identityOf(path: string, body: string): string {
    const { own } = this.#identities;
    return own === null ? '' : signAs(own, requestBytes({ method: 'POST', path, body }));
  }

  /**
   * What an answer comes to, whichever way it came. A refusal is an answer too, if it is authentic: under the cluster's key, and by
   * whom it says it is from.
   */
  judge({ sendId, route, to }: SendEffect, requestSignature: string, response: RawResponse): Outcome {
    const { status, body, signature, identity } = response;
    const signed = { method: 'POST', path: route, status, requestSignature, body };
    if (!verifyResponse(this.#keys, signed, signature)) {
      return failed(sendId, status === 200 ? 'unauthentic' : 'status');
    }
    const decoded = decodeMessage(body.toString('utf8'));
    if (decoded.kind === 'fault') return failed(sendId, 'malformed');
    const { message } = decoded;
    return this.#identities.isOwnWord(message.from, () => responseBytes(signed), identity)
      ? { kind: 'answered', sendId, message: this.#identities.orders.judged(message, to) }
      : failed(sendId, 'unauthentic');
  }
}

interface Exchange {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly fresh: boolean;
  readonly timeoutMs: DurationMs;
}

/**
 * One request on one connection, from the call to the last byte. Every header counts: two heartbeats a
 * second and peer add up, so there is no content type, and the server leaves out what it may.
 */
async function exchange(connection: PeerConnection, request: Exchange): Promise<RawResponse> {
  // Also ends a connect or a name look-up under way.
  const timer = setTimeout(
    () => connection.destroy(new ConnectionError('EXCHANGE_TIMEOUT')),
    request.timeoutMs + LATE_ANSWER_MS,
  );
  try {
    const { status, headers, body } = await connection.ask({
      method: 'POST',
      path: request.path,
      headers: request.headers,
      body: request.body,
      last: request.fresh,
      maxBodyBytes: MAX_MESSAGE_BYTES,
    });
    return {
      status,
      body,
      signature: textIn(headers[SIGNATURE_HEADER]),
      identity: textIn(headers[IDENTITY_HEADER]),
    };
  } finally {
    clearTimeout(timer);
  }
}

function textIn(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : '';
}

function failed(sendId: number, reason: SendFailure): Outcome {
  return { kind: 'send-failed', sendId, reason };
}

function failureOf(error: unknown): SendFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // The parser's own codes (llhttp).
  if (code.startsWith('HPE_') || code.startsWith('ERR_SSL_') || code === 'EPROTO') return 'malformed';
  switch (code) {
    case 'CONNECT_TIMEOUT':
    case 'EXCHANGE_TIMEOUT':
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNREFUSED':
      return 'refused';
    case 'RESPONSE_TOO_LARGE':
      return 'malformed';
    case 'CERTIFICATE_REFUSED':
      return 'unauthentic';
    default:
      return 'unreachable';
  }
}
