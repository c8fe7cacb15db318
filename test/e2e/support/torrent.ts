/** Stands before a service, passes everything on, and pours answers without an end while it is told to. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** How an answer begins, and what comes then again and again. */
export const ENDLESS = {
  'informational responses': ['', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  'a body': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', `4000\r\n${'x'.repeat(0x4000)}\r\n`],
  headers: ['HTTP/1.1 200 OK\r\n', 'X-More: 1\r\n'],
  'nested XML': [
    'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n',
    `3000\r\n${'<a>'.repeat(0x1000)}\r\n`,
  ],
} as const;
export type Endless = keyof typeof ENDLESS;

/** A connection that is still read after so much is given up: the test sees it by what was poured. */
const mostBytes = 256 * 1_048_576;

export class Torrent {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #pours: Endless | null = null;
  /** Connections that were poured at, and bytes in sum. */
  poured = 0;
  bytes = 0;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((socket) => {
      this.#keep(socket);
      if (this.#pours === null) this.#forward(socket);
      else this.#pour(socket, this.#pours);
    });
  }

  /** @param at where it listens; a port of its own by default */
  static async open(
    url: string,
    at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
  ): Promise<Torrent> {
    const torrent = new Torrent(new URL(url));
    await new Promise<void>((resolve, reject) => {
      torrent.#server.once('error', reject).listen(at.port, at.host, resolve);
    });
    return torrent;
  }

  /** The service's own URL, with this in front of it. */
  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The torrent has no port.');
    const url = new URL(this.#target);
    url.host = `127.0.0.1:${address.port}`;
    return url.href.replace(/\/$/, '');
  }

  /** From now on; null: passes on again. Connections that stand end. */
  set(pours: Endless | null): void {
    this.#pours = pours;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // a reset is what it asks for
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #forward(socket: Socket): void {
    const upstream = connect({ host: this.#target.hostname, port: Number(this.#target.port) });
    this.#keep(upstream);
    socket.pipe(upstream).pipe(socket);
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
  }

  /** Once something was asked. */
  #pour(socket: Socket, what: Endless): void {
    const [begin, again] = ENDLESS[what];
    const piece = Buffer.from(again.repeat(Math.ceil(65_536 / again.length)));
    let sent = 0;
    const more = (): void => {
      while (!socket.destroyed && sent < mostBytes) {
        sent += piece.length;
        this.bytes += piece.length;
        if (!socket.write(piece)) return void socket.once('drain', more);
      }
      socket.destroy();
    };
    socket.once('data', () => {
      this.poured += 1;
      socket.resume().write(begin);
      more();
    });
  }
}
