/**
 * The connections to one peer. Each carries one request at a time, so that a failure is that of one
 * connection, which is dropped, and never of a request beside it.
 */
import type { DurationMs } from '@failtome/protocol';
import type { Secure } from '../tls/connect.ts';
import { PeerConnection } from './peer-connection.ts';

/** Idle connections kept to one peer: one for heartbeats, one for a ballot beside them. */
const KEPT_CONNECTIONS = 2;

/** The most connections to one peer at once, waiting ones included. */
export const MAX_CONNECTIONS_PER_PEER = 16;

/** The connections to one peer: idle ones are used again, more are opened while all are busy. */
export class PeerConnections {
  readonly #origin: string;
  readonly #idle: PeerConnection[] = [];
  #secure: Secure | null;
  #grounds: string;
  /** Those that the peer has proved itself on by the present grounds. */
  #current = new WeakSet<PeerConnection>();
  #lent = 0;
  #closed = false;

  /** @param origin scheme, host and port of the peer's API @param grounds by what the peer is recognised, in one word */
  constructor(origin: string, secure: Secure | null, grounds: string) {
    this.#origin = origin;
    this.#secure = secure;
    this.#grounds = grounds;
  }

  get origin(): string {
    return this.#origin;
  }

  /** For connections that are opened from now on. Those that are there stay where the peer is recognised as before; else they end, after what is under way. */
  secureBy(secure: Secure | null, grounds: string): void {
    this.#secure = secure;
    if (grounds === this.#grounds) return;
    this.#grounds = grounds;
    this.#current = new WeakSet();
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** The connection used last, or a new one; null when too many are out. Connecting may take `timeoutMs` at most. */
  borrow(fresh: boolean, timeoutMs: DurationMs): PeerConnection | null {
    if (this.#closed || this.#lent >= MAX_CONNECTIONS_PER_PEER) return null;
    this.#lent += 1;
    return (fresh ? undefined : this.#idle.pop()) ?? this.#open(timeoutMs);
  }

  /** Keep a connection that has served well, or close it where enough are kept. */
  giveBack(connection: PeerConnection): void {
    this.#lent -= 1;
    if (this.#closed || !this.#current.has(connection) || this.#idle.length >= KEPT_CONNECTIONS)
      connection.destroy();
    else this.#idle.push(connection);
  }

  /** Close a connection that failed, or was to be used once. */
  drop(connection: PeerConnection): void {
    this.#lent -= 1;
    connection.destroy();
  }

  /** Close idle connections now, and the others when they come back. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  #open(timeoutMs: DurationMs): PeerConnection {
    const [origin, secure] = [this.#origin, this.#secure];
    const connection = new PeerConnection({ origin, connectTimeoutMs: timeoutMs, secure });
    this.#current.add(connection);
    return connection;
  }
}
