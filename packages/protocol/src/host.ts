/**
 * The host loop: inputs → step → effects → ports → inputs.
 *
 * The agent and the simulator run this same loop; only the ports differ. It owns the queue, feeds
 * `step`, hands each effect to its port, and arms one timer for the state's next deadline. There is
 * no `await` in it: a port answers later, by `post`.
 *
 * What a host owes the protocol stands in PROTOCOL.md, "The host's duties".
 */
import type { ProtocolConfig } from './model/config.ts';
import type {
  ArbiterEffect,
  AskExternalIpEffect,
  CheckLocalEffect,
  DriveEffect,
  Effect,
  PersistEffect,
  ProbeEffect,
  PublishEffect,
  ReplyEffect,
  SendEffect,
} from './model/effects.ts';
import { initialState } from './model/initial.ts';
import type { Input } from './model/inputs.ts';
import type { State } from './model/state.ts';
import type { EffectId, Instant, MonotonicMs } from './model/units.ts';
import type { Fact } from './reporting/facts.ts';
import { step } from './step.ts';

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
  /** Answers `arbiter` once a call. Absent where the configuration has no arbiter: nothing is asked there. */
  readonly arbiter?: { ask(effect: ArbiterEffect): void };
  /** Everything that was told in one step, with the state after it. Must not throw. */
  readonly observer: { observe(facts: readonly Fact[], state: State, now: Instant): void };
  /** The node has said goodbye and owes nothing more. */
  readonly stopped: () => void;
  /** Absent: nothing is recorded. */
  readonly recorder?: RecorderPort;
}

/** Is told of every step, so that it can be taken again. Must neither throw nor take long. */
export interface RecorderPort {
  /** An input is about to be taken in; `before` may be kept, nobody changes it. */
  takes(input: Input, before: HostCore): void;
  /** What came of it, before any of it is done. */
  made(turn: HostTurn): void;
}

/** A running node, between its ports and the state machine. */
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
const MAX_HELD = 1_024;

/** What a host keeps between two inputs. Plain data: `hostStep` makes a new one, nobody changes one. */
export interface HostCore {
  readonly state: State;
  /** The newest write that is known to be durable. */
  readonly durable: EffectId;
  /** What waits for a later one, oldest first, at most `MAX_HELD`. */
  readonly held: readonly Effect[];
}

/** What one input leads to. */
export interface HostTurn {
  readonly core: HostCore;
  /** What goes to the ports now, in this order. */
  readonly effects: readonly Effect[];
  readonly facts: readonly Fact[];
}

/** The host of a node that hasn't been started. */
export function newHostCore(config: ProtocolConfig): HostCore {
  return { state: initialState(config), durable: 0, held: [] };
}

/**
 * One input through `step`, and the rule of writes before words: an effect that names a write is held back until that
 * write is durable, and dropped when it failed. Pure, so that the explorer can follow every order of events with it.
 *
 * @param take the protocol's step; another one only to show what breaks without one of its rules
 * @throws Error when an invariant of the protocol is broken
 */
export function hostStep(core: HostCore, input: Input, take: typeof step = step): HostTurn {
  const { state, effects, facts } = take(core.state, input);
  const { durable } = core;
  const waiting = effects.filter((effect) => waitsFor(effect) > durable);
  const out = waiting.length === 0 ? effects : effects.filter((effect) => waitsFor(effect) <= durable);
  const held = waiting.length === 0 ? core.held : [...core.held, ...waiting].slice(-MAX_HELD);
  if (input.kind === 'persisted') {
    const reached = Math.max(durable, input.writeId);
    const ready = held.filter((effect) => waitsFor(effect) <= reached);
    const still = ready.length === 0 ? held : held.filter((effect) => waitsFor(effect) > reached);
    return {
      core: { state, durable: reached, held: still },
      effects: ready.length === 0 ? out : [...out, ...ready],
      facts,
    };
  }
  const kept =
    input.kind === 'persist-failed' ? held.filter((effect) => waitsFor(effect) > input.writeId) : held;
  return { core: { state, durable, held: kept }, effects: out, facts };
}

/**
 * Build a host. Nothing happens until a `started` event is posted.
 *
 * @throws Error when an invariant of the protocol is broken; the process should then end.
 */
export function createHost(config: ProtocolConfig, ports: Ports): Host {
  let core = newHostCore(config);
  let running = false;
  let closed = false;
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
    if (!closed && core.state.phase !== 'new')
      ports.timer.wakeAt(core.state.due, () => post({ kind: 'tick' }));
  }

  function feed(event: Event): void {
    const now = ports.clock.now();
    const input = { at: now.at, wall: now.wall, ...event } as Input; // the union, put together again from its parts
    ports.recorder?.takes(input, core);
    const taken = hostStep(core, input);
    ports.recorder?.made(taken);
    core = taken.core;
    if (taken.facts.length > 0) ports.observer.observe(taken.facts, core.state, now);
    for (const effect of taken.effects) if (!closed) dispatch(ports, effect);
  }

  return {
    post,
    state: () => core.state,
    close() {
      closed = true;
      queue.length = 0;
      core = { ...core, held: [] };
      ports.timer.cancel();
    },
  };
}

/** Hands an effect to the port that it is for. */
function dispatch(ports: Ports, effect: Effect): void {
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
    case 'arbiter':
      if (ports.arbiter === undefined)
        throw new Error('the protocol asked for an arbiter, and this host has none');
      return ports.arbiter.ask(effect);
    case 'persist':
      return ports.store.persist(effect);
    case 'stopped':
      return ports.stopped();
  }
}

function waitsFor(effect: Effect): EffectId {
  return effect.kind === 'persist' ? 0 : (effect.after ?? 0);
}
