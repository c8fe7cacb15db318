/** A node with one peer whose messages all count. What the node says and writes has to be read again. */
import { expect } from 'vitest';
import type { ProtocolConfig } from '../../src/model/config.ts';
import type { Effect, SendEffect } from '../../src/model/effects.ts';
import { initialState } from '../../src/model/initial.ts';
import type { Input, StorageState } from '../../src/model/inputs.ts';
import { MAX_MESSAGE_BYTES } from '../../src/model/limits.ts';
import type { State } from '../../src/model/state.ts';
import type { Instant } from '../../src/model/units.ts';
import { step } from '../../src/step.ts';
import { decodeDocument, decodeMessage, encodeMessage } from '../../src/wire/codec.ts';
import type { Envelope, NodeRecord, Payload } from '../../src/wire/messages.ts';
import { candidate, PAIR, PEER, recordOf, SELF, WALL } from './fixtures.ts';

export const THREE: ProtocolConfig = { ...PAIR, peers: [candidate(PEER), candidate('mars')] };

/** An input without its time. */
type Bare<T> = T extends Instant ? Omit<T, keyof Instant> : never;

export class Run {
  readonly facts: string[] = [];
  readonly sent: Envelope[] = [];
  private readonly waiting: SendEffect[] = [];
  state: State;
  text = '';
  /** Documents written so far. */
  writes = 0;
  private at = 1_000;
  private seq = 0;
  private requests = 0;
  private runs = 0;
  private readonly config: ProtocolConfig;

  constructor(config: ProtocolConfig = THREE) {
    this.config = config;
    this.state = initialState(config);
    this.start({ kind: 'empty' });
  }

  start(storage: StorageState): void {
    this.runs += 1;
    this.state = initialState(this.config);
    this.feed({ kind: 'started', session: `session-00${this.runs % 10}`, seed: 1, storage });
    this.say({ version: 0, ack: 0 }); // is challenged
  }

  /** Start again from what was written last. */
  restart(): void {
    const read = decodeDocument(this.text);
    if (read.kind === 'fault') throw new Error(`its own document: ${read.detail}`);
    this.start({ kind: 'loaded', document: read.document });
  }

  tick(ms: number): void {
    this.at += ms;
    this.feed({ kind: 'tick' });
  }

  say(payload: Payload, parts: Partial<Envelope> = {}): void {
    this.seq += 1;
    this.requests += 1;
    const message = { ...this.message(), payload, ...parts };
    const read = decodeMessage(encodeMessage(message));
    if (read.kind === 'fault') throw new Error(`the test's own message: ${read.detail}`);
    this.feed({
      kind: 'received',
      requestId: this.requests,
      route: '/v1/gossip',
      message: read.message,
    });
  }

  /** The peer answers what it was sent last. */
  answer(payload: Payload): void {
    const asked = this.waiting.at(-1);
    if (asked === undefined) throw new Error('the peer was not asked');
    this.seq += 1;
    const { session, seq } = asked.message;
    const parts = { re: { session, seq }, payload };
    const message = { ...this.message(), ...parts };
    this.feed({ kind: 'answered', sendId: asked.sendId, message });
  }

  record(parts: Partial<NodeRecord>): void {
    this.say({ version: this.seq + 1, ack: 0, node: recordOf(PEER, parts) });
  }

  private message(): Envelope {
    const t = Math.floor(this.at - this.state.startedAt);
    return {
      v: 1,
      cluster: 'web',
      from: PEER,
      session: 'neptune-001',
      seq: this.seq,
      to: SELF,
      t: this.at,
      echo: { session: this.state.session, t },
      re: null,
      payload: { version: 0, ack: 0 },
    };
  }

  private feed(input: Bare<Input>): void {
    const { state, effects, facts } = step(this.state, { ...input, at: this.at, wall: WALL + this.at });
    this.state = state;
    for (const fact of facts) if (fact.kind === 'rejected') this.facts.push(fact.reason);
    for (const effect of effects) this.read(effect);
  }

  private read(effect: Effect): void {
    if (effect.kind === 'persist') {
      this.text = effect.text;
      this.writes += 1;
      const read = decodeDocument(effect.text);
      if (read.kind === 'fault') throw new Error(`its document: ${read.detail}`);
    }
    if (effect.kind !== 'send' && effect.kind !== 'reply') return;
    const text = encodeMessage(effect.message);
    const read = decodeMessage(text);
    if (read.kind === 'fault') throw new Error(`its message: ${read.detail}`);
    expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    this.sent.push(effect.message);
    if (effect.kind === 'send' && effect.to === PEER) this.waiting.push(effect);
  }
}
