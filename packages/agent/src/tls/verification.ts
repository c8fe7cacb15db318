/**
 * Whether the one at the other end of a TLS connection is who it should be: by its identity, which is the key of its
 * certificate whatever else stands there, or by an authority and a name.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';

/** Who is expected. */
export interface Expected {
  /** One of them has to stand in the certificate: the host of its URL, its id. Only an authority's word on them counts. */
  readonly names: readonly string[];
  /** The public keys that its certificate may have; empty: it is known by its name and authority. */
  readonly publicKeys: readonly KeyObject[];
  /** Whether an authority may vouch for it, besides. */
  readonly authorities: boolean;
}

/** The other end isn't who it should be. */
export class CertificateRefusedError extends Error {
  readonly code: 'CERTIFICATE_REFUSED' = 'CERTIFICATE_REFUSED';
}

/** For `tls.connect`, which asks it once the chain has been found good. */
export function nameFault({ names }: Expected, certificate: PeerCertificate): Error | undefined {
  if (names.some((name) => checkServerIdentity(name, certificate) === undefined)) return undefined;
  return Object.assign(new Error('none of the names'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
}

/** Why the other end isn't who it should be; null: it is. */
export function refusalOf(socket: TLSSocket, expected: Expected): string | null {
  // Node's getPeerX509Certificate takes the certificate out of the connection, and so out of the session that is resumed.
  const { raw } = socket.getPeerCertificate();
  if (raw === undefined) return 'it has shown no certificate';
  const { publicKey } = new X509Certificate(raw);
  if (expected.publicKeys.some((key) => isSameKey(key, publicKey))) return null;
  if (!expected.authorities) return 'the key of its certificate is not the one that it should have';
  if (socket.authorized) return null;
  return `its certificate is refused: ${reasonOf(String(socket.authorizationError), expected)}`;
}

/** Compared as bytes: `KeyObject.equals` leaves an error of keys of two types in OpenSSL's queue, which the handshake then fails of. */
export function isSameKey(a: KeyObject, b: KeyObject): boolean {
  const bytes = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
  return bytes(a).equals(bytes(b));
}

function reasonOf(code: string, { names }: Expected): string {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'it has expired';
    case 'CERT_NOT_YET_VALID':
      return 'it is not valid yet';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `none of its names is ${names.join(' or ')}`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'it is signed by itself';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'CERT_SIGNATURE_FAILURE':
      return `no authority that is trusted here has signed it (${code})`;
    default:
      return code;
  }
}
