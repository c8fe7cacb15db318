/**
 * Requests that the protocol has been given and hasn't replied to yet. Bounded in number and in time, so
 * that neither a flood nor a reply that waits for a stuck disk can pile them up.
 */
import type { DurationMs, EffectId, Envelope, Event, ReplyEffect, Route } from '@failtome/protocol';

/** The most requests that may wait for the protocol's reply at once. */
export const MAX_WAITING_REQUESTS = 256;

/** A reply waits for at most one disk write; after this its peer has long given up. */
export const REPLY_TIMEOUT_MS: DurationMs = 5_000;

/** The bounds of an inbox. */
export interface InboxOptions {
  readonly maxWaiting?: number;
  readonly replyTimeoutMs?: DurationMs;
}

/** Who takes what arrives. */
export interface InboxDependencies {
  /** Gives the host a message. May call `reply` before it returns. */
  readonly post: (event: Event) => void;
  /** For a test; `process.nextTick` where it is absent. */
  readonly later?: (act: () => void) => void;
}

/** `overloaded`: too many wait already, and the protocol has not been told. `no-reply`: none came in time. */
export type InboxResult =
  | { readonly kind: 'reply'; readonly effect: ReplyEffect }
  | { readonly kind: 'overloaded' }
  | { readonly kind: 'no-reply' };

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly settle: (result: InboxResult) => void;
}

/** Requests that wait for the protocol's reply. */
export class Inbox {
  readonly #maxWaiting: number;
  readonly #replyTimeoutMs: DurationMs;
  readonly #post: (event: Event) => void;
  readonly #later: (act: () => void) => void;
  readonly #waiting = new Map<EffectId, Waiting>();
  #lastRequestId: EffectId = 0;

  constructor(options: InboxOptions, dependencies: InboxDependencies) {
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING_REQUESTS;
    this.#replyTimeoutMs = options.replyTimeoutMs ?? REPLY_TIMEOUT_MS;
    this.#post = dependencies.post;
    this.#later = dependencies.later ?? ((act) => process.nextTick(act));
  }

  /**
   * Post an authentic message and wait for the protocol's reply to it. In a turn of its own: an error in the host is a broken
   * invariant, which must end the process and not become this promise's, and so an answer to whoever asked.
   */
  submit(route: Route, message: Envelope): Promise<InboxResult> {
    if (this.#waiting.size >= this.#maxWaiting) return Promise.resolve({ kind: 'overloaded' });
    this.#lastRequestId += 1;
    const requestId = this.#lastRequestId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(requestId, { kind: 'no-reply' }), this.#replyTimeoutMs);
      this.#waiting.set(requestId, { timer, settle: resolve });
      this.#later(() => this.#post({ kind: 'received', requestId, route, message }));
    });
  }

  /** The protocol's reply; one that comes too late is dropped. */
  reply(effect: ReplyEffect): void {
    this.#settle(effect.requestId, { kind: 'reply', effect });
  }

  /** Nobody will reply any more. */
  close(): void {
    for (const requestId of [...this.#waiting.keys()]) this.#settle(requestId, { kind: 'no-reply' });
  }

  #settle(requestId: EffectId, result: InboxResult): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined) return;
    this.#waiting.delete(requestId);
    clearTimeout(waiting.timer);
    waiting.settle(result);
  }
}
