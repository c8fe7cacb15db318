/** Messages that aren't of this cluster, or answer nothing that this run has asked: they change nothing, and are told. */
import { expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import type { Fact } from '../src/reporting/facts.ts';
import { step } from '../src/step.ts';
import type { Envelope } from '../src/wire/messages.ts';
import { AT, envelopeOf, PEER, SELF, stateOf, WALL } from './support/fixtures.ts';

const SEND = {
  sendId: 9,
  to: PEER,
  seq: 4,
  sentAt: AT - 100,
  fresh: false,
  retry: false,
  failedAt: null,
  ballots: [],
  after: 0,
} as const;

function waiting(): State {
  return { ...stateOf(), pendingSends: [SEND] };
}

function rejections(facts: readonly Fact[]): readonly string[] {
  return facts.flatMap((fact) => (fact.kind === 'rejected' ? [fact.reason] : []));
}

test('a request of another cluster is rejected as such', () => {
  const message = envelopeOf({ cluster: 'another', from: PEER, to: SELF });
  const input = { kind: 'received', requestId: 3, route: '/v1/gossip', message, at: AT, wall: WALL } as const;
  const { state, facts } = step(waiting(), input);
  expect(rejections(facts)).toEqual(['cluster']);
  expect(state.peers[PEER]?.heardAt).toBe(waiting().peers[PEER]?.heardAt);
});

const RE = { session: stateOf().session, seq: SEND.seq };

test.each<readonly [how: string, parts: Partial<Envelope>]>([
  ['names another request', { re: { ...RE, seq: 5 } }],
  ['names a request of an earlier run', { re: { ...RE, session: 'saturn-0000' } }],
  ['names none', { re: null }],
  ['comes from another peer', { from: 'pluto' }],
  ['is for another node', { to: 'pluto' }],
  ['is of another cluster', { cluster: 'another' }],
])('an answer that %s is rejected as unasked, and its request still waits', (_, parts) => {
  const message = envelopeOf({ from: PEER, to: SELF, re: RE, ...parts });
  const { state, facts } = step(waiting(), { kind: 'answered', sendId: 9, message, at: AT, wall: WALL });
  expect(rejections(facts)).toEqual(['unasked']);
  expect(state.pendingSends).toContainEqual(SEND);
});
