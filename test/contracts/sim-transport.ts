/** The simulator's transport over its network, in virtual time. */
import { envelope } from '../../packages/agent/test/support/api.ts';
import { decodeMessage, encodeMessage } from '../../packages/protocol/src/index.ts';
import type { Detail } from '../../packages/sim/src/world/details.ts';
import { Exchange } from '../../packages/sim/src/world/exchange.ts';
import { type Delivery, Network } from '../../packages/sim/src/world/network.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import { Subscribers } from '../../packages/sim/src/world/subscribers.ts';
import { fakeProcess } from './sim-process.ts';
import type { PeerBehaviour, TransportWorld } from './transport-contract.ts';

/** Longer than a message is on its way, shorter than any time-out. */
const ON_THE_WAY_MS = 50;

export async function openSimulatedTransport(): Promise<TransportWorld> {
  const queue = createQueue();
  const details = new Subscribers<Detail>();
  const network = new Network(queue, createRandom(1), () => undefined, details);
  const { life, config, clock, posted } = fakeProcess(queue);
  const exchange = new Exchange(
    {
      queue,
      network,
      store: null,
      trace: { log: () => undefined, hash: () => '', lines: () => [] },
      emit: () => undefined,
      violate(invariant, evidence) {
        throw new Error(`${invariant}: ${evidence}`);
      },
      forged: (_from, message) => message,
      meant: (_to, message) => message,
      isProven: () => true,
      recorderOf: null,
    },
    { config, clock, wire: 0, run: 'saturn#1' },
    life,
  );
  let behaviour: PeerBehaviour = 'answers';
  const received: TransportWorld['received'][number][] = [];
  const deliveries: Delivery[] = [];
  const answer = (index: number, status: number = 200): void => {
    const re = received[index]?.message;
    if (re === undefined) throw new Error(`no request ${index}`);
    const message = envelope({ from: 'neptune', to: re.from, re: { session: re.session, seq: re.seq } });
    deliveries[index]?.respond(status, encodeMessage(message));
  };
  network.listen('neptune', {
    state: () => (behaviour === 'refuses' ? 'refused' : 'listening'),
    receive(delivery) {
      const decoded = decodeMessage(delivery.bytes);
      if (decoded.kind === 'fault') throw new Error(decoded.detail);
      received.push({ route: delivery.route, message: decoded.message });
      deliveries.push(delivery);
      if (behaviour !== 'silent') answer(received.length - 1);
    },
  });
  return {
    posted,
    received,
    send: (effect) => exchange.send(effect),
    peer(next) {
      behaviour = next;
      const there = network.link('saturn', 'neptune');
      if (next === 'breaks') there.state = 'reject';
      if (next === 'forgets') there.keptDead = true;
    },
    answer,
    async until(holds) {
      const untilMs = queue.now() + ON_THE_WAY_MS;
      while (!holds() && queue.runNext(untilMs));
    },
    async pass(ms) {
      const untilMs = queue.now() + ms;
      while (queue.runNext(untilMs));
    },
    close: () => undefined,
  };
}
