/**
 * `/v1/events`: server-sent events (HTML Living Standard, 9.2) to whoever watches this node, or the whole cluster.
 *
 * A status is made once for all who watch, at most so often, and only while somebody does. There are so many streams and no
 * more; one that isn't taken in time gets the newest later instead of all that it missed, and is cut off in the end. Each
 * ends after some minutes, so that who may read is asked again: a browser comes back by itself.
 */
import type { ServerResponse } from 'node:http';
import type { DurationMs, MonotonicMs } from '@failtome/protocol';
import type { ClusterStatus } from './cluster-view.ts';
import type { AgentStatus } from './node-report.ts';

/** How much watching costs at most. */
export interface EventStreamsOptions {
  readonly maxStreams: number;
  readonly maxStreamsPerAddress: number;
  /** Between two statuses where nothing happens. No stream is silent for longer. */
  readonly calmMs: DurationMs;
  /** Between two where something does. */
  readonly busyMs: DurationMs;
  /** Unsent bytes of one stream, beyond which it gets nothing more. */
  readonly maxUnsentBytes: number;
  /** It is cut off when nothing of it was taken for so long. */
  readonly stuckMs: DurationMs;
  /** Then it ends, and whoever watches asks anew. */
  readonly lastsMs: DurationMs;
}

/** What an agent uses. */
export const EVENT_STREAMS: EventStreamsOptions = {
  maxStreams: 32,
  maxStreamsPerAddress: 16,
  calmMs: 1_000,
  busyMs: 250,
  maxUnsentBytes: 262_144,
  stuckMs: 10_000,
  lastsMs: 600_000,
};

/** How long a browser waits until it comes back. */
const RETRY_MS: DurationMs = 2_000;

/** Where the events come from. */
export interface EventSources {
  readonly status: () => AgentStatus;
  readonly cluster: () => Promise<ClusterStatus>;
  readonly monotonicMs: () => MonotonicMs;
  /** A stream wasn't taken in time. */
  readonly onCut: (address: string) => void;
}

/** What happened, and is told at once. */
export interface NodeEvent {
  readonly event: 'decided' | 'step' | 'history';
  readonly data: unknown;
}

/** Whose status a stream carries. */
export type EventScope = 'node' | 'cluster';

interface Stream {
  readonly response: ServerResponse;
  readonly address: string;
  readonly scope: EventScope;
  readonly endsAt: MonotonicMs;
  /** Since when nothing of it has been taken; null: it takes what it is sent. */
  stuckSince: MonotonicMs | null;
  /** The stories that it was last sent. */
  stories: string;
}

/** All streams of an agent, on whichever listener. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #sources: EventSources;
  readonly #streams = new Set<Stream>();
  #timer: NodeJS.Timeout | null = null;
  #madeAt: MonotonicMs = Number.NEGATIVE_INFINITY;
  #making = false;
  /** Something happened while one was made. */
  #hurried = false;
  #closed = false;

  constructor(options: EventStreamsOptions, sources: EventSources) {
    this.#options = options;
    this.#sources = sources;
  }

  /** How many are open. */
  get size(): number {
    return this.#streams.size;
  }

  /** Whether there is room for another one from there. */
  hasRoomFor(address: string): boolean {
    const { maxStreams, maxStreamsPerAddress } = this.#options;
    if (this.#closed || this.#streams.size >= maxStreams) return false;
    return [...this.#streams].filter((one) => one.address === address).length < maxStreamsPerAddress;
  }

  /** Take over a response whose head has been written, until either side ends it. */
  add(response: ServerResponse, address: string, scope: EventScope): void {
    const endsAt = this.#sources.monotonicMs() + this.#options.lastsMs;
    const stream: Stream = { response, address, scope, endsAt, stuckSince: null, stories: '' };
    this.#streams.add(stream);
    response.on('drain', () => {
      stream.stuckSince = null;
    });
    response.on('error', () => undefined); // its end is all that matters
    response.once('close', () => this.#streams.delete(stream));
    this.#send(stream, `retry: ${RETRY_MS}\n\n`);
    this.#schedule(0);
  }

  /** Something happened: whoever watches hears of it, and soon of the status that it led to. */
  tell({ event, data }: NodeEvent): void {
    if (this.#streams.size === 0) return;
    const text = frame(event, JSON.stringify(data));
    for (const stream of this.#streams) this.#send(stream, text);
    this.hurry();
  }

  /** The status has changed in a way that people wait for. */
  hurry(): void {
    const { monotonicMs } = this.#sources;
    if (this.#streams.size === 0) return;
    this.#hurried = this.#making;
    this.#schedule(Math.max(0, this.#madeAt + this.#options.busyMs - monotonicMs()));
  }

  /** End every stream. */
  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const { response } of this.#streams) response.end();
  }

  #schedule(inMs: DurationMs): void {
    if (this.#closed || this.#making) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#make(), inMs);
  }

  async #make(): Promise<void> {
    this.#timer = null;
    this.#endThoseDue();
    if (this.#streams.size === 0) return;
    this.#making = true;
    this.#madeAt = this.#sources.monotonicMs();
    if (this.#has('node')) this.#sendAll('node', frame('status', JSON.stringify(this.#sources.status())));
    if (this.#has('cluster')) this.#sendCluster(await this.#sources.cluster());
    this.#making = false;
    this.#schedule(this.#hurried ? this.#options.busyMs : this.#options.calmMs);
    this.#hurried = false;
  }

  #has(scope: EventScope): boolean {
    return [...this.#streams].some((stream) => stream.scope === scope);
  }

  #sendAll(scope: EventScope, text: string): void {
    for (const stream of this.#streams) if (stream.scope === scope) this.#send(stream, text);
  }

  /** What happened is the most of it, and hardly ever changes: it is sent when it has. */
  #sendCluster({ nodes, stories, ...rest }: ClusterStatus): void {
    const happened = JSON.stringify(stories);
    const presents = nodes.map(({ history: _, ...node }) => node);
    const text = frame('cluster', JSON.stringify({ ...rest, nodes: presents }));
    const told = frame('stories', happened);
    for (const stream of this.#streams) {
      if (stream.scope !== 'cluster') continue;
      if (stream.stories !== happened && this.#send(stream, told)) stream.stories = happened;
      this.#send(stream, text);
    }
  }

  /** Whether it was sent: who takes too slowly is spared what the next status says anyway. */
  #send(stream: Stream, text: string): boolean {
    const { response } = stream;
    if (response.writableLength > this.#options.maxUnsentBytes || response.destroyed) return false;
    if (!response.write(text)) stream.stuckSince ??= this.#sources.monotonicMs();
    return true;
  }

  #endThoseDue(): void {
    const now = this.#sources.monotonicMs();
    for (const { response, address, endsAt, stuckSince } of this.#streams) {
      if (stuckSince !== null && now - stuckSince > this.#options.stuckMs) {
        this.#sources.onCut(address);
        response.destroy();
      } else if (now > endsAt) response.end();
    }
  }
}

/** JSON has no line breaks of its own, so that one line is enough. */
function frame(event: string, json: string): string {
  return `event: ${event}\ndata: ${json}\n\n`;
}
