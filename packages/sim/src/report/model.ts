/**
 * A recorded run as the report draws it: lanes with what lasted in them, messages, faults. Pure, and made in the browser.
 */
import type { Ip, Verdict } from '@failtome/protocol';
import {
  type GateLine,
  type LeaseLine,
  type MessageKind,
  messageKind,
  type NodeLine,
  type ProcessState,
  type RecordedRun,
  type Stage,
  type TraceRecord,
  type ViewLine,
} from '../record/records.ts';

/** Something that lasted, in the world's milliseconds. */
export interface Span<T> {
  readonly fromMs: number;
  readonly toMs: number;
  readonly is: T;
}

export interface Message {
  /** Its sending, as an index into the records. */
  readonly index: number;
  readonly kind: MessageKind;
  readonly reply: boolean;
  readonly from: number;
  readonly to: number;
  readonly sentMs: number;
  /** When it arrived or was lost; when it is under way at the end: the end. */
  readonly endMs: number;
  readonly fate: 'arrived' | 'lost' | 'under way';
  /** It arrived before: a duplicate, or a recorded one sent again. */
  readonly again: boolean;
}

export interface Fault {
  readonly index: number;
  readonly name: string;
  readonly says: string;
  readonly lanes: readonly number[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Whom an address belongs to, and who serves a client outside; null: nobody. */
export interface Owned {
  readonly ip: Ip;
  readonly owners: readonly Span<string | null>[];
  readonly served: readonly Span<string | null>[];
}

export interface AddressTrack {
  readonly ip: Ip;
  readonly verdict: readonly Span<Verdict>[];
  readonly stage: readonly Span<Stage>[];
  readonly lent: readonly Span<LeaseLine>[];
  /** Whose leases it has, its own aside; several names with commas. */
  readonly borrowed: readonly Span<string>[];
  readonly views: readonly Span<ViewLine>[];
  readonly ladders: readonly Span<readonly GateLine[]>[];
}

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
  readonly struck: readonly Span<true>[];
}

export interface Model {
  readonly lanes: readonly Lane[];
  readonly addresses: readonly Owned[];
  /** In the order of their sending. */
  readonly messages: readonly Message[];
  /** No message lasts longer. */
  readonly longestMs: number;
  readonly faults: readonly Fault[];
  readonly fromMs: number;
  readonly toMs: number;
  /** The index of the violation's record; null: there is none. */
  readonly violation: number | null;
}

/** Build it, in one pass over the records. */
export function modelOf({ header, records, end, cut }: RecordedRun): Model {
  const toMs = Math.max(end?.virtualMs ?? 0, records.at(-1)?.at ?? 0, 1);
  const names = laneNames(header.cluster.nodes, records);
  const lanes = names.map((name) => newLane(name, header.cluster));
  const laneOf = new Map(lanes.map(({ name }, index) => [name, index]));
  const owners = new Map(
    header.cluster.addresses.map((ip) => [ip, newSeries<Extract<TraceRecord, { kind: 'owner' }>>()]),
  );
  for (const record of records) {
    if (record.kind === 'owner') owners.get(record.address)?.add(record.at, record);
    if ('who' in record) lanes[laneOf.get(record.who) ?? -1]?.take(record);
  }
  const marks = lanes.map((): number[] => []);
  for (const [index, record] of records.entries())
    if (isMark(record)) marks[laneOf.get(record.who) ?? -1]?.push(index);
  const messages = messagesIn(records, laneOf, toMs);
  const faults = faultsIn(records, laneOf, toMs);
  const violation = records.findLastIndex(({ kind }) => kind === 'violation');
  return {
    lanes: lanes.map((lane, index) => lane.done(toMs, marks[index] ?? [], struckBy(faults, index))),
    addresses: [...owners].map(([ip, series]) => {
      const spans = series.spans(toMs);
      const owned = spans.map((span) => ({ ...span, is: span.is.owner }));
      const served = spans.map((span) => ({ ...span, is: span.is.served }));
      return { ip, owners: merged(owned), served: merged(served) };
    }),
    messages,
    longestMs: messages.reduce((most, { sentMs, endMs }) => Math.max(most, endMs - sentMs), 0),
    faults,
    fromMs: cut?.fromMs ?? 0,
    toMs,
    violation: violation < 0 ? null : violation,
  };
}

/** The span that holds at a moment; null: none does. By halving. */
export function spanAt<T>(spans: readonly Span<T>[], atMs: number): Span<T> | null {
  let [low, high] = [0, spans.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle];
    if (span === undefined || atMs < span.fromMs) high = middle - 1;
    else if (atMs >= span.toMs && middle < spans.length - 1) low = middle + 1;
    else return span;
  }
  return null;
}

/** The first index whose value isn't below it. By halving. */
export function lowerBound(count: number, value: (index: number) => number, atLeast: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < atLeast) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Changes as they come, and the spans between them. */
interface Series<T> {
  add(atMs: number, is: T): void;
  spans(toMs: number): readonly Span<T>[];
}

function newSeries<T>(): Series<T> {
  const changes: { readonly atMs: number; readonly is: T }[] = [];
  return {
    add: (atMs, is) => void changes.push({ atMs, is }),
    spans: (toMs) =>
      changes.flatMap(({ atMs, is }, index) => {
        const next = changes[index + 1]?.atMs ?? toMs;
        return next > atMs || index === changes.length - 1 ? [{ fromMs: atMs, toMs: next, is }] : [];
      }),
  };
}

/** Spans of what differs from neighbour to neighbour. */
function merged<T>(spans: readonly Span<T>[]): readonly Span<T>[] {
  const found: Span<T>[] = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (last !== undefined && last.is === span.is && last.toMs === span.fromMs)
      found[found.length - 1] = { ...last, toMs: span.toMs };
    else found.push(span);
  }
  return found;
}

