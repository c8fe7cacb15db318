/**
 * The host loop: inputs → step → effects → ports → inputs.
 *
 * The agent and the simulator run this same loop; only the ports differ. It owns the queue, feeds
 * `step`, hands each effect to its port, and arms one timer for the state's next deadline. There is
 * no `await` in it: a port answers later, by `post`.
 *
 * What a host owes the protocol stands in PROTOCOL.md, "The host's duties".
 */
import type { ProtocolConfig } from './config.ts';
import { nextDeadline } from './deadline.ts';
import type {
  AskExternalIpEffect,
  CheckLocalEffect,
  DriveEffect,
  Effect,
  PersistEffect,
  ProbeEffect,
  PublishEffect,
  ReplyEffect,
  SendEffect,
} from './effects.ts';
import type { Fact } from './facts.ts';
import { initialState } from './initial.ts';
import type { Input } from './inputs.ts';
import type { State } from './state.ts';
import { step } from './step.ts';
import type { EffectId, Instant, MonotonicMs } from './units.ts';

/** An input without its time; the host stamps it. */
export type Event = Input extends infer I ? (I extends Input ? Omit<I, 'at' | 'wall'> : never) : never;

/** The world, as the protocol sees it. Every method returns at once; answers come through `post`. */
export interface Ports {
  readonly clock: { now(): Instant };
  readonly timer: {
    /** Call `wake` at or soon after `at`; a later call replaces an earlier one. */
    wakeAt(at: MonotonicMs, wake: () => void): void;
    cancel(): void;
  };
  /** Answers `answered` or `send-failed` once a `sendId`, shortly after `timeoutMs` at the latest; a late `answered` may follow a `timeout`. */
  readonly transport: { send(effect: SendEffect): void; reply(effect: ReplyEffect): void };
  /** Answers `probed` once a probe. */
  readonly prober: { probe(effect: ProbeEffect): void };
  /** Answers `local-checked` once a check. */
  readonly local: { check(effect: CheckLocalEffect): void };
  /** Answers `external-ip` once an ask. */
  readonly externalIp: { ask(effect: AskExternalIpEffect): void };
  /** Answers `driven` once a call. */
  readonly driver: { drive(effect: DriveEffect): void };
  /** Answers `published` once a publication. */
  readonly notifier: { publish(effect: PublishEffect): void };
  /** Answers `persisted` or `persist-failed` once a write; a write may be overtaken by a later one, whose answer counts for both. */
  readonly store: { persist(effect: PersistEffect): void };
  /** Everything that was told in one step, with the state after it. Must not throw. */
  readonly observer: { observe(facts: readonly Fact[], state: State, now: Instant): void };
  /** The node has said goodbye and owes nothing more. */
  readonly stopped: () => void;
}

export interface Host {
  /** Take an event in. Safe to call from within a port. */
  post(event: Event): void;
  /** The present state, for status pages and checkers. Not to be changed. */
  state(): State;
  /** Stop at once, without goodbye: no timer stays armed, later events are ignored. */
  close(): void;
}

/** The most inputs that may wait in the queue; beyond it the host asserts, because ports are bounded. */
export const MAX_QUEUE = 65_536;

/** The most effects that wait for a write; beyond it the oldest is dropped, as a network would. */
export const MAX_HELD = 1_024;

/**
 * Build a host. Nothing happens until a `started` event is posted.
 *
 * @throws Error when an invariant of the protocol is broken; the process should then end.
 */
export function createHost(config: ProtocolConfig, ports: Ports): Host {
  let state = initialState(config);
  let running = false;
  let closed = false;
  let durable: EffectId = 0;
  let held: Effect[] = [];
  const queue: Event[] = [];

  function post(event: Event): void {
    if (closed) return;
    if (queue.length >= MAX_QUEUE) throw new Error(`host queue is full: ${MAX_QUEUE} inputs wait`);
    queue.push(event);
    if (!running) drain();
  }

  function drain(): void {
    running = true;
    try {
      for (let event = queue.shift(); event !== undefined && !closed; event = queue.shift()) feed(event);
    } finally {
      running = false;
    }
    if (!closed && state.phase !== 'new')
      ports.timer.wakeAt(nextDeadline(state), () => post({ kind: 'tick' }));
  }

  function feed(event: Event): void {
    const now = ports.clock.now();
    const turn = step(state, { ...event, ...now } as Input); // the union, put together again from its parts
    state = turn.state;
    if (turn.facts.length > 0) ports.observer.observe(turn.facts, state, now);
    for (const effect of turn.effects) if (!closed) dispatch(effect);
    if (event.kind === 'persisted') release(event.writeId);
    if (event.kind === 'persist-failed') held = held.filter((effect) => waitsFor(effect) > event.writeId);
  }

  /** A write is durable: what waited for it, and for earlier ones, goes out. */
  function release(writeId: EffectId): void {
    durable = Math.max(durable, writeId);
    const ready = held.filter((effect) => waitsFor(effect) <= durable);
    held = held.filter((effect) => waitsFor(effect) > durable);
    for (const effect of ready) dispatch(effect);
  }

  function dispatch(effect: Effect): void {
    if (waitsFor(effect) > durable) {
      held = [...held.slice(1 - MAX_HELD), effect];
      return;
    }
    switch (effect.kind) {
      case 'send':
        return ports.transport.send(effect);
      case 'reply':
        return ports.transport.reply(effect);
      case 'probe':
        return ports.prober.probe(effect);
      case 'check-local':
        return ports.local.check(effect);
      case 'ask-external-ip':
        return ports.externalIp.ask(effect);
      case 'drive':
        return ports.driver.drive(effect);
      case 'publish':
        return ports.notifier.publish(effect);
      case 'persist':
        return ports.store.persist(effect);
      case 'stopped':
        return ports.stopped();
    }
  }

  return {
    post,
    state: () => state,
    close() {
      closed = true;
      queue.length = 0;
      held = [];
      ports.timer.cancel();
    },
  };
}

function waitsFor(effect: Effect): EffectId {
  return effect.kind === 'persist' ? 0 : (effect.after ?? 0);
}
