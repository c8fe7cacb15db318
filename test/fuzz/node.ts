/** A running node for `npm run fuzz`: whatever its peers, operators and ports answer, it goes on, and all that it says and writes can be read. */

import {
  ballotElectorate,
  decodeDocument,
  decodeMessage,
  type Effect,
  type Envelope,
  encodeArbiterItem,
  encodeMessage,
  type Input,
  type Instant,
  initialState,
  MAX_MESSAGE_BYTES,
  type NodeId,
  type Payload,
  type ProtocolConfig,
  type Route,
  type State,
  type StorageState,
  step,
} from '../../packages/protocol/src/index.ts';
import { candidate, IP, PAIR, PEER, SELF, WALL } from '../../packages/protocol/test/support/fixtures.ts';
import type { Json } from './mutate.ts';

export const PEERS: readonly NodeId[] = [PEER, 'mars', 'pluto'];
const CONFIG: ProtocolConfig = {
  ...PAIR,
  peers: [candidate(PEER), candidate('mars'), { ...candidate('pluto'), role: 'witness' }],
  agreement: { ...PAIR.agreement, arbiter: true },
};
/** Asked, and not answered: the oldest is forgotten, as a port forgets it. */
const MOST_OPEN = 64;

type Bare<T> = T extends Instant ? Omit<T, keyof Instant> : never;
type Asked = Exclude<Effect, { kind: 'reply' | 'stopped' }>;

export class FuzzedNode {
  #state: State = initialState(CONFIG);
  #at = 1_000;
  #seq = 0;
  #requests = 0;
  #runs = 0;
  /** What was written, and is durable. */
  #text = '';
  readonly #open: Asked[] = [];
  /** Messages that were admitted. */
  admitted = 0;

  constructor() {
    this.#start({ kind: 'empty' });
  }

  tick(ms: number): void {
    this.#at += ms;
    this.#feed({ kind: 'tick' });
  }