interface LaneBuilder {
  readonly name: string;
  take(record: TraceRecord): void;
  done(toMs: number, marks: readonly number[], struck: Lane['struck']): Lane;
}

function newLane(name: string, cluster: RecordedRun['header']['cluster']): LaneBuilder {
  const node = cluster.nodes.find(({ id }) => id === name || name.startsWith(`${id}#`));
  const process = newSeries<ProcessState>();
  const haproxy = newSeries<string>();
  const states = newSeries<NodeLine>();
  const tracks = new Map(cluster.addresses.map((ip) => [ip, newTrack(ip, node?.id ?? name)]));
  return {
    name,
    take(record) {
      if (record.kind === 'process') {
        process.add(record.at, record.state);
        if (record.state !== 'alive' && record.state !== 'paused' && record.state !== 'frozen')
          for (const track of tracks.values()) track.off(record.at);
      } else if (record.kind === 'haproxy') haproxy.add(record.at, record.state);
      else if (record.kind === 'node') states.add(record.at, record);
      else if ('address' in record) tracks.get(record.address)?.take(record);
    },
    done: (toMs, marks, struck) => ({
      name,
      node: node?.id ?? name,
      role: node?.role ?? '',
      process: process.spans(toMs),
      haproxy: haproxy.spans(toMs),
      states: states.spans(toMs),
      tracks: [...tracks.values()].map((track) => track.done(toMs)),
      marks,
      struck,
    }),
  };
}

/** The faults of one lane, those that overlap made one. */
function struckBy(faults: readonly Fault[], lane: number): Lane['struck'] {
  const found: Span<true>[] = [];
  for (const { lanes, fromMs, toMs } of faults) {
    if (!lanes.includes(lane) || toMs <= fromMs) continue;
    const last = found.at(-1);
    if (last === undefined || fromMs > last.toMs) found.push({ fromMs, toMs, is: true });
    else if (toMs > last.toMs) found[found.length - 1] = { ...last, toMs };
  }
  return found;
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

function laneNames(
  nodes: RecordedRun['header']['cluster']['nodes'],
  records: RecordedRun['records'],
): readonly string[] {
  const seen = new Set(records.flatMap((one) => (one.kind === 'process' ? [one.who] : [])));
  return nodes.flatMap(({ id }) => [id, ...[...seen].filter((name) => name.startsWith(`${id}#`))]);
}

function messagesIn(
  records: RecordedRun['records'],
  laneOf: ReadonlyMap<string, number>,
  endMs: number,
): readonly Message[] {
  const messages: Message[] = [];
  const open = new Map<number, number>();
  const ended = (at: number, fate: 'arrived' | 'lost', atMs: number): void => {
    const sent = messages[at];
    if (sent !== undefined) messages[at] = { ...sent, fate, endMs: atMs };
  };
  const again: Message[] = [];
  for (const [index, record] of records.entries()) {
    if (record.kind === 'sent') {
      const made = newMessage(record, index, laneOf, endMs);
      if (made === null) continue;
      open.set(record.msg, messages.push(made) - 1);
    } else if (record.kind === 'lost') ended(open.get(record.msg) ?? -1, 'lost', record.at);
    else if (record.kind === 'arrived') {
      const at = open.get(record.msg) ?? -1;
      const sent = messages[at];
      if (sent === undefined) continue;
      const to = laneOf.get(record.who) ?? sent.to;
      if (!record.again) ended(at, 'arrived', record.at);
      // Whoever sends it again does so now, whenever it was sent first.
      else again.push({ ...sent, to, fate: 'arrived', sentMs: record.at, endMs: record.at, again: true });
    }
  }
  return [...messages, ...again].sort((a, b) => a.sentMs - b.sentMs || a.index - b.index);
}

function newMessage(
  record: Extract<TraceRecord, { kind: 'sent' }>,
  index: number,
  laneOf: ReadonlyMap<string, number>,
  endMs: number,
): Message | null {
  const [from, to] = [laneOf.get(record.who) ?? -1, laneOf.get(record.to) ?? -1];
  if (from < 0 && to < 0) return null;
  return {
    index,
    kind: messageKind(record.payload),
    reply: record.msg % 2 === 1,
    from,
    to,
    sentMs: record.at,
    endMs,
    fate: 'under way',
    again: false,
  };
}

function faultsIn(
  records: RecordedRun['records'],
  laneOf: ReadonlyMap<string, number>,
  toMs: number,
): readonly Fault[] {
  const ends = new Map(
    records.flatMap((one) => (one.kind === 'fault-ended' ? [[one.fault, one.at] as const] : [])),
  );
  return records.flatMap((one, index) => {
    if (one.kind !== 'fault') return [];
    const lanes = one.nodes.flatMap((id) => laneOf.get(id) ?? []);
    const until = one.lasts ? (ends.get(one.fault) ?? toMs) : one.at;
    return [{ index, name: one.name, says: one.says, lanes, fromMs: one.at, toMs: until }];
  });
}

const MARKED: ReadonlySet<string> = new Set([
  'started',
  'stopping',
  'stalled',
  'verdict',
  'local',
  'ballot-opened',
  'voted',
  'ballot-closed',
  'guard',
  'concluded',
  'late-association',
  'duplicate-id',
  'blocked',
  'notified',
  'pause',
  'handover',
  'storage',
]);

function isMark(record: TraceRecord): record is Extract<TraceRecord, { kind: 'fact' }> {
  return record.kind === 'fact' && MARKED.has(record.fact.kind);
}
