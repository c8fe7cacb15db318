/** Somebody with a node's keys who sends as much as some connections carry, to one node: bounded in connections and in bytes. */
import { connect, type Socket } from 'node:net';
import type { Rogue } from './rogue.ts';

const connections = 3;
/** Messages that are written at once on one connection. */
const atOnce = 100;

export class Insider {
  readonly #sockets: readonly Socket[];
  readonly #begunAt = performance.now();
  #answered = 0;

  constructor(rogue: Rogue, to: string, url: string) {
    const { hostname, port } = new URL(url);
    this.#sockets = Array.from({ length: connections }, () => {
      const socket = connect({ host: hostname, port: Number(port) });
      socket.on('error', () => undefined); // a reset is what it asked for
      let awaited = 1;
      socket.on('connect', () => socket.write(rogue.pipelined(to, 1)));
      socket.on('data', (chunk) => {
        const answers = chunk.toString('latin1').split('HTTP/1.1 ').length - 1;
        this.#answered += answers;
        awaited -= answers;
        if (awaited > 0) return;
        awaited = atOnce;
        socket.write(rogue.pipelined(to, atOnce));
      });
      return socket;
    });
  }

  /** Messages that were answered, and for how long it has sent them. */
  get sent(): { readonly answered: number; readonly seconds: number } {
    return { answered: this.#answered, seconds: (performance.now() - this.#begunAt) / 1_000 };
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
