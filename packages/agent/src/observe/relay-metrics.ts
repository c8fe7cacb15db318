/**
 * What goes through the store, as metrics: what the relay costs and carries, and whether the arbiter would lend. Nothing of it is
 * there before it is told of: without a store there is nothing to say.
 */
import type { RelayNews, RelayView } from '@failtome/ports';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { AddressGauge } from './gauges.ts';

/** The metrics of one relay. */
export interface RelayMetrics {
  observe(news: RelayNews): void;
  /** Null: there is no store. */
  show(view: readonly RelayView[] | null): void;
  /** Whether the arbiter of each address would lend. */
  showArbiter(addresses: readonly Pick<AddressGauge, 'ip' | 'arbiterLends'>[]): void;
}

const OPERATIONS = ['read', 'write'] as const;
const RESULTS = ['ok', 'conflict', 'failed'] as const;

/** Registered when there is first something to say. */
export function createRelayMetrics(registry: Registry): RelayMetrics {
  let made: ReturnType<typeof make> | null = null;
  let arbiter: Gauge | null = null;
  const metrics = (): ReturnType<typeof make> => {
    made ??= make(registry);
    return made;
  };
  return {
    observe(news) {
      switch (news.kind) {
        case 'store':
          return metrics().up.set(news.failure === null ? 1 : 0);
        case 'call':
          return metrics().calls.inc({ operation: news.operation, result: news.result });
        case 'carried':
          return metrics().messages.inc({ peer: news.peer, way: news.way }, news.messages);
        case 'path':
        case 'conflict':
          return;
      }
    },
    show(view) {
      if (view === null) return;
      const { relaying } = metrics();
      relaying.reset();
      for (const { peer, state } of view) relaying.set({ peer }, state === 'direct' ? 0 : 1);
    },
    showArbiter(addresses) {
      arbiter?.reset();
      for (const { ip: address, arbiterLends } of addresses) {
        if (arbiterLends === null) continue;
        arbiter ??= arbiterGauge(registry);
        arbiter.set({ address }, arbiterLends ? 1 : 0);
      }
    },
  };
}

function arbiterGauge(registry: Registry): Gauge {
  return new Gauge({
    name: 'failtome_arbiter_ready',
    help: '1 while the arbiter of an address would lend this node its lease; absent without an arbiter.',
    labelNames: ['address'],
    registers: [registry],
  });
}

function make(registry: Registry) {
  const registers = [registry];
  const calls = new Counter({
    name: 'failtome_store_calls_total',
    help: 'Calls to the store through which messages go that the direct path does not carry.',
    labelNames: ['operation', 'result'],
    registers,
  });
  for (const operation of OPERATIONS) for (const result of RESULTS) calls.inc({ operation, result }, 0);
  return {
    calls,
    up: new Gauge({
      name: 'failtome_store_up',
      help: '1 while the last call to the store was answered; absent without a store.',
      registers,
    }),
    relaying: new Gauge({
      name: 'failtome_relaying',
      help: '1 while messages to a peer go through the store, because it does not answer directly.',
      labelNames: ['peer'],
      registers,
    }),
    messages: new Counter({
      name: 'failtome_relayed_messages_total',
      help: 'Messages written to the store for a peer (out), and read there from it (in).',
      labelNames: ['peer', 'way'],
      registers,
    }),
  };
}
