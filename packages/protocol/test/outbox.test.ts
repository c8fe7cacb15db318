import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Receiver, TOPIC } from '../src/model/config.ts';
import type { PublishResult } from '../src/model/inputs.ts';
import { MAX_OUTBOX, MAX_REFUSALS } from '../src/model/limits.ts';
import type { State } from '../src/model/state.ts';
import { isoTime } from '../src/reporting/iso-time.ts';
import { BLOCKED_SUBJECT, blockedNews, type News, TAKEOVER_SUBJECT } from '../src/reporting/notice-text.ts';
import {
  dropForStrangers,
  enqueue,
  nextPublication,
  onPublished,
  publishWhatIsDue,
} from '../src/reporting/outbox.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import { decodeDocument, encodeDocument } from '../src/wire/codec.ts';
import { AT, IP, PAIR, stateOf, WALL } from './support/fixtures.ts';

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

function taken(message: string): News {
  return { event: 'taken', address: IP, subject: TAKEOVER_SUBJECT, message, details: [] };
}

function turnAt(state: State, at = AT): StepContext {
  return newContext(state, { at, wall: WALL });
}

function withOne(): State {
  const ctx = turnAt(stateOf());
  enqueue(ctx, taken('Instance i-saturn took over 203.0.113.7'));
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
    const { message } = blockedNews(ctx, '203.0.113.7', 60_000, 'paused', [
      'neptune: \u202eenil\u2069',
      'a\nInstance i-1 took over b',
    ]);
    expect(message).not.toMatch(/\p{Cf}/u);
    expect(message.split('\n')).toHaveLength(5);
  });

  test('is written down, and its publication waits for that write', () => {
    const ctx = turnAt(stateOf());
    enqueue(ctx, taken('text'));
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
    enqueue(ctx, taken('text'));
    expect(ctx.state.outbox.map(({ id }) => id)).toEqual(['saturn-1-1', 'saturn-1-2']);
  });

  test('is not made where notifications are switched off', () => {
    const config = { ...PAIR, notify: { ...PAIR.notify, receivers: [] } };
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, taken('text'));
    expect(ctx.state.outbox).toEqual([]);
  });

  test('gives way when too many wait: the oldest of a blocked address, else the oldest', () => {
    const ctx = turnAt(stateOf());
    enqueue(ctx, taken('first'));
    enqueue(ctx, { ...taken('blocked'), event: 'blocked', subject: BLOCKED_SUBJECT });
    for (let i = 2; i < MAX_OUTBOX; i += 1) enqueue(ctx, taken(`${i}`));
    enqueue(ctx, taken('one more'));
    expect(ctx.state.outbox).toHaveLength(MAX_OUTBOX);
    expect(ctx.state.outbox.some(({ message }) => message === 'blocked')).toBe(false);
    enqueue(ctx, taken('the last'));
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

describe('several receivers', () => {
  const ops: Receiver = { name: 'ops', events: ['taken', 'lost'], timeoutMs: 2_000 };
  const exec: Receiver = { name: 'exec', events: ['lost', 'paused'], timeoutMs: 9_000 };
  const config = { ...PAIR, notify: { ...PAIR.notify, receivers: [TOPIC, ops, exec] } };
  const lost = (message: string): News => ({ ...taken(message), event: 'lost', subject: 'lost' });

  function waitingFor(receiver: string, { outbox }: State): readonly string[] {
    return outbox.flatMap((one) => (one.receiver === receiver ? [one.message] : []));
  }

  /** What is sent now: to whom, what, for how long. */
  function sent(ctx: StepContext): readonly (readonly [string, string, number])[] {
    publishWhatIsDue(ctx);
    return ctx.effects.flatMap((effect) =>
      effect.kind === 'publish' ? [[effect.receiver, effect.message, effect.timeoutMs] as const] : [],
    );
  }

  function publicationTo(receiver: string, { outbox }: State): number {
    return outbox.find((one) => one.receiver === receiver)?.publishing ?? -1;
  }

  test('are told of their own events alone, by one id', () => {
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, taken('first'));
    enqueue(ctx, lost('second'));
    expect(ctx.state.outbox.map(({ id, receiver, event }) => [id, receiver, event])).toEqual([
      ['saturn-1-1', 'sns', 'taken'],
      ['saturn-1-1', 'ops', 'taken'],
      ['saturn-1-2', 'ops', 'lost'],
      ['saturn-1-2', 'exec', 'lost'],
    ]);
  });

  test('are told at once, each of its oldest alone, and a receiver that is down holds up no other', () => {
    const ctx = turnAt(stateOf(config));
    for (const message of ['first', 'second']) {
      enqueue(ctx, taken(message));
      enqueue(ctx, lost(`lost ${message}`));
    }
    expect(sent(ctx)).toEqual([
      ['sns', 'first', 5_000],
      ['ops', 'first', 2_000],
      ['exec', 'lost first', 9_000],
    ]);
    onPublished(ctx, publicationTo('ops', ctx.state), FAILED);
    onPublished(ctx, publicationTo('sns', ctx.state), ACCEPTED);
    const next = turnAt(ctx.state, AT + 10);
    expect(sent(next)).toEqual([['sns', 'second', 5_000]]);
    expect(waitingFor('ops', next.state)).toEqual(['first', 'lost first', 'second', 'lost second']);
    expect(nextPublication(next.state.outbox)).toBe(AT + 1_000);
    expect(sent(turnAt(next.state, AT + 1_000))).toEqual([['ops', 'first', 2_000]]);
  });

  test('keep their order across a restart, each in the form that its version of the disk has', () => {
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, taken('first'));
    enqueue(ctx, { ...lost('second'), details: [{ name: 'to', text: 'neptune' }] });
    const document = documentOf(ctx.state);
    // Earlier versions send all of this list to the topic.
    expect(document.outbox).toEqual([{ id: 'saturn-1-1', subject: TAKEOVER_SUBJECT, message: 'first' }]);
    expect(document.notices?.map(({ id, to }) => [id, to])).toEqual([
      ['saturn-1-1', ['ops']],
      ['saturn-1-2', ['ops', 'exec']],
    ]);
    const read = decodeDocument(encodeDocument(document));
    if (read.kind === 'fault') throw new Error(read.detail);
    const next = restored(stateOf(config), { kind: 'loaded', document: read.document }, AT);
    expect(next.outbox.map(({ receiver, event, details }) => [receiver, event, details.length])).toEqual([
      ['sns', 'taken', 0],
      ['ops', 'taken', 0],
      ['ops', 'lost', 1],
      ['exec', 'lost', 1],
    ]);
  });

  test('are bounded each by itself, and what is given up for one is told of', () => {
    const ctx = turnAt(stateOf(config));
    for (let i = 0; i <= MAX_OUTBOX; i += 1) enqueue(ctx, lost(`${i}`));
    enqueue(ctx, taken('taken'));
    expect(['sns', 'ops', 'exec'].map((name) => waitingFor(name, ctx.state).length)).toEqual([1, 100, 100]);
    expect(waitingFor('ops', ctx.state)[0]).toBe('2');
    const dropped = ctx.facts.filter(({ kind }) => kind === 'notification-dropped');
    expect(dropped).toHaveLength(3);
  });

  test('never lose what is on its way to make room for more', () => {
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, lost('on its way'));
    publishWhatIsDue(ctx);
    for (let i = 0; i < MAX_OUTBOX; i += 1) enqueue(ctx, lost(`${i}`));
    expect(waitingFor('exec', ctx.state).slice(0, 2)).toEqual(['on its way', '1']);
  });

  test('get the next one when they have refused one for good ten times, and not before', () => {
    let state = stateOf(config);
    const ctx = turnAt(state);
    enqueue(ctx, { ...lost('faulty') });
    enqueue(ctx, { ...lost('good') });
    state = ctx.state;
    let at = AT;
    for (let tries = 0; tries < MAX_REFUSALS; tries += 1) {
      expect(waitingFor('ops', state)).toEqual(['faulty', 'good']);
      const turn = turnAt(state, at);
      publishWhatIsDue(turn);
      onPublished(turn, publicationTo('ops', turn.state), { ...FAILED, refused: true });
      state = turn.state;
      at += 30_000;
    }
    expect(waitingFor('ops', state)).toEqual(['good']);
    expect(waitingFor('exec', state)).toEqual(['faulty', 'good']);
  });

  test('that the configuration does not name any more are forgotten with what waited for them', () => {
    const ctx = turnAt(stateOf(config));
    enqueue(ctx, lost('second'));
    const after = turnAt({
      ...ctx.state,
      config: { ...PAIR, notify: { ...PAIR.notify, receivers: [exec] } },
    });
    dropForStrangers(after);
    expect(after.state.outbox.map(({ receiver }) => receiver)).toEqual(['exec']);
    expect(after.facts).toMatchObject([{ kind: 'notification-dropped', receiver: 'ops', notice: 'lost' }]);
    expect(after.writeId).toBeGreaterThan(0);
  });
});

test('a notification with a line for each of a thousand nodes is cut to whole lines, and its document can be read again', () => {
  const ctx = turnAt(stateOf());
  const nodes = Array.from({ length: 1_024 }, (_, n) => `node-${n}: fit, sees it down (${'x'.repeat(96)})`);
  enqueue(ctx, blockedNews(ctx, IP, 60_000, 'paused', nodes));
  const [entry] = ctx.state.outbox;
  expect(entry?.message.length).toBeLessThanOrEqual(16_384);
  const lines = entry?.message.split('\n') ?? [];
  expect(lines[0]).toBe(`${IP} is down and no node may take it`);
  expect(lines.at(-1)).toBe(`Further lines left out: ${1_027 - (lines.length - 1)}`);
  expect(decodeDocument(encodeDocument(documentOf(ctx.state))).kind).toBe('document');
});
