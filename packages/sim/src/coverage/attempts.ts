/**
 * How far the takeovers of all running nodes have come, step by step: what pairs are counted by, and what a steered run waits for.
 */
import {
  type Ip,
  type Reason,
  type State,
  TAKEOVER_PHASES,
  type TakeoverPhase,
  takeoverPhase,
} from '@failtome/protocol';
import type { RunView, Watcher, WorldEvent } from '../world/index.ts';

/** A phase of a takeover, or of a handover. */
export type AttemptPhase = Exclude<TakeoverPhase, 'idle'>;

/** All of them, in order. */
export const ATTEMPT_PHASES: readonly AttemptPhase[] = TAKEOVER_PHASES.filter((phase) => phase !== 'idle');

/** Who is told. */
export interface AttemptListener {
  /** A node's attempt at an address has come to this phase, as it stands after a step. */
  entered(phase: AttemptPhase, by: RunView, address: Ip): void;
  /** A reason was told in a step that began in this phase, or a node stands in it with that reason. */
  reasoned(phase: AttemptPhase, reason: Reason): void;
}

type AddressState = State['addresses'][string];

/** One address of one run. */
interface Attempt {
  state: AddressState;
  phase: TakeoverPhase;
  reason: Reason;
}

interface Track {
  addresses: State['addresses'];
  readonly attempts: Map<Ip, Attempt>;
}

/** Follows the attempts in one world. */
export class Attempts {
  readonly #listener: AttemptListener;
  readonly #tracks = new Map<RunView, Track>();
  readonly watch: Watcher = (event) => this.#on(event);

  constructor(listener: AttemptListener) {
    this.#listener = listener;
  }

  /** The phases in which attempts are at this moment, one for each attempt. */
  phases(): readonly AttemptPhase[] {
    const found: AttemptPhase[] = [];
    for (const { attempts } of this.#tracks.values())
      for (const { phase } of attempts.values()) if (phase !== 'idle') found.push(phase);
    return found;
  }

  #on(event: WorldEvent): void {
    switch (event.kind) {
      case 'stepped':
        return this.#onStepped(event.by);
      case 'facts': {
        const { facts } = event;
        for (const fact of facts) {
          if (fact.kind !== 'decided') continue;
          const phase = this.#tracks.get(event.by)?.attempts.get(fact.address)?.phase;
          if (phase !== undefined && phase !== 'idle') this.#listener.reasoned(phase, fact.reason);
        }
        return;
      }
      case 'ended':
        this.#tracks.delete(event.by);
        return;
      default:
        return;
    }
  }

  #onStepped(by: RunView): void {
    const { addresses } = by.state();
    const track = this.#tracks.get(by);
    if (track?.addresses === addresses) return;
    const attempts = track?.attempts ?? new Map<Ip, Attempt>();
    if (track === undefined) this.#tracks.set(by, { addresses, attempts });
    else track.addresses = addresses;
    let known = 0;
    for (const ip in addresses) {
      const state = addresses[ip];
      if (state === undefined) continue;
      known += 1;
      this.#look(by, ip, state, attempts);
    }
    // A configuration that was read again may name an address less.
    if (known < attempts.size) for (const ip of attempts.keys()) if (!(ip in addresses)) attempts.delete(ip);
  }

  #look(by: RunView, ip: Ip, state: AddressState, attempts: Map<Ip, Attempt>): void {
    const before = attempts.get(ip);
    if (before?.state === state) return;
    const phase = takeoverPhase(state);
    const { reason } = state.decision;
    if (before === undefined) attempts.set(ip, { state, phase, reason });
    else if (before.phase === phase && before.reason === reason) {
      before.state = state;
      return;
    }
    const isNew = before?.phase !== phase;
    if (before !== undefined) Object.assign(before, { state, phase, reason });
    if (phase === 'idle') return;
    if (isNew) this.#listener.entered(phase, by, ip);
    this.#listener.reasoned(phase, reason);
  }
}
