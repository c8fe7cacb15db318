import {
  encodeItem,
  PROOF_AGAIN_MS,
  PROOF_EVERY_MS,
  relayCost,
  relayPace,
  SLOW_AFTER_MS,
  type StoreFailure,
} from '@failtome/ports';
import { beforeEach, describe, expect, test } from 'vitest';
import { failFor, GOSSIP, HandClock, HandStore, type RelaySide, request, sideOf } from './relay-bench.ts';

const DOWN: StoreFailure = { kind: 'failed', code: 'unreachable', detail: 'no route' };
const HOUR_MS = 3_600_000;

let clock: HandClock;
let store: HandStore;
let a: RelaySide;
let b: RelaySide;

beforeEach(() => {
  clock = new HandClock();
  store = new HandStore(clock);
  a = sideOf(clock, store, 'a', ['b']);
  b = sideOf(clock, store, 'b', ['a']);
});

function start(): void {
  a.relay.start();
  b.relay.start();
  clock.pass(2_000);
  store.calls.length = 0;
}

/** Both sides' heartbeats come to nothing. */
function cutOffFor(ms: number): void {
  const until = clock.now + ms;
  while (clock.now < until) {
    for (const [side, peer] of [[a, 'b'] as const, [b, 'a'] as const]) {
      side.relay.sent(peer, request(`${peer} ${clock.now}`));
      clock.after(400, () => side.relay.failed(peer));
    }
    clock.pass(500);
  }
}

/** Both sides' heartbeats are answered. */
function wellFor(ms: number): void {
  for (const until = clock.now + ms; clock.now < until; clock.pass(500)) {
    a.relay.sent('b', request('well'));
    b.relay.sent('a', request('well'));
    a.relay.answered('b');
    b.relay.answered('a');
  }
}

describe('while the direct path works', () => {
  test('a start proves the store once: its own item is written and the other one read', () => {
    a.relay.start();
    clock.pass(1_000);
    expect(store.calls.map(({ op, key }) => `${op} ${key}`)).toEqual([
      'read web/a/b',
      'read web/b/a',
      'write web/a/b',
    ]);
    expect(a.news).toContainEqual({ kind: 'store', failure: null });
    expect(store.itemAt('web/a/b')?.parcels).toEqual([]);
  });

  test('an hour costs as many writes as is said, and carries nothing', () => {
    start();
    wellFor(HOUR_MS);
    expect(store.count('write')).toBeGreaterThan(0);
    expect(store.count('write')).toBeLessThanOrEqual(2 * relayCost(GOSSIP).atRest);
    expect(a.requests).toEqual([]);
    expect(b.requests).toEqual([]);
  });

  test('single messages that come to nothing are none of its business', () => {
    start();
    for (let count = 0; count < 20; count += 1) {
      a.relay.sent('b', request('lost'));
      clock.pass(400);
      a.relay.failed('b');
      clock.pass(100);
      a.relay.sent('b', request('answered'));
      a.relay.answered('b');
      clock.pass(500);
    }
    expect(store.calls).toEqual([]);
  });

  test('a proof that fails is told, tried again every minute, and told again when it holds', () => {
    store.failing = { failure: DOWN, isApplied: false };
    a.relay.start();
    clock.pass(2 * PROOF_AGAIN_MS);
    expect(a.news.filter(({ kind }) => kind === 'store')).toEqual([{ kind: 'store', failure: DOWN }]);
    store.failing = null;
    clock.pass(PROOF_AGAIN_MS + 1_000);
    expect(a.news.filter(({ kind }) => kind === 'store').at(-1)).toEqual({ kind: 'store', failure: null });
    store.calls.length = 0;
    clock.pass(PROOF_EVERY_MS - PROOF_AGAIN_MS - 10_000);
    expect(store.calls).toEqual([]);
  });

  test('with several peers each direction is proven in its turn', () => {
    const three = sideOf(clock, store, 'c', ['a', 'b']);
    three.relay.start();
    clock.pass(PROOF_EVERY_MS + 1_000);
    expect([...store.items.keys()]).toEqual(['web/c/a', 'web/c/b']);
  });
});

