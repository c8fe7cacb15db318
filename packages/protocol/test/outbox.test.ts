import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PublishResult } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { newTurn, type Turn } from '../src/model/step-context.ts';
import {
  BLOCKED_SUBJECT,
  blockedMessage,
  enqueue,
  isoTime,
  MAX_OUTBOX,
  nextPublication,
  onPublished,
  publishWhatIsDue,
  TAKEOVER_SUBJECT,
} from '../src/reporting/outbox.ts';
import { AT, PAIR, stateOf, WALL } from './support/fixtures.ts';

const request = {
  service: 'sns',
  operation: 'Publish',
  result: 'ok',
  code: null,
  requestId: 'r-1',
  durationMs: 50,
} as const;
const ACCEPTED: PublishResult = { kind: 'accepted', request };
const FAILED: PublishResult = { kind: 'failed', detail: 'timeout', request };

function turnAt(state: State, at = AT): Turn {
  return newTurn(state, { at, wall: WALL });
}

function withOne(): State {
  const turn = turnAt(stateOf());
  enqueue(turn, TAKEOVER_SUBJECT, 'Instance i-saturn took over 203.0.113.7');
  return turn.state;
}

/** Publish what is due at that time; the ids of the publications. */
function publish(turn: Turn): readonly number[] {
  publishWhatIsDue(turn);
  return turn.effects.flatMap((effect) => (effect.kind === 'publish' ? [effect.publishId] : []));
}

describe('a notification', () => {
  test('has nothing in it that turns text around or forges a line, whatever a peer said', () => {
    const turn = turnAt(stateOf());
    const message = blockedMessage(turn, '203.0.113.7', 60_000, [
      'neptune: \u202eenil\u2069',
      'a\nInstance i-1 took over b',
    ]);
    expect(message).not.toMatch(/\p{Cf}/u);
    expect(message.split('\n')).toHaveLength(5);
  });

  test('is written down, and its publication waits for that write', () => {
    const turn = turnAt(stateOf());
    enqueue(turn, TAKEOVER_SUBJECT, 'text');
    publish(turn);
    expect(turn.writeId).toBeGreaterThan(0);
    expect(turn.effects).toMatchObject([{ kind: 'publish', subject: TAKEOVER_SUBJECT, after: turn.writeId }]);
  });

  test('that failed is tried again after 1 s, doubling to 30 s', () => {
    let state = withOne();
    let at = AT;
    const gaps: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const turn = turnAt(state, at);
      const [id] = publish(turn);
      onPublished(turn, id ?? -1, FAILED);
      const next = nextPublication(turn.state.outbox) ?? at;
      gaps.push(next - at);
      expect(publish(turnAt(turn.state, next - 1))).toEqual([]);
      state = turn.state;
      at = next;
    }
    expect(gaps).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('is not sent a second time while the first is on its way', () => {
    const turn = turnAt(withOne());
    expect(publish(turn)).toHaveLength(1);
    expect(publish(turnAt(turn.state, AT + 60_000))).toEqual([]);
  });

  test('that was accepted is forgotten, and the forgetting is written down', () => {
    const turn = turnAt(withOne());
    const [id] = publish(turn);
    onPublished(turn, id ?? -1, ACCEPTED);
    expect(turn.state.outbox).toEqual([]);
    expect(turn.writeId).toBeGreaterThan(0);
    expect(nextPublication(turn.state.outbox)).toBeNull();
  });

  test('stays when the answer belongs to another publication', () => {
    const turn = turnAt(withOne());
    publish(turn);
    onPublished(turn, 999, ACCEPTED);
    expect(turn.state.outbox).toHaveLength(1);
  });

  test('has an id of its own', () => {
    const turn = turnAt(withOne());
    enqueue(turn, TAKEOVER_SUBJECT, 'text');
    expect(turn.state.outbox.map(({ id }) => id)).toEqual(['saturn-1-1', 'saturn-1-2']);
  });

  test('is not made where notifications are switched off', () => {
    const config = { ...PAIR, notify: { ...PAIR.notify, enabled: false } };
    const turn = turnAt(stateOf(config));
    enqueue(turn, TAKEOVER_SUBJECT, 'text');
    expect(turn.state.outbox).toEqual([]);
  });

  test('gives way when too many wait: the oldest of a blocked address, else the oldest', () => {
    const turn = turnAt(stateOf());
    enqueue(turn, TAKEOVER_SUBJECT, 'first');
    enqueue(turn, BLOCKED_SUBJECT, 'blocked');
    for (let i = 2; i < MAX_OUTBOX; i += 1) enqueue(turn, TAKEOVER_SUBJECT, `${i}`);
    enqueue(turn, TAKEOVER_SUBJECT, 'one more');
    expect(turn.state.outbox).toHaveLength(MAX_OUTBOX);
    expect(turn.state.outbox.some(({ message }) => message === 'blocked')).toBe(false);
    enqueue(turn, TAKEOVER_SUBJECT, 'the last');
    expect(turn.state.outbox.map(({ message }) => message).slice(0, 1)).toEqual(['2']);
    expect(turn.state.outbox.at(-1)?.message).toBe('the last');
  });
});

describe('a time for people', () => {
  test('is what Date says, for every second from 1970 to 9999', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (wall) => {
        expect(isoTime(wall)).toBe(new Date(wall).toISOString().replace(/\.\d{3}Z$/, 'Z'));
      }),
      { numRuns: 2_000, seed: 13 },
    );
  });

  test.each([
    ['the epoch', 0, '1970-01-01T00:00:00Z'],
    ['a leap day', Date.UTC(2024, 1, 29, 23, 59, 59), '2024-02-29T23:59:59Z'],
    ['a century without one', Date.UTC(2100, 1, 28, 23, 59, 59) + 1_000, '2100-03-01T00:00:00Z'],
    ['a fraction of a second', 1_999.9, '1970-01-01T00:00:01Z'],
    ['a time before the epoch', -1, '1969-12-31T23:59:59Z'],
  ])('%s', (_, wall, text) => {
    expect(isoTime(wall)).toBe(text);
  });
});
