import { expect, test } from 'vitest';
import { openBallot, releaseLeases } from '../src/election/campaign.ts';
import { ballotElectorate } from '../src/election/quorum.ts';
import { onBallot, onRelease } from '../src/election/voter.ts';
import { initialState } from '../src/model/initial.ts';
import type { State } from '../src/model/state.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import type { BallotAnswer } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  ballotOf,
  clusterOf,
  heldBy,
  IP,
  SELF,
  seenDown,
  stateOf,
  WALL,
} from './support/fixtures.ts';

const CONFIG = clusterOf('mars', 'venus');
const VOTER = seenDown(heldBy(stateOf(CONFIG), 'pluto'));

function turnAt(state: State, at = AT): StepContext {
  return newContext(state, { at, wall: WALL });
}

/** What the voter answers this candidate, in a turn of its own. */
function asked(ctx: StepContext, candidate: string, epoch: number): BallotAnswer | undefined {
  onBallot(ctx, candidate, ballotOf(ballotElectorate(ctx.state), { candidate, epoch }));
  return ctx.state.peers[candidate]?.answersDue[0];
}

test('a grant lends the lease for as long as is configured, and is written down before it leaves', () => {
  const ctx = turnAt(VOTER);
  expect(asked(ctx, 'mars', 5)).toMatchObject({ answer: 'grant', reason: 'down', leaseMs: 10_000, ask: 0 });
  expect(addressIn(ctx.state)).toMatchObject({
    epoch: 5,
    lent: { candidate: 'mars', epoch: 5, expiresAt: AT + 10_000 },
  });
  expect(ctx.writeId).toBe(ctx.state.storage.latest);
});

test('asking again for the same ballot makes the lease last longer, without another write', () => {
  const first = turnAt(VOTER);
  asked(first, 'mars', 5);
  const second = turnAt(first.state, AT + 400);
  asked(second, 'mars', 5);
  expect(addressIn(second.state).lent?.expiresAt).toBe(AT + 10_400);
  expect(second.writeId).toBe(0);
});

test('a second candidate is refused while the lease lasts, and told for how long', () => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  const later = turnAt(ctx.state, AT + 1_000);
  expect(asked(later, 'venus', 6)).toMatchObject({ reason: 'lent', leaseMs: 0, retryMs: 9_000, highest: 5 });
});

test('after a release another candidate gets the lease for a later epoch, but never for the same one', () => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  onRelease(ctx, 'mars', { address: IP, epoch: 5, candidate: 'mars' });
  expect(asked(turnAt(ctx.state), 'venus', 5)).toMatchObject({ answer: 'refuse', reason: 'stale-epoch' });
  expect(asked(turnAt(ctx.state), 'venus', 6)).toMatchObject({ answer: 'grant' });
});

test('the epoch stays taken across a restart of the voter', () => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  onRelease(ctx, 'mars', { address: IP, epoch: 5, candidate: 'mars' });
  const document = documentOf(ctx.state);
  const fresh = restored(initialState(CONFIG), { kind: 'loaded', document }, AT);
  const again = { ...VOTER, addresses: { [IP]: { ...addressIn(VOTER), ...leaseOf(fresh) } } };
  expect(asked(turnAt(again), 'venus', 5)).toMatchObject({ reason: 'stale-epoch' });
  expect(asked(turnAt(again), 'venus', 6)).toMatchObject({ answer: 'grant' });
});

test('a candidate that gave up its own ballot lends its lease to no other for that epoch', () => {
  const ctx = turnAt(VOTER);
  openBallot(ctx, IP, 'takeover', null);
  releaseLeases(ctx, IP, 1);
  expect(asked(turnAt(ctx.state), 'venus', 1)).toMatchObject({ reason: 'stale-epoch' });
});

test.each([
  ["another candidate's", 'venus', 'venus', 5],
  ['one in the name of another', 'venus', 'mars', 5],
  ['one for an earlier epoch', 'mars', 'mars', 4],
])('a release changes nothing when it is %s', (_, from, candidate, epoch) => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  onRelease(ctx, from, { address: IP, epoch, candidate });
  expect(addressIn(ctx.state).lent?.expiresAt).toBe(AT + 10_000);
});

test('a release is written down once, however often it is repeated', () => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  const first = turnAt(ctx.state, AT + 10);
  onRelease(first, 'mars', { address: IP, epoch: 5, candidate: 'mars' });
  const second = turnAt(first.state, AT + 20);
  onRelease(second, 'mars', { address: IP, epoch: 5, candidate: 'mars' });
  expect([first.writeId > 0, second.writeId]).toEqual([true, 0]);
});

test('a ballot in the name of another node is not answered', () => {
  const ctx = turnAt(VOTER);
  onBallot(ctx, 'venus', ballotOf(ballotElectorate(ctx.state), { candidate: 'mars' }));
  expect(ctx.state.peers.mars?.answersDue).toEqual([]);
  expect(ctx.state.peers.venus?.answersDue).toEqual([]);
});

test('a new ballot makes the voter look at once, unless it is a handover', () => {
  const look = (mode: 'takeover' | 'handover'): number => {
    const ctx = turnAt(VOTER);
    onBallot(ctx, 'mars', ballotOf(ballotElectorate(ctx.state), { candidate: 'mars', mode }));
    return ctx.effects.filter(({ kind }) => kind === 'probe').length;
  };
  expect([look('takeover'), look('handover')]).toEqual([1, 0]);
});

test('a restart with a lease on its disk lends nothing until the longest lease has passed', () => {
  const ctx = turnAt(VOTER);
  asked(ctx, 'mars', 5);
  const document = documentOf(ctx.state);
  const fresh = restored(initialState(CONFIG), { kind: 'loaded', document }, AT + 50);
  expect(addressIn(fresh).lendFrom).toBe(AT + 50 + 10_000);
  expect(addressIn(fresh).epoch).toBe(5);
});

test('a lease that was lent for longer than is configured now is waited for to its end', () => {
  const lent = { candidate: 'mars', epoch: 5, expiresAt: AT + 60_000 };
  const state = { ...VOTER, addresses: { [IP]: { ...addressIn(VOTER), lent } } };
  const fresh = restored(initialState(CONFIG), { kind: 'loaded', document: documentOf(state) }, AT);
  expect(addressIn(fresh).lendFrom).toBe(AT + 60_000);
});

function leaseOf(state: State): Pick<ReturnType<typeof addressIn>, 'lent' | 'lendFrom' | 'epoch'> {
  const { lent, lendFrom, epoch } = addressIn(state);
  return { lent, lendFrom, epoch };
}

test('the voter is itself no candidate that it could lend to twice', () => {
  const ctx = turnAt(VOTER);
  openBallot(ctx, IP, 'takeover', null);
  expect(addressIn(ctx.state).lent?.candidate).toBe(SELF);
  expect(asked(ctx, 'venus', 9)).toMatchObject({ reason: 'lent' });
});
