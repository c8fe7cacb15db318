/** I24: an order that no operator has given is noticed when a node takes it up, whatever proof it carries. */
import { type Fact, type HandoverRecord, orderText, type PauseRecord } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { ADDRESS, type Moment, play } from './checked-stage.ts';
import { moveOf } from './checked-takeover.ts';

const PAUSE = {
  signedAt: 4,
  version: 4,
  by: 'a',
  paused: true,
  owner: 'ops',
  reason: '',
  until: null,
} as const;
const ORDER = {
  id: 'o-1',
  address: ADDRESS,
  to: 'b',
  by: 'ops',
  reason: '',
  ordered: 1,
  pause: 0,
  until: 60_000,
} as const;
const RECORD: HandoverRecord = { ...ORDER, state: 'open', detail: '', ttlMs: 60_000, proof: 'x' };

const signs: Moment = [
  1,
  ({ tell }) => {
    tell({ kind: 'order-signed', text: orderText('web', { kind: 'pause', order: PAUSE }) });
    tell({ kind: 'order-signed', text: orderText('web', { kind: 'handover', order: ORDER }) });
  },
];
const LATER = { ...PAUSE, signedAt: 2, version: 2 } as const;
/** Whatever numbers it has. */
const signsLater: Moment = [
  2,
  ({ tell }) => tell({ kind: 'order-signed', text: orderText('web', { kind: 'pause', order: LATER }) }),
];
const ruled = (orders: 'any' | 'proven'): Moment => [0, ({ b }) => b.reconfigure({ orders })];

const pauses = (atMs: number, pause: PauseRecord): Moment => [
  atMs,
  ({ b, facts }) => {
    b.set({ pause });
    const { paused, owner, reason, version } = pause;
    facts(b, { kind: 'pause', paused, owner, reason, version });
  },
];

const takesUp = (atMs: number, record: HandoverRecord): Moment => [
  atMs,
  ({ b, facts }) => {
    b.set({ handovers: [{ record, expiresAt: 60_000, ending: null, untold: 'nothing' as const }] });
    const { id, address, to, by, reason } = record;
    const told: Fact = { kind: 'handover', id, address, to, by, reason, state: 'open', detail: '' };
    facts(b, told);
  },
];

describe('where operators have keys', () => {
  test.each<readonly [string, readonly Moment[]]>([
    ['a pause that nobody has signed', [pauses(10, PAUSE)]],
    ['a pause with another version than was signed', [signs, pauses(10, { ...PAUSE, version: 5 })]],
    ['a signed pause that is made a resume', [signs, pauses(10, { ...PAUSE, paused: false })]],
    ['a signed pause with another time', [signs, pauses(10, { ...PAUSE, signedAt: 5 })]],
    ['a signed pause after a later one', [signs, signsLater, pauses(10, LATER), pauses(20, PAUSE)]],
    ['a handover that nobody has signed', [takesUp(10, RECORD)]],
    ['a signed handover to somebody else', [signs, takesUp(10, { ...RECORD, to: 'c' })]],
    ['a signed handover after its time', [signs, takesUp(60_000, RECORD)]],
  ])('%s breaks it', (_, moments) => {
    expect(play([ruled('proven'), ...moments])).toContain('I24');
  });

  test('a call for a handover that nobody has signed breaks it', () => {
    const calls: Moment = [
      20,
      ({ b, tell }) => {
        b.set({
          handovers: [{ record: RECORD, expiresAt: 60_000, ending: null, untold: 'nothing' as const }],
        });
        b.setAddress({ move: moveOf({ mode: 'handover', handoverId: RECORD.id }) });
        const operation = { op: 'read' } as const;
        tell({
          kind: 'drive',
          by: b,
          effect: {
            kind: 'drive',
            callId: 1,
            purpose: 'move',
            address: ADDRESS,
            operation,
            timeoutMs: 1_000,
          },
        });
      },
    ];
    expect(play([ruled('proven'), calls])).toContain('I24');
    expect(play([ruled('proven'), signs, calls])).not.toContain('I24');
  });

  test('two that were signed within one millisecond keep it in either order, as neither is the later', () => {
    const other = { ...PAUSE, owner: 'else' } as const;
    const signsAt = (atMs: number, order: typeof PAUSE | typeof other): Moment => [
      atMs,
      ({ tell }) => tell({ kind: 'order-signed', text: orderText('web', { kind: 'pause', order }) }),
    ];
    const signsBoth = [signsAt(4.25, PAUSE), signsAt(4.75, other)];
    expect(play([ruled('proven'), ...signsBoth, pauses(10, other), pauses(20, PAUSE)])).not.toContain('I24');
  });

  test('what was signed, and what is in force no more, keeps it', () => {
    const over = { version: 4, by: '', paused: false, owner: '', reason: '', until: null };
    expect(
      play([ruled('proven'), signs, pauses(10, PAUSE), takesUp(20, RECORD), pauses(30, over)]),
    ).not.toContain('I24');
  });
});

test('where anybody with the key may order it is kept by everything', () => {
  expect(play([ruled('any'), pauses(10, PAUSE), takesUp(20, RECORD)])).not.toContain('I24');
});
