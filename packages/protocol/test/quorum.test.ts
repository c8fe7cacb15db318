import { expect, test } from 'vitest';
import { isCandidate } from '../src/election/quorum.ts';
import { PAIR, PEER, SELF } from './support/fixtures.ts';

test.each([
  ['candidate', true],
  ['witness', false],
  ['member', false],
] as const)('whether a %s may hold an address is the same of this node and of a peer: %s', (role, may) => {
  const peers = PAIR.peers.map((peer) => ({ ...peer, role }));
  const config = { ...PAIR, node: { ...PAIR.node, role }, peers };
  expect([isCandidate(config, SELF), isCandidate(config, PEER)]).toEqual([may, may]);
  expect(isCandidate(config, 'nobody-configured')).toBe(false);
});
