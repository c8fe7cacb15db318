/**
 * The relay: where the direct path to another voter fails, ordinary signed messages go through a store as well, one item a
 * direction (docs/decisions/0053-a-relay-through-a-store.md).
 *
 * The agent and the simulator run this same relay; only the store, the clock and the timer behind it differ. It adds nothing to
 * what the protocol believes: what comes out of the store is checked like what comes over the wire, and a late answer is
 * posted like any other.
 */
import type { DurationMs, MonotonicMs, NodeId, ProtocolConfig } from '@failtome/protocol';
import {
  decodeItem,
  encodeItem,
  type RelayedAnswer,
  type RelayedRequest,
  type RelayItem,
  relayKey,
} from './relay-item.ts';
import {
  enqueue,
  hasFailedNow,
  isRead,
  isUnanswered,
  itemOf,
  newLine,
  nextAt,
  quicken,
  type RelayLine,
  readAt,
  readEnded,
  spaceWrites,
  take,
  worked,
  writeAt,
  writeEnded,
} from './relay-line.ts';
import { PROOF_AGAIN_MS, PROOF_EVERY_MS, type RelayGossip, type RelayPace, relayPace } from './relay-pace.ts';
import type { RelayStore, StoreFailure, StoreRead, StoreWrite } from './relay-store.ts';

/** Whom a node relays to, and how quickly. */
export interface RelayOptions {
  readonly cluster: string;
  readonly self: NodeId;
  /** The other voters; none where this node is no voter. */
  readonly peers: readonly NodeId[];
  readonly gossip: RelayGossip;
}

/** What a relay has to do with. */
export interface RelayDependencies {
  readonly store: RelayStore;
  /** Names this run: no other has had it. */
  readonly run: string;
  readonly now: () => MonotonicMs;
  /** Do something later; answers how to forget it. */
  readonly after: (ms: DurationMs, work: () => void) => () => void;
  /** A request has come through the store. Its answer, if it is given, goes the same way. */
  readonly onRequest: (
    from: NodeId,
    request: RelayedRequest,
    answer: (answer: Omit<RelayedAnswer, 'kind' | 're' | 'route'>) => void,
  ) => void;
  readonly onAnswer: (from: NodeId, answer: RelayedAnswer) => void;
  readonly onNews: (news: RelayNews) => void;
}

/** What is told of a relay. */
export type RelayNews =
  /** The direct path to a peer has failed, or works again. */
  | { readonly kind: 'path'; readonly peer: NodeId; readonly relaying: boolean }
  /** The store fails, or works again. Told when it changes. */
  | { readonly kind: 'store'; readonly failure: StoreFailure | null }
  /** Something else than this run writes what only it should. */
  | { readonly kind: 'conflict'; readonly peer: NodeId }
  | {
      readonly kind: 'call';
      readonly operation: 'read' | 'write';
      readonly result: 'ok' | 'conflict' | 'failed';
    }
  | {
      readonly kind: 'carried';
      readonly peer: NodeId;
      readonly way: 'in' | 'out';
      readonly messages: number;
    };

/** What there is to see of the way to one peer. */
export interface RelayView {
  readonly peer: NodeId;
  /** `unanswered`: the direct path has failed, and nothing comes through the store either. */
  readonly state: 'direct' | 'relaying' | 'unanswered';
  /** How long ago something new came through the store; null: never. */
  readonly heardMs: DurationMs | null;
}

/** What a node's configuration means for its relay: voters relay to voters. */
export function relayOptionsOf({ cluster, node, peers, gossip }: ProtocolConfig): RelayOptions {
  const voters = peers.filter(({ role }) => role !== 'member').map(({ id }) => id);
  return { cluster, self: node.id, peers: node.role === 'member' ? [] : voters, gossip };
}

const UNREADABLE: StoreFailure = {
  kind: 'failed',
  code: 'unreadable',
  detail: 'what stands there is none of ours',
};

/** The relay of one run of a node. It calls nothing before `start`. */
export class Relay {
  readonly #dependencies: RelayDependencies;
  readonly #lines = new Map<NodeId, RelayLine>();
  #options: RelayOptions;
  #pace: RelayPace;
  #forgetTimer: (() => void) | null = null;
  #timerAt: MonotonicMs | null = null;
  #proofAt: MonotonicMs;
  /** Whose turn it is to be written to when nothing else is. */
  #proofTurn = 0;
  #failure: StoreFailure | null = null;
  #isTold = false;
  #isOpen = false;

