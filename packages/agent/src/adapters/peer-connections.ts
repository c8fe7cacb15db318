/**
 * The connections to one peer. Each carries one request at a time, so that a failure is that of one
 * connection, which is dropped, and never of a request beside it.
 */
import type { DurationMs } from '@failtome/protocol';
import { MAX_MESSAGE_BYTES } from '@failtome/protocol';
import { Client } from 'undici';

/** Idle connections kept to one peer: one for heartbeats, one for a ballot beside them. */
const KEPT_CONNECTIONS = 2;

/** The most connections to one peer at once, waiting ones included. */
export const MAX_CONNECTIONS_PER_PEER = 16;

/** Shorter than the server's own limit, so that a connection is hardly ever closed under a request. */
const IDLE_MS: DurationMs = 60_000;

const MAX_RESPONSE_HEADER_BYTES = 4096;

export class PeerConnections {
  readonly #origin: string;
  readonly #idle: Client[] = [];
  #lent = 0;
  #closed = false;

  /** @param origin scheme, host and port of the peer's API */
  constructor(origin: string) {
    this.#origin = origin;
  }

  get origin(): string {
    return this.#origin;
  }

  /** The connection used last, or a new one; null when too many are out. Connecting may take `timeoutMs` at most. */
  borrow(fresh: boolean, timeoutMs: DurationMs): Client | null {
    if (this.#closed || this.#lent >= MAX_CONNECTIONS_PER_PEER) return null;
    this.#lent += 1;
    return (fresh ? undefined : this.#idle.pop()) ?? this.#open(timeoutMs);
  }

  /** Keep a connection that has served well, or close it where enough are kept. */
  giveBack(client: Client): void {
    this.#lent -= 1;
    if (this.#closed || this.#idle.length >= KEPT_CONNECTIONS) discard(client);
    else this.#idle.push(client);
  }

  /** Close a connection that failed, or was to be used once. */
  drop(client: Client): void {
    this.#lent -= 1;
    discard(client);
  }

  /** Close idle connections now, and the others when they come back. */
  close(): void {
    this.#closed = true;
    for (const client of this.#idle.splice(0)) discard(client);
  }

  #open(timeoutMs: DurationMs): Client {
    return new Client(this.#origin, {
      connect: { timeout: timeoutMs },
      // The caller's timer covers the whole exchange.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: IDLE_MS,
      maxResponseSize: MAX_MESSAGE_BYTES,
      maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
      pipelining: 1,
    });
  }
}

function discard(client: Client): void {
  // Nothing is under way on it, and destroying one that is destroyed already settles too.
  void client.destroy();
}
