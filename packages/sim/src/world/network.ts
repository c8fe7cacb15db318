/**
 * The paths between the nodes: delays, loss, cuts in one direction or both, refused connections, and whoever records
 * requests and sends them again. It carries bytes and knows nothing of what they say.
 */
import { LATE_ANSWER_MS } from '@failtome/ports';
import type { NodeId, SendFailure } from '@failtome/protocol';
import type { Details, LostWhy } from './details.ts';
import type { Packets, Transfer } from './packets.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** One direction between two nodes. */
export interface Link {
  /** `open`; `closed`: packets vanish; `no-connections`: new requests vanish, answers to the other's still pass. */
  state: 'open' | 'closed' | 'no-connections' | 'reject';
  delayMs: readonly [number, number];
  lossPerMille: number;
  /** So often a message takes up to `tailMs` longer. */
  tailPerMille: number;
  tailMs: number;
  /** So often a request arrives once more, up to five seconds later; its answer goes nowhere. */
  duplicatePerMille: number;
  /** Kept connections are dead, and nobody has noticed; fresh ones work. */
  keptDead: boolean;
}

/** A link that loses nothing. */
export const QUIET_LINK: Readonly<Link> = {
  state: 'open',
  delayMs: [0.25, 2],
  lossPerMille: 0,
  tailPerMille: 0,
  tailMs: 0,
  duplicatePerMille: 0,
  keptDead: false,
};

/** What becomes of single messages, whatever the link is like. */
export interface MessageRule {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly way: 'request' | 'response' | 'any';
  /** How many such messages it lets pass first, and how many it is for then. */
  readonly skip: number;
  readonly times: number;
  /** `again`: a request arrives once more, so much later; its answer goes nowhere. */
  readonly fate: { readonly kind: 'lost' } | { readonly kind: 'late' | 'again'; readonly byMs: number };
}

/** What takes a node's requests in. */
export interface Listener {
  /** `refused`: nobody listens; `gone`: the machine doesn't answer at all. */
  readonly state: () => 'listening' | 'refused' | 'gone';
  receive(request: Delivery): void;
}

/** A request that has arrived. */
export interface Delivery {
  readonly bytes: string;
  readonly route: string;
  /** The same for every delivery of one recorded request. */
  readonly recordedAs: number;
  /** When its sender wrote it. */
  readonly sentAtMs: number;
  /** Send the answer back; at most one counts. */
  readonly respond: (status: number, bytes: string) => void;
}

/** A request that is sent. */
export interface Request {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly route: string;
  readonly bytes: string;
  readonly fresh: boolean;
  /** The sender is told that it failed at the latest then, in the world's time. */
  readonly until: number;
  /** Called exactly once; after a time-out once more if the answer comes late, but comes. */
  readonly done: (
    result:
      | { readonly kind: 'response'; readonly bytes: string }
      | { readonly kind: 'failed'; readonly reason: SendFailure },
  ) => void;
}

/** A message that nobody answers on its way, as UDP carries it. */
export type Datagram = Pick<Request, 'from' | 'to' | 'route' | 'bytes'>;

/** How many recorded requests a replay can choose from. */
const MAX_RECORDED = 256;

interface Recorded {
  readonly to: NodeId;
  readonly route: string;
  readonly bytes: string;
  readonly id: number;
  readonly sentAtMs: number;
}

/** A request whose sender waits. */
interface Asked {
  readonly done: Request['done'];
  /** An answer later than this is no answer. */
  readonly lateUntil: number;
  /** It was told how the request ended. */
  ended: boolean;
  /** Nothing more is told: not even a late answer. */
  closed: boolean;
}

/** All links of a world, and what is on its way over them. */
export class Network {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #log: (what: string, detail: string) => void;
  readonly #details: Details;
  readonly #packets: Packets | null;
  readonly #usual: Readonly<Link>;
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Map<NodeId, Listener>();
  readonly #recorded: Recorded[] = [];
  readonly #rules = new Set<{ readonly rule: MessageRule; passed: number }>();
  #count = 0;