  /** End at once, or with a goodbye, and start from what is on the disk. */
  restart(how: 'killed' | 'stopped'): void {
    if (how === 'stopped') this.#feed({ kind: 'stop' });
    if (this.#text === '') return this.#start({ kind: 'empty' });
    const read = decodeDocument(this.#text);
    if (read.kind === 'fault') throw new Error(`its own document can't be read: ${read.detail}`);
    this.#start({ kind: 'loaded', document: read.document });
  }

  /** A message with this payload, as far as it can be read, in a session that counts. */
  say(from: NodeId, route: Route, payload: Json): void {
    this.#seq += 1;
    this.receive({ ...this.#envelope(from, SELF), payload: payload as unknown as Payload }, route);
  }

  /** Any message at all. */
  receive(message: unknown, route: Route): void {
    const read = decodeMessage(JSON.stringify(message));
    if (read.kind === 'fault') return;
    this.#requests += 1;
    this.#feed({ kind: 'received', requestId: this.#requests, route, message: read.message });
  }

  /** One of the ports answers what it was asked some time ago. */
  answer(which: number, how: number, payload: Json): void {
    const [asked] = this.#open.splice(which % Math.max(1, this.#open.length), 1);
    if (asked === undefined) return;
    const input = this.#answerTo(asked, how, payload);
    if (input !== null) this.#feed(input);
  }

  #start(storage: StorageState): void {
    this.#runs += 1;
    this.#open.length = 0;
    this.#state = initialState(CONFIG);
    this.#feed({
      kind: 'started',
      session: `session-${String(this.#runs % 1_000).padStart(3, '0')}`,
      seed: 1 + (this.#runs % 1_000),
      storage,
    });
    // Is challenged, so that the next one counts.
    for (const peer of PEERS) this.say(peer, '/v1/gossip', { version: 0, ack: 0 });
  }

  #envelope(from: NodeId, to: NodeId): Envelope {
    const t = Math.floor(this.#at - this.#state.startedAt);
    const session = `${from.replace(/[^a-z]/g, '')}-${'x'.repeat(11)}`.slice(0, 11);
    return {
      v: 1,
      cluster: 'web',
      from,
      session,
      seq: this.#seq,
      to,
      t: this.#at,
      echo: { session: this.#state.session, t },
      re: null,
      payload: { version: 0, ack: 0 },
    };
  }

  #answerTo(asked: Asked, how: number, payload: Json): Bare<Input> | null {
    const check = ok(how)
      ? ({ kind: 'ok', status: 200, durationMs: how % 900 } as const)
      : ({ kind: 'failed', reason: 'refused', detail: 'refused', durationMs: how % 900 } as const);
    switch (asked.kind) {
      case 'send':
        return this.#sent(asked, how, payload);
      case 'probe':
        return { kind: 'probed', probeId: asked.probeId, result: check };
      case 'check-local':
        return { kind: 'local-checked', checkId: asked.checkId, result: check };
      case 'ask-external-ip': {
        const result = ok(how)
          ? ({ kind: 'address', ip: how % 7 === 0 ? IP : '198.51.100.9', durationMs: 1 } as const)
          : ({ kind: 'failed', reason: 'timeout', detail: '', durationMs: 1 } as const);
        return { kind: 'external-ip', askId: asked.askId, purpose: asked.purpose, result };
      }
      case 'drive':
        return {
          kind: 'driven',
          callId: asked.callId,
          purpose: asked.purpose,
          result: { answer: driven(asked.operation.op, how), requests: [] },
        };
      case 'publish': {
        const request = {
          service: 'sns',
          operation: 'Publish',
          result: 'ok',
          code: null,
          requestId: null,
          durationMs: 1,
        } as const;
        const result = ok(how)
          ? ({ kind: 'accepted', request } as const)
          : ({ kind: 'failed', detail: 'no', request } as const);
        return { kind: 'published', publishId: asked.publishId, result };
      }
      case 'arbiter':
        return {
          kind: 'arbiter',
          askId: asked.askId,
          address: asked.address,
          result: arbiterResult(asked.operation.op, how),
        };
      case 'persist':
        if (how % 5 === 0) return { kind: 'persist-failed', writeId: asked.writeId, code: 'ENOSPC' };
        this.#text = asked.text;
        return { kind: 'persisted', writeId: asked.writeId };
    }
  }

  #sent(
    { sendId, to, message }: Extract<Effect, { kind: 'send' }>,
    how: number,
    payload: Json,
  ): Bare<Input> | null {
    if (!ok(how)) return { kind: 'send-failed', sendId, reason: how % 2 === 0 ? 'timeout' : 'refused' };
    this.#seq += 1;
    const { session, seq } = message;
    const answer = { ...this.#envelope(to, SELF), re: { session, seq }, payload };
    const read = decodeMessage(JSON.stringify(answer));
    return read.kind === 'fault' ? null : { kind: 'answered', sendId, message: read.message };
  }

  #feed(input: Bare<Input>): void {
    const now = { at: this.#at, wall: WALL + this.#at };
    const { state, effects } = step(this.#state, { ...input, ...now } as Input); // the union, put together again
    this.#state = state;
    for (const effect of effects) this.#take(effect);
  }

  #take(effect: Effect): void {
    if (effect.kind === 'persist') readable(decodeDocument(effect.text), 'its document', effect.text);
    if (effect.kind === 'send' || effect.kind === 'reply') {
      const text = encodeMessage(effect.message);
      readable(decodeMessage(text), 'its message', text);
      const bytes = Buffer.byteLength(text);
      if (effect.kind === 'reply' && effect.status === 200) this.admitted += 1;
      if (bytes > MAX_MESSAGE_BYTES) throw new Error(`its message has ${bytes} bytes`);
    }
    if (effect.kind === 'reply' || effect.kind === 'stopped') return;
    this.#open.push(effect);
    if (this.#open.length > MOST_OPEN) this.#open.shift();
  }
}

function ok(how: number): boolean {
  return how % 3 > 0;
}

/** What stands in the store is nobody's word: it may be anything. */
function arbiterResult(op: 'read' | 'swap', how: number) {
  if (how % 7 === 0) return { kind: 'failed', code: 'timeout', detail: 'no answer' } as const;
  if (op === 'swap') return { kind: how % 3 === 0 ? 'conflict' : 'written' } as const;
  const item = {
    founded: 'one.1',
    electorate: how % 2 === 0 ? ballotElectorate(initialState(CONFIG)) : 'other',
    leaseMs: 1 + (how % 20_000),
    candidate: [SELF, PEER, null][how % 3] ?? null,
    run: 'session-001',
    epoch: how % 5 === 0 ? Number.MAX_SAFE_INTEGER : how % 100,
    over: how % 4 === 0,
  };
  const texts = [null, '', '{', encodeArbiterItem(item), encodeArbiterItem(item)];
  return { kind: 'text', text: texts[how % texts.length] ?? null } as const;
}

function driven(op: 'read' | 'permit' | 'release' | 'take', how: number) {
  if (how % 11 === 0) return { kind: 'unknown', code: 'TimeoutError', message: 'no answer' } as const;
  if (how % 11 === 1)
    return { kind: 'refused', throttled: how % 2 === 0, code: 'Throttling', message: 'slow down' } as const;
  switch (op) {
    case 'read': {
      const association =
        how % 4 === 0
          ? ({ kind: 'none' } as const)
          : ({
              kind: 'associated',
              associationId: `eipassoc-${how % 5}`,
              instanceId: how % 3 === 0 ? 'i-saturn' : 'i-neptune',
              node: null,
              self: how % 3 === 0,
            } as const);
      return { kind: 'read', association, displaces: null } as const;
    }
    case 'permit':
      return { kind: 'permitted' } as const;
    case 'release':
      return { kind: how % 3 === 0 ? 'stale' : 'released' } as const;
    case 'take':
      return how % 4 === 0
        ? ({ kind: 'held' } as const)
        : ({ kind: 'taken', associationId: `eipassoc-${how % 5}` } as const);
  }
}

function readable(
  read: { readonly kind: string; readonly detail?: string },
  what: string,
  text: string,
): void {
  if (read.kind === 'fault')
    throw new Error(`${what} can't be read: ${read.detail}: ${text.slice(0, 2_000)}`);
}
