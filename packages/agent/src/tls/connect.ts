/** Opens a TLS connection, and hands it over only when the other end has proved who it is. */
import { isIP } from 'node:net';
import { connect, type SecureContext, type TLSSocket } from 'node:tls';
import type { DurationMs } from '@failtome/protocol';
import { CertificateRefusedError, type Expected, nameFault, refusalOf } from './verification.ts';

/** Both ends speak HTTP/1.1, and say so. */
export const PROTOCOLS: string[] = ['http/1.1'];

/** How one server is spoken to. */
export interface Secure {
  readonly context: SecureContext;
  readonly expected: Expected;
  /** Spares both ends the proof of a certificate, where they have met lately. */
  readonly resumption: Resumption;
}

/** What the last connection to one server left for the next. */
export class Resumption {
  session: Buffer | null = null;
}

/** Where a connection over TLS goes. */
export interface SecureTarget {
  readonly host: string;
  readonly port: number;
  /** Of the idle connection, later; 0: none. */
  readonly idleMs: DurationMs;
}

/** @param done called once. Nothing has been sent before it, whoever the other end is */
export function connectSecurely(
  { host, port, idleMs }: SecureTarget,
  { context, expected, resumption }: Secure,
  done: (result: TLSSocket | Error) => void,
): TLSSocket {
  const socket = connect({
    host,
    port,
    secureContext: context,
    servername: isIP(host) === 0 ? host : '',
    ALPNProtocols: PROTOCOLS,
    // What OpenSSL finds is judged below, because a certificate may also be known by its key alone.
    rejectUnauthorized: false,
    checkServerIdentity: (_host, certificate) => nameFault(expected, certificate),
    ...(resumption.session === null ? {} : { session: resumption.session }),
    ...(idleMs === 0 ? {} : { timeout: idleMs }),
  });
  socket.setNoDelay(true);
  let cause: Error | null = null;
  const failed = (error: Error): void => {
    cause ??= error;
  };
  const closed = (): void => done(cause ?? closedError());
  socket.once('error', failed).once('close', closed);
  socket.once('secureConnect', () => {
    // A session is kept of those alone who have proved it, and nobody else can resume it.
    const refusal = socket.isSessionReused() ? null : refusalOf(socket, expected);
    if (refusal !== null) {
      resumption.session = null;
      socket.destroy(new CertificateRefusedError(refusal));
      return;
    }
    // Not before: a server that is refused may have sent a ticket with its handshake.
    socket.on('session', (session: Buffer) => {
      resumption.session = session;
    });
    socket.off('close', closed).off('error', failed);
    done(socket);
  });
  return socket;
}

function closedError(): Error {
  return Object.assign(new Error('the connection was closed before it was secure'), { code: 'ECONNRESET' });
}
