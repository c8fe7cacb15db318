/**
 * The operators that a configuration names (`auth.operators`), and the proof that an order is one's own.
 *
 * A proof travels with what it proves, so that every node can check it for itself: the digest of the key that signed, a
 * colon, the signature. The digest picks the one key to try, and a key belongs to one operator.
 */
import { isSignedBy, type PublicKey, type SigningIdentity, signAs } from './identity.ts';
import { netstring } from './netstring.ts';

/** An operator of the configuration. */
export interface OperatorSettings {
  readonly name: string;
  /** All of them count, so that one is changed without a gap. */
  readonly publicKeys: readonly PublicKey[];
}

/** The most operators that a configuration may name. */
export const MAX_OPERATORS = 16;

const PROOF = /^([A-Za-z0-9_-]{22}):([A-Za-z0-9_-]{86})$/;

/** The operators by their keys. */
export class Operators {
  readonly #byKey: ReadonlyMap<string, { readonly name: string; readonly key: PublicKey }>;

  constructor(settings: readonly OperatorSettings[]) {
    this.#byKey = new Map(
      settings.flatMap(({ name, publicKeys }) => publicKeys.map((key) => [key.id, { name, key }] as const)),
    );
  }

  /** The name of the operator who signed this message; null: none of them did. */
  provenBy(message: Buffer, proof: string): string | null {
    const [, id = '', signature = ''] = PROOF.exec(proof) ?? [];
    const operator = this.#byKey.get(id);
    return operator !== undefined && isSignedBy([operator.key], message, signature) ? operator.name : null;
  }

  /** The name of the operator whose order this is, by the proof in its record; null: nobody's. */
  orderedBy(text: string, proof: string): string | null {
    return this.provenBy(orderBytes(text), proof);
  }
}

/** The digest of the key that a proof names; empty: it is none. */
export function keyIdIn(proof: string): string {
  return PROOF.exec(proof)?.[1] ?? '';
}

/** The proof of any message: who signed it, and the signature. */
export function proofOf(identity: SigningIdentity, message: Buffer): string {
  return `${identity.publicKey.id}:${signAs(identity, message)}`;
}

/** An operator's proof of an order. @param text what of it is signed, as the protocol has it */
export function signOrder(identity: SigningIdentity, text: string): string {
  return proofOf(identity, orderBytes(text));
}

/** An order's signature is never that of a message, nor the other way round. */
function orderBytes(text: string): Buffer {
  return Buffer.from(`${netstring('failtome-identity/1')}${netstring('order')}${netstring(text)}`);
}
