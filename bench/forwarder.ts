/** What one node sends to another, counted: a TCP forwarder between an agent and its peer's API. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Counts payload bytes: what TCP and IP add is the same for everybody. */
export class CountingForwarder {
  /** From the one who connects. */
  requestBytes = 0;
  /** From the one who listens. */
  answerBytes = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: Endpoint | null = null;

  constructor() {
    this.#server = createServer({ noDelay: true }, (client) => this.#forward(client));
  }

  /** Listens on loopback, at a free port. */
  async open(): Promise<Endpoint> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('The forwarder has no port.');
    return { host: '127.0.0.1', port: address.port };
  }

  /** Where connections go from now on. */
  aim(target: Endpoint): void {
    this.#target = target;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(client: Socket): void {
    if (this.#target === null) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ ...this.#target, noDelay: true });
    client.on('data', (bytes) => {
      this.requestBytes += bytes.length;
    });
    upstream.on('data', (bytes) => {
      this.answerBytes += bytes.length;
    });
    client.pipe(upstream).pipe(client);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      // A refusal is passed on as a reset.
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
