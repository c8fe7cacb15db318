/** Plain connections to an agent's port, for what no HTTP library would send. */
import { connect, type Socket } from 'node:net';

/** A connection on which nothing happens for so long is given up, and its test fails. */
const silenceMs = 20_000;
/** More than any answer. */
const answerBound = 4 * 1024 * 1024;

export class Stranger {
  readonly socket: Socket;
  /** Settles with all that was answered when the connection has ended, whoever ended it. */
  readonly ended: Promise<string>;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    this.socket = socket;
    this.ended = new Promise((resolve, reject) => {
      let text = '';
      socket.setEncoding('latin1').setTimeout(silenceMs, () => {
        socket.destroy();
        reject(new Error(`The connection was left open; so far it had answered: ${text.slice(0, 200)}`));
      });
      socket.on('data', (chunk: string) => {
        text = (text + chunk).slice(0, answerBound);
      });
      // A reset is an answer, too: the other side had enough.
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
    this.ended.catch(() => undefined);
  }

  /** Sends this, and nothing after it; the connection stays open. */
  write(bytes: string | Buffer): this {
    if (!this.socket.destroyed) this.socket.write(bytes);
    return this;
  }

  /** Sends a piece at a time, for as long as the connection lasts. */
  drip(pieces: Iterable<string>, everyMs: number): this {
    const iterator = pieces[Symbol.iterator]();
    const timer = setInterval(() => {
      const { value, done } = iterator.next();
      if (done === true || this.socket.destroyed) clearInterval(timer);
      else this.socket.write(value);
    }, everyMs);
    this.socket.once('close', () => clearInterval(timer));
    return this;
  }
}

/** The status of each answer in what a connection was sent. */
export function statusesIn(answered: string): readonly number[] {
  return [...answered.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}
