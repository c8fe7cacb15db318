/** The checks of the calls of a move (I6 to I15): each fails when what it looks for is there, in a takeover that breaks nothing, with one moment changed. */
import { expect, test } from 'vitest';
import { movedLately, shifted, silent, stalledBefore, takeover, until } from './changed-takeover.ts';
import { ADDRESS, type Moment, message, newStage, play } from './checked-stage.ts';
import {
  ASSOCIATION,
  answerOf,
  associated,
  checkedItself,
  drive,
  driven,
  ended,
  moveOf,
  NOBODY,
  READ,
  RELEASE,
  SWAP,
  shows,
  TAKE,
  TAKEOVER,
  voted,
} from './checked-takeover.ts';

const ROWS: readonly (readonly [invariant: string, says: string, moments: readonly Moment[]])[] = [
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
      ...[1, 2].map((n): Moment => [4_200 + n, ({ b, ...stage }) => checkedItself(stage, b, 1 + n, false)]),
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
  [
    'I11',
    'a move that begins with what was read long before',
    [
      TAKEOVER.begins,
      [1_000, ({ tell, b }) => tell(drive(b, READ))],
      [1_100, ({ tell, b }) => tell(driven(b, READ, shows(ASSOCIATION)))],
      ...shifted(
        takeover({ begins: null, reads: [4_200, ({ b }) => b.setAddress({ move: moveOf() })] }),
        20_000,
      ),
    ],
  ],
  [
    'I11',
    'a swap that rests on what was read before the guard',
    takeover({
      reads: [
        4_120,
        ({ tell, b }) => {
          tell(drive(b, READ));
          tell(driven(b, READ, shows(ASSOCIATION)));
        },
      ],
      releases: [
        4_300,
        ({ tell, b }) => {
          b.setAddress({ move: moveOf({ mode: 'handover', consent: true }) });
          tell(drive(b, SWAP));
        },
      ],
    }),
  ],
  [
    'I8',
    'a move that begins with what was read before a standstill',
    takeover({
      reads: [4_120, ({ tell, b }) => tell(drive(b, READ))],
      releases: [
        4_300,
        ({ tell, facts, b }) => {
          tell(driven(b, READ, shows(ASSOCIATION)));
          facts(b, { kind: 'stalled', lateMs: 2_000 });
          b.setAddress({ move: moveOf({ mode: 'handover' }) });
          tell(drive(b, RELEASE));
        },
      ],
    }),
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
    'I15',
    'a budget that moves which never were have used up',
    [
      [
        100,
        ({ facts, b }) =>
          facts(b, { kind: 'decided', address: ADDRESS, outcome: 'hold', reason: 'flapping', detail: '' }),
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

test('I15: a move that by some clock is out of the budget by now is no longer in it', () => {
  const withFirst = (firstMs: number): readonly string[] =>
    play(
      takeover(
        { begins: [-600_000, TAKEOVER.begins[1]] },
        ...[firstMs, -400_000, -300_000].map((atMs): Moment => [atMs, (stage) => associated(stage, 'a')]),
        ...shifted(movedLately, -60_000),
      ),
    );
  expect(withFirst(-594_000)).toContain('I15');
  expect(withFirst(-595_300)).not.toContain('I15');
});

test("I15: that a new holder has served is a candidate's to see; nobody believes a witness of it", () => {
  const stage = newStage();
  stage.c.reconfigure({ node: { ...stage.c.config.node, role: 'witness' } });
  expect(play(takeover({}, ...movedLately), stage)).not.toContain('I15');
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
