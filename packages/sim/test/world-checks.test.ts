/** Each check fails when what it looks for is there: a takeover that breaks nothing, with one moment changed. */
import { expect, test } from 'vitest';
import {
  ADDRESS,
  ASSOCIATION,
  answerOf,
  associated,
  ballotOf,
  campaignOf,
  drive,
  driven,
  ended,
  INTENT,
  instanceOf,
  lease,
  type Moment,
  message,
  moveOf,
  NOBODY,
  newStage,
  play,
  publishing,
  READ,
  RELEASE,
  type Stage,
  SWAP,
  seriesOf,
  shows,
  TAKE,
  TAKEOVER,
  TOLD,
  voted,
} from './checked-takeover.ts';

type Changes = Partial<Record<keyof typeof TAKEOVER, Moment | null>>;

/** The takeover with some of its moments left out or replaced, and others added. */
function takeover(changes: Changes, ...more: readonly Moment[]): readonly Moment[] {
  const kept: Record<string, Moment | null> = { ...TAKEOVER, ...changes };
  return [...Object.values(kept).flatMap((moment) => (moment === null ? [] : [moment])), ...more];
}

/** Up to and with that moment. */
function until(
  last: keyof typeof TAKEOVER,
  changes: Changes = {},
  ...more: readonly Moment[]
): readonly Moment[] {
  const lastMs = TAKEOVER[last][0];
  return [...takeover(changes).filter(([atMs]) => atMs <= lastMs), ...more];
}

const silent: Moment = [0, () => undefined];
const stalledBefore = (atMs: number): readonly Moment[] => [
  [atMs, ({ tell, b }) => tell({ kind: 'paused', by: b })],
  [atMs + 6_000, ({ tell, b }) => tell({ kind: 'resumed', by: b })],
];
/** The same moments, so much later. */
function shifted(moments: readonly Moment[], byMs: number): readonly Moment[] {
  return moments.map(([atMs, happens]) => [atMs + byMs, happens]);
}

const decidedPaused = {
  version: 3,
  by: 'a',
  paused: true,
  owner: 'ops',
  reason: '',
  until: null,
} as const;

function pausesOn({ facts, a, c, b }: Stage, runs: readonly ('a' | 'b' | 'c')[]): void {
  for (const run of [a, b, c]) {
    if (!runs.some((id) => id === run.node)) continue;
    run.set({ pause: decidedPaused });
    facts(run, { kind: 'pause', paused: true, owner: 'ops', reason: '', version: 3 });
  }
}

const upSince = (atMs: number): Moment => [
  atMs,
  ({ a, c }) => {
    const last = { ok: true, startedAt: atMs, endedAt: atMs, reason: 'ok' } as const;
    for (const run of [a, c])
      run.setAddress({ verdict: 'up', verdictSince: atMs, series: { ...seriesOf(run), last } });
  },
];

/** The address came to `a` two seconds in, and has served there. */
const movedLately: readonly Moment[] = [
  [-30_000, (stage) => associated(stage, 'a')],
  [
    -20_000,
    ({ facts, c }) =>
      facts(c, { kind: 'probe', address: ADDRESS, result: { kind: 'ok', status: 200, durationMs: 5 } }),
  ],
  [
    -10,
    ({ b }) => {
      const peer = b.state().peers.a;
      if (peer === undefined) throw new Error('b knows no a');
      b.set({ peers: { ...b.state().peers, a: { ...peer, heardAt: 4_000, record: recordOf('a') } } });
    },
  ],
];

