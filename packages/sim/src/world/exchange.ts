/**
 * The messages of one process, as bytes both ways: every one of them passes through the codec.
 */
import { type Relay, type RelayedAnswer, relayOptionsOf } from '@failtome/ports';
import {
  type DecodedMessage,
  decodeMessage,
  type Envelope,
  encodeMessage,
  type ProtocolConfig,
  type ReplyEffect,
  type Route,
  type SendEffect,
  withProvenOrders,
} from '@failtome/protocol';
import type { Environment, Life, ProcessSpec } from './environment.ts';
import type { Delivery } from './network.ts';
import { createRelay, relayedRequest } from './relaying.ts';

interface Answering {
  readonly delivery: Delivery;
  readonly request: Envelope;
  /** When the process came to read it. */
  readonly readMs: number;
}

/** How many requests may be answered through the store at once. */
const MAX_RELAYED = 256;

/** What a process sends and takes in, with the checks that an agent's API makes. */
export class Exchange {
  readonly #queue: Environment['queue'];
  readonly #trace: Environment['trace'];
  readonly #network: Environment['network'];
  readonly #emit: Environment['emit'];
  readonly #violate: Environment['violate'];
  readonly #forged: Environment['forged'];
  readonly #meant: Environment['meant'];
  readonly #isProven: Environment['isProven'];
  readonly #clock: ProcessSpec['clock'];
  readonly #wire: ProcessSpec['wire'];
  readonly #life: Life;
  readonly #self: string;
  readonly #answering = new Map<number, Answering>();
  #requests = 0;
  readonly #relay: Relay | null;
  /** Which request of ours each signature stands for, the oldest first. */
  readonly #relayed = new Map<string, number>();

  constructor(
    {
      queue,
      trace,
      network,
      store,
      emit,
      violate,
      forged,
      meant,
      isProven,
    }: Omit<Environment, 'random' | 'outside'>,
    { config, clock, wire, run }: Pick<ProcessSpec, 'config' | 'clock' | 'wire' | 'run'>,
    life: Life,
  ) {
    this.#queue = queue;
    this.#trace = trace;
    this.#network = network;
    this.#emit = emit;
    this.#violate = violate;
    this.#forged = forged;
    this.#meant = meant;
    this.#isProven = isProven;
    this.#clock = clock;
    this.#wire = wire;
    this.#life = life;
    this.#self = config.node.id;
    this.#relay = createRelay({ queue, store, trace, emit }, { config, clock, run }, life, {
      onRequest: (delivery) => this.#takeIn(delivery, true),
      onAnswer: (answer) => this.#onRelayedAnswer(answer),
    });
    this.#relay?.start();
  }

  /** It has another configuration. */
  reconfigure(config: ProtocolConfig): void {
    this.#relay?.reconfigure(relayOptionsOf(config));
  }

  /** A request has come. */
  receive(delivery: Delivery): void {
    this.#trace.log(this.#self, 'request', delivery.bytes);
    this.#life.enter(() => this.#takeIn(delivery, false));
  }

  #takeIn(delivery: Delivery, relayed: boolean): void {
    const decoded = this.#read(delivery.bytes);
    if (decoded.kind === 'fault')
      return this.#violate('codec', `${this.#self} can't read what a node wrote: ${decoded.detail}`);
    this.#requests += 1;
    this.#answering.set(this.#requests, { delivery, request: decoded.message, readMs: this.#queue.now() });
    this.#hear(decoded.message, relayed);
    this.#life.feed({
      kind: 'received',
      requestId: this.#requests,
      route: delivery.route as Route, // only routes of the protocol are ever sent
      message: decoded.message,
    });
  }

  #hear(message: Envelope, relayed: boolean): void {
    if (relayed) this.#emit({ kind: 'relayed', by: this.#life.view(), message });
    this.#emit({ kind: 'heard', by: this.#life.view(), message });
  }

  send(effect: SendEffect): void {
    const { sendId, to, route, fresh, timeoutMs } = effect;
    const until = this.#clock.lasting(timeoutMs);
    const bytes = this.#encoded(effect.message);
    const recorded = this.#network.request({
      from: this.#self,
      to,
      route,
      bytes,
      fresh,
      until,
      done: (result) => {
        if (result.kind === 'failed')
          return this.#life.enter(() => {
            this.#life.feed({ kind: 'send-failed', sendId, reason: result.reason });
            this.#relay?.failed(to);
          });
        this.#trace.log(this.#self, 'response', result.bytes);
        const message = this.#answerIn(result.bytes);
        if (message !== null)
          this.#life.enter(() => {
            this.#relay?.answered(to);
            this.#hear(message, false);
            this.#life.feed({ kind: 'answered', sendId, message });
          });
      },
    });
    if (this.#relay === null) return;
    const request = relayedRequest(route, bytes, recorded);
    this.#remember(request.signature, sendId);
    this.#relay.sent(to, request);
  }

  #answerIn(bytes: string): Envelope | null {
    const decoded = this.#read(bytes);
    if (decoded.kind === 'message') return this.#meant(this.#self, decoded.message);
    this.#violate('codec', `${this.#self} can't read an answer: ${decoded.detail}`);
    return null;
  }

  #remember(signature: string, sendId: number): void {
    this.#relayed.set(signature, sendId);
    const [oldest] = this.#relayed.keys();
    if (oldest !== undefined && this.#relayed.size > MAX_RELAYED) this.#relayed.delete(oldest);
  }

  /** An answer belongs to one request; whatever answers none of ours is dropped. */
  #onRelayedAnswer({ re, body }: RelayedAnswer): void {
    const sendId = this.#relayed.get(re);
    if (sendId === undefined) return;
    this.#relayed.delete(re);
    this.#trace.log(this.#self, 'response', body);
    const message = this.#answerIn(body);
    if (message === null) return;
    this.#hear(message, true);
    this.#life.feed({ kind: 'answered', sendId, message });
  }

  reply({ requestId, status, message }: ReplyEffect): void {
    const known = this.#answering.get(requestId);
    if (known === undefined) return;
    this.#answering.delete(requestId);
    const { delivery, request, readMs } = known;
    this.#emit({
      kind: 'judged',
      by: this.#life.view(),
      request,
      recordedAs: delivery.recordedAs,
      status,
      readAtMs: readMs,
      ageMs: readMs - delivery.sentAtMs,
    });
    delivery.respond(status, this.#encoded(message));
  }

  /** Another version of the agent reads and writes the same, under another number. */
  #read(bytes: string): DecodedMessage {
    const decoded = decodeMessage(bytes);
    if (decoded.kind === 'fault') return decoded;
    const message = this.#wire === 0 ? decoded.message : ofVersion(decoded.message, -this.#wire);
    const proven =
      this.#life.view().config.orders === 'any' ? message : withProvenOrders(message, this.#isProven);
    return { kind: 'message', message: proven };
  }

  #encoded(message: Envelope): string {
    const worded = this.#wire === 0 ? message : ofVersion(message, this.#wire);
    const bytes = encodeMessage(worded);
    this.#emit({ kind: 'said', by: this.#life.view(), message: worded, bytes: bytes.length });
    const told = this.#forged(this.#self, worded);
    return told === worded ? bytes : encodeMessage(told);
  }
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
