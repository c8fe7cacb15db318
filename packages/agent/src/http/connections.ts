/**
 * Who may stay connected. A flood of connections must not keep the peers out, so when the API is full the
 * oldest connection that has not yet carried an accepted message makes room, and one that has never does.
 */
import type { Socket } from 'node:net';

/** The most connections the API holds at once. */
export const MAX_CONNECTIONS = 1_024;

export class ConnectionGate {
  readonly #maxConnections: number;
  /** In the order of arrival. */
  readonly #strangers = new Set<Socket>();
  readonly #trusted = new Set<Socket>();
  readonly #onEvicted: (socket: Socket) => void;

  /** @param onEvicted called for each connection that is closed to make room, or refused for want of it */
  constructor(
    options: { readonly maxConnections: number },
    dependencies: { readonly onEvicted: (socket: Socket) => void },
  ) {
    this.#maxConnections = options.maxConnections;
    this.#onEvicted = dependencies.onEvicted;
  }

  /** Take a new connection in, making room where none is left. */
  admit(socket: Socket): void {
    this.#strangers.add(socket);
    socket.once('close', () => {
      this.#strangers.delete(socket);
      this.#trusted.delete(socket);
    });
    if (this.#strangers.size + this.#trusted.size > this.#maxConnections) this.#evictOldest();
  }

  /** The protocol has accepted a message that came over this connection. */
  trust(socket: Socket): void {
    if (this.#strangers.delete(socket)) this.#trusted.add(socket);
  }

  #evictOldest(): void {
    for (const socket of this.#strangers) {
      this.#strangers.delete(socket);
      this.#onEvicted(socket);
      socket.destroy();
      return;
    }
  }
}
