/** Public keys in the configuration: one, or a list while one is changed for another. */
import { describeNode, type RawNode } from '@failtome/config';
import { type PublicKey, parsePublicKey } from '../auth/identity.ts';
import type { Reading, ValueKind } from './value-kind.ts';

/** The most keys that one node or operator may have: every message may have to be tried against each. */
const MAX_PUBLIC_KEYS = 4;

/** What `failtome keygen --public FILE` prints. A secret in its place must not be repeated in a message. */
export const publicKeys: ValueKind<readonly PublicKey[]> = {
  name: 'public key or list of them',
  expected: `a public key of 60 characters (MCowBQYDK2VwAyEA…), or a list of 1 to ${MAX_PUBLIC_KEYS} of them`,
  schema: {
    anyOf: [
      { type: 'string' },
      { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: MAX_PUBLIC_KEYS },
    ],
  },
  read: (node) => (node.kind === 'list' ? readList(node.items) : asList(readKey(node))),
};

type KeyReading = Reading<PublicKey>;

function readKey(node: RawNode): KeyReading {
  if (node.kind !== 'scalar' || typeof node.value !== 'string')
    return { kind: 'fault', found: describeNode(node), hint: '`failtome keygen --public FILE` prints it' };
  const parsed = parsePublicKey(node.value);
  if (!('found' in parsed)) return { kind: 'value', value: parsed };
  return { kind: 'fault', found: parsed.found ?? describeNode(node), hint: parsed.hint };
}

function asList(reading: KeyReading): Reading<readonly PublicKey[]> {
  return reading.kind === 'value' ? { kind: 'value', value: [reading.value] } : reading;
}

function readList(items: readonly RawNode[]): Reading<readonly PublicKey[]> {
  if (items.length === 0 || items.length > MAX_PUBLIC_KEYS)
    return { kind: 'fault', found: `a list of ${items.length}`, hint: '' };
  const keys: PublicKey[] = [];
  for (const [index, item] of items.entries()) {
    const reading = readKey(item);
    if (reading.kind === 'fault') return { ...reading, found: `${reading.found} at position ${index}` };
    keys.push(reading.value);
  }
  return { kind: 'value', value: keys };
}
