/**
 * Finds the peers whose URLs the configuration leaves out, by a tag of their instances: at the start, rarely at rest, and
 * soon when one of them is silent. It only ever says where a peer is: who votes, and whose word counts, is not its business.
 */
import type { CallOutcome } from '@failtome/ports';
import type { DurationMs, InstanceId, Ip, MonotonicMs, NodeId } from '@failtome/protocol';
import { type Pace, pauseMs } from './discovery-pace.ts';
import { type Sighting, sightingOf, type TaggedInstance } from './tagged-instances.ts';

/** Who is looked for. */
export interface DiscoveryOptions {
  /** The key of the tag. */
  readonly tag: string;
  readonly sought: readonly NodeId[];
  /** All nodes of the configuration, this one among them. */
  readonly configured: ReadonlySet<NodeId>;
}

/** What an ask came to. */
export type DiscoveryNews =
  /** A peer is at another address than was known; `before` is null where none was. */
  | {
      readonly kind: 'found';
      readonly peer: NodeId;
      readonly instanceId: InstanceId;
      readonly address: Ip;
      readonly before: Ip | null;
    }
  /** No running instance is this peer, and no address of it is known. */
  | { readonly kind: 'absent'; readonly peer: NodeId }
  /** Several say they are this peer: none is believed, and the address that was known stays. */
  | { readonly kind: 'contested'; readonly peer: NodeId; readonly instanceIds: readonly InstanceId[] }
  | { readonly kind: 'stranger'; readonly node: NodeId; readonly instanceId: InstanceId }
  /** EC2 doesn't say, or null: it does again. */
  | {
      readonly kind: 'failing';
      readonly failure: { readonly code: string; readonly message: string } | null;
    };

/** What an answer may say of a peer that is looked for. */
export const DISCOVERY_STATES = ['found', 'absent', 'contested'] as const;

/** Of a peer that is looked for, by the last answer. */
export type DiscoveryState = (typeof DISCOVERY_STATES)[number];

/** What the discovery asks, and whom it tells. */
export interface DiscoveryDependencies {
  /** One ask, which ends by itself. */
  readonly ask: (tag: string) => Promise<CallOutcome<readonly TaggedInstance[]>>;
  /** Nothing has been heard of it lately. */
  readonly isSilent: (peer: NodeId) => boolean;
  /** Where every peer is that was ever found; told when it has changed. */
  readonly onFound: (addresses: ReadonlyMap<NodeId, Ip>) => void;
  /** Each thing once, as long as it lasts. */
  readonly onNews: (news: DiscoveryNews) => void;
  readonly monotonicMs: () => MonotonicMs;
  /** Does it later; answers how to forget it. */
  readonly later: (ms: DurationMs, work: () => void) => () => void;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** One run's search. Nothing is asked before `start`. */
export class PeerDiscovery {
  readonly #dependencies: DiscoveryDependencies;
  #options: DiscoveryOptions;
  #addresses: ReadonlyMap<NodeId, Ip>;
  #pace: Pace = { asksInSilence: null, failures: 0 };
  /** Null: an ask is under way, or nothing is to be asked. */
  #next: { readonly atMs: MonotonicMs; readonly forget: () => void } | null = null;
  #isAsking = false;
  /** It changed while an ask was under way: that answer is of no use. */
  #generation = 0;
  #failing = '';
  #states: ReadonlyMap<NodeId, DiscoveryState> = new Map();
  /** What is told already, one text each. */
  #told: ReadonlySet<string> = new Set();

  /** @param known where peers were when they were last found */
  constructor(
    options: DiscoveryOptions,
    known: ReadonlyMap<NodeId, Ip>,
    dependencies: DiscoveryDependencies,
  ) {
    this.#options = options;
    this.#addresses = known;
    this.#dependencies = dependencies;
  }

  /** By the last answer; none before there is one. */
  get states(): ReadonlyMap<NodeId, DiscoveryState> {
    return this.#states;
  }

  /** Ask now, and from time to time from now on. */
  start(): void {
    this.#wait(0);
  }

