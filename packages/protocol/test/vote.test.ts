import { describe, expect, test } from 'vitest';
import { ballotElectorate } from '../src/election/quorum.ts';
import { voteOn } from '../src/election/vote.ts';
import { BALLOT_ANSWER_OF, BALLOT_REASONS } from '../src/model/codes.ts';
import type { State } from '../src/model/state.ts';
import type { DurationMs, MonotonicMs } from '../src/model/units.ts';
import type { BallotAnswer, BallotReason } from '../src/wire/messages.ts';
import {
  AT,
  ballotOf,
  cutOff,
  handoverOf,
  heldBy,
  PEER,
  proven,
  SELF,
  seenDown,
  seenUp,
  seriesOf,
  stateOf,
  WALL,
  withAddress,
  withEpisode,
  withPeer,
} from './support/fixtures.ts';

/** A voter that sees the address down; a ballot of its peer's, heard 400 ms ago. */
const VOTER = seenDown(heldBy(stateOf(), SELF));
const HEARD_AT = AT - 400;
const OK_SINCE = seriesOf(true, {
  last: { ok: true, startedAt: HEARD_AT, endedAt: AT, reason: 'ok' },
});
const OK_BEFORE = seriesOf(true, {
  last: { ok: true, startedAt: HEARD_AT - 1, endedAt: AT, reason: 'ok' },
});

function lent(candidateId: string, epoch: number, expiresAt: MonotonicMs): State {
  return withAddress(VOTER, { lent: { candidate: candidateId, epoch, expiresAt } });
}

function witnessOf(state: State, role: 'member' | 'witness'): State {
  return { ...state, config: { ...state.config, node: { ...state.config.node, role } } };
}

function roleOfPeer(role: 'member' | 'witness'): State {
  return { ...VOTER, config: { ...VOTER.config, peers: [{ id: PEER, role, priority: 100 }] } };
}

const PAUSED = { version: 1, by: PEER, paused: true, owner: 'ann', reason: '', until: null };
const ORDERED = {
  record: handoverOf({ to: PEER }),
  expiresAt: AT + 60_000,
  ending: null,
  untold: 'nothing' as const,
};
const FULL = { ...VOTER, storage: { ...VOTER.storage, failing: 'ENOSPC' } };
const CHANGED = { changes: [AT - 1_000], served: true };

interface Row {
  readonly when: string;
  readonly state: State;
  readonly ballot?: Partial<ReturnType<typeof ballotOf>>;
  readonly answer: BallotAnswer['answer'];
  readonly reason: BallotReason;
  readonly retryMs?: DurationMs;
}

