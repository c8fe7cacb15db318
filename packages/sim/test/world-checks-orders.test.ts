/** I22: each way in which a handover has ended is noticed when its move begins all the same. */
import { type CommandOutcome, type Fact, type HandoverRecord, orderText } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { takeover } from './changed-takeover.ts';
import { ADDRESS, type Moment, message, play } from './checked-stage.ts';
import { answerOf, campaignOf, moveOf } from './checked-takeover.ts';

const ID = 'b-1-1';
const RECORD = {
  id: ID,
  address: ADDRESS,
  to: 'b',
  by: 'ops',
  reason: '',
  state: 'open',
  detail: '',
  ttlMs: 120_000,
  pause: 2,
} as const;
const TOLD = {
  kind: 'handover',
  id: ID,
  address: ADDRESS,
  to: 'b',
  detail: '',
  by: 'ops',
  reason: '',
} as const;

/** The takeover, made for a handover that was ordered at its begin. */
function handedOver(...more: readonly Moment[]): readonly Moment[] {
  const moving: Moment = [
    4_250,
    ({ b }) => b.setAddress({ move: moveOf({ mode: 'handover', handoverId: ID, consent: true }) }),
  ];
  const ordered: Moment = [
    100,
    ({ b, facts }) => {
      b.set({
        handovers: [{ record: RECORD, expiresAt: 120_100, ending: null, untold: 'nothing' as const }],
      });
      facts(b, { ...TOLD, state: 'open' });
    },
  ];
  return takeover({}, ordered, moving, ...more);
}

const answered = (state: CommandOutcome['state']): Moment => [
  4_120,
  ({ tell }) =>
    tell({
      kind: 'order-answered',
      to: 'a',
      command: { kind: 'handover-cancel', id: ID, address: null, reason: '', owner: 'ops' },
      outcome: { state, id: ID, detail: '' },
    }),
];

const fact = (told: Fact): Moment => [4_120, ({ b, facts }) => facts(b, told)];
const paused = (version: number, signedAt?: number): Moment => [
  4_120,
  ({ b, facts }) => {
    const told = { paused: true, owner: 'ops', reason: '', version } as const;
    b.set({ pause: { ...told, by: 'a', until: null, ...(signedAt === undefined ? {} : { signedAt }) } });
    facts(b, { kind: 'pause', ...told });
  },
];

/** Both are signed, at these moments, whatever their numbers say. */
function handedOverSigned(handoverAtMs: number, pauseAtMs: number): readonly Moment[] {
  const record: HandoverRecord = { ...RECORD, ordered: 9, pause: 2 ** 43, until: 120_000 };
  const { id, address, to, by, reason, ordered = 0, pause = 0, until = 0 } = record;
  const handover = { id, address, to, by, reason, ordered, pause, until };
  const order = { signedAt: 3, version: 3, by: 'a', paused: true, owner: 'ops', reason: '', until: null };
  const ruled: Moment = [10, ({ b }) => b.reconfigure({ orders: 'proven' })];
  const texts = [
    [handoverAtMs, orderText('web', { kind: 'handover', order: handover })],
    [pauseAtMs, orderText('web', { kind: 'pause', order })],
  ] as const;
  const signs = texts.map(
    ([atMs, text]): Moment => [atMs, ({ tell }) => tell({ kind: 'order-signed', text })],
  );
  const known: Moment = [
    4_110,
    ({ b }) =>
      b.set({ handovers: [{ record, expiresAt: 120_100, ending: null, untold: 'nothing' as const }] }),
  ];
  return handedOver(ruled, ...signs, known, paused(3, 3));
}
const ordersLongBefore = (byMs: number): readonly Moment[] =>
  handedOver().map(([atMs, happens]) => [atMs === 100 ? atMs : atMs + byMs, happens]);

test.each<readonly [string, readonly Moment[]]>([
  ['it has told that it was taken back', handedOver(fact({ ...TOLD, state: 'withdrawn' }))],
  ['it has told that its time is over', handedOver(fact({ ...TOLD, state: 'expired' }))],
  ['it knows of a pause that came later', handedOver(paused(3))],
  ['it knows of a pause that was signed later', handedOverSigned(20, 30)],
  ['an operator was told that it will not happen', handedOver(answered('done'))],
  ['two minutes have passed', ordersLongBefore(120_000)],
])('a move for a handover breaks it when %s', (_, moments) => {
  expect(play(moments)).toContain('I22');
});

test.each<readonly [string, readonly Moment[]]>([
  ['it is open', handedOver()],
  ['it was ordered while the pause lasted', handedOver(paused(2))],
  ['it was signed while the pause lasted', handedOverSigned(30, 20)],
  ['an operator was told that it may still happen', handedOver(answered('working'))],
])('a move for a handover keeps it when %s', (_, moments) => {
  expect(play(moments)).not.toContain('I22');
});

const relieves: Moment = [
  4_070,
  ({ tell, a, b }) => {
    const answer = {
      ...answerOf('a'),
      answer: 'refuse',
      reason: 'storage',
      leaseMs: 0,
      consents: true,
    } as const;
    tell({ kind: 'said', by: a, message: message(a, b, { answers: [answer] }), bytes: 300 });
  },
];
const cannotWrite: Moment = [50, ({ a }) => a.set({ storage: { ...a.state().storage, failing: 'ENOSPC' } })];

test('I5: only a holder that cannot write agrees to be relieved without a lease', () => {
  expect(play(takeover({}, relieves))).toContain('I5');
  expect(play(takeover({}, relieves, cannotWrite))).not.toContain('I5');
});

test('I1: the word of a holder that cannot write is no lease where there are three', () => {
  const wins: Moment = [
    4_100,
    ({ b, facts }) => {
      b.setAddress({ campaign: { ...campaignOf(), mode: 'handover' } });
      facts(b, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
    },
  ];
  expect(play(takeover({ votesDown: null, answers: null, wins }, relieves, cannotWrite))).toContain('I1');
});
