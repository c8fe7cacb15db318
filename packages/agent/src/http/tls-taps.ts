/**
 * What strangers make OpenSSL read, on a budget.
 *
 * TLS has records that carry nothing for the API and still cost a key derivation each (KeyUpdate, RFC 8446, 4.6.3): OpenSSL
 * takes any number of them, and Node reads up to two megabytes of them in one turn of the event loop without a word.
 * So the bytes of a connection pass through here on their way to OpenSSL: a small piece a turn, and no more pieces a second
 * than the budget has, until the connection has carried an accepted message; and from then on as long as its sender sends more
 * than honest ones do.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { MonotonicMs } from '@failtome/protocol';
import { Allowance } from '../allowance.ts';
import { Lane } from './lane.ts';
import { addressOf } from './sender.ts';
import { Turns } from './turns.ts';

/** The most bytes of a stranger that OpenSSL is given at once: some forty of the smallest records. */
const PIECE_BYTES = 1_024;

/** How much is decrypted for strangers. */
export interface TapsOptions {
  readonly piecesPerSecond: number;
  readonly maxHeldBytes: number;
}

/** What tells peers' connections from strangers'. */
export interface TapsDependencies {
  readonly monotonicMs: () => MonotonicMs;
  readonly isTrusted: (socket: Socket) => boolean;
  /** Whether so many bytes of this connection's are read at once, which is counted. */
  readonly mayDecrypt: (socket: Socket, bytes: number) => boolean;
  /** A peer is configured at this address. */
  readonly isPeerAddress: (address: string) => boolean;
  /** A connection was cut off: it has sent more than there is room for. */
  readonly onCut: (reason: 'overloaded', socket: Socket) => void;
}

/** A connection on its way to OpenSSL. */
export class Tap extends Duplex {
  readonly raw: Socket;
  readonly address: string;
  readonly lane: Lane<Tap>;
  readonly #taps: Taps;
  #held: Buffer;
  /** OpenSSL takes more. */
  #wanted = false;
  /** What has been made of it, once it is secure. */
  secure: Socket | null = null;

  constructor(taps: Taps, raw: Socket, first: Buffer, lane: Lane<Tap>) {
    super({ allowHalfOpen: true });
    this.#taps = taps;
    this.raw = raw;
    this.address = addressOf(raw);
    this.lane = lane;
    this.#held = first;
    raw.on('data', (chunk: Buffer) => this.#receive(chunk));
    raw.once('end', () => this.push(null));
    raw.once('close', () => {
      this.destroy();
      this.secure?.destroy();
    });
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  /** Whose turn it is gets a piece. */
  serve(): void {
    this.#give(PIECE_BYTES);
  }

  override _read(): void {
    this.#wanted = true;
    this.#goOn();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.raw.write(chunk, done);
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.raw.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.raw.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#taps.forget(this);
    this.raw.destroy();
    done(error);
  }

  /** What is made of the bytes is made within this call, and knows by it whose they are. */
  override emit(event: string | symbol, ...args: readonly unknown[]): boolean {
    if (event !== 'data') return super.emit(event, ...args);
    return this.#taps.within(this, () => super.emit(event, ...args));
  }

  #receive(chunk: Buffer): void {
    if (this.#held.length === 0 && this.#wanted && this.#taps.mayDecrypt(this, chunk.length)) {
      this.#wanted = this.push(chunk);
      if (!this.#wanted) this.raw.pause();
      return;
    }
    this.raw.pause();
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    if (this.#taps.hasRoomFor(this)) this.#goOn();
  }

  #goOn(): void {
    if (this.#held.length === 0) this.raw.resume();
    else if (!this.#wanted) return;
    else if (this.#taps.mayDecrypt(this, this.#held.length)) this.#give(this.#held.length);
    else this.#taps.wait(this);
  }

  #give(bytes: number): void {
    if (this.destroyed || this.#held.length === 0) return;
    const piece = this.#held.subarray(0, bytes);
    this.#held = this.#held.subarray(bytes);
    this.#wanted = this.push(piece);
    this.#goOn();
  }
}

/** Hands what strangers send over TLS to OpenSSL in pieces, on a budget. */
export class Taps {
  readonly #options: TapsOptions;
  readonly #dependencies: TapsDependencies;
  readonly #open = new Set<Tap>();
  readonly #peers: Lane<Tap>;
  readonly #others: Lane<Tap>;
  readonly #turns: Turns<Tap>;
  #current: Tap | null = null;

  constructor(options: TapsOptions, dependencies: TapsDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const { piecesPerSecond: perSecond } = options;
    const lane = (): Lane<Tap> =>
      new Lane(new Allowance({ perSecond, burst: perSecond }, { monotonicMs: dependencies.monotonicMs }));
    this.#peers = lane();
    this.#others = lane();
    this.#turns = new Turns([this.#peers, this.#others], (tap) => tap.serve());
  }

  /** @param first what has come of it already */
  open(raw: Socket, first: Buffer): Tap {
    const lane = this.#dependencies.isPeerAddress(addressOf(raw)) ? this.#peers : this.#others;
    const tap = new Tap(this, raw, first, lane);
    this.#open.add(tap);
    return tap;
  }

  /** The connection whose bytes are being read at this moment. */
  get current(): Tap | null {
    return this.#current;
  }

  within<T>(tap: Tap, act: () => T): T {
    const before = this.#current;
    this.#current = tap;
    try {
      return act();
    } finally {
      this.#current = before;
    }
  }

  isTrusted({ secure }: Tap): boolean {
    return secure !== null && this.#dependencies.isTrusted(secure);
  }

  mayDecrypt({ secure }: Tap, bytes: number): boolean {
    return secure !== null && this.#dependencies.mayDecrypt(secure, bytes);
  }

  wait(tap: Tap): void {
    tap.lane.add(tap.address, tap);
    this.#turns.schedule();
  }

  /** False: it has been cut off. */
  hasRoomFor(tap: Tap): boolean {
    let held = 0;
    for (const one of this.#open) held += one.heldBytes;
    if (held <= this.#options.maxHeldBytes || this.isTrusted(tap)) return true;
    this.#dependencies.onCut('overloaded', tap.raw);
    tap.destroy();
    return false;
  }

  forget(tap: Tap): void {
    tap.lane.remove(tap.address, tap);
    this.#open.delete(tap);
  }

  close(): void {
    this.#turns.close();
  }
}
