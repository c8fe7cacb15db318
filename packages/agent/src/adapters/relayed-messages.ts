/**
 * The relay of a running agent: it carries what `transport.ts` has signed where the direct path fails, and hands in what comes the
 * other way, checked like what comes over the wire.
 */
import {
  Relay,
  type RelayedAnswer,
  type RelayedRequest,
  type RelayNews,
  type RelayOptions,
  type RelayStore,
  type RelayView,
} from '@failtome/ports';
import type { Event, MonotonicMs, NodeId, SendEffect } from '@failtome/protocol';
import { authenticate, type MessageRefusal, signReply, type Trust } from '../auth/authentic-message.ts';
import type { Inbox } from '../http/inbox.ts';
import type { Beside, PeerTransport } from './transport.ts';

/** How many requests of this node may be answered through the store at once; beyond it the oldest is forgotten. */
const MAX_ASKED = 256;

/** Who takes what comes through the store. */
export interface RelayedMessagesDependencies {
  readonly store: RelayStore;
  readonly run: string;
  readonly monotonicMs: () => MonotonicMs;
  readonly trust: () => Trust;
  readonly inbox: Inbox;
  readonly transport: () => PeerTransport;
  readonly post: (event: Event) => void;
  readonly onRejected: (reason: MessageRefusal['reason'] | 'overloaded', from: NodeId) => void;
  readonly onNews: (news: RelayNews) => void;
}

/** The other way to the peers. */
export class RelayedMessages implements Beside {
  readonly #dependencies: RelayedMessagesDependencies;
  readonly #relay: Relay;
  /** Requests by their signatures, to which answers are bound; the oldest first. */
  readonly #asked = new Map<string, SendEffect>();
  #failing: string | null = null;

  /** It calls the store from now on, until `close`. */
  constructor(options: RelayOptions, dependencies: RelayedMessagesDependencies) {
    this.#dependencies = dependencies;
    const { store, run, monotonicMs, onNews } = dependencies;
    this.#relay = new Relay(options, {
      store,
      run,
      now: monotonicMs,
      after: (ms, work) => {
        const timer = setTimeout(work, ms);
        return () => clearTimeout(timer);
      },
      onRequest: (from, request, answer) => void this.#takeRequest(from, request, answer),
      onAnswer: (_from, answer) => this.#takeAnswer(answer),
      onNews: (news) => {
        if (news.kind === 'store')
          this.#failing = news.failure === null ? null : `${news.failure.code}: ${news.failure.detail}`;
        onNews(news);
      },
    });
    this.#relay.start();
  }

  sent(effect: SendEffect, signed: Pick<RelayedRequest, 'body' | 'signature' | 'identity'>): void {
    this.#asked.set(signed.signature, effect);
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size > MAX_ASKED) this.#asked.delete(oldest);
    this.#relay.sent(effect.to, { kind: 'request', route: effect.route, ...signed });
  }

  answered(by: NodeId): void {
    for (const [signature, { to }] of this.#asked) if (to === by) this.#asked.delete(signature);
    this.#relay.answered(by);
  }

  failed(to: NodeId): void {
    this.#relay.failed(to);
  }

  /** How each peer is reached, and what is wrong with the store; null: nothing that is known. */
  view(): { readonly peers: readonly RelayView[]; readonly failing: string | null } {
    return { peers: this.#relay.view(), failing: this.#failing };
  }

  reconfigure(options: RelayOptions): void {
    this.#relay.reconfigure(options);
  }

  /** Call the store no more. */
  close(): void {
    this.#relay.close();
    this.#asked.clear();
  }

  async #takeRequest(
    from: NodeId,
    { route, body, signature, identity }: RelayedRequest,
    answer: (answer: Pick<RelayedAnswer, 'status' | 'body' | 'signature' | 'identity'>) => void,
  ): Promise<void> {
    const { trust, inbox, onRejected } = this.#dependencies;
    const asked = { method: 'POST', path: route, signature };
    const signed = { ...asked, body: Buffer.from(body), identity, address: 'the store' };
    const judged = authenticate(signed, trust());
    if ('code' in judged) return onRejected(judged.reason, from);
    const result = await inbox.submit(route, judged.message);
    if (result.kind === 'reply') answer(signReply(result.effect, asked, trust()));
    else onRejected('overloaded', from);
  }

  /** An answer belongs to one request; what answers none of this run's is dropped, and so is what isn't authentic. */
  #takeAnswer({ re, status, body, signature, identity }: RelayedAnswer): void {
    const effect = this.#asked.get(re);
    if (effect === undefined) return;
    const response = { status, body: Buffer.from(body), signature, identity };
    const outcome = this.#dependencies.transport().judge(effect, re, response);
    if (outcome.kind !== 'answered') return this.#dependencies.onRejected('signature', effect.to);
    this.#asked.delete(re);
    this.#dependencies.post(outcome);
  }
}
