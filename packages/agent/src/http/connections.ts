/**
 * Who may stay connected. A flood of connections must not keep the peers out, so when the API is full the
 * oldest connection that has not yet carried an accepted message makes room, one from where a peer is configured last,
 * and one that has never does.
 */
import type { Socket } from 'node:net';
import { addressOf } from './sender.ts';
import type { SenderAllowances, Senders } from './senders.ts';

/** The most connections the API holds at once. */
export const MAX_CONNECTIONS = 512;

/** Who hears of connections that had no room. */
export interface GateDependencies {
  /** Called for each connection that is closed to make room, or refused for want of it. */
  readonly onEvicted: (socket: Socket) => void;
  /** A peer is configured at this address. */
  readonly isPeerAddress: (address: string) => boolean;
  readonly senders: Senders;
}

const KIB = 1_024;

/** Bounds how many connections there are, those of peers last. */
export class ConnectionGate {
  readonly #maxConnections: number;
  /** In the order of arrival. */
  readonly #strangers = new Set<Socket>();
  /** With what their senders may have done at once. */
  readonly #trusted = new Map<Socket, SenderAllowances>();
  readonly #dependencies: GateDependencies;

  constructor(options: { readonly maxConnections: number }, dependencies: GateDependencies) {
    this.#maxConnections = options.maxConnections;
    this.#dependencies = dependencies;
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

  /** The protocol has accepted a message of this sender's that came over this connection. */
  trust(socket: Socket, sender: string): void {
    if (this.#strangers.delete(socket) || this.#trusted.has(socket))
      this.#trusted.set(socket, this.#dependencies.senders.of(sender));
  }

  /** Something came over this connection that no honest sender sends: it is a stranger's until a message is accepted again. */
  distrust(socket: Socket): void {
    if (this.#trusted.delete(socket)) this.#strangers.add(socket);
  }

  /** Whether a request on this connection is served at once, which is counted; else it waits for its turn, as strangers do. */
  mayRequest(socket: Socket): boolean {
    return this.#trusted.get(socket)?.requests.take() ?? false;
  }

  /** As `mayRequest`, for bytes that OpenSSL is to read. */
  mayDecrypt(socket: Socket, bytes: number): boolean {
    return this.#trusted.get(socket)?.secureKib.take(Math.ceil(bytes / KIB)) ?? false;
  }

  /** Whether the protocol has accepted a message that came over this connection. */
  isTrusted(socket: Socket): boolean {
    return this.#trusted.has(socket);
  }

  #evictOldest(): void {
    const { isPeerAddress, onEvicted } = this.#dependencies;
    const [oldest] = this.#strangers;
    const socket = firstOf(this.#strangers, (one) => !isPeerAddress(addressOf(one))) ?? oldest;
    if (socket === undefined) return;
    this.#strangers.delete(socket);
    onEvicted(socket);
    socket.destroy();
  }
}

function firstOf<T>(items: Iterable<T>, fits: (item: T) => boolean): T | undefined {
  for (const item of items) if (fits(item)) return item;
  return undefined;
}
