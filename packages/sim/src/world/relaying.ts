/** The relay of a simulated process: the agents' own, over the simulated store. */
import { Relay, type RelayedAnswer, type RelayedRequest, relayOptionsOf } from '@failtome/ports';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import type { Delivery } from './network.ts';

/** Who takes what comes through the store. */
interface RelayEnds {
  readonly onRequest: (delivery: Delivery) => void;
  readonly onAnswer: (answer: RelayedAnswer) => void;
}

/** Nodes here know each other's words without a signature; what a request is recorded as stands in its place. */
export function relayedRequest(
  route: string,
  bytes: string,
  recorded: Pick<Delivery, 'recordedAs' | 'sentAtMs'>,
): RelayedRequest {
  const signature = `${recorded.recordedAs} ${recorded.sentAtMs}`;
  // Only these routes are ever sent by nodes.
  return { kind: 'request', route: route as RelayedRequest['route'], body: bytes, signature, identity: '' };
}

/** Null where the cluster has no store. */
export function createRelay(
  { queue, store, trace, emit }: Pick<Environment, 'queue' | 'store' | 'trace' | 'emit'>,
  { config, clock, run }: Pick<ProcessSpec, 'config' | 'clock' | 'run'>,
  life: Life,
  { onRequest, onAnswer }: RelayEnds,
): Relay | null {
  if (store === null) return null;
  const self = config.node.id;
  const reached = store.for(self, clock.lasting);
  const relay = new Relay(relayOptionsOf(config), {
    store: {
      read: (key, timeoutMs, answered) =>
        life.leave(() => reached.read(key, timeoutMs, (result) => life.enter(() => answered(result)))),
      write: (key, text, expected, timeoutMs, answered) =>
        life.leave(() =>
          reached.write(key, text, expected, timeoutMs, (result) => life.enter(() => answered(result))),
        ),
    },
    run,
    now: () => clock.now().at,
    after(ms, work) {
      let isWanted = true;
      queue.at(clock.lasting(ms), () => life.enter(() => isWanted && work()));
      return () => {
        isWanted = false;
      };
    },
    onRequest: (_from, request, answer) => onRequest(deliveryOf(request, answer)),
    onAnswer: (_from, answer) => onAnswer(answer),
    onNews(news) {
      if (news.kind !== 'call') trace.log(self, 'relay', news);
      else if (news.operation === 'write' && news.result === 'ok') emit({ kind: 'stored', by: life.view() });
    },
  });
  return relay;
}

function deliveryOf(
  { route, body, signature }: RelayedRequest,
  answer: (answer: Omit<RelayedAnswer, 'kind' | 're' | 'route'>) => void,
): Delivery {
  const [recordedAs = 0, sentAtMs = 0] = signature.split(' ').map(Number);
  return {
    bytes: body,
    route,
    recordedAs,
    sentAtMs,
    respond: (status, bytes) => answer({ status, body: bytes, signature: 'its own', identity: '' }),
  };
}
