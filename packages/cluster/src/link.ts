import { connect, createServer, type Socket } from 'node:net';
import type { Endpoint } from '@failtome/cloud';
import { TogglableListener } from '@failtome/cloud';
import { ByteStream } from './byte-stream.ts';

/**
 * What lies between two nodes. What is dropped is not lost for good: as with TCP, what was under way arrives when the
 * way is open again, if anybody still waits for it.
 */
export type LinkCondition =
  | { readonly kind: 'open' }
  /** Nothing passes, and nothing says so. */
  | { readonly kind: 'drop' }
  /** Requests arrive, answers don't. */
  | { readonly kind: 'drop-answers' }
  /** Connections are refused; those that stand are reset. */
  | { readonly kind: 'refuse' }
  /** Everything takes so much longer, each way. */
  | { readonly kind: 'delay'; readonly ms: number };

/** Between whom a link is, and where. */
export interface LinkOptions {
  readonly from: string;
  readonly to: string;
  /** Where the caller connects. */
  readonly listen: Endpoint;
  /** Where its connections end up. */
  readonly target: Endpoint;
}

interface Connection {
  readonly client: Socket;
  upstream: Socket | null;
  streams: readonly [requests: ByteStream, answers: ByteStream] | null;
  /** Lets go of a connection that waits to begin. */
  release: () => void;
}

/** What a client may send before its connection has begun; nobody says more before an answer. */
const earlyBytes = 256 * 1024;

/** The way from one node to another's API: a TCP forwarder that can be cut, refused or slowed down. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly #target: Endpoint;
  readonly #listener: TogglableListener;
  readonly #connections = new Set<Connection>();
  #condition: LinkCondition = { kind: 'open' };
  #listening = false;
  #gone: ReadonlySet<'from' | 'to'> = new Set();

  constructor({ from, to, listen, target }: LinkOptions) {
    this.from = from;
    this.to = to;
    this.#target = target;
    this.#listener = new TogglableListener(() => this.#createServer(), listen);
  }

  async open(): Promise<void> {
    await this.#listener.open();
    this.#apply();
  }

  /** Where the caller connects. */
  get url(): string {
    const { host, port } = this.#listener.endpoint;
    return `http://${host}:${port}`;
  }

  get condition(): LinkCondition {
    return this.#condition;
  }

  set(condition: LinkCondition): void {
    this.#condition = condition;
    this.#apply();
  }

  /** Tells it whether anything listens at the other end: where nothing does, connections are refused. */
  setListening(listening: boolean): void {
    this.#listening = listening;
    this.#apply();
  }

  /** Tells it that the machine at one end is gone, or back: to one that is gone there is only silence. */
  setMachine(end: 'from' | 'to', state: 'present' | 'gone'): void {
    const others = [...this.#gone].filter((each) => each !== end);
    this.#gone = new Set(state === 'gone' ? [...others, end] : others);
    this.#apply();
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) destroy(connection);
    await this.#listener.close();
  }

  get #effective(): LinkCondition {
    return this.#gone.size > 0 ? { kind: 'drop' } : this.#condition;
  }

  #apply(): void {
    const { kind } = this.#effective;
    const refuses = kind === 'refuse' || (kind !== 'drop' && !this.#listening);
    this.#listener.set(refuses ? 'shut' : 'open');
    for (const connection of this.#connections) {
      if (kind === 'refuse') {
        connection.client.resetAndDestroy();
        connection.upstream?.resetAndDestroy();
      } else if (connection.upstream === null) this.#start(connection);
      else this.#applyTo(connection);
    }
  }

  #createServer(): ReturnType<typeof createServer> {
    return createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const connection: Connection = { client, upstream: null, streams: null, release: hold(client) };
      this.#connections.add(connection);
      client.on('error', () => client.destroy());
      client.on('close', () => {
        if (connection.upstream === null) this.#connections.delete(connection);
      });
      this.#start(connection);
    });
  }

  /** A connection that begins while everything is dropped waits, as a first packet that is sent again. */
  #start(connection: Connection): void {
    const { client } = connection;
    if (this.#effective.kind === 'drop' || client.destroyed) return;
    connection.release();
    const upstream = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
    connection.upstream = upstream;
    connection.streams = [new ByteStream(client, upstream), new ByteStream(upstream, client)];
    upstream.on('error', () => upstream.destroy());
    const forget = (): void => {
      if (client.destroyed && upstream.destroyed) this.#connections.delete(connection);
    };
    client.on('close', forget);
    upstream.on('close', forget);
    this.#applyTo(connection);
  }

  #applyTo({ streams }: Connection): void {
    const condition = this.#effective;
    const delayMs = condition.kind === 'delay' ? condition.ms : 0;
    streams?.[0].set({ blocked: condition.kind === 'drop', delayMs });
    streams?.[1].set({ blocked: condition.kind === 'drop' || condition.kind === 'drop-answers', delayMs });
  }
}

/** Keeps what comes meanwhile; a client that hangs up was never connected, and nothing of it arrives. */
function hold(client: Socket): () => void {
  const early: Buffer[] = [];
  let length = 0;
  const keep = (bytes: Buffer): void => {
    early.push(bytes);
    length += bytes.length;
    if (length > earlyBytes) client.destroy();
  };
  const giveUp = (): void => {
    client.destroy();
  };
  client.on('data', keep).on('end', giveUp);
  return () => {
    client.off('data', keep).off('end', giveUp);
    client.pause();
    if (early.length > 0) client.unshift(Buffer.concat(early));
  };
}

function destroy({ client, upstream, streams }: Connection): void {
  for (const stream of streams ?? []) stream.close();
  client.destroy();
  upstream?.destroy();
}
