/** The API's server over TLS: Node's own, with handshakes on a budget, and a certificate that can be renewed. */
import { randomBytes } from 'node:crypto';
import type { ServerOptions } from 'node:http';
import { createServer, Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { MonotonicMs, RejectReason } from '@failtome/protocol';
import type { Certificate } from '../tls/certificate.ts';
import { PROTOCOLS } from '../tls/connect.ts';
import { Handshakes, type HandshakesOptions } from './handshakes.ts';
import { refuseConnection } from './refusals.ts';
import { rememberAddress } from './sender.ts';
import { type Entry, TlsReview } from './tls-review.ts';
import { Taps, type TapsOptions } from './tls-taps.ts';

/** How long a peer that was here may come back without the proof of certificates. */
const RESUMPTION_S = 3_600;

/** The length that OpenSSL wants. */
const TICKET_KEY_BYTES = 48;

/** The certificate that the server shows, and what it asks for. */
export interface ServerTls extends Entry {
  /** At this moment. */
  readonly certificate: () => Certificate;
}

/** What the server has to know of who connects. */
export interface TlsServerDependencies {
  readonly tls: ServerTls;
  readonly monotonicMs: () => MonotonicMs;
  readonly isPeerAddress: (address: string) => boolean;
  readonly isTrusted: (socket: Socket) => boolean;
  readonly mayDecrypt: (socket: Socket, bytes: number) => boolean;
  readonly onRejected: (reason: RejectReason, socket: Socket) => void;
  /** A connection is secure, or may do without. */
  readonly admit: (socket: Socket) => void;
  /** Ends a connection when nothing is under way on it any more. */
  readonly letGo: (socket: Socket) => void;
}

/** Make a server that speaks TLS, and rations handshakes and what is decrypted. */
export function createTlsServer(
  options: ServerOptions,
  limits: HandshakesOptions & TapsOptions,
  { tls, monotonicMs, isPeerAddress, isTrusted, mayDecrypt, onRejected, admit, letGo }: TlsServerDependencies,
): { readonly server: Server; readonly endHandshakes: () => void } {
  const server = createServer({
    ...options,
    ...tls.certificate().options,
    ALPNProtocols: PROTOCOLS,
    handshakeTimeout: limits.handshakeMs,
    sessionTimeout: RESUMPTION_S,
    noDelay: true,
    requestCert: tls.clientAuth === 'required',
    // Judged below, because a peer may also be known by its key alone.
    rejectUnauthorized: false,
  });
  // Node would begin each handshake as soon as the connection is there, and read requests as soon as that is over.
  const begin = takeListener(server, 'connection');
  const serve = takeListener(server, 'secureConnection');
  const review = new TlsReview({ tls, now: Date.now, letGo });
  server.on(REVIEW, () => review.review());
  const accept = (socket: Socket, secure: TLSSocket | null): void => {
    serve.call(server, socket);
    admit(socket);
    review.add(socket, secure);
  };
  const taps = new Taps(limits, { monotonicMs, isPeerAddress, isTrusted, mayDecrypt, onCut: onRejected });
  const handshakes = new Handshakes(limits, {
    monotonicMs,
    isPeerAddress,
    begin: (socket, first) => begin.call(server, taps.open(socket, first)),
    onPlain(socket) {
      if (tls.plain() === 'accept') return accept(socket, null);
      onRejected('tls', socket);
      refuseConnection(socket, PLAIN_REFUSED);
    },
    onCut: onRejected,
  });
  server.on('connection', (socket: Socket) => handshakes.take(socket));
  server.on('secureConnection', (socket: TLSSocket) => {
    // A TLS connection doesn't know what lies below it.
    const tap = taps.current;
    if (tap === null) throw new Error('this version of Node ends a handshake at another time');
    tap.secure = socket;
    rememberAddress(socket, tap.address);
    handshakes.finish(tap.raw);
    if (review.refusalOf(socket) === null) return accept(socket, socket);
    onRejected('tls', socket);
    socket.destroy();
  });
  const endHandshakes = (): void => {
    handshakes.close();
    taps.close();
  };
  return { server, endHandshakes };
}

/** An EventEmitter's listeners have no type. */
type Listener = (this: Server, socket: Duplex) => void;

/** The one that Node itself has, which is called from here from now on. */
function takeListener(server: Server, event: 'connection' | 'secureConnection'): Listener {
  const [listener] = server.listeners(event);
  if (listener === undefined) throw new Error(`this version of Node does not listen for ${event} itself`);
  server.removeListener(event, listener as Listener);
  return listener as Listener;
}

const PLAIN_REFUSED = { status: 400, code: 'tls', message: 'this port speaks TLS: ask by https' } as const;

/** The event by which a server hears that keys, authorities or settings may have changed. */
const REVIEW = 'failtome-review';

/** Let go the connections that the configuration of this moment wouldn't let in. */
export function reviewConnections(server: object): void {
  if (server instanceof Server) server.emit(REVIEW);
}

/** Show another certificate from now on. Connections that are secure already stay so. */
export function renewCertificate(server: object, { options }: Certificate): void {
  if (!(server instanceof Server)) return;
  server.setSecureContext(options);
  // Nobody comes back on the word of the one before.
  server.setTicketKeys(randomBytes(TICKET_KEY_BYTES));
}
