/** How each peer is spoken to and recognised over TLS. */
import type { NodeId } from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import { httpUrl } from '../config/http-url.ts';
import type { Certificate } from './certificate.ts';
import { Resumption, type Secure } from './connect.ts';
import type { Expected } from './verification.ts';

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

/** Null: it is spoken to in plain HTTP. */
export function secureFor(peer: SecurePeer, certificate: Certificate | null): Secure | null {
  if (certificate === null || !httpUrl(peer.url).secure) return null;
  const expected = expectedOf(peer, certificate.files.caFile);
  return { context: certificate.context, expected, resumption: new Resumption() };
}
