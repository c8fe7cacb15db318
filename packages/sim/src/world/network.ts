/**
 * The paths between the nodes: delays, loss, cuts in one direction or both, refused connections, and whoever records
 * requests and sends them again. It carries bytes and knows nothing of what they say.
 */
import type { NodeId, SendFailure } from '@failtome/protocol';
import type { Details, LostWhy } from './details.ts';
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

export interface Request {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly route: string;
  readonly bytes: string;
  readonly fresh: boolean;
  /** The sender is told that it failed at the latest then, in the world's time. */
  readonly until: number;
  /** Called exactly once. */
  readonly done: (
    result:
      | { readonly kind: 'response'; readonly bytes: string }
      | { readonly kind: 'failed'; readonly reason: SendFailure },
  ) => void;
}

export interface Network {
  link(from: NodeId, to: NodeId): Link;
  listen(id: NodeId, listener: Listener): void;
  request(request: Request): void;
  /** Count messages from now on, and decide over those that the rule is for. */
  rule(rule: MessageRule): () => void;
  clearRules(): void;
  /** Deliver one recorded request again, to its receiver or to somebody else; false when nothing was recorded. */
  replay(to?: NodeId): boolean;
}

/** How many recorded requests a replay can choose from. */
const MAX_RECORDED = 256;

interface Recorded {
  readonly to: NodeId;
  readonly route: string;
  readonly bytes: string;
  readonly id: number;
  readonly sentAtMs: number;
}

export function createNetwork(
  queue: EventQueue,
  random: Random,
  tell: (what: string, detail: string) => void,
  details: Details,
): Network {
  const links = new Map<string, Link>();
  const listeners = new Map<NodeId, Listener>();
  const recorded: Recorded[] = [];
  const rules = new Set<{ readonly rule: MessageRule; passed: number }>();
  let count = 0;

  function link(from: NodeId, to: NodeId): Link {
    const key = `${from}>${to}`;
    const known = links.get(key);
    if (known !== undefined) return known;
    const made: Link = { ...QUIET_LINK };
    links.set(key, made);
    return made;
  }

  function delayOn({ delayMs, tailPerMille, tailMs }: Link): number {
    const usual = random.between(Math.round(delayMs[0] * 16), Math.round(delayMs[1] * 16)) / 16;
    return random.chance(tailPerMille) ? usual + random.between(0, tailMs) : usual;
  }

  function carries(way: Link): boolean {
    return way.state !== 'closed' && !random.chance(way.lossPerMille);
  }

  /** Every rule counts every message that it matches; the first that it is for decides. */
  function fateOf(from: NodeId, to: NodeId, way: 'request' | 'response'): MessageRule['fate'] | null {
    let fate: MessageRule['fate'] | null = null;
    for (const one of rules) {
      const { rule } = one;
      if (rule.from !== from || rule.to !== to || (rule.way !== 'any' && rule.way !== way)) continue;
      one.passed += 1;
      if (one.passed > rule.skip + rule.times) rules.delete(one);
      else if (one.passed > rule.skip) fate ??= rule.fate;
    }
    return fate;
  }

  function record({ to, route, bytes }: Request): Recorded {
    count += 1;
    const one = { to, route, bytes, id: count, sentAtMs: queue.now() };
    if (recorded.length < MAX_RECORDED) recorded.push(one);
    else recorded[random.below(MAX_RECORDED)] = one;
    return one;
  }

  function deliver(one: Recorded, to: NodeId, respond: Delivery['respond']): void {
    const listener = listeners.get(to);
    if (listener?.state() !== 'listening') return;
    details.emit?.({ kind: 'arrived', msg: 2 * one.id, to, again: respond === nowhere });
    listener.receive({
      bytes: one.bytes,
      route: one.route,
      recordedAs: one.id,
      sentAtMs: one.sentAtMs,
      respond,
    });
  }

  function lost(msg: number, why: LostWhy): void {
    details.emit?.({ kind: 'lost', msg, why });
  }

  /** Why a request doesn't even get on its way. */
  function stopped(there: Link, back: Link, fresh: boolean): LostWhy | null {
    // A new connection needs both directions before the request can leave; a kept one only its own.
    if (there.state === 'no-connections') return 'no-connections';
    if (there.state !== 'open' || (fresh && back.state === 'closed')) return 'cut';
    if (there.keptDead && !fresh) return 'kept-dead';
    return carries(there) ? null : 'loss';
  }

  function request(wanted: Request): void {
    const { from, to, until } = wanted;
    const there = link(from, to);
    const back = link(to, from);
    let answered = false;
    const answer = (result: Parameters<Request['done']>[0]): void => {
      if (answered) return;
      answered = true;
      wanted.done(result);
    };
    queue.at(until, () => answer({ kind: 'failed', reason: 'timeout' }));
    const one = record(wanted);
    const msg = 2 * one.id;
    details.emit?.({
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
      lost(msg, 'rejected');
      queue.after(delayOn(there), () => answer({ kind: 'failed', reason: 'unreachable' }));
      return;
    }
    const fate = fateOf(from, to, 'request');
    const why = stopped(there, back, wanted.fresh) ?? (fate?.kind === 'lost' ? 'loss' : null);
    if (why !== null) return lost(msg, why);
    queue.after(delayOn(there) + (fate?.kind === 'late' ? fate.byMs : 0), () => {
      const state = listeners.get(to)?.state() ?? 'gone';
      if (state === 'refused' && back.state !== 'closed')
        queue.after(delayOn(back), () => answer({ kind: 'failed', reason: 'refused' }));
      if (state !== 'listening') return lost(msg, state);
      deliver(one, to, (_status, bytes) => {
        const re = msg + 1;
        details.emit?.({
          kind: 'sent',
          msg: re,
          re: msg,
          from: to,
          to: from,
          route: one.route,
          bytes,
          fresh: false,
        });
        const answers = fateOf(to, from, 'response');
        if (!carries(back) || answers?.kind === 'lost')
          return lost(re, back.state === 'closed' ? 'cut' : 'loss');
        queue.after(delayOn(back) + (answers?.kind === 'late' ? answers.byMs : 0), () => {
          if (answered) return lost(re, 'late');
          details.emit?.({ kind: 'arrived', msg: re, to: from, again: false });
          answer({ kind: 'response', bytes });
        });
      });
    });
    if (random.chance(there.duplicatePerMille)) later(one, random.between(1, 5_000));
    if (fate?.kind === 'again') later(one, fate.byMs);
  }

  function later(one: Recorded, byMs: number): void {
    queue.after(byMs, () => {
      tell('duplicate', `${one.route} to ${one.to}`);
      deliver(one, one.to, nowhere);
    });
  }

  return {
    link,
    rule(rule) {
      const one = { rule, passed: 0 };
      rules.add(one);
      return () => void rules.delete(one);
    },
    clearRules: () => rules.clear(),
    listen: (id, listener) => void listeners.set(id, listener),
    request,
    replay(to) {
      if (recorded.length === 0) return false;
      const one = random.pick(recorded);
      tell('replay', `${one.route} to ${to ?? one.to}`);
      deliver(one, to ?? one.to, nowhere);
      return true;
    },
  };
}

function nowhere(): void {
  // Whoever sends a recorded request again can't read its answer.
}
