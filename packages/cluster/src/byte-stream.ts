import type { Socket } from 'node:net';

/** Bytes under way in one direction; more are left unread, as a full window does. */
const windowBytes = 256 * 1024;

type Item = {
  readonly dueMs: number;
  readonly what: { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'end' | 'reset' };
};

/** One direction of a connection: bytes and its end, in order, each as late as told, or held while it is blocked. */
export class ByteStream {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #queue: Item[] = [];
  #queuedBytes = 0;
  #blocked = false;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #finished = false;

  constructor(source: Socket, sink: Socket) {
    this.#source = source;
    this.#sink = sink;
    source.on('data', (bytes: Buffer) => this.#push({ kind: 'bytes', bytes }));
    source.once('end', () => this.#push({ kind: 'end' }));
    source.once('close', () => {
      if (!source.readableEnded) this.#push({ kind: 'reset' });
    });
    source.resume();
  }

  set({ blocked, delayMs }: { readonly blocked: boolean; readonly delayMs: number }): void {
    this.#blocked = blocked;
    this.#delayMs = delayMs;
    this.#pump();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#finished = true;
  }

  #push(what: Item['what']): void {
    if (this.#finished) return;
    this.#queue.push({ dueMs: performance.now() + this.#delayMs, what });
    if (what.kind === 'bytes') {
      this.#queuedBytes += what.bytes.length;
      if (this.#queuedBytes > windowBytes) this.#source.pause();
    }
    this.#pump();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#blocked && !this.#finished) {
      const [first] = this.#queue;
      if (first === undefined) return;
      const waitMs = first.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs);
        return;
      }
      this.#queue.shift();
      this.#deliver(first.what);
    }
  }

  #deliver(what: Item['what']): void {
    switch (what.kind) {
      case 'bytes':
        this.#queuedBytes -= what.bytes.length;
        if (this.#queuedBytes <= windowBytes && !this.#source.destroyed) this.#source.resume();
        if (!this.#sink.destroyed) this.#sink.write(what.bytes);
        return;
      case 'end':
        this.#sink.end();
        return;
      case 'reset':
        this.#finished = true;
        if (!this.#sink.destroyed) this.#sink.resetAndDestroy();
    }
  }
}
