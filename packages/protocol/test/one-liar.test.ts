/**
 * What the words of one peer can't do (PROTOCOL.md, "What one voter can say"): the peer is a witness, whose key was stolen, among two
 * candidates that are honest.
 */
import { describe, expect, test } from 'vitest';
import { onBallotAnswer } from '../src/election/campaign.ts';
import { ballotElectorate } from '../src/election/quorum.ts';
import { tally } from '../src/election/tally.ts';
import { onBallot } from '../src/election/voter.ts';
import { FAR } from '../src/membership/bounded.ts';
import { onToldOfDuplicate } from '../src/membership/duplicate-id.ts';
import { adoptRecord, adoptWhatIsLeft } from '../src/membership/membership.ts';
import type { VoterAnswer } from '../src/model/address-state.ts';
import type { State } from '../src/model/state.ts';
import { holderFrom, nodeOfInstance, observeHolder } from '../src/observation/holder.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { whyUnprotected } from '../src/takeover/damping.ts';
import { probeDigest } from '../src/takeover/episode.ts';
import type { AddressRecord, EpisodeRecord, NodeRecord } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  ballotOf,
  campaignOf,
  candidate,
  clusterOf,
  heldBy,
  IP,
  PEER,
  recordOf,
  SELF,
  seenDown,
  silenced,
  stateOf,
  voterAnswer,
  WALL,
  withAddress,
  withEpisode,
  withPeer,
} from './support/fixtures.ts';

const WITNESS = 'pluto';
const CLUSTER = clusterOf(candidate(PEER), { ...candidate(WITNESS), role: 'witness' });
const DOWN = withAddress(seenDown(heldBy(stateOf(CLUSTER), PEER)), { epoch: 20 });
/** How far one message moves a counter beyond `FAR`. */
const STEP = 2 ** 16;
const NOTHING: EpisodeRecord = {
  upEpoch: 0,
  anewEpoch: 0,
  tries: [],
  answered: '',
  upWall: 0,
  told: false,
  saw: '',
};

let versions = 1_000;

function turnOf(state: State): StepContext {
  return newContext(state, { at: AT, wall: WALL });
}

/** Whoever it is says that, in a turn of its own. */
function says(
  state: State,
  from: string,
  address: Partial<AddressRecord>,
  node: Partial<NodeRecord> = {},
): StepContext {
  const ctx = turnOf(state);
  const peer = ctx.state.peers[from];
  if (peer === undefined) throw new Error(`there is no peer ${from}`);
  versions += 1;
  const record = recordOf(from, { addresses: [addressRecordOf(address)], ...node });
  adoptRecord(ctx, peer, record, versions);
  return ctx;
}

describe('of the cloud a node believes candidates alone:', () => {
  const lies: Partial<AddressRecord> = {
    holder: { kind: 'node', node: SELF, instanceId: null, associationId: 'eipassoc-9', ageMs: 0 },
    ended: ['eipassoc-1'],
    changes: [0, 5_000, 10_000, 20_000],
    changedTo: ['0000000a', '0000000b', '0000000c', '0000000d'],
    served: true,
  };

  test('a witness changes neither the holder nor what damping counts', () => {
    const before = addressIn(DOWN);
    const after = addressIn(says(DOWN, WITNESS, lies).state);
    for (const name of ['holder', 'ended', 'changes', 'changedTo', 'served'] as const)
      expect(after[name]).toEqual(before[name]);
  });

  test('a candidate does', () => {
    const after = addressIn(says(DOWN, PEER, lies).state);
    expect(after.ended).toEqual(['eipassoc-1']);
    expect(after.changes).not.toEqual([]);
  });

  test('a witness that calls its machine the one of a silent holder protects it not', () => {
    const seen = holderFrom(
      DOWN,
      { kind: 'associated', associationId: 'eipassoc-1', instanceId: 'i-gone', node: null, self: false },
      AT,
    );
    const ctx = says(silenced(DOWN, PEER), WITNESS, {}, { instanceId: 'i-gone', fit: 'fit' });
    observeHolder(ctx, IP, seen, 'read');
    expect(nodeOfInstance(ctx.state, 'i-gone')).toBeNull();
    expect(whyUnprotected(ctx.state, addressIn(ctx.state))).not.toBeNull();
  });
});

