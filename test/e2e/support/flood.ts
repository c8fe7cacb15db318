/** Strangers who do something again and again, for as long as it lasts: bounded in connections, in bytes and in time. */
import { connect, type Socket } from 'node:net';

/** What each connection of a kind does. */
export interface Wave {
  readonly connections: number;
  /** Written when the connection stands, and again whenever as much as this was taken and something was answered. */
  readonly text: string;
  /** Doesn't read what it is answered. */
  readonly deaf?: boolean;
}

/** Between the end of a connection and the next in its place. */
const againMs = 20;

export class Flood {
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #over = false;
  /** Connections that were opened. */
  opened = 0;
  /** Bytes that were answered. */
  answeredBytes = 0;

  constructor(urls: readonly string[], waves: readonly Wave[]) {
    for (const url of urls)
      for (const wave of waves)
        for (let count = 0; count < wave.connections; count += 1) this.#open(new URL(url), wave);
  }

  #open(url: URL, wave: Wave): void {
    if (this.#over) return;
    this.opened += 1;
    const socket = connect({ host: url.hostname, port: Number(url.port) });
    this.#sockets.add(socket);
    let answeredSince = false;
    const write = (): void => {
      answeredSince = false;
      if (!socket.destroyed) socket.write(wave.text);
    };
    socket.on('connect', write);
    if (wave.deaf === true) socket.pause();
    else
      socket.on('data', (chunk) => {
        this.answeredBytes += chunk.length;
        if (!answeredSince && socket.writableLength === 0) {
          answeredSince = true;
          this.#later(write);
        }
      });
    socket.on('error', () => undefined); // a reset is what it asked for
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#later(() => this.#open(url, wave));
    });
  }

  #later(act: () => void): void {
    if (this.#over) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, againMs);
    this.#timers.add(timer);
  }

  end(): void {
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
  }
}
