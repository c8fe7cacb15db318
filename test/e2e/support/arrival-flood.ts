/** Strangers who only open connections, one after another, until so many have been opened or it is ended. */
import { connect, type Socket } from 'node:net';

/** So many more to each node each time: together five times what one address may open. It must leave the test its own turns. */
const connections = 10;
const everyMs = 20;
/** To each node, in all. */
const mostOpened = 20_000;

/** Where strangers come from; peers are elsewhere. */
const localAddress = '127.0.0.98';

export class ArrivalFlood {
  readonly #sockets = new Set<Socket>();
  readonly #timer: NodeJS.Timeout;
  /** Connections that were opened. */
  opened = 0;

  constructor(urls: readonly string[]) {
    const targets = urls.map((url) => {
      const { hostname: host, port } = new URL(url);
      return { host, port: Number(port), localAddress };
    });
    this.#timer = setInterval(() => {
      if (this.opened >= mostOpened * targets.length) return;
      for (const to of targets) for (let count = 0; count < connections; count += 1) this.#open(to);
    }, everyMs);
  }

  /** A connection that ends as soon as it is there, so that what the node keeps at once is no bound to the flood. */
  #open(to: { readonly host: string; readonly port: number; readonly localAddress: string }): void {
    this.opened += 1;
    const socket = connect(to);
    this.#sockets.add(socket);
    socket.once('connect', () => socket.destroy());
    socket.on('error', () => undefined); // a reset is what it asked for
    socket.once('close', () => this.#sockets.delete(socket));
  }

  end(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