describe('of an episode of failure', () => {
  const tries = [{ node: PEER, epoch: 7, from: SELF, ageMs: 1_000 }];
  const moved = [{ node: PEER, epoch: 6, from: SELF, at: AT - 1_000 }];

  test('a witness tells no moves, no changes of fitness, and of no notification', () => {
    const vain = withEpisode(DOWN, { tries: moved });
    const told = { ...NOTHING, tries, anewEpoch: 20, told: true };
    const ctx = says(vain, WITNESS, { episode: told }, { fit: 'unfit' });
    const again = says(ctx.state, WITNESS, { episode: told }, { fit: 'fit', role: 'candidate' });
    const { episode } = addressIn(again.state);
    expect(episode.tries).toEqual(moved);
    expect(episode.anewEpoch).toBe(0);
    expect(episode.heardTold).toBeNull();
  });

  test('a candidate tells all three', () => {
    const ctx = says(DOWN, PEER, { episode: { ...NOTHING, tries, anewEpoch: 20, told: true } });
    const { episode } = addressIn(ctx.state);
    expect(episode.tries).toHaveLength(1);
    expect(episode.anewEpoch).toBe(20);
    expect(episode.heardTold).toBe(PEER);
  });

  test('what a witness has seen itself counts', () => {
    const vain = withEpisode(DOWN, { tries: moved, answered: '' });
    const answered = probeDigest(CLUSTER.addresses[0]);
    const { episode } = addressIn(
      says(vain, WITNESS, { episode: { ...NOTHING, upEpoch: 6, answered } }).state,
    );
    expect(episode.tries).toEqual([]);
    expect(episode.answered).toBe(answered);
  });

  test.each([
    [WITNESS, AT - 50_000],
    [PEER, AT],
  ])('%s that sees it up and down and up leaves the time down at what it was, or not', (from, since) => {
    let state = withEpisode(DOWN, { downSince: AT - 50_000 });
    for (const verdict of ['down', 'up', 'down'] as const) state = says(state, from, { verdict }).state;
    expect(addressIn(state).episode.downSince).toBe(since);
  });

  test('news of it is written down at a bounded rate', () => {
    let state = DOWN;
    let writes = 0;
    for (let epoch = 21; epoch < 121; epoch += 1) {
      const ctx = says(state, WITNESS, { epoch, episode: { ...NOTHING, upEpoch: epoch } });
      writes += ctx.writeId === 0 ? 0 : 1;
      state = ctx.state;
    }
    expect(addressIn(state).episode.upEpoch).toBe(120);
    expect(writes).toBeLessThanOrEqual(24);
  });
});

describe('that an id runs twice', () => {
  test('is believed of two peers, and not of one, however often it says so', () => {
    const ctx = turnOf(DOWN);
    for (let i = 0; i < 3; i += 1) onToldOfDuplicate(ctx, WITNESS, 30_000);
    expect(ctx.state.duplicateUntil).toBe(0);
    onToldOfDuplicate(ctx, PEER, 30_000);
    expect(ctx.state.duplicateUntil).toBe(AT + 30_000);
  });

  test('is believed of the other of a pair, and not of a member beside it', () => {
    const pair = stateOf(clusterOf(candidate(PEER), { ...candidate(WITNESS), role: 'member' }));
    const told = turnOf(pair);
    onToldOfDuplicate(told, WITNESS, 30_000);
    expect(told.state.duplicateUntil).toBe(0);
    const other = turnOf(pair);
    onToldOfDuplicate(other, PEER, 30_000);
    expect(other.state.duplicateUntil).toBe(AT + 30_000);
  });

  test('is not believed of one that says it when the other has ceased to', () => {
    const before = withPeer(DOWN, WITNESS, { saysDuplicateUntil: AT });
    const ctx = turnOf(before);
    onToldOfDuplicate(ctx, PEER, 30_000);
    expect(ctx.state.duplicateUntil).toBe(0);
  });
});

describe('an epoch', () => {
  test('of an answer that answers nothing moves nothing, however many there are', () => {
    const campaign = campaignOf({}, { epoch: 20 });
    const far = {
      address: IP,
      epoch: 20,
      candidate: SELF,
      voter: WITNESS,
      answer: 'refuse',
      reason: 'lent',
      leaseMs: 0,
      retryMs: 0,
      highest: 2 ** 52,
    } as const;
    const unasked = turnOf(withAddress(DOWN, { campaign, epoch: FAR }));
    for (let i = 0; i < 32; i += 1) onBallotAnswer(unasked, WITNESS, { ...far, ask: 999 });
    expect(addressIn(unasked.state).epoch).toBe(FAR);
    const won = turnOf(
      withAddress(DOWN, {
        campaign: {
          ...campaign,
          won: { at: AT, until: AT, silent: [], write: 0, consent: false, summary: '' },
        },
        epoch: FAR,
      }),
    );
    for (let i = 0; i < 32; i += 1) onBallotAnswer(won, WITNESS, { ...far, ask: 0 });
    expect(addressIn(won.state).epoch).toBe(FAR);
  });

  test('of a witness is adopted up to what no cluster reaches, and not beyond', () => {
    let state = DOWN;
    for (let i = 0; i < 5; i += 1)
      state = says(state, WITNESS, { epoch: Number.MAX_SAFE_INTEGER - 2 ** 52 }).state;
    expect(addressIn(state).epoch).toBe(FAR);
    expect(addressIn(says(state, PEER, { epoch: FAR + 5 }).state).epoch).toBe(FAR + 5);
  });

  test('of a witness that is beyond that is followed by a step each gossip.dead, also where its record stays the same', () => {
    const far = { epoch: FAR + 10 * STEP };
    const { deadMs } = DOWN.config.gossip;
    let state = says(DOWN, WITNESS, far).state;
    expect(addressIn(state).epoch).toBe(FAR);
    for (const [afterMs, steps] of [
      [deadMs - 1, 0],
      [1, 1],
      [deadMs / 2, 1],
      [deadMs / 2, 2],
      [5 * deadMs, 3],
    ] as const) {
      const ctx = newContext(state, { at: state.now.at + afterMs, wall: WALL });
      const witness = state.peers[WITNESS];
      if (witness?.record == null) throw new Error('it has been heard');
      adoptWhatIsLeft(ctx, witness, witness.record);
      state = ctx.state;
      expect(addressIn(state).epoch).toBe(FAR + steps * STEP);
    }
  });
});

