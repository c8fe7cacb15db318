/**
 * Who may begin a TLS handshake, and when. A handshake costs a stranger one packet and this node a signature, so those
 * who come wait for their turn, each address in its own, before OpenSSL hears of them; and they have little time.
 *
 * Nothing is made for a connection until its first byte has come: what isn't TLS is never mistaken for it, and is told so.
 */
import type { Socket } from 'node:net';
import type { DurationMs, MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';
import { Lane } from './lane.ts';
import { addressOf } from './sender.ts';
import { Turns } from './turns.ts';

/** Handshakes a second of each lane, and at once after a rest: about a tenth of a core with a key of RSA, less with any other. */
export const HANDSHAKES_PER_SECOND = 40;

/** Connections that are not secure yet, at once. */
export const MAX_HANDSHAKES = 128;

/** The first byte of a TLS connection: a record of the type handshake (RFC 8446, 5.1). */
const HANDSHAKE_RECORD = 22;

/** How many TLS handshakes there may be, and for how long. */
export interface HandshakesOptions {
  readonly handshakesPerSecond: number;
  readonly maxHandshakes: number;
  /** From a connection's beginning until it is secure. */
  readonly handshakeMs: DurationMs;
  /** How often that is looked at. */
  readonly checkMs: DurationMs;
}

/** What tells a peer's handshake from a stranger's. */
export interface HandshakesDependencies {
  readonly monotonicMs: () => MonotonicMs;
  /** A peer is configured at this address. */
  readonly isPeerAddress: (address: string) => boolean;
  /** Let OpenSSL have the connection, and what has come of it. */
  readonly begin: (socket: Socket, first: Buffer) => void;
  /** Something else than TLS is spoken; what has come of it can still be read. */
  readonly onPlain: (socket: Socket) => void;
  /** A connection was cut off: it took too long, or made room for another. */
  readonly onCut: (reason: 'too-slow' | 'overloaded', socket: Socket) => void;
}

const NOTHING = Buffer.alloc(0);

interface Arrival {
  /** Its ends. */
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  readonly lane: Lane<Arrival>;
  readonly since: MonotonicMs;
  /** What has come of it. */
  first: Buffer;
}

/** Rations TLS handshakes, which cost more than anything else that a stranger can ask for. */
export class Handshakes {
  readonly #options: HandshakesOptions;
  readonly #dependencies: HandshakesDependencies;
  /** In the order of arrival, by what the connection has in common with the secure one that is made of it. */
  readonly #arrivals = new Map<string, Arrival>();
  /** Those from where a peer is configured don't wait for the others. */
  readonly #peers: Lane<Arrival>;
  readonly #others: Lane<Arrival>;
  readonly #turns: Turns<Arrival>;
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(options: HandshakesOptions, dependencies: HandshakesDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { handshakesPerSecond: perSecond } = options;
    const lane = (): Lane<Arrival> =>
      new Lane(new Allowance({ perSecond, burst: perSecond }, { monotonicMs: dependencies.monotonicMs }));
    this.#peers = lane();
    this.#others = lane();
    this.#turns = new Turns([this.#peers, this.#others], ({ socket, first }) => {
      if (!socket.destroyed) dependencies.begin(socket, first);
    });
    this.#sweep = setInterval(() => this.#cutSlow(), options.checkMs).unref();
  }

  /** A connection has come. */
  take(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#closed || socket.remoteAddress === undefined) {
      socket.destroy(); // nobody waits for it any more
      return;
    }
    const { isPeerAddress, monotonicMs } = this.#dependencies;
    const address = addressOf(socket);
    const lane = isPeerAddress(address) ? this.#peers : this.#others;
    const key = endsOf(socket);
    this.#arrivals.set(key, { key, socket, address, lane, since: monotonicMs(), first: NOTHING });
    socket.once('close', () => this.#forget(key, socket));
    socket.once('readable', () => this.#greet(key));
    if (this.#arrivals.size > this.#options.maxHandshakes) this.#evict();
  }

  /** The handshake of this connection is over. */
  finish(socket: Socket): void {
    this.#arrivals.delete(endsOf(socket));
  }

  /** Who is not secure yet has to go. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#sweep);
    this.#turns.close();
    for (const { socket } of [...this.#arrivals.values()]) socket.destroy();
  }

  #greet(key: string): void {
    const arrival = this.#arrivals.get(key);
    if (arrival === undefined) return;
    const { socket, address, lane } = arrival;
    const first: unknown = socket.read();
    if (!Buffer.isBuffer(first)) {
      socket.destroy(); // it has ended without a word
      return;
    }
    if (first[0] === HANDSHAKE_RECORD) {
      arrival.first = first;
      lane.add(address, arrival);
      this.#turns.schedule();
      return;
    }
    this.#arrivals.delete(key);
    socket.unshift(first);
    this.#dependencies.onPlain(socket);
  }

  /** The ends of a connection may be those of a later one. */
  #forget(key: string, socket: Socket): void {
    const arrival = this.#arrivals.get(key);
    if (arrival?.socket !== socket) return;
    arrival.lane.remove(arrival.address, arrival);
    this.#arrivals.delete(key);
  }

  /** The oldest of the address that has most of them makes room; one where a peer is configured comes last. */
  #evict(): void {
    const counts = new Map<string, number>();
    for (const { address } of this.#arrivals.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
    const rank = ({ lane, address }: Arrival): number =>
      lane === this.#peers ? 0 : (counts.get(address) ?? 0);
    let chosen: Arrival | null = null;
    for (const arrival of this.#arrivals.values())
      if (chosen === null || rank(arrival) > rank(chosen)) chosen = arrival;
    if (chosen !== null) this.#cut(chosen, 'overloaded');
  }

  #cutSlow(): void {
    const now = this.#dependencies.monotonicMs();
    for (const arrival of this.#arrivals.values())
      if (now - arrival.since > this.#options.handshakeMs) this.#cut(arrival, 'too-slow');
  }

  #cut({ socket, key }: Arrival, reason: 'too-slow' | 'overloaded'): void {
    this.#dependencies.onCut(reason, socket);
    this.#forget(key, socket);
    socket.destroy();
  }
}

/** Both ends of a connection, which no other has at the same time. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