/** In the order of the rules: each row's voter also sees the address down, so that without its rule it would lend. */
const ANSWERS: readonly Row[] = [
  { when: 'it is a member', state: witnessOf(VOTER, 'member'), answer: 'refuse', reason: 'no-vote' },
  {
    when: 'it does not know the address',
    state: VOTER,
    ballot: { address: '192.0.2.9' },
    answer: 'refuse',
    reason: 'unknown-address',
  },
  {
    when: 'the electorate differs',
    state: VOTER,
    ballot: { electorate: '1:00000000' },
    answer: 'refuse',
    reason: 'electorate',
  },
  {
    when: 'two runs use the id of the candidate',
    state: withPeer(VOTER, PEER, { duplicateUntil: AT + 5 }),
    answer: 'refuse',
    reason: 'duplicate-id',
    retryMs: 5,
  },
  {
    when: 'two runs use its own id',
    state: { ...VOTER, duplicateUntil: AT + 5 },
    answer: 'refuse',
    reason: 'lease-unknown',
    retryMs: 5,
  },
  {
    when: 'it is shutting down',
    state: { ...VOTER, phase: 'stopping' },
    answer: 'refuse',
    reason: 'stopping',
  },
  {
    when: 'its disk takes no writes',
    state: { ...VOTER, storage: { ...VOTER.storage, failing: 'ENOSPC' } },
    answer: 'refuse',
    reason: 'storage',
  },
  {
    when: 'it has heard of a higher epoch, in which it has lent nothing itself',
    state: withAddress(VOTER, { epoch: 6 }),
    answer: 'grant',
    reason: 'down',
  },
  {
    when: 'it had lent this epoch to another, though that lease is over',
    state: lent('mars', 5, AT - 1),
    answer: 'refuse',
    reason: 'stale-epoch',
  },
  {
    when: 'it started lately and cannot know what it had lent',
    state: withAddress(VOTER, { lendFrom: AT + 70 }),
    answer: 'refuse',
    reason: 'lease-unknown',
    retryMs: 70,
  },
  {
    when: 'its lease is with another candidate',
    state: lent('mars', 4, AT + 90),
    answer: 'refuse',
    reason: 'lent',
    retryMs: 90,
  },
  {
    when: 'the candidate is not fit',
    state: VOTER,
    ballot: { fit: false },
    answer: 'refuse',
    reason: 'unfit-candidate',
  },
  {
    when: 'it is a handover that names no record',
    state: { ...seenUp(VOTER), handovers: [ORDERED] },
    ballot: { mode: 'handover' },
    answer: 'refuse',
    reason: 'no-handover',
  },
  {
    when: 'its configuration has the candidate as a witness',
    state: roleOfPeer('witness'),
    answer: 'refuse',
    reason: 'unknown-candidate',
  },
  {
    when: 'its configuration has the candidate of a known handover as a witness',
    state: { ...roleOfPeer('witness'), handovers: [ORDERED] },
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'refuse',
    reason: 'unknown-candidate',
  },
  {
    when: 'it is a handover that it knows to be open',
    state: { ...VOTER, handovers: [ORDERED] },
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'grant',
    reason: 'consent',
  },
  {
    when: 'it knows nothing of the handover',
    state: VOTER,
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'refuse',
    reason: 'no-handover',
  },
  {
    when: 'the handover has been taken back',
    state: { ...VOTER, handovers: [{ ...ORDERED, record: { ...ORDERED.record, state: 'failed' } }] },
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'refuse',
    reason: 'no-handover',
  },
  {
    when: 'the handover has had its time',
    state: { ...VOTER, handovers: [{ ...ORDERED, expiresAt: AT }] },
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'refuse',
    reason: 'no-handover',
  },
  {
    when: "the handover is another node's",
    state: { ...VOTER, handovers: [{ ...ORDERED, record: { ...ORDERED.record, to: 'mars' } }] },
    ballot: { mode: 'handover', handover: ORDERED.record.id },
    answer: 'refuse',
    reason: 'no-handover',
  },
  {
    when: 'automatic moves are paused',
    state: { ...VOTER, pause: PAUSED },
    answer: 'refuse',
    reason: 'paused',
  },
  {
    when: 'the address changed hands lately and serves',
    state: withAddress(VOTER, CHANGED),
    answer: 'refuse',
    reason: 'held-down',
    retryMs: 59_000,
  },
  {
    when: 'the address has just changed hands, and its new holder is given its 15 s to serve',
    state: withAddress(VOTER, { changes: [AT - 14_000], served: false }),
    answer: 'refuse',
    reason: 'held-down',
    retryMs: 1_000,
  },
  {
    when: 'the address changed hands a second ago and has had no time to serve',
    state: withAddress(VOTER, { ...CHANGED, served: false }),
    answer: 'refuse',
    reason: 'held-down',
    retryMs: 14_000,
  },
  {
    when: 'it was moved in vain half a minute ago',
    state: withEpisode(VOTER, {
      tries: [{ node: 'mars', epoch: 1, from: 'venus', at: AT - 30_000 }],
    }),
    answer: 'refuse',
    reason: 'move-did-not-help',
    retryMs: 90_000,
  },
  {
    when: 'the candidate itself was tried half an hour ago',
    state: withEpisode(VOTER, {
      tries: [{ node: PEER, epoch: 1, from: 'venus', at: AT - 30 * 60_000 }],
    }),
    answer: 'refuse',
    reason: 'move-did-not-help',
    retryMs: 30 * 60_000,
  },
  {
    when: 'nobody has ever seen it up by this probe',
    state: withEpisode(VOTER, { answered: '' }),
    answer: 'refuse',
    reason: 'never-answered',
  },
  {
    when: 'no probe has finished yet',
    state: withAddress(VOTER, { series: seriesOf(false, { last: null }) }),
    answer: 'refuse',
    reason: 'starting',
    retryMs: 500,
  },
  {
    when: 'no probe has finished yet, one is on its way, and it has no way out',
    state: withAddress(cutOff(VOTER), {
      series: seriesOf(false, {
        last: null,
        inFlight: [{ id: 1, startedAt: AT - 5, counts: true, failsAfter: 0 }],
      }),
    }),
    answer: 'refuse',
    reason: 'starting',
    retryMs: 200,
  },
  { when: 'it sees the address down', state: VOTER, answer: 'grant', reason: 'down' },
  {
    when: 'a probe that started after the ballot was heard succeeded',
    state: withAddress(VOTER, { series: OK_SINCE, verdict: 'up' }),
    answer: 'refuse',
    reason: 'up',
  },
  {
    when: 'its verdict is down but such a probe succeeded',
    state: withAddress(VOTER, { series: OK_SINCE }),
    answer: 'refuse',
    reason: 'up',
  },
  {
    when: 'the last success is older than the ballot',
    state: withAddress(VOTER, { series: OK_BEFORE, verdict: 'up' }),
    answer: 'pending',
    reason: 'undecided',
  },
  {
    when: 'probes fail, and the outside did not answer',
    state: withAddress(cutOff(VOTER), { verdict: 'unknown' }),
    answer: 'blind',
    reason: 'no-way-out',
  },
  {
    when: 'probes fail, and the outside has not answered yet',
    state: withAddress(
      { ...VOTER, wayOut: { ...VOTER.wayOut, '4': { ...VOTER.wayOut['4'], provenAt: null } } },
      { verdict: 'unknown' },
    ),
    answer: 'pending',
    reason: 'undecided',
  },
  {
    when: 'probes fail, though not yet often enough',
    state: withAddress(proven(VOTER), { verdict: 'up', series: seriesOf(false, { fails: 1 }) }),
    answer: 'pending',
    reason: 'undecided',
  },
];