  /** A peer has fallen silent: it may be somewhere else now. */
  peerSilent(peer: NodeId): void {
    if (!this.#options.sought.includes(peer) || this.#pace.failures > 0) return;
    this.#pace = { ...this.#pace, asksInSilence: 0 };
    if (this.#next === null) return;
    const ms = pauseMs(this.#pace, this.#dependencies.random());
    if (this.#next.atMs > this.#dependencies.monotonicMs() + ms) this.#wait(ms);
  }

  /** Look for others, or by another tag. An answer that is under way doesn't count any more. */
  reconfigure(options: DiscoveryOptions, known: ReadonlyMap<NodeId, Ip>): void {
    this.#options = options;
    this.#addresses = known;
    this.#generation += 1;
    this.#states = new Map();
    if (!this.#isAsking) this.#wait(0);
  }

  close(): void {
    this.#generation += 1;
    this.#options = { ...this.#options, sought: [] };
    this.#next?.forget();
    this.#next = null;
  }

  #wait(ms: DurationMs): void {
    this.#next?.forget();
    this.#next = null;
    if (this.#options.sought.length === 0) return;
    const forget = this.#dependencies.later(ms, () => {
      this.#next = null;
      void this.#ask();
    });
    this.#next = { atMs: this.#dependencies.monotonicMs() + ms, forget };
  }

  async #ask(): Promise<void> {
    const generation = this.#generation;
    this.#isAsking = true;
    const outcome = await this.#dependencies.ask(this.#options.tag);
    this.#isAsking = false;
    if (generation !== this.#generation) return this.#wait(0);
    this.#judge(outcome);
    this.#wait(pauseMs(this.#pace, this.#dependencies.random()));
  }

  #judge(outcome: CallOutcome<readonly TaggedInstance[]>): void {
    const failures = outcome.kind === 'failed' ? this.#pace.failures + 1 : 0;
    const code = outcome.kind === 'failed' ? outcome.failure.code : '';
    if (code !== this.#failing) {
      this.#failing = code;
      const failure = outcome.kind === 'failed' ? outcome.failure : null;
      this.#dependencies.onNews({ kind: 'failing', failure });
    }
    if (outcome.kind === 'ok') this.#take(sightingOf(outcome.output, this.#options));
    const isSilent = this.#options.sought.some((peer) => this.#dependencies.isSilent(peer));
    this.#pace = { failures, asksInSilence: isSilent ? (this.#pace.asksInSilence ?? -1) + 1 : null };
  }

  #take({ found, contested, strangers }: Sighting): void {
    const before = this.#addresses;
    const { sought } = this.#options;
    const moved = [...found].filter(([peer, { address }]) => before.get(peer) !== address);
    this.#states = new Map(
      sought.map((peer) => [peer, contested.has(peer) ? 'contested' : found.has(peer) ? 'found' : 'absent']),
    );
    const absent = sought.filter((peer) => this.#states.get(peer) === 'absent' && !before.has(peer));
    this.#tell([
      ...[...contested].map(([peer, instanceIds]) => ({ kind: 'contested', peer, instanceIds }) as const),
      ...strangers.map(({ node, instanceId }) => ({ kind: 'stranger', node, instanceId }) as const),
      ...absent.map((peer) => ({ kind: 'absent', peer }) as const),
    ]);
    if (moved.length === 0) return;
    this.#addresses = new Map([...before, ...moved.map(([peer, { address }]) => [peer, address] as const)]);
    for (const [peer, { address, instanceId }] of moved)
      this.#dependencies.onNews({
        kind: 'found',
        peer,
        instanceId,
        address,
        before: before.get(peer) ?? null,
      });
    this.#dependencies.onFound(this.#addresses);
  }

  /** What was told of the last answer isn't told again of this one. */
  #tell(present: readonly DiscoveryNews[]): void {
    const texts = present.map((news) => JSON.stringify(news));
    for (const [index, news] of present.entries())
      if (!this.#told.has(texts[index] ?? '')) this.#dependencies.onNews(news);
    this.#told = new Set(texts);
  }
}
