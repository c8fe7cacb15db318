/** Strangers who begin TLS handshakes for as long as it lasts: whole ones, half ones, and what only looks like one. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Connections of each kind, to each node, at once. */
const connections = 20;
/** Between the end of a connection and the next in its place. */
const againMs = 10;

/** Where strangers come from; peers are elsewhere. */
const localAddress = '127.0.0.99';

const BEGUN = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';
const BROKEN = `\x16\x03\x01\x00\x05${'x'.repeat(500)}`;

export class HandshakeFlood {
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #over = false;
  /** Connections that were opened. */
  opened = 0;

  constructor(urls: readonly string[]) {
    for (const url of urls) {
      const { hostname: host, port } = new URL(url);
      const to = { host, port: Number(port), localAddress };
      for (let count = 0; count < connections; count += 1) {
        this.#keep(() => {
          const socket = connectTls({ ...to, rejectUnauthorized: false });
          return socket.once('secureConnect', () => socket.destroy());
        });
        for (const bytes of [BEGUN, BROKEN, ''])
          this.#keep(() => {
            const socket = connect(to);
            return socket.once('connect', () => socket.write(bytes, 'latin1'));
          });
      }
    }
  }

  /** One such connection after another. */
  #keep(open: () => Socket): void {
    if (this.#over) return;
    this.opened += 1;
    const socket = open();
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // a reset is what it asked for
    socket.on('close', () => {
      this.#sockets.delete(socket);
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#keep(open);
      }, againMs);
      this.#timers.add(timer);
    });
  }

  end(): void {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
