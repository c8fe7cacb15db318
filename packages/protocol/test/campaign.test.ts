import { describe, expect, test } from 'vitest';
import {
  backOff,
  endMandate,
  onBallotAnswer,
  onBallotUndelivered,
  openBallot,
} from '../src/election/campaign.ts';
import type { Campaign, Mandate } from '../src/model/address-state.ts';
import type { Effect } from '../src/model/effects.ts';
import type { State } from '../src/model/state.ts';
import type { Move } from '../src/move/phases.ts';
import { step } from '../src/step.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { BallotAnswer } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  campaignOf,
  clusterOf,
  heldBy,
  IP,
  PEER,
  SELF,
  seenDown,
  silenced,
  stateOf,
  voterAnswer,
  WALL,
  withAddress,
  withPeer,
} from './support/fixtures.ts';

const NODE = seenDown(heldBy(stateOf(), PEER));

function turnAt(state: State, at = AT): StepContext {
  return newContext(state, { at, wall: WALL });
}

function opened(state = NODE): StepContext {
  const ctx = turnAt(state);
  openBallot(ctx, IP, 'takeover', null);
  return ctx;
}

function answerOf(parts: Partial<BallotAnswer> = {}): BallotAnswer {
  return {
    address: IP,
    epoch: 1,
    candidate: SELF,
    voter: PEER,
    ask: 0,
    answer: 'grant',
    reason: 'down',
    leaseMs: 10_000,
    retryMs: 0,
    highest: 1,
    ...parts,
  };
}

function campaignIn(ctx: StepContext): Campaign {
  const { campaign } = addressIn(ctx.state);
  if (campaign === null) throw new Error('no ballot is open');
  return campaign;
}

describe('an opened ballot', () => {
  test('has the next epoch, and its own lease is lent and written down before anybody is asked', () => {
    const ctx = opened(withAddress(NODE, { epoch: 6 }));
    expect(addressIn(ctx.state)).toMatchObject({
      epoch: 7,
      campaign: { epoch: 7, asks: [AT] },
      lent: { candidate: SELF, epoch: 7, expiresAt: AT + 10_000 },
    });
    expect([ctx.writeId > 0, ctx.outgoing.get(PEER)?.fresh]).toEqual([true, false]);
  });

  test('goes to a silent peer on a connection of its own', () => {
    expect(opened(silenced(NODE, PEER)).outgoing.get(PEER)?.fresh).toBe(true);
  });

  test('goes to a peer that has missed its turns on one too, so that its failure counts at once', () => {
    const suspect = withPeer(NODE, PEER, { state: 'suspect' });
    expect(opened(suspect).outgoing.get(PEER)?.fresh).toBe(true);
  });

  test('is tried again on a connection of its own before a failure counts', () => {
    const ctx = opened(silenced(NODE, PEER));
    onBallotUndelivered(ctx, PEER, IP, 1, false);
    expect(campaignIn(ctx)).toMatchObject({ unreachable: [], won: null });
    onBallotUndelivered(ctx, PEER, IP, 1, true);
    expect(campaignIn(ctx).won).toMatchObject({ silent: [PEER] });
  });

  test('is tried so once, however many messages have carried it', () => {
    const failed = (fresh: boolean, more: Partial<Campaign> = {}): boolean | undefined => {
      const before = opened(NODE);
      const sent = {
        ...{ sendId: 99, to: PEER, seq: 9, sentAt: AT, fresh, retry: false, failedAt: null, after: 0 },
        ballots: [{ address: IP, epoch: 1 }],
      };
      const campaign = { ...campaignIn(before), ...more };
      const ctx = turnAt(withAddress({ ...before.state, pendingSends: [sent] }, { campaign }));
      onBallotUndelivered(ctx, PEER, IP, 1, false);
      return ctx.outgoing.get(PEER)?.fresh;
    };
    expect(failed(false)).toBe(true);
    expect(failed(true)).toBe(undefined);
    expect(failed(false, { unreachable: [PEER] })).toBe(undefined);
  });
});

describe('an answer', () => {
  const three = seenDown(heldBy(stateOf(clusterOf('mars', PEER)), 'mars'));

  test('lends from the asking that was answered, not from when it came', () => {
    const ctx = opened(three);
    const later = turnAt(ctx.state, AT + 800);
    onBallotAnswer(later, PEER, answerOf());
    expect(campaignIn(later).answers[PEER]?.leaseUntil).toBe(AT + 10_000);
  });

  test('lends for no longer than is configured here', () => {
    const ctx = opened(three);
    onBallotAnswer(ctx, PEER, answerOf({ leaseMs: 60_000 }));
    expect(campaignIn(ctx).answers[PEER]?.leaseUntil).toBe(AT + 10_000);
  });

  const ignored: readonly (readonly [string, string, Partial<BallotAnswer>])[] = [
    ['of another epoch', PEER, { epoch: 2 }],
    ['to an asking that was not made', PEER, { ask: 3 }],
    ['given in the name of another', 'mars', {}],
    ['meant for another candidate', PEER, { candidate: 'mars' }],
    ['of a node that has no vote', 'pluto', { voter: 'pluto' }],
    ['about another address', PEER, { address: '192.0.2.1' }],
  ];
  test.each(ignored)('%s counts for nothing', (_, from, parts) => {
    const ctx = opened(three);
    onBallotAnswer(ctx, from, answerOf(parts));
    expect(Object.keys(campaignIn(ctx).answers)).toEqual([SELF]);
  });

  test('that refuses is final for its ballot', () => {
    const ctx = opened(three);
    onBallotAnswer(ctx, PEER, answerOf({ answer: 'refuse', reason: 'up', leaseMs: 0 }));
    onBallotAnswer(ctx, PEER, answerOf());
    expect(campaignIn(ctx).answers[PEER]?.answer).toBe('refuse');
  });

  test('that was pending is replaced by the one that follows', () => {
    const ctx = opened(three);
    onBallotAnswer(ctx, PEER, answerOf({ answer: 'pending', reason: 'undecided', leaseMs: 0 }));
    expect(campaignIn(ctx).won).toBeNull();
    onBallotAnswer(ctx, PEER, answerOf());
    onBallotAnswer(ctx, 'mars', answerOf({ voter: 'mars', answer: 'blind', reason: 'no-way-out' }));
    expect(campaignIn(ctx).won).not.toBeNull();
  });

  test('teaches the highest epoch', () => {
    const ctx = opened(three);
    onBallotAnswer(ctx, PEER, answerOf({ answer: 'refuse', reason: 'stale-epoch', leaseMs: 0, highest: 40 }));
    expect(addressIn(ctx.state).epoch).toBe(40);
  });
});

