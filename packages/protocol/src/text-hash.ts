/** A hash that is quick and alike on every machine; whoever wants to can make two texts with the same one. */

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/**
 * 32-bit FNV-1a of a text's UTF-16 units: a whole number from 0 up to, not including, 2^32.
 *
 * Source: Fowler, Noll, Vo, "The FNV Non-Cryptographic Hash Algorithm", IETF draft-eastlake-fnv.
 *
 * @param of another number gives another hash of the same text
 */
export function fnv1a(text: string, of = 0): number {
  let hash = OFFSET_BASIS ^ of;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  return hash >>> 0;
}
