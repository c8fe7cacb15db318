/**
 * A recorded run as the report draws it: lanes with what lasted in them, messages, faults. Pure, and made in the browser.
 */
import type { Ip } from '@failtome/protocol';
import { type MessageKind, messageKind, type RecordedRun, type TraceRecord } from '../record/records.ts';
import { type Lane, newLane } from './lanes.ts';
import { merged, newSeries, type Span } from './spans.ts';

/** A message, from its sending to its end. */
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

/** A fault, as long as it lasted. */
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

/** All that the report shows. */
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
    lanes: lanes.map((lane, index) => lane.done(toMs, marks[index] ?? [], faultsOn(faults, index))),
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

/** The faults of one lane, those that overlap made one. */
function faultsOn(faults: readonly Fault[], lane: number): Lane['faulted'] {
  const found: Span<true>[] = [];
  for (const { lanes, fromMs, toMs } of faults) {
    if (!lanes.includes(lane) || toMs <= fromMs) continue;
    const last = found.at(-1);
    if (last === undefined || fromMs > last.toMs) found.push({ fromMs, toMs, is: true });
    else if (toMs > last.toMs) found[found.length - 1] = { ...last, toMs };
  }
  return found;
}

function laneNames(
  nodes: RecordedRun['header']['cluster']['nodes'],
  records: RecordedRun['records'],
): readonly string[] {
  const seen = new Set(records.flatMap((one) => (one.kind === 'process' ? [one.who] : [])));
  const ids = nodes.map(({ id }) => id);
  // Second processes stand below all nodes.
  return [...ids, ...[...seen].filter((name) => !ids.includes(name)).sort()];
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