function recordOf(id: string) {
  return {
    id,
    incarnation: 1,
    role: 'candidate',
    priority: 100,
    instanceId: instanceOf(id),
    fit: 'fit',
    leaving: false,
    ready: true,
    electorate: '',
    version: '',
    addresses: [],
    pause: { ...decidedPaused, paused: false, version: 0 },
    handovers: [],
  } as const;
}

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
    until('votesDown', {}, [
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
    'I6',
    'a call without a durable intent',
    takeover({
      wins: [
        4_100,
        (stage) => {
          TAKEOVER.wins[1](stage);
          stage.b.setAddress({ intent: null });
          stage.b.sync();
        },
      ],
    }),
  ],
  [
    'I6',
    'a lease that is told before it is written',
    until('answers', {
      votesDown: [
        4_050,
        ({ facts, c }) => {
          c.setAddress({ verdict: 'down' });
          facts(c, voted('grant', 'down'));
        },
      ],
    }),
  ],
  ['I6', 'a ballot before its own lease is written', until('asks', { opensItsBallot: silent })],
  ['I6', 'a notification that is not durable', takeover({ concludes: silent })],
  [
    'I7',
    'a release that its leases do not outlast',
    takeover({
      reads: [
        4_200,
        (stage) => {
          TAKEOVER.reads[1](stage);
          stage.b.setAddress({ move: moveOf({ leaseUntil: 6_000 }) });
        },
      ],
    }),
  ],
  [
    'I7',
    'a release on leases that were given back',
    takeover({}, [
      4_250,
      ({ tell, b, c }) =>
        tell({
          kind: 'heard',
          by: c,
          message: message(b, c, { releases: [{ address: ADDRESS, epoch: 1, candidate: 'b' }] }),
        }),
    ]),
  ],
  [
    'I8',
    'a move on what was agreed before a standstill',
    [
      ...until('passesTheGuard'),
      ...stalledBefore(4_170),
      ...shifted([TAKEOVER.reads, TAKEOVER.releases], 6_500),
    ],
  ],
  [
    'I9',
    'a takeover by a node whose own checks fail',
    takeover(
      {},
      ...[1, 2].map(
        (n): Moment => [4_200 + n, ({ tell, b }) => tell({ kind: 'local-checked', by: b, ok: false })],
      ),
    ),
  ],
  ['I9', 'a takeover by a node that was never found well', takeover({ checksItself: null })],
  [
    'I9',
    'a take of what it holds',
    takeover({
      reads: [
        4_200,
        ({ tell, b }) => {
          b.setAddress({ move: moveOf() });
          tell(driven(b, READ, shows(ASSOCIATION, true)));
        },
      ],
    }),
  ],
  [
    'I9',
    'a takeover without a way out',
    takeover({
      releases: [12_000, TAKEOVER.releases[1]],
      released: silent,
      takes: silent,
      taken: silent,
      concludes: silent,
      tells: silent,
    }),
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
    'I10',
    'a vote of down by a voter that sees no such thing',
    until('votesDown', { votesDown: [4_050, ({ facts, c }) => facts(c, voted('grant', 'down'))] }),
  ],
  [
    'I11',
    'a release of what was not read',
    takeover({
      reads: [
        4_200,
        ({ tell, b }) => {
          b.setAddress({ move: moveOf() });
          tell(driven(b, READ, shows('eipassoc-other')));
        },
      ],
    }),
  ],
  [
    'I11',
    'a call that nothing was read for',
    takeover({ reads: [4_200, ({ b }) => b.setAddress({ move: moveOf() })] }),
  ],
  ['I11', 'a swap without consent', takeover({ releases: [4_300, ({ tell, b }) => tell(drive(b, SWAP))] })],
  [
    'I11',
    'an association that ended by the call of a node that never read it',
    [[0, ({ tell, b }) => tell(ended('moved', b.instanceId))]],
  ],
  [
    'I12',
    'a release that is given up',
    until('released', {}, [
      4_450,
      ({ tell, b }) => {
        b.setAddress({ move: null });
        tell({ kind: 'stepped', by: b });
      },
    ]),
  ],
  [
    'I12',
    'a release after which nothing is tried',
    until('released', {}, [40_000, ({ tell, b }) => tell({ kind: 'stepped', by: b })]),
  ],
  [
    'I12',
    'a duty that a restart forgets',
    until(
      'released',
      {},
      [4_450, ({ tell, b }) => tell({ kind: 'ended', by: b })],
      [
        5_000,
        ({ tell, facts, b2 }) => {
          facts(b2, { kind: 'started', incarnation: 2, storage: 'loaded', detail: '' });
          tell({ kind: 'stepped', by: b2 });
        },
      ],
    ),
  ],
  ['I13', 'an address that is thrown off', [[0, ({ tell, b }) => tell(ended('displaced', b.instanceId))]]],
  [
    'I14',
    'a call that is repeated without a read',
    takeover({
      released: [
        4_400,
        ({ tell, b }) => tell(driven(b, RELEASE, { kind: 'unknown', code: '', message: '' })),
      ],
      takes: [4_500, TAKEOVER.releases[1]],
      taken: silent,
      concludes: silent,
      tells: silent,
    }),
  ],
  [
    'I14',
    'a call that is repeated on reads that do not agree yet',
    takeover({
      released: [
        4_400,
        ({ tell, b }) => {
          tell(driven(b, RELEASE, { kind: 'unknown', code: '', message: '' }));
          tell(driven(b, READ, shows(ASSOCIATION)));
        },
      ],
      takes: [4_500, TAKEOVER.releases[1]],
      taken: silent,
      concludes: silent,
      tells: silent,
    }),
  ],
  ['I15', 'a takeover within the hold-down', takeover({}, ...movedLately)],
  [
    'I15',
    'a takeover beyond the budget',
    takeover(
      { begins: [-600_000, TAKEOVER.begins[1]] },
      ...[-500_000, -400_000, -300_000, -200_000].map(
        (atMs): Moment => [atMs, (stage) => associated(stage, 'a')],
      ),
      ...shifted(movedLately, -60_000),
    ),
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
  ['I17', 'a notification of a move that never was', [[0, ({ tell, b }) => tell(publishing(b, TOLD))]]],
  [
    'I19',
    'a message too large',
    [[0, ({ tell, a, b }) => tell({ kind: 'said', by: a, message: message(a, b, {}), bytes: 70_000 })]],
  ],
  [
    'I19',
    'too many messages in a second',
    [
      [
        0,
        ({ tell, a, b }) => {
          for (let n = 0; n <= 60; n += 1)
            tell({ kind: 'said', by: a, message: message(a, b, {}), bytes: 100 });
        },
      ],
    ],
  ],
  [
    'I19',
    'an outbox without end',
    [
      [
        0,
        ({ tell, a }) => {
          a.set({
            outbox: Array.from({ length: 101 }, (_, n) => ({
              id: `${n}`,
              subject: '',
              message: '',
              publishing: null,
              nextAt: 0,
              delayMs: 0,
            })),
          });
          tell({ kind: 'stepped', by: a });
        },
      ],
    ],
  ],
  [
    'I20',
    'a decision without a known reason',
    [
      [
        0,
        ({ facts, a }) =>
          facts(a, {
            kind: 'decided',
            address: ADDRESS,
            outcome: 'wait',
            reason: 'because' as never,
            detail: '',
          }),
      ],
    ],
  ],
  [
    'I20',
    'a decision that is not told',
    [
      [
        0,
        ({ tell, a }) => {
          a.setAddress({ decision: { outcome: 'hold', reason: 'is-holder', detail: '', since: 0 } });
          tell({ kind: 'stepped', by: a });
        },
      ],
    ],
  ],
];

test('a takeover by the rules breaks nothing', () => {
  const stage = newStage();
  expect({ broken: play(takeover({}), stage), told: stage.told }).toEqual({ broken: [], told: [] });
});

test.each(ROWS)('%s: %s', (invariant, _says, moments) => {
  expect(play(moments)).toContain(invariant);
});

test.each([['a read that shows nobody lets an ambiguous take be repeated', TAKE, NOBODY]])(
  '%s',
  (_says, operation, answer) => {
    const unknown: Moment = [
      4_550,
      ({ tell, b }) => tell(driven(b, operation, { kind: 'unknown', code: '', message: '' })),
    ];
    const again: readonly Moment[] = [
      [4_560, ({ tell, b }) => tell(driven(b, READ, answer))],
      [4_570, ({ tell, b }) => tell(drive(b, operation))],
    ];
    expect(play(takeover({}, unknown, ...again))).toEqual([]);
  },
);

test('a pause that came after the ballot was asked stops nothing that others know of', () => {
  expect(play(takeover({}, [4_250, (stage) => pausesOn(stage, ['a', 'c'])]))).toEqual([]);
});

const judgedBy = (change: {
  readonly recordedAs?: number;
  readonly ageMs?: number;
  readonly to?: 'a' | 'b';
  readonly session?: string;
}): Moment => [
  0,
  ({ tell, a, b }) => {
    const request = message(a, b, {});
    const echo = { session: change.session ?? b.state().session, t: 0 };
    tell({
      kind: 'judged',
      by: b,
      request: { ...request, to: change.to ?? 'b', echo },
      recordedAs: change.recordedAs ?? 1,
      status: 200,
      ageMs: change.ageMs ?? 5,
    });
  },
];

test.each([
  ['once is right', [judgedBy({})], []],
  ['twice', [judgedBy({}), judgedBy({})], ['I18']],
  ['after too long', [judgedBy({ ageMs: 60_000 })], ['I18']],
  ['at another receiver', [judgedBy({ to: 'a' })], ['I18']],
  ['for another session', [judgedBy({ session: 'an-older-one' })], ['I18']],
] as const)('I18: a message that counts: %s', (_says, moments, broken) => {
  expect(play(moments)).toEqual(broken);
});

test('a violation says who, what and when', () => {
  const stage = newStage();
  play(takeover({ passesTheGuard: null }), stage);
  expect(stage.told[0]).toBe(
    `b#1 calls release of ${ADDRESS} (down since 3900, ballot of 4000 won at 4100, guard passed at null) without a guard`,
  );
});

test('an answer that lends before it is written breaks I6 whoever gives it', () => {
  const moments: readonly Moment[] = [
    [
      0,
      ({ tell, a, b }) =>
        tell({ kind: 'said', by: a, message: message(a, b, { answers: [answerOf('a')] }), bytes: 300 }),
    ],
  ];
  expect(play(moments)).toEqual(['I6']);
});
