/**
 * One member of plain SWIM, to compare with: a failure detector by random probing, and membership updates that ride on its
 * messages.
 *
 * Source: Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol", DSN 2002:
 * sections 3.1 (ping, ping-req), 4.1 (piggyback), 4.2 (suspicion, incarnations), 4.3 (round-robin order of targets). None of what
 * Lifeguard adds. One thing is as in hashicorp/memberlist, because members here come back: of a confirmed death, too, the higher
 * incarnation counts, so that one who was called dead by mistake can refute it.
 */
import type { NodeId } from '@failtome/protocol';

/** What is said of a member; `faulty` is what others call dead. */
export type SwimStatus = 'alive' | 'suspect' | 'faulty';

/** A membership update. */
export interface SwimUpdate {
  readonly id: NodeId;
  readonly status: SwimStatus;
  readonly incarnation: number;
}

/** A message of the protocol. `for`: whom an indirect probe is made for. */
export interface SwimMessage {
  readonly kind: 'ping' | 'ping-req' | 'ack';
  readonly from: NodeId;
  readonly seq: number;
  /** Of a `ping-req`: who is to be probed. */
  readonly target?: NodeId;
  readonly updates: readonly SwimUpdate[];
}

/** The parameters of the paper. */
export interface SwimSettings {
  /** T': a period of the protocol. */
  readonly periodMs: number;
  /** How long a direct ping may take before others are asked. */
  readonly pingTimeoutMs: number;
  /** k: how many others are asked. */
  readonly indirect: number;
  /** How long a suspect may refute. */
  readonly suspicionMs: number;
  /** λ log n: in how many messages an update rides. */
  readonly spreads: number;
  /** The most updates on one message. */
  readonly updatesPerMessage: number;
}

/** What a member runs on. Both wait while its process is stopped. */
export interface SwimPorts {
  readonly send: (to: NodeId, message: SwimMessage) => void;
  readonly after: (ms: number, work: () => void) => void;
  /** A whole number from 0 up to, not including, `bound`. */
  readonly below: (bound: number) => number;
  /** It says something else of another member now. */
  readonly changed: (id: NodeId, to: SwimStatus) => void;
}

interface Known {
  status: SwimStatus;
  incarnation: number;
}

/** A running member. */
export class SwimMember {
  readonly #id: NodeId;
  readonly #others: readonly NodeId[];
  readonly #settings: SwimSettings;
  readonly #ports: SwimPorts;
  readonly #known = new Map<NodeId, Known>();
  /** Updates that still ride, each with how often it has; at most one a member. */
  readonly #riding = new Map<NodeId, { readonly update: SwimUpdate; rode: number }>();
  #incarnation = 0;
  #turns: NodeId[] = [];
  #seq = 0;
  /** Probes that aren't acknowledged, by number. */
  readonly #probes = new Map<number, NodeId>();
  /** Probes made for others: whom to tell, and the number that they know it by. */
  readonly #relayed = new Map<number, { readonly to: NodeId; readonly seq: number }>();

