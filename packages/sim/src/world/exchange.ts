/**
 * The messages of one process, as bytes both ways: every one of them passes through the codec.
 */
import {
  type DecodedMessage,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type ReplyEffect,
  type Route,
  type SendEffect,
  withProvenOrders,
} from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import type { Delivery } from './network.ts';

export interface Exchange {
  /** A request has come. */
  receive(delivery: Delivery): void;
  send(effect: SendEffect): void;
  reply(effect: ReplyEffect): void;
}

interface Answering {
  readonly delivery: Delivery;
  readonly request: Envelope;
  /** When the process came to read it. */
  readonly readMs: number;
}

export function createExchange(
  { queue, trace, network, tell, violate, forged, meant, isProven }: Environment,
  { config, clock, wire }: ProcessSpec,
  life: Life,
): Exchange {
  const self = config.node.id;
  const answering = new Map<number, Answering>();
  let requests = 0;

  function receive(delivery: Delivery): void {
    trace.tell(self, 'request', delivery.bytes);
    life.enter(() => {
      const decoded = read(delivery.bytes);
      if (decoded.kind === 'fault')
        return violate('codec', `${self} can't read what a node wrote: ${decoded.detail}`);
      requests += 1;
      answering.set(requests, { delivery, request: decoded.message, readMs: queue.now() });
      tell({ kind: 'heard', by: life.view(), message: decoded.message });
      life.feed({
        kind: 'received',
        requestId: requests,
        route: delivery.route as Route, // only routes of the protocol are ever sent
        message: decoded.message,
      });
    });
  }

  /** Another version of the agent reads and writes the same, under another number. */
  function read(bytes: string): DecodedMessage {
    const decoded = decodeMessage(bytes);
    if (decoded.kind === 'fault') return decoded;
    const message = wire === 0 ? decoded.message : ofVersion(decoded.message, -wire);
    const proven = life.view().config.orders === 'any' ? message : withProvenOrders(message, isProven);
    return { kind: 'message', message: proven };
  }

  function encoded(message: Envelope): string {
    const worded = wire === 0 ? message : ofVersion(message, wire);
    const bytes = encodeMessage(worded);
    tell({ kind: 'said', by: life.view(), message: worded, bytes: bytes.length });
    const told = forged(self, worded);
    return told === worded ? bytes : encodeMessage(told);
  }

  function send(effect: SendEffect): void {
    const { sendId, to, route, fresh, timeoutMs } = effect;
    const until = clock.lasting(timeoutMs);
    const bytes = encoded(effect.message);
    network.request({
      from: self,
      to,
      route,
      bytes,
      fresh,
      until,
      done(result) {
        if (result.kind === 'failed')
          return life.enter(() => life.feed({ kind: 'send-failed', sendId, reason: result.reason }));
        trace.tell(self, 'response', result.bytes);
        const decoded = read(result.bytes);
        if (decoded.kind === 'fault')
          return violate('codec', `${self} can't read an answer: ${decoded.detail}`);
        const message = meant(self, decoded.message);
        life.enter(() => {
          tell({ kind: 'heard', by: life.view(), message });
          life.feed({ kind: 'answered', sendId, message });
        });
      },
    });
  }

  function reply({ requestId, status, message }: ReplyEffect): void {
    const known = answering.get(requestId);
    if (known === undefined) return;
    answering.delete(requestId);
    const { delivery, request, readMs } = known;
    tell({
      kind: 'judged',
      by: life.view(),
      request,
      recordedAs: delivery.recordedAs,
      status,
      readAtMs: readMs,
      ageMs: readMs - delivery.sentAtMs,
    });
    delivery.respond(status, encoded(message));
  }

  return { receive, send, reply };
}

/** The same message in a wire version that is higher by so much: its ballots name it too. */
function ofVersion(message: Envelope, by: number): Envelope {
  const { payload } = message;
  const ballots = payload.ballots?.map((ballot) => {
    const [version, digest] = ballot.electorate.split(':');
    return { ...ballot, electorate: `${Number(version) + by}:${digest}` };
  });
  return {
    ...message,
    v: message.v + by,
    payload: ballots === undefined ? payload : { ...payload, ballots },
  };
}
