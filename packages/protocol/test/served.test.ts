/** Whether an address has served since its last change, by what this node and its peers have seen. */
import { expect, test } from 'vitest';
import type { AddressState } from '../src/model/address-state.ts';
import type { State } from '../src/model/state.ts';
import { nameOfChange } from '../src/observation/changes.ts';
import { hasServed } from '../src/observation/served.ts';
import type { AddressRecord } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  clusterOf,
  heldBy,
  PEER,
  recordOf,
  silenced,
  stateOf,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

const HELD = heldBy(stateOf(clusterOf(PEER, 'pluto')), PEER);
const NAME = nameOfChange(addressIn(HELD).holder);

/** This node knows of the last change and hasn't seen the address up since; the peer says so much, and not who holds it. */
function told(parts: Partial<AddressRecord>, own: Partial<AddressState> = {}): State {
  const state = withAddress(HELD, { changes: [AT - 9_000], changedTo: [NAME], served: false, ...own });
  const said = addressRecordOf({ holder: null, changes: [9_000], changedTo: [NAME], served: true, ...parts });
  return withPeer(state, PEER, { record: { ...recordOf(PEER), addresses: [said] } });
}

test.each([
  ['a peer has seen it up since the same change', told({}), true],
  ['this node has itself', told({ served: false }, { served: true }), true],
  ['nobody has', told({ served: false }), false],
  ["the peer's newest change is another", told({ changedTo: ['0badc0de'] }), false],
  ["this node's newest change is another", told({}, { changedTo: ['0badc0de', NAME] }), false],
  ['the peer is silent', silenced(told({}), PEER), false],
  ['the peer names no changes', told({ changedTo: [] }), false],
  ['nobody holds it', heldBy(told({}), null), false],
])('served, when %s', (_when, state, expected) => {
  expect(hasServed(state, addressIn(state))).toBe(expected);
});

test('a witness, which has no driver, is not believed', () => {
  const { config } = told({});
  const peers = config.peers.map((peer) => (peer.id === PEER ? { ...peer, role: 'witness' as const } : peer));
  expect(hasServed({ ...told({}), config: { ...config, peers } }, addressIn(told({})))).toBe(false);
});