  constructor(options: RelayOptions, dependencies: RelayDependencies) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#pace = relayPace(options.gossip);
    this.#proofAt = dependencies.now();
    this.#setPeers();
  }

  /** Begin, with a proof that the store works. */
  start(): void {
    this.#isOpen = true;
    this.#proofAt = this.#dependencies.now();
    this.#pump();
  }

  /** Take over other peers and another pace. Lines to peers that stay go on. */
  reconfigure(options: RelayOptions): void {
    this.#options = options;
    this.#pace = relayPace(options.gossip);
    this.#setPeers();
    this.#pump();
  }

  /** Call the store no more. What is under way is answered to nobody. */
  close(): void {
    this.#isOpen = false;
    this.#forgetTimer?.();
    this.#forgetTimer = null;
  }

  /** A request goes out on the direct path now. */
  sent(to: NodeId, request: RelayedRequest): void {
    const line = this.#lines.get(to);
    if (line === undefined) return;
    line.unansweredFrom ??= this.#dependencies.now();
    this.#look(line);
    if (line.failedAt === null) line.latest = request;
    else enqueue(line, request, this.#dependencies.now());
    this.#pump();
  }

  /** The direct path has carried a request and its answer. */
  answered(by: NodeId): void {
    const line = this.#lines.get(by);
    if (line === undefined) return;
    const { failedAt } = line;
    worked(line);
    if (failedAt !== null) this.#dependencies.onNews({ kind: 'path', peer: by, relaying: false });
  }

  /** A request has come to nothing on the direct path: not sent, or not answered in time. */
  failed(to: NodeId): void {
    const line = this.#lines.get(to);
    if (line === undefined) return;
    line.hasFailure = line.unansweredFrom !== null;
    this.#look(line);
    this.#pump();
  }

  /** One for each peer, in the order in which they are configured. */
  view(): readonly RelayView[] {
    const now = this.#dependencies.now();
    return [...this.#lines.values()].map((line) => ({
      peer: line.peer,
      state: line.failedAt === null ? 'direct' : isUnanswered(line, now) ? 'unanswered' : 'relaying',
      heardMs: line.heardAt === null ? null : now - line.heardAt,
    }));
  }

  #setPeers(): void {
    const { peers } = this.#options;
    const now = this.#dependencies.now();
    for (const id of this.#lines.keys()) if (!peers.includes(id)) this.#lines.delete(id);
    for (const id of peers) if (!this.#lines.has(id)) this.#lines.set(id, newLine(id, now));
  }

  /** Where the direct path has failed by now, the request that it hasn't carried is the first to go through the store. */
  #look(line: RelayLine): void {
    const now = this.#dependencies.now();
    if (!hasFailedNow(line, this.#pace, now)) return;
    this.#dependencies.onNews({ kind: 'path', peer: line.peer, relaying: true });
    if (line.latest !== null) enqueue(line, line.latest, now);
    line.latest = null;
  }

  /** Make the calls that are due, and see to it that the others are made when they are. */
  #pump(): void {
    if (!this.#isOpen) return;
    const now = this.#dependencies.now();
    if (now >= this.#proofAt) this.#prove(now);
    for (const line of this.#lines.values()) {
      if (line.isDue && !line.isWriting && now >= writeAt(line, this.#pace, now)) this.#write(line);
      if (isRead(line) && !line.isReading && now >= readAt(line, this.#pace, now)) this.#read(line);
    }
    this.#planNext();
  }

  #planNext(): void {
    const now = this.#dependencies.now();
    const times = [...this.#lines.values()].map((line) => nextAt(line, this.#pace, now));
    const next = Math.min(this.#proofAt, ...times.map((at) => at ?? Number.POSITIVE_INFINITY));
    if (this.#forgetTimer !== null && this.#timerAt === next) return;
    this.#forgetTimer?.();
    this.#timerAt = next;
    this.#forgetTimer = this.#dependencies.after(Math.max(1, next - now), () => {
      this.#forgetTimer = null;
      this.#pump();
    });
  }

  /** While every direct path works one item is written now and then, and the one beside it read, so that it is known to work. */
  #prove(now: MonotonicMs): void {
    this.#proofAt = now + PROOF_EVERY_MS;
    const lines = [...this.#lines.values()];
    const line = lines[this.#proofTurn % Math.max(1, lines.length)];
    this.#proofTurn += 1;
    if (line === undefined || line.failedAt !== null) return;
    line.isDue = true;
    line.readOnce = true;
  }

  #read(line: RelayLine): void {
    const { now, store } = this.#dependencies;
    line.isReading = true;
    line.readOnce = false;
    line.readAfter = now() + this.#pace.paceMs;
    store.read(this.#keyOf(line.peer, this.#options.self), this.#pace.callTimeoutMs, (result) => {
      line.isReading = false;
      if (!this.#isCurrent(line)) return;
      const item = result.kind === 'item' ? decodeItem(result.text) : null;
      const isGarbage = result.kind === 'item' && item === null;
      this.#tellCall('read', isGarbage ? UNREADABLE : result);
      const failed = isGarbage || result.kind === 'failed';
      readEnded(line, failed ? 'failed' : 'well', this.#pace, now());
      if (failed) this.#proveSoon(line);
      if (item !== null) this.#takeIn(line, item);
      this.#pump();
    });
  }

  #takeIn(line: RelayLine, item: RelayItem): void {
    const { now, run, onRequest, onAnswer, onNews } = this.#dependencies;
    const messages = take(line, item, run, now());
    if (messages.length === 0) return;
    quicken(line, this.#pace, now());
    onNews({ kind: 'carried', peer: line.peer, way: 'in', messages: messages.length });
    for (const message of messages) {
      if (message.kind === 'answer') onAnswer(line.peer, message);
      else
        onRequest(line.peer, message, (answer) => {
          if (!this.#isCurrent(line)) return;
          const { route, signature: re } = message;
          enqueue(line, { kind: 'answer', route, re, ...answer }, now());
          this.#pump();
        });
    }
  }

  #write(line: RelayLine): void {
    const { now, store } = this.#dependencies;
    line.isWriting = true;
    spaceWrites(line, this.#pace, now());
    const { version } = line;
    if (version !== undefined) return this.#writeOver(line, version);
    // Only what is known is written over: another run's item, or this one's where it isn't known how the last write ended.
    store.read(this.#keyOf(this.#options.self, line.peer), this.#pace.callTimeoutMs, (result) => {
      if (!this.#isCurrent(line)) return;
      this.#tellCall('read', result);
      if (result.kind === 'failed') return this.#writeOver(line, undefined);
      this.#writeOver(line, result.kind === 'item' ? result.version : null);
    });
  }

  #writeOver(line: RelayLine, expected: RelayLine['version']): void {
    const { now, run, store } = this.#dependencies;
    if (expected === undefined) return this.#wrote(line, 'failed');
    const item = itemOf(line, run, this.#pace, now());
    const upTo = line.lastNumber;
    const key = this.#keyOf(this.#options.self, line.peer);
    store.write(key, encodeItem(item), expected, this.#pace.callTimeoutMs, (result) => {
      if (!this.#isCurrent(line)) return;
      this.#tellCall('write', result);
      line.version = result.kind === 'written' ? result.version : undefined;
      if (result.kind === 'conflict') this.#dependencies.onNews({ kind: 'conflict', peer: line.peer });
      if (result.kind !== 'written') return this.#wrote(line, 'failed');
      line.isDue = line.lastNumber > upTo;
      const messages = item.parcels.length;
      this.#dependencies.onNews({ kind: 'carried', peer: line.peer, way: 'out', messages });
      this.#wrote(line, 'well');
    });
  }

  #wrote(line: RelayLine, how: 'well' | 'failed'): void {
    line.isWriting = false;
    const now = this.#dependencies.now();
    writeEnded(line, how, this.#pace, now);
    if (how === 'failed') this.#proveSoon(line);
    this.#pump();
  }

  /** Where nothing waits to be carried it was a proof that has failed: there will be another. */
  #proveSoon(line: RelayLine): void {
    if (line.failedAt !== null || line.waiting.length > 0) return;
    line.isDue = false;
    this.#proofAt = Math.min(this.#proofAt, this.#dependencies.now() + PROOF_AGAIN_MS);
  }

  #tellCall(operation: 'read' | 'write', result: StoreRead | StoreWrite): void {
    const { onNews } = this.#dependencies;
    const failure = result.kind === 'failed' ? result : null;
    const outcome = result.kind === 'failed' || result.kind === 'conflict' ? result.kind : 'ok';
    onNews({ kind: 'call', operation, result: outcome });
    if (this.#isTold && failure?.code === this.#failure?.code) return;
    this.#isTold = true;
    this.#failure = failure;
    onNews({ kind: 'store', failure });
  }

  #isCurrent(line: RelayLine): boolean {
    return this.#isOpen && this.#lines.get(line.peer) === line;
  }

  #keyOf(from: NodeId, to: NodeId): string {
    return relayKey(this.#options.cluster, from, to);
  }
}