describe('where the direct path fails', () => {
  test('requests and their answers go through the store, each once', () => {
    start();
    cutOffFor(20_000);
    const bodies = b.requests.map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(30);
    expect(new Set(bodies).size).toBe(bodies.length);
    const answered = a.answers.map(({ re, body }) => [re, body]);
    expect(answered.length).toBeGreaterThan(30);
    for (const [re, body] of answered) expect(re).toBe(`signature of ${body?.slice('re '.length)}`);
  });

  test('the first message arrives before its receiver would call the sender silent', () => {
    start();
    wellFor(1_000);
    const cutAt = clock.now;
    for (; b.requests.length === 0; ) cutOffFor(500);
    expect(clock.now - cutAt).toBeLessThan(GOSSIP.deadMs);
  });

  test('an hour cut off costs as many writes as is said', () => {
    start();
    cutOffFor(HOUR_MS);
    const writes = store.count('write');
    expect(writes).toBeGreaterThan(relayCost(GOSSIP).cutOff); // of two nodes
    expect(writes).toBeLessThanOrEqual(2 * relayCost(GOSSIP).cutOff);
  });

  test('a ballot hurries both of them', () => {
    start();
    cutOffFor(5_000);
    a.relay.sent('b', request('ballot', '/v1/vote'));
    const { hurriedMs } = relayPace(GOSSIP);
    const sentAt = clock.now;
    for (; !b.requests.some(({ body }) => body === 'ballot'); ) clock.pass(10);
    for (; !a.answers.some(({ body }) => body === 're ballot'); ) clock.pass(10);
    expect(clock.now - sentAt).toBeLessThanOrEqual(2 * relayPace(GOSSIP).paceMs + 2 * hurriedMs + 200);
  });

  test('it ends at once when the direct path works again', () => {
    start();
    cutOffFor(10_000);
    wellFor(5_000);
    store.calls.length = 0;
    wellFor(60_000);
    expect(store.calls).toEqual([]);
    expect(a.news.filter(({ kind }) => kind === 'path')).toEqual([
      { kind: 'path', peer: 'b', relaying: true },
      { kind: 'path', peer: 'b', relaying: false },
    ]);
  });

  test('a peer of which nothing comes is written to seldom, read as often as before, and answered at once when it is back', () => {
    a.relay.start();
    failFor(clock, a, 'b', SLOW_AFTER_MS + 20_000);
    expect(a.relay.view()).toEqual([{ peer: 'b', state: 'unanswered', heardMs: null }]);
    store.calls.length = 0;
    failFor(clock, a, 'b', 60_000);
    expect(store.count('write')).toBeLessThanOrEqual(7);
    expect(store.count('read')).toBeGreaterThan(100);
    b.relay.start();
    clock.pass(100);
    const backAt = clock.now;
    for (; a.requests.length === 0 || b.answers.length === 0; ) cutOffFor(500);
    expect(clock.now - backAt).toBeLessThan(GOSSIP.deadMs + 500);
  });

  test('one-way: who reaches the other directly neither writes nor reads for it', () => {
    start();
    for (const until = clock.now + 20_000; clock.now < until; ) {
      b.relay.sent('a', request('answered'));
      b.relay.answered('a');
      failFor(clock, a, 'b', 500);
    }
    expect(store.calls.filter(({ key, op }) => op === 'write' && key === 'web/b/a')).toEqual([]);
    expect(store.calls.filter(({ key, op }) => op === 'read' && key === 'web/a/b').length).toBeLessThan(3);
  });
});

