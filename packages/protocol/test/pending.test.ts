import { expect, test } from 'vitest';
import { ballotElectorate } from '../src/ballot.ts';
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
