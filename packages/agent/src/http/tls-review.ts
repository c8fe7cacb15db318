/**
 * Which connections stay when the configuration has changed: those that would be let in again. Who was let in by a key, an
 * authority or a setting that counts no more is let go, as soon as what it has asked is answered.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { WallMs } from '@failtome/protocol';
import { refusalOf } from '../tls/verification.ts';

/** Who may connect, and how. */
export interface Entry {
  /** Whether who connects has to show a certificate: of a peer's identity, or of an authority. */
  readonly clientAuth: 'none' | 'required';
  /** What becomes of plain HTTP, at this moment. */
  readonly plain: () => 'refuse' | 'accept';
  /** The identities of the peers, at this moment. */
  readonly peerKeys: () => readonly KeyObject[];
  /** The authorities that may vouch for who connects, at this moment, as PEM; null: none are configured. */
  readonly authorities: () => string | null;
}

/** What a review of open connections needs, and how it ends one. */
export interface TlsReviewDependencies {
  readonly tls: Entry;
  readonly now: () => WallMs;
  /** Ends a connection when nothing is under way on it any more. */
  readonly letGo: (socket: Socket) => void;
}

/** Why a connection was let in. */
interface Admission {
  /** Null: it speaks plain HTTP. */
  readonly secure: TLSSocket | null;
  /** The authorities that vouched for it, or could have. */
  readonly authorities: string | null;
}

/** The connections that were let in, until they end. */
export class TlsReview {
  readonly #dependencies: TlsReviewDependencies;
  readonly #admitted = new Map<Socket, Admission>();

  constructor(dependencies: TlsReviewDependencies) {
    this.#dependencies = dependencies;
  }

  /** Why who connects isn't let in; null: it is. */
  refusalOf(socket: TLSSocket): string | null {
    const { clientAuth, peerKeys, authorities } = this.#dependencies.tls;
    if (clientAuth === 'none') return null;
    return refusalOf(socket, { names: [], publicKeys: peerKeys(), authorities: authorities() !== null });
  }

  /** It has been let in. */
  add(socket: Socket, secure: TLSSocket | null): void {
    this.#admitted.set(socket, { secure, authorities: this.#dependencies.tls.authorities() });
    socket.once('close', () => this.#admitted.delete(socket));
  }

  /** Let go whom the configuration of this moment wouldn't let in. */
  review(): void {
    for (const [socket, admission] of this.#admitted)
      if (!this.#stillQualifies(admission)) this.#dependencies.letGo(socket);
  }

  #stillQualifies({ secure, authorities }: Admission): boolean {
    const { tls, now } = this.#dependencies;
    if (secure === null) return tls.plain() === 'accept';
    if (tls.clientAuth === 'none') return true;
    // What an authority's word was worth was found out when the connection began: by those of that time, and on that day.
    const stands = tls.authorities() !== null && tls.authorities() === authorities && isInTime(secure, now());
    return refusalOf(secure, { names: [], publicKeys: tls.peerKeys(), authorities: stands }) === null;
  }
}

function isInTime(socket: TLSSocket, now: WallMs): boolean {
  const { raw } = socket.getPeerCertificate();
  return raw !== undefined && Date.parse(new X509Certificate(raw).validTo) > now;
}
