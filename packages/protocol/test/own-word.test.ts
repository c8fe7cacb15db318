/** A node speaks for itself alone: what it says in another's name inside its own message is passed over. */
import { expect, test } from 'vitest';
import { onBallotAnswer } from '../src/election/campaign.ts';
import { newContext } from '../src/step-context.ts';
import type { BallotAnswer } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  ballotOf,
  campaignOf,
  IP,
  PEER,
  recordOf,
  SELF,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';
import { Run, THREE } from './support/run.ts';

const OTHER = 'mars';

function answerOf(voter: string): BallotAnswer {
  const said = { answer: 'grant', reason: 'down', leaseMs: 8_000, retryMs: 0, highest: 1 } as const;
  return { address: IP, epoch: 1, candidate: SELF, voter, ask: 0, ...said };
}

test("a vote counts as its teller's, and never as another voter's", () => {
  const ctx = newContext(withAddress(stateOf(THREE), { campaign: campaignOf({}, { epoch: 1 }) }), {
    at: AT,
    wall: WALL,
  });
  const counted = (): readonly string[] => Object.keys(addressIn(ctx.state).campaign?.answers ?? {});
  onBallotAnswer(ctx, PEER, answerOf(OTHER));
  onBallotAnswer(ctx, PEER, answerOf(SELF));
  expect(counted()).toEqual([]);
  onBallotAnswer(ctx, PEER, answerOf(PEER));
  expect(counted()).toEqual([PEER]);
});

test('a ballot is its teller’s own: nobody asks for a lease for another, or gives one back', () => {
  const run = new Run();
  run.say({
    version: 0,
    ack: 0,
    ballots: [ballotOf('', { candidate: OTHER }), ballotOf('', { candidate: SELF })],
  });
  expect(run.state.addresses[IP]?.openBallots).toEqual({});
  run.say({ version: 0, ack: 0, ballots: [ballotOf('', { candidate: PEER })] });
  expect(Object.keys(run.state.addresses[IP]?.openBallots ?? {})).toEqual([PEER]);

  const address = run.state.addresses[IP];
  if (address === undefined) throw new Error('the address is configured');
  const lent = { candidate: OTHER, epoch: 1, expiresAt: Number.MAX_VALUE };
  run.state = { ...run.state, addresses: { [IP]: { ...address, lent } } };
  run.say({ version: 0, ack: 0, releases: [{ address: IP, epoch: 9, candidate: OTHER }] });
  expect(run.state.addresses[IP]?.lent).toEqual(lent);
});

test('a record is its teller’s own', () => {
  const run = new Run();
  const before = run.state.peers[OTHER];
  const node = recordOf(OTHER, { fit: 'unfit', addresses: [addressRecordOf({ verdict: 'down' })] });
  run.say({ version: 99, ack: 0, node });
  expect(run.state.peers[OTHER]).toEqual(before);
  expect(run.state.peers[PEER]?.record ?? null).toBeNull();
});
