/** Each check fails when what it looks for is there: a takeover that breaks nothing, with one moment changed. */
import type { Fitness } from '@failtome/protocol';
import { expect, test } from 'vitest';
import type { RunView, WorldEvent } from '../src/world/watch.ts';
import {
  movedLately,
  recordOf,
  shifted,
  silent,
  stalledBefore,
  takeover,
  until,
} from './changed-takeover.ts';
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
  publishing,
  READ,
  RELEASE,
  SWAP,
  shows,
  TAKE,
  TAKEOVER,
  TOLD,
  voted,
  waiting,
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
  [
    'I17',
    'one move told as two',
    takeover({}, [
      5_200,
      ({ tell, b }) => {
        const again = waiting('b-1-2', `${TOLD} again`);
        b.set({ outbox: [again] });
        b.sync();
        tell(publishing(b, again.message));
      },
    ]),
  ],
  ['I17', 'a notification of a move that never was', [[0, ({ tell, b }) => tell(publishing(b, TOLD))]]],
  [
    'I17',
    'an accepted move that nobody is told of, and whose attempt was abandoned',
    takeover({ concludes: null, tells: null }, [
      40_000,
      ({ tell, b }) => {
        b.setAddress({ move: null, campaign: null, intent: null });
        tell({ kind: 'stepped', by: b });
      },
    ]),
  ],
  [
    'I17',
    'a move whose answer was lost, which a read has shown since, and that nobody is told of',
    takeover(
      { taken: null, concludes: null, tells: null },
      [
        4_600,
        (stage) => {
          associated(stage, 'b');
          stage.tell(driven(stage.b, TAKE, { kind: 'unknown', code: 'Timeout', message: '' }));
          stage.b.setAddress({ move: null, campaign: null, intent: null });
          const { association } = stage.aws.addresses.get(ADDRESS) ?? {};
          stage.tell(driven(stage.b, READ, shows(association?.id ?? '', true)));
        },
      ],
      [40_000, ({ tell, b }) => tell({ kind: 'stepped', by: b })],
    ),
  ],
  [
    'I17',
    "a move by an operator's hand that is told as a node's own",
    [
      [0, (stage) => associated(stage, 'b', { kind: 'operator', name: 'console' })],
      [100, ({ tell, b }) => tell(publishing(b, TOLD))],
    ],
  ],
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
    'I27',
    'another content of a record under the same version',
    [
      [0, ({ tell, a, b }) => tell(sayingOfItself(a, b, 'fit'))],
      [10, ({ tell, a, b }) => tell(sayingOfItself(a, b, 'unfit'))],
    ],
  ],
  [
    'I26',
    'a receiver told of two things at once',
    [
      [
        0,
        ({ tell, a }) => {
          a.set({ outbox: [waiting('a-1-1', ''), waiting('a-1-2', '')] });
          tell({ kind: 'stepped', by: a });
        },
      ],
    ],
  ],
  [
    'I26',
    'a receiver that is told nothing, though something is due',
    [
      [
        0,
        ({ tell, a }) => {
          const { now } = a.state();
          a.set({ outbox: [waiting('a-1-1', '', { publishing: null, nextAt: now.at - 1_100 })] });
          tell({ kind: 'stepped', by: a });
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
            outbox: Array.from({ length: 101 }, (_, n) => waiting(`${n}`, '', { publishing: null })),
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

/** Whom the operator gives the address to shortly before the node takes it; that take has no answer, and a read shows who holds it. */
function takenUnanswered(to: 'a' | 'b', shown: 'unknown' | 'refused'): readonly string[] {
  const given: Moment = [4_450, (stage) => associated(stage, to, { kind: 'operator', name: 'console' })];
  const taken: Moment = [
    4_600,
    ({ aws, tell, b }) => {
      const { association } = aws.addresses.get(ADDRESS) ?? {};
      const lost = { kind: 'unknown', code: 'Timeout', message: '' } as const;
      const refused = { kind: 'refused', code: 'x', message: '', throttled: false } as const;
      tell(driven(b, TAKE, shown === 'unknown' ? lost : refused));
      tell(driven(b, READ, shows(association?.id ?? '', to === 'b')));
    },
  ];
  return play(takeover({ taken }, given));
}

test('I17: what an operator gave a node just before its own take, whose answer was lost, it tells as its own', () => {
  expect(takenUnanswered('b', 'unknown')).not.toContain('I17');
  expect(takenUnanswered('b', 'refused')).toContain('I17');
  expect(takenUnanswered('a', 'unknown')).toContain('I17');
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
      readAtMs: 0,
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

/** The sender tells its record under one version, whatever is in it. */
function sayingOfItself(from: RunView, to: RunView, fit: Fitness): WorldEvent {
  const node = { ...recordOf(from.node), fit };
  return { kind: 'said', by: from, message: message(from, to, { version: 7, node }), bytes: 300 };
}