describe('where the store fails', () => {
  test('rests double, and it is tried again', () => {
    start();
    store.failing = { failure: DOWN, isApplied: false };
    cutOffFor(60_000);
    expect(store.count('write')).toBeLessThanOrEqual(2); // with the version that each of them knew
    const reads = store.count('read');
    expect(reads).toBeLessThan(80);
    store.failing = null;
    cutOffFor(10_000);
    expect(b.requests.length).toBeGreaterThan(5);
  });

  test('a write that was applied and not answered is found out before the next one', () => {
    start();
    cutOffFor(5_000);
    store.failing = { failure: { kind: 'failed', code: 'timeout', detail: '' }, isApplied: true };
    cutOffFor(2_000);
    store.failing = null;
    cutOffFor(10_000);
    expect(a.news.filter(({ kind }) => kind === 'conflict')).toEqual([]);
    expect(b.requests.length).toBeGreaterThan(10);
  });

  test('a late write of an earlier run changes nothing, and a new run goes on from what stands there', () => {
    start();
    cutOffFor(5_000);
    const early = store.items.get('web/a/b');
    a.relay.close();
    const again = sideOf(clock, store, 'a', ['b'], 'a#2');
    again.relay.start();
    clock.pass(1_000);
    let late = '';
    store.write('web/a/b', 'late', String(early?.version), 500, ({ kind }) => {
      late = kind;
    });
    clock.pass(100);
    expect(late).toBe('conflict');
    expect(store.itemAt('web/a/b')?.run).toBe('a#2');
  });

  test('a table that was lost, and is there again, is written anew', () => {
    start();
    cutOffFor(5_000);
    store.items.clear();
    cutOffFor(5_000);
    expect(store.itemAt('web/a/b')?.run).toBe('a#1');
    expect(store.itemAt('web/b/a')?.run).toBe('b#1');
  });

  test('what shows an older state brings nothing twice', () => {
    start();
    cutOffFor(5_000);
    const old = store.items.get('web/a/b');
    cutOffFor(5_000);
    store.items.set('web/a/b', { version: 99_999, text: old?.text ?? '' });
    cutOffFor(5_000);
    const bodies = b.requests.map(({ body }) => body);
    expect(new Set(bodies).size).toBe(bodies.length);
  });

  test('what is none of ours is passed over, told, and written over by its owner', () => {
    start();
    store.put('web/a/b', 'x');
    store.put('web/b/a', '{"v":2}');
    cutOffFor(5_000);
    expect(a.news).toContainEqual(
      expect.objectContaining({ failure: expect.objectContaining({ code: 'unreadable' }) }),
    );
    expect(b.requests.length).toBeGreaterThan(2);
    expect(a.requests.length).toBeGreaterThan(2);
  });

  test('two runs with one id tell of each other', () => {
    start();
    const other = sideOf(clock, store, 'a', ['b'], 'a#2');
    other.relay.start();
    for (let count = 0; count < 20; count += 1) {
      failFor(clock, other, 'b', 500);
      cutOffFor(500);
    }
    expect([...a.news, ...other.news].filter(({ kind }) => kind === 'conflict').length).toBeGreaterThan(0);
  });
});

describe('at the end, and when the configuration changes', () => {
  test('a closed relay calls no more, and hears no more', () => {
    start();
    cutOffFor(5_000);
    a.relay.close();
    const { length } = a.requests;
    store.calls.length = 0;
    cutOffFor(5_000);
    expect(store.calls.filter(({ key, op }) => op === 'write' && key === 'web/a/b')).toEqual([]);
    expect(a.requests).toHaveLength(length);
  });

  test('a peer that is taken out is neither read nor written to, and one that is new begins afresh', () => {
    start();
    cutOffFor(5_000);
    a.relay.reconfigure({ cluster: 'web', self: 'a', peers: ['c'], gossip: GOSSIP });
    clock.pass(1_000);
    store.calls.length = 0;
    failFor(clock, a, 'b', 5_000);
    expect(store.calls.filter(({ key, op }) => key === 'web/a/b' && op === 'write')).toEqual([]);
    failFor(clock, a, 'c', 5_000);
    expect(store.itemAt('web/a/c')?.parcels.length).toBeGreaterThan(0);
  });

  test('an item holds at most so much, the newest', () => {
    const body = 'x'.repeat(60_000);
    const parcels = Array.from({ length: 8 }, (_, index) => ({ n: index + 1, message: request(body) }));
    const text = encodeItem({ run: 'a#1', read: null, parcels });
    expect(text.length).toBeLessThan(400_000);
    expect(text).toContain('"n":8');
    expect(text).not.toContain('"n":1,');
  });
});
