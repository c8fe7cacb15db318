/**
 * Reads of the peers' views, signed with the cluster's key, so that they are answered whatever `api.read` says there.
 *
 * On connections of their own: no heartbeat ever waits behind a status. What comes back is signed, too, and bound to its
 * request; anything else isn't shown as a peer's word.
 */
import type { DurationMs, NodeId, WallMs } from '@failtome/protocol';
import type { ClusterKeys } from '../auth/keys.ts';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER, verifyResponse } from '../auth/signature.ts';
import { httpUrl } from '../config/http-url.ts';
import type { Certificate } from '../tls/certificate.ts';
import { groundsOf, type SecurePeer, secureFor } from '../tls/peers.ts';
import { ConnectionError, PeerConnection } from './peer-connection.ts';

/** Whom to ask, and how to prove who asks, at this moment. */
export interface PeerReadsSources {
  readonly peers: () => readonly SecurePeer[];
  readonly keys: () => ClusterKeys;
  /** Null: URLs are plain HTTP. */
  readonly certificate: () => Certificate | null;
  readonly wallMs: () => WallMs;
}

/** How much one read may cost. */
export interface ReadBounds {
  readonly timeoutMs: DurationMs;
  readonly maxBytes: number;
}

/** Why a peer's view couldn't be had. */
export type PeerReadFailure = 'unreachable' | 'timeout' | 'refused' | 'unauthentic' | 'malformed';

/** A peer's view, or why it can't be had. */
export type PeerRead =
  | { readonly kind: 'read'; readonly json: unknown }
  | { readonly kind: 'failed'; readonly code: PeerReadFailure; readonly message: string };

interface Kept {
  readonly connection: PeerConnection;
  /** By what it was opened. */
  readonly grounds: string;
}

/** Asks peers for their views; keeps one connection to each, as long as it is used. */
export class PeerReads {
  readonly #sources: PeerReadsSources;
  readonly #kept = new Map<NodeId, Kept>();
  #closed = false;

  constructor(sources: PeerReadsSources) {
    this.#sources = sources;
  }

  /** Ask once. Never throws. One read of a peer at a time: its connection carries one request. */
  async read(id: NodeId, path: string, { timeoutMs, maxBytes }: ReadBounds): Promise<PeerRead> {
    const connection = this.#connectionTo(id, timeoutMs);
    if (connection === null) return failed('unreachable', 'it is not among the configured peers');
    const keys = this.#sources.keys();
    const time = String(this.#sources.wallMs());
    const requestSignature = signRequest(keys, { method: 'GET', path, body: time });
    const timer = setTimeout(() => connection.destroy(new ConnectionError('EXCHANGE_TIMEOUT')), timeoutMs);
    try {
      const headers = { [TIME_HEADER]: time, [SIGNATURE_HEADER]: requestSignature };
      const request = {
        method: 'GET',
        path,
        headers,
        body: '',
        last: false,
        maxBodyBytes: maxBytes,
      } as const;
      const answer = await connection.ask(request);
      if (answer.status !== 200) return failed('refused', `it answered ${answer.status}`);
      const { status, body } = answer;
      const given = answer.headers[SIGNATURE_HEADER];
      const signed = { method: 'GET', path, status, requestSignature, body };
      if (typeof given !== 'string' || !verifyResponse(keys, signed, given))
        return failed('unauthentic', "its answer isn't signed with the cluster's key");
      return parsed(body);
    } catch (error) {
      this.#drop(id, connection);
      return failureOf(error, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Close every connection; nothing is asked any more. */
  close(): void {
    this.#closed = true;
    for (const { connection } of this.#kept.values()) connection.destroy();
    this.#kept.clear();
  }

  #connectionTo(id: NodeId, timeoutMs: DurationMs): PeerConnection | null {
    const peer = this.#sources.peers().find((one) => one.id === id);
    if (this.#closed || peer === undefined) return null;
    const certificate = this.#sources.certificate();
    const { origin } = httpUrl(peer.url);
    const grounds = `${origin} ${groundsOf(peer, certificate)}`;
    const kept = this.#kept.get(id);
    if (kept?.grounds === grounds) return kept.connection;
    kept?.connection.destroy();
    const secure = secureFor(peer, certificate);
    const connection = new PeerConnection({ origin, connectTimeoutMs: timeoutMs, secure });
    this.#kept.set(id, { connection, grounds });
    return connection;
  }

  #drop(id: NodeId, connection: PeerConnection): void {
    connection.destroy();
    if (this.#kept.get(id)?.connection === connection) this.#kept.delete(id);
  }
}

function parsed(body: Buffer): PeerRead {
  try {
    return { kind: 'read', json: JSON.parse(body.toString('utf8')) };
  } catch {
    return failed('malformed', 'its answer is no JSON');
  }
}

function failed(code: PeerReadFailure, message: string): PeerRead {
  return { kind: 'failed', code, message };
}

function failureOf(error: unknown, timeoutMs: DurationMs): PeerRead {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  switch (code) {
    case 'CONNECT_TIMEOUT':
    case 'EXCHANGE_TIMEOUT':
    case 'ETIMEDOUT':
      return failed('timeout', `no answer within ${timeoutMs} ms`);
    case 'RESPONSE_TOO_LARGE':
      return failed('malformed', 'its answer is too large');
    case 'CERTIFICATE_REFUSED':
      return failed('unauthentic', "it can't prove over TLS who it is");
    default:
      return failed('unreachable', code === '' ? 'the connection failed' : `the connection failed: ${code}`);
  }
}
