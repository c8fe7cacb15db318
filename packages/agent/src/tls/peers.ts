/** How each peer is spoken to and recognised over TLS. */
import type { NodeId } from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import { httpUrl } from '../config/http-url.ts';
import type { Certificate } from './certificate.ts';
import { Resumption, type Secure } from './connect.ts';
import type { Expected } from './verification.ts';

/** A peer, as it proves over TLS who it is. */
export interface SecurePeer {
  readonly id: NodeId;
  readonly url: string;
  /** Its identity. Absent: it has none. */
  readonly publicKeys?: readonly Pick<PublicKey, 'key'>[];
}

/**
 * By its identity where it has one, and by an authority where one is configured: the word of those that everybody's
 * programs know doesn't stand against an identity.
 */
export function expectedOf({ id, url, publicKeys = [] }: SecurePeer, caFile: string | null): Expected {
  return {
    names: [httpUrl(url).host, id],
    publicKeys: publicKeys.map(({ key }) => key),
    authorities: caFile !== null || publicKeys.length === 0,
  };
}

/** All by which a peer is recognised, to be compared: a connection to one that has proved something else is of no use any more. */
export function groundsOf(peer: SecurePeer, certificate: Certificate | null): string {
  if (certificate === null || !httpUrl(peer.url).secure) return 'plain';
  const { names, publicKeys, authorities } = expectedOf(peer, certificate.files.caFile);
  const keys = publicKeys.map((key) => key.export({ type: 'spki', format: 'der' }).toString('base64'));
  return JSON.stringify([names, keys, authorities, String(certificate.options.ca)]);
}

/** Null: it is spoken to in plain HTTP. */
export function secureFor(peer: SecurePeer, certificate: Certificate | null): Secure | null {
  if (certificate === null || !httpUrl(peer.url).secure) return null;
  const expected = expectedOf(peer, certificate.files.caFile);
  return { context: certificate.context, expected, resumption: new Resumption() };
}
