/** What makes a move right: each check fails when what it looks for is there: a takeover that breaks nothing, with one moment changed. */
import { expect, test } from 'vitest';
import { pausesOn, takeover, until, upSince } from './changed-takeover.ts';
import { ADDRESS, type Moment, message, newStage, play, type Stage, secondOf } from './checked-stage.ts';
import {
  associated,
  ballotOf,
  campaignOf,
  drive,
  ended,
  INTENT,
  lease,
  seriesOf,
  TAKE,
  TAKEOVER,
  voted,
} from './checked-takeover.ts';

const ROWS: readonly (readonly [invariant: string, says: string, moments: readonly Moment[]])[] = [
  ['I1', 'a call without a move', [[0, ({ tell, b }) => tell(drive(b, TAKE))]]],
  ['I1', 'a call without its own verdict', takeover({ seesItDown: null })],
  ['I1', 'a ballot before the verdict', takeover({ seesItDown: [4_020, TAKEOVER.seesItDown[1]] })],
  [
    'I1',
    'a call without agreement',
    takeover({
      wins: [
        4_100,
        ({ b }) => {
          b.setAddress({ intent: INTENT });
          b.sync();
        },
      ],
    }),
  ],
  [
    'I1',
    'a ballot won without the leases of a majority',
    until('wins', { votesDown: null, answers: null }, upSince(-1)),
  ],
  ['I1', 'a call without a guard', takeover({ passesTheGuard: null })],
  ['I1', 'a guard before the agreement', takeover({ passesTheGuard: [3_950, TAKEOVER.passesTheGuard[1]] })],
  [
    'I1',
    'a guard that was told the contested address',
    takeover({ isToldItsIp: [4_150, ({ tell, b }) => tell({ kind: 'proof', by: b, ip: ADDRESS })] }),
  ],
  [
    'I1',
    'a call after a probe that succeeded',
    takeover({}, [
      4_250,
      ({ b }) =>
        b.setAddress({
          series: { ...seriesOf(b), last: { ok: true, startedAt: 4_220, endedAt: 4_250, reason: 'ok' } },
        }),
    ]),
  ],
  ['I2', 'a verdict without a way-out proof', until('seesItDown', { provesItsWayOut: null })],
  [
    'I2',
    'a proof that came after the probe began',
    until('seesItDown', { provesItsWayOut: [3_200, TAKEOVER.provesItsWayOut[1]] }),
  ],
  [
    'I3',
    'a lease for a ballot of other voters',
    until('votesDown', {}, [
      4_040,
      ({ c }) => c.reconfigure({ peers: c.config.peers.filter(({ id }) => id === 'b') }),
    ]),
  ],
  [
    'I3',
    'a lease for a ballot of another wire version',
    until('votesDown', {
      asks: [
        4_010,
        ({ tell, b, c }) =>
          tell({ kind: 'said', by: b, message: message(b, c, { ballots: [ballotOf('2:x')] }), bytes: 300 }),
      ],
    }),
  ],
  [
    'I3',
    'a stranger counted as a voter',
    until('wins', {
      wins: [
        4_100,
        ({ facts, b }) => {
          b.setAddress({ campaign: { ...campaignOf(), answers: { b: lease(9_000), x: lease(9_000) } } });
          facts(b, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
        },
      ],
    }),
  ],
  [
    'I4',
    'two winners of one epoch',
    until('wins', {}, [
      4_110,
      ({ facts, c }) => {
        c.setAddress({ campaign: { ...campaignOf('handover'), answers: { c: lease(9_000) } } });
        facts(c, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
      },
    ]),
  ],
  [
    'I5',
    'a voter that lends twice',
    until('answers', {}, [
      4_070,
      ({ facts, c }) => facts(c, { ...voted('grant', 'down'), candidate: 'a', epoch: 2 }),
    ]),
  ],
  [
    'I5',
    'two candidates that count on one lease',
    [
      [
        100,
        ({ tell, a, b }) => {
          for (const by of [a, b]) {
            by.setAddress({ campaign: { ...campaignOf(), answers: { c: lease(9_000) } } });
            tell({ kind: 'stepped', by });
          }
        },
      ],
    ],
  ],
  [
    'I10',
    'a win against what the others see',
    until('wins', {
      answers: [
        4_060,
        ({ tell, a, b, c }) => {
          const re = { session: b.state().session, seq: 1 };
          for (const by of [a, c]) tell({ kind: 'heard', by: b, message: { ...message(by, b, {}), re } });
        },
      ],
      votesDown: [
        4_050,
        ({ facts, a, c }) => {
          facts(a, voted('blind', 'no-way-out'));
          facts(c, voted('refuse', 'up'));
        },
      ],
    }),
  ],
  [
    'I10',
    'a takeover of what two of three see up',
    takeover({ votesDown: [4_050, ({ facts, c }) => facts(c, voted('grant', 'down'))] }, upSince(3_000)),
  ],
  [
    'I25',
    'a takeover of what every other voter that is sighted and honest sees up',
    takeover(
      { votesDown: [4_050, ({ facts, c }) => facts(c, voted('grant', 'down'))] },
      upSince(3_000),
      [0, (stage) => void Object.assign(stage, { liar: 'c' })],
      [4_200, ({ b }) => b.setAddress({ verdict: 'unknown' })],
    ),
  ],
  [
    'I10',
    'a vote of down by a voter that sees no such thing',
    until('votesDown', { votesDown: [4_050, ({ facts, c }) => facts(c, voted('grant', 'down'))] }),
  ],
  [
    'I16',
    'a takeover by a node that knows of the pause',
    takeover({}, [4_250, (stage) => pausesOn(stage, ['b'])]),
  ],
  [
    'I16',
    'a takeover although a majority is paused',
    takeover({}, [3_000, (stage) => pausesOn(stage, ['a', 'c'])]),
  ],
];

test.each(ROWS)('%s: %s', (invariant, _says, moments) => {
  expect(play(moments)).toContain(invariant);
});

/** `b` counts on `c`'s lease, and then `a` does: at 100 and at 300 ms. */
function bothCountOnC(...between: readonly Moment[]): readonly Moment[] {
  const count =
    (who: 'a' | 'b') =>
    ({ tell, [who]: by }: Stage): void => {
      by.setAddress({ campaign: { ...campaignOf(), answers: { c: lease(9_000) } } });
      tell({ kind: 'stepped', by });
    };
  return [[100, count('b')], ...between, [300, count('a')]];
}

function toldOf(moments: readonly Moment[]): string {
  const stage = newStage();
  play(moments, stage);
  return stage.told.join('\n');
}

const cRunsTwice: Moment = [1_000, ({ tell, c }) => tell({ kind: 'started', by: secondOf(c) })];

test('a voter whose id runs twice may have answered by the other run: it is no witness of what it sees or of a pause', () => {
  const votesDown: Moment = [4_050, ({ facts, c }) => facts(c, voted('grant', 'down'))];
  const upAndSeen = takeover({ votesDown }, upSince(3_000));
  const pausedAll = takeover({}, [3_000, (stage) => pausesOn(stage, ['a', 'c'])]);
  for (const [moments, says] of [
    [upAndSeen, 'sighted see it up'],
    [pausedAll, 'know that moves are paused'],
  ] as const) {
    expect(toldOf(moments)).toContain(says);
    expect(toldOf([...moments, cRunsTwice])).not.toContain(says);
  }
});

const GIVES_BACK = { releases: [{ address: ADDRESS, epoch: 1, candidate: 'b' }] };

test('a lease that is given back in the very step in which a node stops is free', () => {
  const stops: Moment = [
    200,
    ({ tell, b }) => {
      b.setAddress({ campaign: null });
      tell({ kind: 'ended', by: b });
    },
  ];
  expect(play(bothCountOnC())).toEqual(['I5']);
  expect(play(bothCountOnC(stops))).toEqual([]);
});

const ASKS = { ballots: [ballotOf('1:x')] };

test('a ballot that never left its node before that crashed has borrowed nothing; one that left has', () => {
  const crashes: Moment = [200, ({ tell, b }) => tell({ kind: 'ended', by: b })];
  const asks: Moment = [
    150,
    ({ tell, b, c }) => tell({ kind: 'said', by: b, message: message(b, c, ASKS), bytes: 300 }),
  ];
  expect(play(bothCountOnC(crashes))).toEqual([]);
  expect(play(bothCountOnC(asks, crashes))).toContain('I5');
});

/** `a`, whose disk takes no writes, agrees to be relieved, as it has learned of a holder before. */
function consents(learned: string | null, ...before: readonly Moment[]): readonly Moment[] {
  const answer = {
    address: ADDRESS,
    epoch: 1,
    candidate: 'b',
    voter: 'a',
    ask: 1,
    answer: 'refuse',
    reason: 'storage',
    leaseMs: 0,
    retryMs: 0,
    highest: 1,
    consents: true,
  } as const;
  return [
    ...before,
    [
      300,
      ({ facts, tell, a, b }) => {
        a.set({ storage: { ...a.state().storage, failing: 'ENOSPC' } });
        if (learned !== null)
          facts(a, { kind: 'holder', address: ADDRESS, holder: learned, source: 'gossip' });
        tell({ kind: 'said', by: a, message: message(a, b, { answers: [answer] }), bytes: 300 });
      },
    ],
  ];
}

test('who lost the address to an operator and knows nothing of it may agree to be relieved; who knows may not', () => {
  const operator: Moment = [
    200,
    (stage) => {
      stage.tell(ended('disassociated', 'i-x'));
      associated(stage, 'c', { kind: 'operator', name: 'console' });
    },
  ];
  const moves: Moment = [200, (stage) => associated(stage, 'c', { kind: 'operator', name: 'console' })];
  expect(play(consents(null))).toEqual([]);
  expect(play(consents('a', operator))).not.toContain('I5');
  expect(play(consents('c', operator))).toContain('I5');
  expect(play(consents(null, operator))).toContain('I5');
  expect(play(consents('a', moves))).toContain('I5'); // it has never held it
});

test('what a second run of an id gives back, the first no longer counts on, whatever it believes', () => {
  const releases: Moment = [
    200,
    ({ tell, b2, c }) => tell({ kind: 'said', by: b2, message: message(b2, c, GIVES_BACK), bytes: 300 }),
  ];
  const believesOn: Moment = [
    250,
    ({ tell, b }) => {
      b.setAddress({ served: true });
      tell({ kind: 'stepped', by: b });
    },
  ];
  expect(play(bothCountOnC(releases, believesOn))).toEqual([]);
});

test('what it gives back of an earlier ballot leaves a later one as it is', () => {
  const earlier = { releases: [{ address: ADDRESS, epoch: 0, candidate: 'b' }] };
  const releases: Moment = [
    200,
    ({ tell, b2, c }) => tell({ kind: 'said', by: b2, message: message(b2, c, earlier), bytes: 300 }),
  ];
  expect(play(bothCountOnC(releases))).toEqual(['I5']);
});

test('a pause that came after the ballot was asked stops nothing that others know of', () => {
  expect(play(takeover({}, [4_250, (stage) => pausesOn(stage, ['a', 'c'])]))).toEqual([]);
});
