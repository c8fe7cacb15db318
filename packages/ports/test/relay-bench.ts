/** Two relays, a store and a clock by hand: what a test of the relay needs. */

import {
  decodeItem,
  Relay,
  type RelayedAnswer,
  type RelayedRequest,
  type RelayItem,
  type RelayNews,
  type RelayStore,
  type StoreFailure,
} from '@failtome/ports';
import type { MonotonicMs, NodeId } from '@failtome/protocol';

/** With these the pace is 500 ms, and a direct path has failed after one second. */
export const GOSSIP = { intervalMs: 500, deadMs: 3_000 } as const;

/** Time that passes when a test says so. */
export class HandClock {
  readonly #planned: { readonly at: MonotonicMs; readonly order: number; readonly work: () => void }[] = [];
  #order = 0;
  now: MonotonicMs = 1_000_000;

  after(ms: number, work: () => void): () => void {
    this.#order += 1;
    const one = { at: this.now + ms, order: this.#order, work };
    this.#planned.push(one);
    return () => {
      const index = this.#planned.indexOf(one);
      if (index >= 0) this.#planned.splice(index, 1);
    };
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const [next] = [...this.#planned].sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined || next.at > until) break;
      this.#planned.splice(this.#planned.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      next.work();
    }
    this.now = until;
  }
}

/** A store that does what a test wants: each call takes 20 ms. */
export class HandStore implements RelayStore {
  readonly #clock: HandClock;
  readonly items: Map<string, { version: number; text: string }> = new Map();
  readonly calls: { readonly op: 'read' | 'write'; readonly key: string; readonly at: MonotonicMs }[] = [];
  /** Calls fail with this. `isApplied`: writes are applied all the same. */
  failing: { readonly failure: StoreFailure; readonly isApplied: boolean } | null = null;
  #version = 0;

  constructor(clock: HandClock) {
    this.#clock = clock;
  }

  read: RelayStore['read'] = (key, _timeoutMs, answered) => {
    this.calls.push({ op: 'read', key, at: this.#clock.now });
    this.#clock.after(20, () => {
      if (this.failing !== null) return answered(this.failing.failure);
      const item = this.items.get(key);
      if (item === undefined) return answered({ kind: 'none' });
      answered({ kind: 'item', version: String(item.version), text: item.text });
    });
  };

  write: RelayStore['write'] = (key, text, expected, _timeoutMs, answered) => {
    this.calls.push({ op: 'write', key, at: this.#clock.now });
    this.#clock.after(20, () => {
      if (this.failing !== null && !this.failing.isApplied) return answered(this.failing.failure);
      const before = this.items.get(key);
      if ((before === undefined ? null : String(before.version)) !== expected)
        return answered({ kind: 'conflict' });
      this.put(key, text);
      answered(this.failing?.failure ?? { kind: 'written', version: String(this.#version) });
    });
  };

  put(key: string, text: string): void {
    this.#version += 1;
    this.items.set(key, { version: this.#version, text });
  }

  itemAt(key: string): RelayItem | null {
    const item = this.items.get(key);
    return item === undefined ? null : decodeItem(item.text);
  }

  count(op: 'read' | 'write'): number {
    return this.calls.filter((call) => call.op === op).length;
  }
}

/** A relay, and what it has told. */
export interface RelaySide {
  readonly relay: Relay;
  readonly requests: RelayedRequest[];
  readonly answers: RelayedAnswer[];
  readonly news: RelayNews[];
  /** Whether it answers what comes through the store. */
  answers200: boolean;
}

/** The relay of `self`, with `peers`. It isn't started yet. */
export function sideOf(
  clock: HandClock,
  store: RelayStore,
  self: NodeId,
  peers: readonly NodeId[],
  run: string = `${self}#1`,
): RelaySide {
  const side: Omit<RelaySide, 'relay'> = { requests: [], answers: [], news: [], answers200: true };
  const relay = new Relay(
    { cluster: 'web', self, peers, gossip: GOSSIP },
    {
      store,
      run,
      now: () => clock.now,
      after: (ms, work) => clock.after(ms, work),
      onRequest: (_from, request, answer) => {
        side.requests.push(request);
        if (made.answers200)
          answer({ status: 200, body: `re ${request.body}`, signature: 'sig', identity: '' });
      },
      onAnswer: (_from, answer) => void side.answers.push(answer),
      onNews: (news) => void side.news.push(news),
    },
  );
  const made: RelaySide = { ...side, relay };
  return made;
}

/** A request as a test has it. */
export function request(body: string, route: RelayedRequest['route'] = '/v1/gossip'): RelayedRequest {
  return { kind: 'request', route, body, signature: `signature of ${body}`, identity: '' };
}

/** Heartbeats that come to nothing for so long: one every half second, each given up after 400 ms. */
export function failFor(
  clock: HandClock,
  side: RelaySide,
  peer: NodeId,
  ms: number,
  route: RelayedRequest['route'] = '/v1/gossip',
): void {
  const until = clock.now + ms;
  for (let count = 1; clock.now < until; count += 1) {
    side.relay.sent(peer, request(`beat ${clock.now} ${count}`, route));
    clock.after(400, () => side.relay.failed(peer));
    clock.pass(500);
  }
}
