import { describe, expect, test } from 'vitest';
import { createHost, type Event, type Host, MAX_QUEUE, type Ports } from '../src/host.ts';
import type { Effect } from '../src/model/effects.ts';
import type { MonotonicMs } from '../src/model/units.ts';
import { documentOf } from '../src/storage/document.ts';
import type { DurableDocument } from '../src/storage/durable.ts';
import { PAIR, stateOf, WALL } from './support/fixtures.ts';
import { World } from './support/world.ts';

interface Bench {
  readonly host: Host;
  readonly effects: Effect[];
  readonly wakes: MonotonicMs[];
  readonly observed: number[];
  now: MonotonicMs;
  cancelled: boolean;
  /** What a port does besides noting the effect. */
  react: (effect: Effect) => void;
}

function bench(): Bench {
  const effects: Effect[] = [];
  const wakes: MonotonicMs[] = [];
  const observed: number[] = [];
  const note = (effect: Effect): void => {
    effects.push(effect);
    made.react(effect);
  };
  const ports: Ports = {
    clock: { now: () => ({ at: made.now, wall: WALL }) },
    timer: {
      wakeAt: (at) => void wakes.push(at),
      cancel: () => {
        made.cancelled = true;
      },
    },
    transport: { send: note, reply: note },
    prober: { probe: note },
    local: { check: note },
    externalIp: { ask: note },
    driver: { drive: note },
    notifier: { publish: note },
    store: { persist: note },
    observer: { observe: (facts) => void observed.push(facts.length) },
    stopped: () => undefined,
  };
  const host = createHost(PAIR, ports);
  const made: Bench = { host, effects, wakes, observed, now: 100, cancelled: false, react: () => undefined };
  return made;
}

/** What a run left that had still to publish something. */
function unpublished(): DurableDocument {
  const outbox = [{ id: 'saturn-1-1', subject: 'subject', message: 'message' }];
  return { ...documentOf(stateOf()), outbox };
}

function started(document: DurableDocument | null = null): Event {
  const storage = document === null ? ({ kind: 'empty' } as const) : ({ kind: 'loaded', document } as const);
  return { kind: 'started', session: 'saturn-0001', seed: 3, storage };
}

function of<K extends Effect['kind']>(
  effects: readonly Effect[],
  kind: K,
): readonly Extract<Effect, { kind: K }>[] {
  return effects.filter((effect): effect is Extract<Effect, { kind: K }> => effect.kind === kind);
}

describe('an effect that names a write', () => {
  test('goes out once that write is durable, and not before', () => {
    const { host, effects } = bench();
    host.post(started(unpublished()));
    const [write] = of(effects, 'persist');
    expect([write !== undefined, of(effects, 'publish').length]).toEqual([true, 0]);
    host.post({ kind: 'persisted', writeId: write?.writeId ?? -1 });
    expect(of(effects, 'publish')).toMatchObject([{ subject: 'subject', after: write?.writeId }]);
  });

  test('goes out with a later write that overtook its own', () => {
    const { host, effects } = bench();
    host.post(started(unpublished()));
    const [write] = of(effects, 'persist');
    host.post({ kind: 'persisted', writeId: (write?.writeId ?? 0) + 5 });
    expect(of(effects, 'publish')).toHaveLength(1);
  });

  test('waits on when an earlier write is durable', () => {
    const { host, effects } = bench();
    host.post(started(unpublished()));
    const [write] = of(effects, 'persist');
    host.post({ kind: 'persisted', writeId: (write?.writeId ?? 0) - 1 });
    expect(of(effects, 'publish')).toHaveLength(0);
  });

  test('is dropped when that write fails, and made anew with the next one that succeeds', () => {
    const one = bench();
    const { host, effects } = one;
    host.post(started(unpublished()));
    const [first] = of(effects, 'persist');
    host.post({ kind: 'persist-failed', writeId: first?.writeId ?? -1, code: 'ENOSPC' });
    expect(of(effects, 'publish')).toHaveLength(0);
    for (let i = 0; i < 3; i += 1) {
      one.now += 1_000;
      host.post({ kind: 'tick' });
    }
    const latest = of(effects, 'persist').at(-1);
    host.post({ kind: 'persisted', writeId: latest?.writeId ?? -1 });
    expect(of(effects, 'publish')).toHaveLength(1);
  });
});

describe('the loop', () => {
  test('takes an event that a port posts from within only after the step it came from is handed out', () => {
    const one = bench();
    const order: string[] = [];
    one.react = (effect) => {
      order.push(effect.kind);
      if (effect.kind !== 'persist') return;
      one.host.post({ kind: 'persisted', writeId: effect.writeId });
      expect(one.host.state().storage.durable).toBe(0);
    };
    one.host.post(started());
    expect(order[0]).toBe('persist');
    expect(order.length).toBeGreaterThan(2);
    expect(one.host.state().storage.durable).toBeGreaterThan(0);
  });

  test('asserts when more inputs wait than the bound', () => {
    const one = bench();
    one.react = () => {
      one.react = () => undefined;
      for (let i = 0; i <= MAX_QUEUE; i += 1) one.host.post({ kind: 'tick' });
    };
    expect(() => one.host.post(started())).toThrow(`host queue is full: ${MAX_QUEUE} inputs wait`);
  });

  test('arms one timer after each event, always for later', () => {
    const one = bench();
    one.host.post(started());
    for (let i = 0; i < 20; i += 1) {
      one.now = one.wakes.at(-1) ?? one.now;
      one.host.post({ kind: 'tick' });
      expect(one.wakes.at(-1)).toBeGreaterThan(one.now);
    }
    expect(one.wakes).toHaveLength(21);
  });

  test('does nothing before it is started, and asserts what comes first', () => {
    const one = bench();
    expect([one.effects.length, one.wakes.length]).toEqual([0, 0]);
    expect(() => one.host.post({ kind: 'tick' })).toThrow('tick came before started');
    expect(() => {
      one.host.post(started());
      one.host.post(started());
    }).toThrow('started came twice');
  });

  test('asserts when time steps back', () => {
    const one = bench();
    one.host.post(started());
    one.now -= 1;
    expect(() => one.host.post({ kind: 'tick' })).toThrow('time stepped back');
  });

  test('that is closed arms no timer and takes nothing in any more', () => {
    const one = bench();
    one.host.post(started());
    const { length } = one.effects;
    one.host.close();
    one.now += 60_000;
    one.host.post({ kind: 'tick' });
    expect([one.effects.length, one.cancelled]).toEqual([length, true]);
  });

  test('that is closed from within a port hands out what was queued no more', () => {
    const one = bench();
    one.react = (effect) => {
      if (effect.kind === 'persist') one.host.post({ kind: 'persisted', writeId: effect.writeId });
      one.host.close();
    };
    one.host.post(started());
    expect([one.host.state().storage.durable, one.wakes.length]).toEqual([0, 0]);
  });
});

test('a node in quiet times does no more than its intervals ask for', () => {
  const world = new World();
  world.start();
  world.run(30_000);
  const before = world.moments;
  world.run(60_000);
  // A minute of a probe and a local check a second, and two heartbeats: each an effect and an answer, and little else.
  expect(world.moments - before).toBeLessThan(60 * (2 + 2 + 4) + 60);
  expect(world.moments - before).toBeGreaterThan(60 * 6);
});