  constructor(
    queue: EventQueue,
    random: Random,
    log: (what: string, detail: string) => void,
    details: Details,
    packets: Packets | null = null,
    usual: Partial<Link> = {},
  ) {
    this.#queue = queue;
    this.#random = random;
    this.#log = log;
    this.#details = details;
    this.#packets = packets;
    this.#usual = { ...QUIET_LINK, ...usual };
  }

  /** Count messages from now on, and decide over those that the rule is for. */
  rule(rule: MessageRule): () => void {
    const one = { rule, passed: 0 };
    this.#rules.add(one);
    return () => void this.#rules.delete(one);
  }

  clearRules(): void {
    this.#rules.clear();
  }

  listen(id: NodeId, listener: Listener): void {
    this.#listeners.set(id, listener);
  }

  /** Deliver one recorded request again, to its receiver or to somebody else; false when nothing was recorded. */
  replay(to?: NodeId): boolean {
    if (this.#recorded.length === 0) return false;
    const one = this.#random.pick(this.#recorded);
    this.#log('replay', `${one.route} to ${to ?? one.to}`);
    this.#deliver(one, to ?? one.to, nowhere);
    return true;
  }

  link(from: NodeId, to: NodeId): Link {
    const key = `${from}>${to}`;
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const made: Link = { ...this.#usual };
    this.#links.set(key, made);
    return made;
  }

  /** Send it. What it is recorded as, for whoever sends the same on another way. */
  request(wanted: Request): Pick<Delivery, 'recordedAs' | 'sentAtMs'> {
    const one = this.#record(wanted);
    this.#dispatch(wanted, one);
    return { recordedAs: one.id, sentAtMs: one.sentAtMs };
  }

  #dispatch(wanted: Request, one: Recorded): void {
    const { from, to, until } = wanted;
    const there = this.link(from, to);
    const back = this.link(to, from);
    const asked = { done: wanted.done, lateUntil: until + LATE_ANSWER_MS, ended: false, closed: false };
    this.#queue.at(until, () => fail(asked, 'timeout'));
    const msg = 2 * one.id;
    this.#details.emit?.({
      kind: 'sent',
      msg,
      re: null,
      from,
      to,
      route: one.route,
      bytes: one.bytes,
      fresh: wanted.fresh,
    });
    if (there.state === 'reject') {
      this.#lost(msg, 'rejected');
      this.#queue.after(this.#delayOn(there), () => fail(asked, 'unreachable'));
      return;
    }
    const fate = this.#fateOf(from, to, 'request');
    const why = this.#stopped(there, back, wanted.fresh) ?? (fate?.kind === 'lost' ? 'loss' : null);
    if (why !== null) return this.#lost(msg, why);
    this.#send(from, to, wanted.fresh ? 'first-data' : 'data', () =>
      this.#queue.after(this.#delayOn(there) + (fate?.kind === 'late' ? fate.byMs : 0), () => {
        const state = this.#listeners.get(to)?.state() ?? 'gone';
        if (state === 'refused' && back.state !== 'closed')
          this.#queue.after(this.#delayOn(back), () => fail(asked, 'refused'));
        if (state !== 'listening') return this.#lost(msg, state);
        this.#deliver(one, to, (_status, response) =>
          this.#respond({ one, from: to, to: from }, response, asked),
        );
      }),
    );
    if (this.#random.chance(there.duplicatePerMille)) this.#later(one, this.#random.between(1, 5_000));
    if (fate?.kind === 'again') this.#later(one, fate.byMs);
  }

  /** Send it one way: the same delays and losses, no connection, and no word of what became of it. */
  datagram({ from, to, route, bytes }: Datagram): void {
    const there = this.link(from, to);
    this.#count += 1;
    const one = { to, route, bytes, id: this.#count, sentAtMs: this.#queue.now() };
    const msg = 2 * one.id;
    this.#details.emit?.({ kind: 'sent', msg, re: null, from, to, route, bytes, fresh: false });
    if (there.state !== 'open' || !this.#carries(there))
      return this.#lost(msg, there.state === 'open' ? 'loss' : 'cut');
    this.#queue.after(this.#delayOn(there), () => this.#deliver(one, to, () => undefined));
  }

  /** The way back of what answers a recorded request. */
  #respond(
    { one: { id, route }, from, to }: { readonly one: Recorded; readonly from: NodeId; readonly to: NodeId },
    bytes: string,
    asked: Asked,
  ): void {
    const [re, msg] = [2 * id, 2 * id + 1];
    const back = this.link(from, to);
    this.#details.emit?.({ kind: 'sent', msg, re, from, to, route, bytes, fresh: false });
    const fate = this.#fateOf(from, to, 'response');
    if (!this.#carries(back) || fate?.kind === 'lost')
      return this.#lost(msg, back.state === 'closed' ? 'cut' : 'loss');
    this.#send(from, to, 'data', () =>
      this.#queue.after(this.#delayOn(back) + (fate?.kind === 'late' ? fate.byMs : 0), () => {
        if (asked.closed || this.#queue.now() > asked.lateUntil) return this.#lost(msg, 'late');
        this.#details.emit?.({ kind: 'arrived', msg, to, again: false });
        asked.ended = true;
        asked.closed = true;
        asked.done({ kind: 'response', bytes });
      }),
    );
  }

  #delayOn({ delayMs, tailPerMille, tailMs }: Link): number {
    const usual = this.#random.between(Math.round(delayMs[0] * 16), Math.round(delayMs[1] * 16)) / 16;
    return this.#random.chance(tailPerMille) ? usual + this.#random.between(0, tailMs) : usual;
  }

  #send(from: NodeId, to: NodeId, transfer: Transfer, arrived: () => void): void {
    if (this.#packets === null) arrived();
    else this.#packets.send([from, to], transfer, arrived);
  }

  #carries(way: Link): boolean {
    return way.state !== 'closed' && !this.#random.chance(way.lossPerMille);
  }

  /** Every rule counts every message that it matches; the first that it is for decides. */
  #fateOf(from: NodeId, to: NodeId, way: 'request' | 'response'): MessageRule['fate'] | null {
    let fate: MessageRule['fate'] | null = null;
    for (const one of this.#rules) {
      const { rule } = one;
      if (rule.from !== from || rule.to !== to || (rule.way !== 'any' && rule.way !== way)) continue;
      one.passed += 1;
      if (one.passed > rule.skip + rule.times) this.#rules.delete(one);
      else if (one.passed > rule.skip) fate ??= rule.fate;
    }
    return fate;
  }

  #record({ to, route, bytes }: Request): Recorded {
    this.#count += 1;
    const one = { to, route, bytes, id: this.#count, sentAtMs: this.#queue.now() };
    if (this.#recorded.length < MAX_RECORDED) this.#recorded.push(one);
    else this.#recorded[this.#random.below(MAX_RECORDED)] = one;
    return one;
  }

  #deliver(one: Recorded, to: NodeId, respond: Delivery['respond']): void {
    const listener = this.#listeners.get(to);
    if (listener?.state() !== 'listening') return;
    this.#details.emit?.({ kind: 'arrived', msg: 2 * one.id, to, again: respond === nowhere });
    listener.receive({
      bytes: one.bytes,
      route: one.route,
      recordedAs: one.id,
      sentAtMs: one.sentAtMs,
      respond,
    });
  }

  #lost(msg: number, why: LostWhy): void {
    this.#details.emit?.({ kind: 'lost', msg, why });
  }

  /** Why a request doesn't even get on its way. */
  #stopped(there: Link, back: Link, fresh: boolean): LostWhy | null {
    // A new connection needs both directions before the request can leave; a kept one only its own.
    if (there.state === 'no-connections') return 'no-connections';
    if (there.state !== 'open' || (fresh && back.state === 'closed')) return 'cut';
    if (there.keptDead && !fresh) return 'kept-dead';
    return this.#carries(there) ? null : 'loss';
  }

  #later(one: Recorded, byMs: number): void {
    this.#queue.after(byMs, () => {
      this.#log('duplicate', `${one.route} to ${one.to}`);
      this.#deliver(one, one.to, nowhere);
    });
  }
}

/** After a time-out, and only then, an answer may still come. */
function fail(asked: Asked, reason: SendFailure): void {
  if (asked.ended) return;
  asked.ended = true;
  asked.closed = reason !== 'timeout';
  asked.done({ kind: 'failed', reason });
}

function nowhere(): void {
  // Whoever sends a recorded request again can't read its answer.
}