describe('a mandate', () => {
  const mandate: Mandate = {
    at: AT,
    until: AT + 9_000,
    silent: [PEER],
    write: 1,
    consent: false,
    summary: '',
  };
  const won = campaignOf({ [SELF]: voterAnswer('grant', 'down') }, { epoch: 1, won: mandate });
  const lent = { candidate: SELF, epoch: 1, expiresAt: AT + 10_000 };
  const holding = withAddress(silenced(NODE, PEER), { campaign: won, epoch: 1, lent });
  const moving = (stage: Move['stage']): State =>
    withAddress(holding, {
      move: {
        epoch: 1,
        mode: 'takeover',
        handoverId: null,
        startedAt: AT,
        leaseUntil: AT + 9_000,
        callTimeoutMs: 2_000,
        consent: false,
        duty: false,
        stage,
        delayMs: 0,
        steps: [],
        requestIds: [],
      },
    });
  const reading = moving({ kind: 'reading', callId: 3, at: AT, purpose: 'start' });
  const verifying = moving({ kind: 'verifying', acceptedAt: AT, by: 'answer' });
  const ended = (state: State, at: number): StepContext => {
    const ctx = turnAt(state, at);
    endMandate(ctx, IP);
    return ctx;
  };
  const heardAt = (state: State, at: number): State => withPeer(state, PEER, { heardAt: at });

  test.each([
    ['nothing has happened', holding, AT + 8_999, false],
    ['its leases have run out', holding, AT + 9_000, true],
    ['the silent peer was heard later', heardAt(holding, AT + 5), AT + 5, true],
    ['the silent peer was heard at the very moment it was won', heardAt(holding, AT), AT, true],
    [
      'another was heard',
      withAddress(heardAt(holding, AT + 5), { campaign: { ...won, won: { ...mandate, silent: [] } } }),
      AT + 5,
      false,
    ],
    ['its leases have run out while the read is on its way', reading, AT + 9_000, true],
    ['its leases have run out after the move was accepted', verifying, AT + 9_000, false],
  ] as const)('when %s', (_, state, at, over) => {
    expect(addressIn(ended(state, at).state).campaign === null).toBe(over);
  });

  test('that ends before any call gives the leases back', () => {
    const ctx = ended(holding, AT + 9_000);
    expect(addressIn(ctx.state).lent?.expiresAt).toBe(AT + 9_000);
    expect(ctx.state.peers[PEER]?.releasesDue).toMatchObject([{ release: { epoch: 1 } }]);
  });

  test('that ends while a call is under way gives nothing back yet', () => {
    const ctx = ended(reading, AT + 9_000);
    expect(addressIn(ctx.state).lent?.expiresAt).toBe(AT + 10_000);
    expect(ctx.state.peers[PEER]?.releasesDue).toEqual([]);
  });
});

describe('backing off', () => {
  test('doubles from 1 s to 10 s, and for as long as is known to be needed where that is known', () => {
    const ctx = turnAt(NODE);
    const waits = Array.from({ length: 6 }, () => {
      backOff(ctx, IP, 'ballot-lost', 'refused', 0);
      return addressIn(ctx.state).backoff.until - AT;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    backOff(ctx, IP, 'ballot-lost', 'lent', 3_000);
    const known = addressIn(ctx.state).backoff.until - AT;
    expect(known).toBeGreaterThanOrEqual(3_000);
    expect(known).toBeLessThan(3_050);
    backOff(ctx, IP, 'ballot-lost', 'held down', 600_000);
    expect(addressIn(ctx.state).backoff.until - AT).toBe(10_000);
  });
});

describe('a ballot that waits for a slow disk', () => {
  const asks = (effects: readonly Effect[]) =>
    effects.flatMap((effect) =>
      effect.kind === 'send'
        ? [[(effect.message.payload.ballots ?? []).length, effect.after !== undefined]]
        : [],
    );
  const tick = (state: State, afterMs: number) =>
    step(state, { kind: 'tick', at: AT + afterMs, wall: WALL + afterMs });

  test('is sent once, and other words do not wait with it', () => {
    const { idle } = addressIn(NODE);
    const permission = { kind: 'permitted', at: AT } as const;
    const first = tick(withAddress(NODE, { idle: { ...idle, permission } }), 0);
    expect(asks(first.effects)).toEqual([[1, true]]);
    const second = tick(first.state, 600);
    expect(asks(second.effects)).toEqual([[0, false]]);
    const write = first.effects.find((effect) => effect.kind === 'persist');
    const written = {
      kind: 'persisted',
      writeId: write?.writeId ?? 0,
      at: AT + 700,
      wall: WALL + 700,
    } as const;
    expect(asks(tick(step(second.state, written).state, 1_200).effects)).toEqual([[1, true]]);
  });
});
