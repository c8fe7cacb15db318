/** The checks of how a takeover begins and ends, and of what a verdict rests on: each fails when it should. */
import type { CheckResult, DriverAnswer, Fact, MoveResult, NodeRecord } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { takeover, until } from './changed-takeover.ts';
import {
  ADDRESS,
  type AddressState,
  type Moment,
  message,
  newStage,
  play,
  type Stage,
} from './checked-stage.ts';
import {
  associated,
  campaignOf,
  drive,
  driven,
  FAILED,
  moveOf,
  NOBODY,
  publishing,
  READ,
  seriesOf,
  shows,
  TAKE,
  TAKEOVER,
  TOLD,
} from './checked-takeover.ts';

const ANSWERED: Fact = {
  kind: 'probe',
  probeId: 1,
  address: ADDRESS,
  result: { kind: 'ok', status: 200, durationMs: 5 },
};

const concludedAs = (result: MoveResult, epoch = 1): Fact => ({
  kind: 'concluded',
  entry: {
    id: 'b-1-1',
    kind: 'takeover',
    address: ADDRESS,
    from: 'a',
    to: 'b',
    result,
    reason: '',
    epoch,
    at: 0,
    steps: [],
    requestIds: [],
  },
});

const wonBySilence: Moment = [
  4_100,
  (stage) => {
    const { won, ...campaign } = campaignOf();
    TAKEOVER.wins[1](stage);
    stage.b.setAddress({ campaign: { ...campaign, won: { ...won, silent: ['a'] } } });
    stage.facts(stage.b, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
  },
];

const SHOWN_WITHOUT_ID: DriverAnswer = {
  kind: 'read',
  association: { kind: 'associated', associationId: null, instanceId: 'i-x', node: null, self: true },
  displaces: null,
};

const RECORD: NodeRecord = {
  id: 'a',
  incarnation: 1,
  role: 'candidate',
  priority: 100,
  instanceId: 'i-x',
  fit: 'fit',
  leaving: false,
  ready: true,
  electorate: '',
  version: '',
  addresses: [],
  pause: { version: 0, by: '', paused: false, owner: '', reason: '', until: null },
  handovers: [],
};

const inForce = ({ aws }: Stage): string => aws.addresses.get(ADDRESS)?.association?.id ?? '';

const ROWS: readonly (readonly [invariant: string, says: string, moments: readonly Moment[]])[] = [
  [
    'I1',
    'a verdict of down after one failure',
    until('seesItDown', {
      seesItDown: [
        3_900,
        ({ facts, b }) => {
          const last = { ok: false, startedAt: 3_100, endedAt: 3_900, reason: 'timeout' } as const;
          b.setAddress({ verdict: 'down', series: { ...seriesOf(b), last } });
          facts(b, FAILED, FAILED, ANSWERED, FAILED, {
            kind: 'verdict',
            address: ADDRESS,
            from: 'up',
            to: 'down',
            reason: 'timeout',
          });
        },
      ],
    }),
  ],
  [
    'I1',
    'a move by the silence of a peer that was heard since',
    takeover({ wins: wonBySilence }, [
      4_180,
      ({ tell, a, b }) =>
        tell({
          kind: 'heard',
          by: b,
          message: { ...message(a, b, {}), re: { session: b.state().session, seq: 1 } },
        }),
    ]),
  ],
  [
    'I5',
    'a lease for an id that its voter has seen twice',
    until('votesDown', {}, [4_020, ({ facts, c }) => facts(c, { kind: 'duplicate-id', peer: 'b' })]),
  ],
  [
    'I9',
    'a ballot of a node that shuts down',
    until('opensItsBallot', {}, [3_950, ({ facts, b }) => facts(b, { kind: 'stopping' })]),
  ],
  [
    'I9',
    'a ballot of the holder',
    until('opensItsBallot', {}, [
      3_950,
      (stage) => {
        associated(stage, 'b');
        stage.tell(driven(stage.b, READ, shows(inForce(stage), true)));
      },
    ]),
  ],
  [
    'I10',
    'a vote of down on an address that has just answered',
    until('votesDown', {
      votesDown: [
        4_050,
        (stage) => {
          const last = { ok: true, startedAt: 4_040, endedAt: 4_045, reason: 'ok' } as const;
          stage.c.setAddress({ series: { ...seriesOf(stage.c), last } });
          TAKEOVER.votesDown[1](stage);
        },
      ],
    }),
  ],
  [
    'I17',
    'service that nobody has seen',
    takeover({}, [4_900, ({ facts, b }) => facts(b, concludedAs('served'))]),
  ],
  [
    'I17',
    'a move that came to nothing, and was told to have moved',
    [[100, ({ facts, b }) => facts(b, concludedAs('moved'), concludedAs('moved'), concludedAs('abandoned'))]],
  ],
  [
    'I19',
    'a call that is made again and again',
    Array.from({ length: 20 }, (_, n): Moment => [n * 20, ({ tell, b }) => tell(drive(b, READ))]),
  ],
];

test.each(ROWS)('%s: %s', (invariant, _says, moments) => {
  expect(play(moments)).toContain(invariant);
});

test('a read that began before a peer said otherwise does not tell a node that it holds the address', () => {
  const otherwise: Fact = { kind: 'holder', address: ADDRESS, holder: 'nobody', source: 'gossip' };
  const readFrom = (atMs: number, ended?: string): readonly Moment[] => [
    [atMs, ({ tell, b }) => tell(drive(b, READ))],
    [3_930, ({ facts, b }) => facts(b, otherwise)],
    [
      3_950,
      (stage) => {
        associated(stage, 'b');
        stage.tell(driven(stage.b, READ, shows(ended ?? inForce(stage), true)));
      },
    ],
  ];
  expect(play(until('opensItsBallot', {}, ...readFrom(3_900)))).toEqual([]);
  expect(play(until('opensItsBallot', {}, ...readFrom(3_940)))).toContain('I9');
  // A read that lags shows an association that has ended, and the node knows that.
  expect(play(until('opensItsBallot', {}, ...readFrom(3_940, 'eipassoc-ended')))).toEqual([]);
});

test('a read that confirms an accepted move makes it no younger: what was seen before the read counts', () => {
  const told = (probeFromMs: number): readonly Moment[] => [
    [4_000, ({ tell, b }) => tell(drive(b, TAKE))],
    [4_500, ({ tell, b }) => tell(driven(b, TAKE, { kind: 'taken', associationId: 'eipassoc-2' }))],
    [4_800, ({ tell, b }) => tell(driven(b, READ, shows('eipassoc-2', true)))],
    [
      4_900,
      ({ facts, b }) => {
        const last = { ok: true, startedAt: probeFromMs, endedAt: 4_900, reason: 'ok' } as const;
        b.setAddress({ series: { ...seriesOf(b), last } });
        facts(b, concludedAs('served'));
      },
    ],
  ];
  const others = play(told(4_850));
  expect(others).not.toContain('I17');
  expect(play(told(4_600))).toEqual(others);
  expect(play(told(4_400))).toContain('I17');
});

test('a late answer of a run that was replaced does not take back that its successor is unfit', () => {
  const says = (atMs: number, session: string, fit: 'fit' | 'unfit'): Moment => [
    atMs,
    ({ tell, a, b }) => {
      const node: NodeRecord = { ...RECORD, fit };
      const re = { session: b.state().session, seq: 1 };
      tell({ kind: 'heard', by: b, message: { ...message(a, b, { node }), session, re } });
    },
  ];
  const seesItDown: Moment = [
    3_900,
    ({ facts, b }) => {
      const last = { ok: false, startedAt: 3_600, endedAt: 3_900, reason: 'refused' } as const;
      const { holder } = b.state().addresses[ADDRESS] ?? {};
      if (holder === undefined) throw new Error('the address is not configured');
      b.setAddress({ verdict: 'down', series: { ...seriesOf(b), last }, holder: { ...holder, node: 'a' } });
      const probed = (probeId: number, result: CheckResult): Fact => ({
        kind: 'probe',
        probeId,
        address: ADDRESS,
        result,
      });
      const answered = probed(8, { kind: 'ok', status: 200, durationMs: 850 });
      const failed = probed(9, { kind: 'failed', reason: 'timeout', detail: 'timeout', durationMs: 800 });
      facts(b, answered, failed, {
        kind: 'verdict',
        address: ADDRESS,
        from: 'up',
        to: 'down',
        reason: 'refused',
      });
    },
  ];
  const hears = (...words: readonly Moment[]): readonly string[] =>
    play(until('seesItDown', { seesItDown }, ...words));
  const replaced = [says(3_100, 'first', 'fit'), says(3_200, 'second', 'unfit')] as const;
  expect(hears(...replaced)).not.toContain('I1');
  expect(hears(...replaced, says(3_300, 'first', 'fit'))).not.toContain('I1');
  expect(hears(...replaced, says(3_300, 'third', 'fit'))).toContain('I1');
});

test('a takeover by the rules breaks none of them', () => {
  expect(play(takeover({}))).toEqual([]);
});

/** At 5 s it was answered that it took the address; at 35 s it is busy again or not, and at 36 s and 65 s it verifies. */
function takesAnew(busyAgain: boolean, untilMs: number): readonly string[] {
  const steps =
    (stage: NonNullable<AddressState['move']>['stage']) =>
    ({ tell, b }: Stage): void => {
      b.setAddress({ move: moveOf({ stage }) });
      tell({ kind: 'stepped', by: b });
    };
  const verifies = steps({ kind: 'verifying', acceptedAt: 0, by: 'answer' });
  const takes = steps({ kind: 'taking', callId: 2, at: 0, reassociate: false });
  const again: readonly Moment[] = busyAgain ? [[35_000, takes]] : [];
  return play(takeover({ concludes: null, tells: null }, ...again, [untilMs, verifies]));
}

test('a move that has to take the address anew is told when that has come to an end, and in time then', () => {
  expect(takesAnew(false, 36_000)).toContain('I17');
  expect(takesAnew(true, 36_000)).not.toContain('I17');
  expect(takesAnew(true, 65_000)).toContain('I17');
});

/** A take that was given up lands, and a read without an id shows that at 5 s; at 31 s nobody has been told. */
function landsUnseen(...before: readonly Fact[]): (readAtMs: number, untilMs: number) => readonly string[] {
  const reads = (stage: Stage): void => stage.tell(driven(stage.b, READ, SHOWN_WITHOUT_ID));
  const told: readonly Moment[] = [[4_550, ({ facts, b }) => facts(b, ...before)]];
  const givesUp: Moment = [
    4_600,
    (stage) => {
      associated(stage, 'b');
      stage.tell(driven(stage.b, TAKE, { kind: 'unknown', code: 'Timeout', message: '' }));
      stage.b.setAddress({ move: null, campaign: null, intent: null });
    },
  ];
  return (readAtMs, untilMs) =>
    play(
      takeover(
        { taken: null, concludes: null, tells: null },
        ...told,
        givesUp,
        [readAtMs, reads],
        [untilMs, ({ tell, b }) => tell({ kind: 'stepped', by: b })],
      ),
    );
}

test('a read without an id makes a late take known once a peer has not just said otherwise', () => {
  const own: Fact = { kind: 'holder', address: ADDRESS, holder: 'b', source: 'read' };
  const byWord: Fact = { kind: 'holder', address: ADDRESS, holder: 'a', source: 'gossip' };
  expect(landsUnseen()(5_000, 31_000)).toContain('I17');
  expect(landsUnseen(own, byWord)(5_000, 31_000)).not.toContain('I17');
  expect(landsUnseen(own, byWord)(70_000, 96_000)).toContain('I17');
});

/** Two takes, one of them unanswered; the address is this node's, a read shows this, and then so many moves are told. */
function toldAfterRead(
  answer: DriverAnswer,
  times: number,
  driver: 'ec2' | 'opsworks' = 'opsworks',
): readonly string[] {
  const happens = (stage: Stage): void => {
    const { b, tell } = stage;
    tell(driven(b, TAKE, { kind: 'unknown', code: 'Timeout', message: '' }));
    associated(stage, 'b');
    tell(driven(b, READ, answer));
    for (let n = 1; n <= times; n += 1) tell(publishing(b, `${TOLD} ${n}`));
  };
  return play([[0, happens]], newStage(driver));
}

test('without ids a read that lags and shows another in between may have one move told twice, and no more', () => {
  expect(toldAfterRead(NOBODY, 2)).not.toContain('I17');
  expect(toldAfterRead(NOBODY, 3)).toContain('I17');
  expect(toldAfterRead(SHOWN_WITHOUT_ID, 2)).toContain('I17');
  expect(toldAfterRead(NOBODY, 2, 'ec2')).toContain('I17');
});

/** Somebody else gives it the address once it is released, or nobody does; a read shows this, which the node takes for over. */
function takesThough(isGiven: boolean): readonly string[] {
  const reads = (stage: Stage): void => {
    if (isGiven) associated(stage, 'b', { kind: 'operator', name: 'console' });
    const id = isGiven ? inForce(stage) : 'eipassoc-of-long-before';
    stage.b.setAddress({ ended: [id] });
    stage.tell(driven(stage.b, READ, shows(id, true)));
  };
  return play(takeover({}, [4_450, reads]));
}

test('a take of what it has read that it holds breaks I9 where it is so, whatever the node makes of it', () => {
  expect(takesThough(true)).toContain('I9');
  expect(takesThough(false)).not.toContain('I9');
});
