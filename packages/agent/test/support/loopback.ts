/** Servers, folders and clocks for the adapters' tests: on loopback, and gone when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { Event } from '@failtome/protocol';
import { onTestFinished } from 'vitest';
import { type Clock, createClock } from '../../src/adapters/clock.ts';
import { Names } from '../../src/adapters/names.ts';

/** Self-signed, for the name `failtome.test`, made for these tests and used nowhere else. */
const TLS_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgemZ50S59CnP7UjkJ
SeSBDOA0IuNQqtHGwUUVoENXlNihRANCAASsRTgzskBul0GhdSYZD/AfuK7J6+og
/vjx2fa4/iYalbSTaMIKLRSOAjrWrmg1G09v1cQWWPfjTcH7ZOEqMC04
-----END PRIVATE KEY-----
`;
const TLS_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBiDCCAS2gAwIBAgIUHp+cc5h8xpU5Pd9RZ3V3i+aYeqYwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNZmFpbHRvbWUudGVzdDAgFw0yNjExMjIwODI1MzJaGA8yMTI2
MTAyOTA4MjUzMlowGDEWMBQGA1UEAwwNZmFpbHRvbWUudGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABKxFODOyQG6XQaF1JhkP8B+4rsnr6iD++PHZ9rj+JhqV
tJNowgotFI4COtauaDUbT2/VxBZY9+NNwftk4SowLTijUzBRMB0GA1UdDgQWBBT9
9xpEHrxWb/popHZb6T2k7Z+ikDAfBgNVHSMEGDAWgBT99xpEHrxWb/popHZb6T2k
7Z+ikDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDNOl9H/Zzu
xCDlQhzELiqeL9tWOxq+uy0rkYZnueWGZwIhAPdLbimBJ3VA3FJ/e4PQerzyU84Q
OL2d6VYA5Hi6oOTt
-----END CERTIFICATE-----
`;

export interface Listener {
  readonly port: number;
  /** What each connection has sent so far, in the order they came. */
  readonly requests: string[];
  /** Server names asked for by TLS. */
  readonly serverNames: (string | false | null | undefined)[];
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** What to do with connection `index` once its request has arrived. Nothing: it hangs. */
export type Behaviour = (socket: Socket, index: number, request: string) => void;

export interface ListenOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: boolean;
  /** Sent to whoever connects, before any request. */
  readonly greeting?: string;
}

/** A server that does as told with each request; closed, with all of its connections, after the test. */
export async function listen(behave: Behaviour, options: ListenOptions = {}): Promise<Listener> {
  const open = new Set<Socket>();
  const requests: string[] = [];
  const serverNames: Listener['serverNames'] = [];
  const accept = (socket: Socket): void => {
    const index = requests.push('') - 1;
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    if ('servername' in socket)
      serverNames.push((socket as TLSSocket & { servername?: string | false }).servername);
    const onData = (chunk: Buffer): void => {
      requests[index] += chunk.toString('latin1');
      if (!requests[index]?.includes('\r\n\r\n')) return;
      socket.off('data', onData).resume();
      behave(socket, index, requests[index] ?? '');
    };
    socket.on('data', onData);
    if (options.greeting !== undefined) socket.write(options.greeting);
  };
  const server: Server = options.tls
    ? createTlsServer({ key: TLS_KEY, cert: TLS_CERTIFICATE }, accept)
    : createServer(accept);
  server.on('tlsClientError', () => undefined);
  const raw = new Set<Socket>();
  server.on('connection', (socket: Socket) => raw.add(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve);
  });
  const close = async (): Promise<void> => {
    for (const socket of raw) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { port: address.port, requests, serverNames, open, close };
}

/** A whole answer, after which the connection is closed. */
export function answer(status: number, body = '', headers: readonly string[] = []): string {
  const lines = [`HTTP/1.1 ${status} Text`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** A port that nobody listens on: one that was just given back. */
export async function refusedPort(): Promise<number> {
  const listener = await listen(() => undefined);
  await listener.close();
  return listener.port;
}

export async function hasIpv6(): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '::1', resolve));
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** An empty folder, gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'failtome-test-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Collects what is posted; `next` waits for one more. */
export class Inbox {
  readonly events: Event[] = [];
  readonly #waiting: ((event: Event) => void)[] = [];
  #read = 0;

  readonly post = (event: Event): void => {
    this.events.push(event);
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) {
      this.#read += 1;
      waiter(event);
    }
  };

  next(): Promise<Event> {
    const ready = this.events[this.#read];
    if (ready === undefined) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#read += 1;
    return Promise.resolve(ready);
  }
}

/** What every adapter that asks over the network is given. */
export function networkDependencies(): {
  readonly clock: Clock;
  readonly names: Names;
  readonly inbox: Inbox;
  readonly post: Inbox['post'];
} {
  const clock = createClock();
  const inbox = new Inbox();
  return { clock, names: new Names({ monotonicMs: clock.monotonicMs }), inbox, post: inbox.post };
}

/** A promise, and what resolves it. */
export function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}
