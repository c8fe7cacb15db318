import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PublishResult } from '../src/model/inputs.ts';
import { MAX_OUTBOX } from '../src/model/limits.ts';
import type { State } from '../src/model/state.ts';
import {
  BLOCKED_SUBJECT,
  blockedMessage,
  enqueue,
  isoTime,
  nextPublication,
  onPublished,
  publishWhatIsDue,
  TAKEOVER_SUBJECT,
} from '../src/reporting/outbox.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
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

function turnAt(state: State, at = AT): StepContext {
  return newContext(state, { at, wall: WALL });
}

function withOne(): State {
  const ctx = turnAt(stateOf());
  enqueue(ctx, TAKEOVER_SUBJECT, 'Instance i-saturn took over 203.0.113.7');
  return ctx.state;
}

/** Publish what is due at that time; the ids of the publications. */
function publish(ctx: StepContext): readonly number[] {
  publishWhatIsDue(ctx);
  return ctx.effects.flatMap((effect) => (effect.kind === 'publish' ? [effect.publishId] : []));
}

describe('a notification', () => {
  test('has nothing in it that turns text around or forges a line, whatever a peer said', () => {
    const ctx = turnAt(stateOf());
    const message = blockedMessage(ctx, '203.0.113.7', 60_000, [
      'neptune: \u202eenil\u2069',
      'a\nInstance i-1 took over b',
    ]);
    expect(message).not.toMatch(/\p{Cf}/u);
    expect(message.split('\n')).toHaveLength(5);
  });

  test('is written down, and its publication waits for that write', () => {
    const ctx = turnAt(stateOf());
    enqueue(ctx, TAKEOVER_SUBJECT, 'text');
    publish(ctx);
    expect(ctx.writeId).toBeGreaterThan(0);
    expect(ctx.effects).toMatchObject([{ kind: 'publish', subject: TAKEOVER_SUBJECT, after: ctx.writeId }]);
  });

  test('that failed is tried again after 1 s, doubling to 30 s', () => {
    let state = withOne();
    let at = AT;
    const gaps: number[] = [];
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const ctx = turnAt(state, at);
      const [id] = publish(ctx);
      onPublished(ctx, id ?? -1, FAILED);
      const next = nextPublication(ctx.state.outbox) ?? at;
      gaps.push(next - at);
      expect(publish(turnAt(ctx.state, next - 1))).toEqual([]);
      state = ctx.state;
      at = next;
    }
    expect(gaps).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('is not sent a second time while the first is on its way', () => {
    const ctx = turnAt(withOne());
    expect(publish(ctx)).toHaveLength(1);
    expect(publish(turnAt(ctx.state, AT + 60_000))).toEqual([]);
  });

  test('that was accepted is forgotten, and the forgetting is written down', () => {
    const ctx = turnAt(withOne());
    const [id] = publish(ctx);
    onPublished(ctx, id ?? -1, ACCEPTED);
    expect(ctx.state.outbox).toEqual([]);
    expect(ctx.writeId).toBeGreaterThan(0);
    expect(nextPublication(ctx.state.outbox)).toBeNull();
  });

  test('stays when the answer belongs to another publication', () => {
    const ctx = turnAt(withOne());
    publish(ctx);
    onPublished(ctx, 999, ACCEPTED);
    expect(ctx.state.outbox).toHaveLength(1);
  });

  test('has an id of its own', () => {
    const ctx = turnAt(withOne());
    enqueue(ctx, TAKEOVER_SUBJECT, 'text');
    expect(ctx.state.outbox.map(({ id }) => id)).toEqual(['saturn-1-1', 'saturn-1-2']);
  });

  test('is not made where notifications are switched off', () => {
    const config = { ...PAIR, notify: { ...PAIR.notify, enabled: false } };
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, TAKEOVER_SUBJECT, 'text');
    expect(ctx.state.outbox).toEqual([]);
  });

  test('gives way when too many wait: the oldest of a blocked address, else the oldest', () => {
    const ctx = turnAt(stateOf());
    enqueue(ctx, TAKEOVER_SUBJECT, 'first');
    enqueue(ctx, BLOCKED_SUBJECT, 'blocked');
    for (let i = 2; i < MAX_OUTBOX; i += 1) enqueue(ctx, TAKEOVER_SUBJECT, `${i}`);
    enqueue(ctx, TAKEOVER_SUBJECT, 'one more');
    expect(ctx.state.outbox).toHaveLength(MAX_OUTBOX);
    expect(ctx.state.outbox.some(({ message }) => message === 'blocked')).toBe(false);
    enqueue(ctx, TAKEOVER_SUBJECT, 'the last');
    expect(ctx.state.outbox.map(({ message }) => message).slice(0, 1)).toEqual(['2']);
    expect(ctx.state.outbox.at(-1)?.message).toBe('the last');
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
