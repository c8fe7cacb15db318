import type { Server, Socket } from 'node:net';

/** Where something listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** As it stands in a URL: an IPv6 host in brackets. */
export function authorityOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Between two tries to listen again on a port that something else holds for the moment. */
const reopenAfterMs = 20;

/**
 * A listening port that can be shut and opened again: shut, the operating system refuses connections, which no answer
 * of ours could look like. Connections that stand when it is shut stay.
 */
export class TogglableListener {
  readonly #makeServer: () => Server;
  readonly #host: string;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #server: Server | null = null;
  #retry: NodeJS.Timeout | undefined;
  #wanted: 'open' | 'shut' = 'shut';

  constructor(makeServer: () => Server, { host, port }: Endpoint) {
    this.#makeServer = makeServer;
    this.#host = host;
    this.#port = port;
  }

  get endpoint(): Endpoint {
    return { host: this.#host, port: this.#port };
  }

  /** Scheme, host and port. */
  get url(): string {
    return `http://${authorityOf(this.endpoint)}`;
  }

  /** Opens it for the first time; port 0 becomes a free one, and stays that. Rejects when the port is taken. */
  async open(): Promise<void> {
    this.#wanted = 'open';
    const server = this.#makeServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, this.#host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
    this.#adopt(server);
  }

  /** Shuts it or opens it again; nothing happens when it is so already. */
  set(wanted: 'open' | 'shut'): void {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    clearTimeout(this.#retry);
    if (wanted === 'open') {
      this.#reopen();
      return;
    }
    this.#server?.close();
    this.#server = null;
  }

  /** Shuts it for good, and cuts every connection that came through it. */
  async close(): Promise<void> {
    const server = this.#server;
    this.set('shut');
    for (const socket of this.#sockets) socket.destroy();
    if (server?.listening) await new Promise((resolve) => server.once('close', resolve));
  }

  #reopen(): void {
    const server = this.#makeServer();
    server.on('error', () => {
      if (this.#server === server) this.#retry = setTimeout(() => this.#reopen(), reopenAfterMs);
    });
    // Shut before it listened: `close` does nothing to a server that doesn't yet.
    server.on('listening', () => {
      if (this.#server !== server) server.close();
    });
    server.listen(this.#port, this.#host);
    this.#adopt(server);
  }

  #adopt(server: Server): void {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }
}
