/** A node's lane: what lasted in it, gathered from the records. */
import type { Ip, TakeoverPhase, Verdict } from '@failtome/protocol';
import type {
  GateLine,
  LeaseLine,
  NodeLine,
  ProcessState,
  RecordedRun,
  TraceRecord,
  ViewLine,
} from '../record/records.ts';
import { merged, newSeries, type Span } from './spans.ts';

/** What a process thought of one address, over time. */
export interface AddressTrack {
  readonly ip: Ip;
  readonly verdict: readonly Span<Verdict>[];
  readonly stage: readonly Span<TakeoverPhase>[];
  readonly lent: readonly Span<LeaseLine>[];
  /** Whose leases it has, its own aside; several names with commas. */
  readonly borrowed: readonly Span<string>[];
  readonly views: readonly Span<ViewLine>[];
  readonly ladders: readonly Span<readonly GateLine[]>[];
}

/** One process of a node, over time. */
export interface Lane {
  readonly name: string;
  /** A node's; a second process with its id has it too. */
  readonly node: string;
  readonly role: string;
  readonly process: readonly Span<ProcessState>[];
  readonly haproxy: readonly Span<string>[];
  readonly states: readonly Span<NodeLine>[];
  readonly tracks: readonly AddressTrack[];
  /** Moments of its story, as indices into the records. */
  readonly marks: readonly number[];
  /** While at least one fault strikes it. */
  readonly faulted: readonly Span<true>[];
}

/** Makes a lane from records. */
export interface LaneBuilder {
  readonly name: string;
  take(record: TraceRecord): void;
  done(toMs: number, marks: readonly number[], faulted: Lane['faulted']): Lane;
}

/** Begin a lane. */
export function newLane(name: string, cluster: RecordedRun['header']['cluster']): LaneBuilder {
  const node = cluster.nodes.find(({ id }) => id === name || name.startsWith(`${id}#`));
  const process = newSeries<ProcessState>();
  const haproxy = newSeries<string>();
  const states = newSeries<NodeLine | null>();
  const tracks = new Map(cluster.addresses.map((ip) => [ip, newTrack(ip, node?.id ?? name)]));
  return {
    name,
    take(record) {
      if (record.kind === 'process') {
        process.add(record.at, record.state);
        if (isOver(record.state)) {
          states.add(record.at, null);
          for (const track of tracks.values()) track.off(record.at);
        }
      } else if (record.kind === 'haproxy') haproxy.add(record.at, record.state);
      else if (record.kind === 'node') states.add(record.at, record);
      else if ('address' in record) tracks.get(record.address)?.take(record);
    },
    done: (toMs, marks, faulted) => ({
      name,
      node: node?.id ?? name,
      role: node?.role ?? '',
      process: process.spans(toMs),
      haproxy: haproxy.spans(toMs),
      states: known(states.spans(toMs)),
      tracks: [...tracks.values()].map((track) => track.done(toMs)),
      marks,
      faulted,
    }),
  };
}

/** Whether there is no process any more that thinks anything. */
function isOver(state: ProcessState): boolean {
  return state === 'off' || state === 'stopped' || state === 'crashed' || state === 'gone';
}

interface TrackBuilder {
  take(record: TraceRecord): void;
  /** The process is no more: it thinks nothing. What it has lent stays lent. */
  off(atMs: number): void;
  done(toMs: number): AddressTrack;
}

function newTrack(ip: Ip, node: string): TrackBuilder {
  const views = newSeries<ViewLine | null>();
  const ladders = newSeries<readonly GateLine[] | null>();
  const lent = newSeries<LeaseLine>();
  const borrowed: { readonly from: string; readonly fromMs: number; toMs: number }[] = [];

  function give(from: string | null, atMs: number): void {
    for (const one of borrowed) if (one.toMs > atMs && (from === null || one.from === from)) one.toMs = atMs;
  }

  return {
    take(record) {
      if (record.kind === 'view') views.add(record.at, record);
      else if (record.kind === 'ladder') ladders.add(record.at, record.gates);
      else if (record.kind === 'lease') lent.add(record.at, record);
      else if (record.kind === 'borrowed') {
        give(record.from, record.at);
        if (record.untilMs !== null && record.from !== node)
          borrowed.push({ from: record.from, fromMs: record.at, toMs: record.untilMs });
      }
    },
    off(atMs) {
      views.add(atMs, null);
      ladders.add(atMs, null);
      give(null, atMs);
    },
    done(toMs) {
      const seen = known(views.spans(toMs));
      return {
        ip,
        verdict: merged(seen.map((span) => ({ ...span, is: span.is.verdict }))),
        stage: merged(seen.map((span) => ({ ...span, is: span.is.stage }))).filter(({ is }) => is !== 'idle'),
        lent: lent.spans(toMs).flatMap((span) => lentSpan(span)),
        borrowed: together(borrowed, toMs),
        views: seen,
        ladders: known(ladders.spans(toMs)),
      };
    },
  };
}

/** Who lends at each time: spans that overlap become spans of several names. */
function together(
  lent: readonly { readonly from: string; readonly fromMs: number; readonly toMs: number }[],
  endMs: number,
): readonly Span<string>[] {
  const times = new Set(lent.flatMap(({ fromMs, toMs }) => [fromMs, Math.min(toMs, endMs)]));
  const edges = [...times].sort((a, b) => a - b);
  const spans = edges.flatMap((fromMs, index) => {
    const toMs = edges[index + 1];
    const names = lent.filter((one) => one.fromMs <= fromMs && fromMs < one.toMs).map(({ from }) => from);
    return toMs === undefined || names.length === 0 ? [] : [{ fromMs, toMs, is: names.sort().join(', ') }];
  });
  return merged(spans);
}

function known<T>(spans: readonly Span<T | null>[]): readonly Span<T>[] {
  return spans.flatMap(({ is, ...times }) => (is === null ? [] : [{ ...times, is }]));
}

function lentSpan({ fromMs, toMs, is }: Span<LeaseLine>): readonly Span<LeaseLine>[] {
  const until = Math.min(toMs, is.untilMs);
  return is.to === null || until <= fromMs ? [] : [{ fromMs, toMs: until, is }];
}