describe('a voter that has lent beyond what no cluster reaches', () => {
  test('is come up to by one step a ballot', () => {
    const far = withAddress(seenDown(stateOf(CLUSTER)), {
      epoch: FAR,
      campaign: campaignOf({}, { epoch: FAR }),
    });
    const ctx = turnOf(far);
    const answer = {
      ...voterAnswer('refuse', 'stale-epoch'),
      address: IP,
      epoch: FAR,
      candidate: SELF,
      voter: WITNESS,
      ask: 0,
      leaseMs: 0,
      highest: FAR + 2 ** 20,
    };
    for (let i = 0; i < 3; i += 1) onBallotAnswer(ctx, WITNESS, answer);
    expect(addressIn(ctx.state).epoch).toBe(FAR + 2 ** 16);
  });
});

describe('a ballot that the others would win', () => {
  const self = voterAnswer('grant', 'down');
  const counted = (answers: Readonly<Record<string, VoterAnswer>>, openedAt = AT - 100) => {
    const state = stateOf(CLUSTER);
    return tally(state, addressIn(state), campaignOf({ [SELF]: self, ...answers }, { openedAt }));
  };
  const refused = (reason: VoterAnswer['reason'], retryMs: number): VoterAnswer => ({
    ...voterAnswer('refuse', reason),
    retryMs,
  });

  test('is won although one is pending for ever', () => {
    const answers = { [PEER]: self, [WITNESS]: voterAnswer('pending', 'undecided') };
    expect(counted(answers)).toMatchObject({ result: 'won' });
  });

  test('waits for a lease of full length, while one may still come, rather than be won on a short one', () => {
    const short = voterAnswer('grant', 'down', AT + 200);
    expect(counted({ [WITNESS]: short })).toMatchObject({ result: 'pending' });
    expect(counted({ [WITNESS]: short, [PEER]: self })).toMatchObject({
      result: 'won',
      leaseUntil: AT + 9_900,
    });
    expect(counted({ [WITNESS]: short }, AT - 3_000)).toMatchObject({ result: 'won' });
  });

  test('is held again when so many refusals have ended as are needed, and no later', () => {
    const long = refused('lent', 10_000);
    expect(counted({ [PEER]: refused('up', 0), [WITNESS]: long })).toMatchObject({
      result: 'lost',
      retryMs: 0,
      forLease: false,
    });
    expect(counted({ [PEER]: refused('lent', 700), [WITNESS]: long })).toMatchObject({
      retryMs: 700,
      forLease: true,
    });
  });

  test('waits for all whose refusals have to end', () => {
    const five = clusterOf('mars', 'venus', 'ceres', 'vesta');
    const answers = {
      [SELF]: self,
      mars: refused('held-down', 300),
      venus: refused('held-down', 500),
      ceres: refused('lent', 800),
      vesta: refused('lent', 9_000),
    };
    const state = stateOf(five);
    expect(tally(state, addressIn(state), campaignOf(answers))).toMatchObject({
      result: 'lost',
      retryMs: 500,
      forLease: false,
    });
  });
});

describe("a candidate's epoch that is too far ahead", () => {
  test('is followed with each of its messages, until its ballots are heard', () => {
    const far = withAddress(seenDown(stateOf(CLUSTER)), { epoch: FAR });
    let ctx = says(far, PEER, { epoch: FAR + 3 * 2 ** 16 });
    for (let i = 0; i < 2; i += 1) {
      const peer = ctx.state.peers[PEER];
      if (peer?.record == null) throw new Error('nothing is known of the peer');
      adoptWhatIsLeft(ctx, peer, peer.record);
    }
    expect(addressIn(ctx.state).epoch).toBe(FAR + 3 * 2 ** 16);
    const ballot = ballotOf(ballotElectorate(ctx.state), { candidate: PEER, epoch: FAR + 4 * 2 ** 16 + 1 });
    onBallot(ctx, PEER, ballot);
    expect(ctx.state.peers[PEER]?.answersDue).toEqual([]);
    ctx = turnOf(ctx.state);
    onBallot(ctx, PEER, ballot);
    expect(ctx.state.peers[PEER]?.answersDue).toHaveLength(1);
  });
});