  constructor(id: NodeId, members: readonly NodeId[], settings: SwimSettings, ports: SwimPorts) {
    this.#id = id;
    this.#others = members.filter((other) => other !== id);
    this.#settings = settings;
    this.#ports = ports;
    for (const other of this.#others) this.#known.set(other, { status: 'alive', incarnation: 0 });
  }

  /** Begin with the periods, at a moment within the first. */
  start(): void {
    this.#ports.after(this.#ports.below(this.#settings.periodMs), () => this.#period());
  }

  /** What it says of another; undefined: it doesn't know that one. */
  saysOf(id: NodeId): Readonly<Known> | undefined {
    return this.#known.get(id);
  }

  /** Tell all others something of itself: a higher incarnation. */
  announce(): number {
    this.#incarnation += 1;
    this.#ride({ id: this.#id, status: 'alive', incarnation: this.#incarnation });
    return this.#incarnation;
  }

  receive(message: SwimMessage): void {
    const { kind, from, seq, target } = message;
    for (const update of message.updates) this.#hear(update);
    if (kind === 'ping') this.#say(from, { kind: 'ack', seq });
    else if (kind === 'ack') this.#onAck(seq);
    else if (target !== undefined) {
      const own = this.#next();
      this.#relayed.set(own, { to: from, seq });
      this.#ports.after(this.#settings.periodMs, () => this.#relayed.delete(own));
      this.#say(target, { kind: 'ping', seq: own });
    }
  }

  #period(): void {
    this.#ports.after(this.#settings.periodMs, () => this.#period());
    const target = this.#nextTarget();
    if (target === null) return;
    const seq = this.#next();
    this.#probes.set(seq, target);
    this.#say(target, { kind: 'ping', seq });
    this.#ports.after(this.#settings.pingTimeoutMs, () => this.#askOthers(seq, target));
    this.#ports.after(this.#settings.periodMs, () => {
      if (this.#probes.delete(seq)) this.#suspect(target);
    });
  }

  #askOthers(seq: number, target: NodeId): void {
    if (!this.#probes.has(seq)) return;
    const left = this.#others.filter((id) => id !== target && this.#known.get(id)?.status !== 'faulty');
    for (let i = 0; i < this.#settings.indirect && left.length > 0; i += 1) {
      const [helper] = left.splice(this.#ports.below(left.length), 1);
      if (helper !== undefined) this.#say(helper, { kind: 'ping-req', seq, target });
    }
  }

  #onAck(seq: number): void {
    this.#probes.delete(seq);
    const asked = this.#relayed.get(seq);
    if (asked === undefined) return;
    this.#relayed.delete(seq);
    this.#say(asked.to, { kind: 'ack', seq: asked.seq });
  }

  #suspect(id: NodeId): void {
    const known = this.#known.get(id);
    if (known?.status === 'alive') this.#adopt({ id, status: 'suspect', incarnation: known.incarnation });
  }

  #hear(update: SwimUpdate): void {
    if (update.id === this.#id) {
      if (update.status === 'alive' || update.incarnation < this.#incarnation) return;
      this.#incarnation = update.incarnation;
      this.announce();
      return;
    }
    const known = this.#known.get(update.id);
    if (known !== undefined && overrides(update, known)) this.#adopt(update);
  }

  #adopt(update: SwimUpdate): void {
    const known = this.#known.get(update.id);
    if (known === undefined) return;
    const { status } = known;
    known.status = update.status;
    known.incarnation = update.incarnation;
    this.#ride(update);
    if (update.status !== status) this.#ports.changed(update.id, update.status);
    if (update.status === 'suspect')
      this.#ports.after(this.#settings.suspicionMs, () => this.#confirm(update));
  }

  /** Nobody has refuted it in time. */
  #confirm({ id, incarnation }: SwimUpdate): void {
    const known = this.#known.get(id);
    if (known?.status === 'suspect' && known.incarnation === incarnation)
      this.#adopt({ id, status: 'faulty', incarnation });
  }

  #ride(update: SwimUpdate): void {
    this.#riding.set(update.id, { update, rode: 0 });
  }

  /** Those that rode least go first. */
  #updates(): readonly SwimUpdate[] {
    if (this.#riding.size === 0) return [];
    const { spreads, updatesPerMessage } = this.#settings;
    const chosen = [...this.#riding.values()].sort((a, b) => a.rode - b.rode).slice(0, updatesPerMessage);
    for (const one of chosen) {
      one.rode += 1;
      if (one.rode >= spreads) this.#riding.delete(one.update.id);
    }
    return chosen.map(({ update }) => update);
  }

  #say(to: NodeId, what: Omit<SwimMessage, 'from' | 'updates'>): void {
    this.#ports.send(to, { ...what, from: this.#id, updates: this.#updates() });
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** Each in turn, in an order that is drawn anew when all have had theirs. */
  #nextTarget(): NodeId | null {
    for (let asked = 0; asked <= this.#others.length; asked += 1) {
      if (this.#turns.length === 0) this.#turns = this.#shuffled();
      const id = this.#turns.pop();
      if (id !== undefined && this.#known.get(id)?.status !== 'faulty') return id;
    }
    return null;
  }

  #shuffled(): NodeId[] {
    const order = [...this.#others];
    for (let i = order.length - 1; i > 0; i -= 1) {
      const j = this.#ports.below(i + 1);
      const [one, other] = [order[i], order[j]];
      if (one !== undefined && other !== undefined) [order[i], order[j]] = [other, one];
    }
    return order;
  }
}

/** Section 4.2: the higher incarnation counts, and of one incarnation what is worse. */
export function overrides({ status, incarnation }: SwimUpdate, known: Readonly<Known>): boolean {
  if (incarnation !== known.incarnation) return incarnation > known.incarnation;
  return rank(status) > rank(known.status);
}

function rank(status: SwimStatus): number {
  return status === 'alive' ? 0 : status === 'suspect' ? 1 : 2;
}
