import { expect, test } from 'vitest';
import { ballotElectorate } from '../src/election/quorum.ts';
import { step } from '../src/step.ts';
import { ballotOf, PEER } from './support/fixtures.ts';
import { World } from './support/world.ts';

test('a voter that cannot decide yet does not talk without a pause, though every answer asks it again', () => {
  const world = new World();
  world.start();
  world.run(30_000);
  const peer = world.peers[PEER];
  if (peer === undefined) throw new Error(`${PEER} is not in this world`);
  world.serving.delete(PEER);
  const { answer } = peer;
  const ballot = ballotOf(ballotElectorate(world.state()), { candidate: PEER, epoch: 9 });
  peer.answer = (message, now) => {
    const plain = answer(message, now);
    return { ...plain, payload: { ...plain.payload, ballots: [ballot] } };
  };
  const before = world.facts.length;
  world.run(1_000);
  const told = world.facts.slice(before);
  expect(told).toContainEqual(expect.objectContaining({ kind: 'voted', answer: 'pending' }));
  // Two heartbeats in that time, and news of trouble.
  expect(told.filter(({ kind }) => kind === 'heartbeat').length).toBeLessThan(8);
});

test('what still waits for a slow disk or its answer is remembered, what failed for as long as a peer may be silent', () => {
  const world = new World();
  world.start();
  world.run(30_000);
  const state = world.state();
  const { at } = state.now;
  const { deadMs } = state.config.gossip;
  const asked = { to: PEER, seq: 1, fresh: true, retry: false, ballots: [], after: 0 };
  const waits = { ...asked, sendId: 900_001, sentAt: at - 3 * deadMs, failedAt: null };
  const lately = { ...asked, sendId: 900_002, sentAt: at - 3 * deadMs, failedAt: at - deadMs / 2 };
  const longAgo = { ...asked, sendId: 900_003, sentAt: at - 3 * deadMs, failedAt: at - deadMs };
  const before = { ...state, pendingSends: [longAgo, lately, waits] };
  const due = Math.max(at, state.gossip.nextRoundAt);
  const after = step(before, { kind: 'tick', at: due, wall: state.now.wall + due - at });
  const kept = after.state.pendingSends.map(({ sendId }) => sendId).filter((id) => id >= 900_000);
  expect(kept).toEqual([lately.sendId, waits.sendId]);
});