describe("a voter's answer", () => {
  test.each(ANSWERS)('when $when: $answer ($reason)', ({ state, ballot, answer, reason, retryMs = 0 }) => {
    const asked = ballotOf(ballotElectorate(VOTER), ballot);
    expect(voteOn(state, asked, HEARD_AT)).toEqual({ answer, reason, retryMs });
  });

  test('a holder that cannot write agrees to be relieved, and lends nothing', () => {
    const open = { ...FULL, handovers: [ORDERED] };
    const asked = ballotOf(ballotElectorate(VOTER), { mode: 'handover', handover: ORDERED.record.id });
    const relieved = { answer: 'refuse', reason: 'storage', retryMs: 0, consents: true };
    expect(voteOn(open, asked, HEARD_AT)).toEqual(relieved);
    expect(voteOn(heldBy(open, PEER), asked, HEARD_AT)).not.toHaveProperty('consents');
    const { handover: _, ...takeover } = ballotOf(ballotElectorate(VOTER), { handover: '' });
    expect(voteOn(open, takeover, HEARD_AT)).toEqual({ answer: 'refuse', reason: 'storage', retryMs: 0 });
  });

  test.each<readonly [when: string, state: State, parts: Row['ballot'], reason: BallotReason]>([
    [
      'it has lent to another',
      withAddress(FULL, { lent: { candidate: 'mars', epoch: 4, expiresAt: AT + 90 } }),
      {},
      'lent',
    ],
    ['it cannot know what it lent', withAddress(FULL, { lendFrom: AT + 70 }), {}, 'lease-unknown'],
    ['the candidate is not fit', FULL, { fit: false }, 'unfit-candidate'],
    ['the handover is over', { ...FULL, handovers: [] }, {}, 'no-handover'],
  ])('nor does a holder that cannot write agree when %s', (_, state, parts, reason) => {
    const known = { ...state, handovers: reason === 'no-handover' ? [] : [ORDERED] };
    const asked = ballotOf(ballotElectorate(VOTER), {
      mode: 'handover',
      handover: ORDERED.record.id,
      ...parts,
    });
    const answer = voteOn(known, asked, HEARD_AT);
    expect(answer).toMatchObject({ answer: 'refuse', reason });
    expect(answer).not.toHaveProperty('consents');
  });

  test('every code has a row, but that of the arbiter, which is no node', () => {
    const nodes = BALLOT_REASONS.filter((reason) => reason !== 'arbiter');
    expect(new Set(ANSWERS.map((row) => row.reason))).toEqual(new Set(nodes));
  });

  test.each(ANSWERS.map((row) => [row.reason, row.answer] as const))('%s explains a %s', (reason, answer) => {
    expect(BALLOT_ANSWER_OF[reason]).toBe(answer);
  });

  const granted: readonly (readonly [string, State])[] = [
    ['the same epoch was lent to the same candidate', lent(PEER, 5, AT + 90)],
    ['an earlier epoch was lent to the same candidate', lent(PEER, 4, AT + 90)],
    ["another's lease for an earlier epoch is over", lent('mars', 4, AT)],
    ['the pause has expired', { ...VOTER, pause: { ...PAUSED, until: WALL } }],
    [
      'the address changed hands lately, and has not come to serve in 15 s',
      withAddress(VOTER, { changes: [AT - 15_000], served: false }),
    ],
    ['its holder is unfit', { ...withAddress(VOTER, CHANGED), local: { ...VOTER.local, fit: 'unfit' } }],
    ['it is a witness', witnessOf(VOTER, 'witness')],
    ['what it may have lent is over at this moment', withAddress(VOTER, { lendFrom: AT })],
  ];
  test.each(granted)('is a grant although %s', (_, state) => {
    expect(voteOn(state, ballotOf(ballotElectorate(VOTER)), HEARD_AT).answer).toBe('grant');
  });
});
