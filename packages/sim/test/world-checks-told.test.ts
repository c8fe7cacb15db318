/** The checks of what people, peers and receivers are told (I17 to I20, I26, I27): each fails when what it looks for is there. */
import type { Fitness } from '@failtome/protocol';
import { expect, test } from 'vitest';
import type { RunView, WorldEvent } from '../src/world/watch.ts';
import { recordOf, takeover } from './changed-takeover.ts';
import { ADDRESS, type Moment, message, play } from './checked-stage.ts';
import { associated, driven, publishing, READ, shows, TAKE, TOLD, waiting } from './checked-takeover.ts';

const ROWS: readonly (readonly [invariant: string, says: string, moments: readonly Moment[]])[] = [
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

test.each(ROWS)('%s: %s', (invariant, _says, moments) => {
  expect(play(moments)).toContain(invariant);
});

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

/** The sender tells its record under one version, whatever is in it. */
function sayingOfItself(from: RunView, to: RunView, fit: Fitness): WorldEvent {
  const node = { ...recordOf(from.node), fit };
  return { kind: 'said', by: from, message: message(from, to, { version: 7, node }), bytes: 300 };
}
