/**
 * The relay to one peer, as arithmetic on plain data: whether the direct path has failed, what is still to be written, what of
 * the peer's item is new, and when the next call is due.
 */
import type { DurationMs, MonotonicMs, NodeId } from '@failtome/protocol';
import type { Parcel, ReadUpTo, Relayed, RelayedRequest, RelayItem } from './relay-item.ts';
import { MAX_PARCELS } from './relay-item.ts';
import { HURRY_MS, type RelayPace, SLOW_AFTER_MS, SLOW_WRITE_MS } from './relay-pace.ts';
import type { StoreVersion } from './relay-store.ts';

interface Waiting extends Parcel {
  readonly since: MonotonicMs;
}

/** What a node knows of the way to one peer. */
export interface RelayLine {
  readonly peer: NodeId;
  /** When the first request went out that the peer hasn't answered directly, nor any since; null: none. */
  unansweredFrom: MonotonicMs | null;
  /** One of those since has come to nothing: it isn't only slow. */
  hasFailure: boolean;
  /** When the direct path failed; null: it works. */
  failedAt: MonotonicMs | null;
  /** The newest request that the direct path hasn't carried yet: the first to be written when it fails. */
  latest: RelayedRequest | null;
  waiting: readonly Waiting[];
  lastNumber: number;
  /** Something waits that hasn't been written. */
  isDue: boolean;
  /** When something new last came through the store; null: never. */
  heardAt: MonotonicMs | null;
  /** How far the peer's item is read. */
  read: ReadUpTo | null;
  /** What stands under this node's own key; undefined: not known, read it first. */
  version: StoreVersion | null | undefined;
  hurryUntil: MonotonicMs;
  /** Not before these. */
  writeAfter: MonotonicMs;
  readAfter: MonotonicMs;
  isWriting: boolean;
  isReading: boolean;
  /** One more read is wanted, whatever the direct path does. */
  readOnce: boolean;
  /** Calls in a row that failed. */
  failedWrites: number;
  failedReads: number;
}

/** A line whose direct path is taken to work until it is seen not to. */
export function newLine(peer: NodeId, now: MonotonicMs): RelayLine {
  return {
    peer,
    unansweredFrom: null,
    hasFailure: false,
    failedAt: null,
    latest: null,
    waiting: [],
    lastNumber: 0,
    isDue: false,
    heardAt: null,
    read: null,
    version: undefined,
    hurryUntil: now,
    writeAfter: now,
    readAfter: now,
    isWriting: false,
    isReading: false,
    readOnce: false,
    failedWrites: 0,
    failedReads: 0,
  };
}

/** The direct path has carried a message and its answer: nothing more goes through the store by this node's own will. */
export function worked(line: RelayLine): void {
  line.unansweredFrom = null;
  line.hasFailure = false;
  line.failedAt = null;
  line.latest = null;
  line.waiting = line.waiting.filter(({ message }) => message.kind === 'answer');
  line.isDue = line.isDue && line.waiting.length > 0;
}

/** Look whether the direct path has failed by now; whether this is news. */
export function hasFailedNow(line: RelayLine, pace: RelayPace, now: MonotonicMs): boolean {
  if (line.failedAt !== null || !line.hasFailure || line.unansweredFrom === null) return false;
  if (now - line.unansweredFrom < pace.failedAfterMs) return false;
  line.failedAt = now;
  line.readAfter = Math.min(line.readAfter, now);
  return true;
}

/** Something to be written. Of each kind the newest are kept. */
export function enqueue(line: RelayLine, message: Relayed, now: MonotonicMs): void {
  line.lastNumber += 1;
  const all = [...line.waiting, { n: line.lastNumber, message, since: now }];
  const alike = all.filter((one) => one.message.kind === message.kind);
  const dropped = new Set(alike.slice(0, -MAX_PARCELS / 2));
  line.waiting = all.filter((one) => !dropped.has(one));
  line.isDue = true;
  if (message.route === '/v1/vote') hurry(line, now);
}

/** A ballot is open: be quick. */
function hurry(line: RelayLine, now: MonotonicMs): void {
  line.hurryUntil = now + HURRY_MS;
}

/** The item to write now: what is neither read nor stale. */
export function itemOf(line: RelayLine, run: string, pace: RelayPace, now: MonotonicMs): RelayItem {
  line.waiting = line.waiting.filter(({ since }) => now - since < pace.staleAfterMs);
  return { run, read: line.read, parcels: line.waiting.map(({ n, message }) => ({ n, message })) };
}

/** What is new in the peer's item, in its order. What the peer has read of ours isn't written again. */
export function take(line: RelayLine, item: RelayItem, ownRun: string, now: MonotonicMs): readonly Relayed[] {
  const { read } = item;
  if (read !== null && read.run === ownRun) line.waiting = line.waiting.filter(({ n }) => n > read.n);
  const from = line.read?.run === item.run ? line.read.n : 0;
  const news = item.parcels.filter(({ n }) => n > from);
  const highest = Math.max(from, ...news.map(({ n }) => n));
  if (news.length > 0) {
    line.read = { run: item.run, n: highest };
    line.heardAt = now;
    if (news.some(({ message }) => message.route === '/v1/vote')) hurry(line, now);
  }
  return news.map(({ message }) => message);
}

/** A call has been made: the next of its kind comes a pace later, or after a rest that doubles with each failure in a row. */
export function writeEnded(line: RelayLine, how: 'well' | 'failed', pace: RelayPace, now: MonotonicMs): void {
  line.failedWrites = how === 'well' ? 0 : line.failedWrites + 1;
  if (how === 'failed') line.writeAfter = Math.max(line.writeAfter, now + restMs(line.failedWrites, pace));
}

/** The same of a read. */
export function readEnded(line: RelayLine, how: 'well' | 'failed', pace: RelayPace, now: MonotonicMs): void {
  line.failedReads = how === 'well' ? 0 : line.failedReads + 1;
  if (how === 'failed') line.readAfter = Math.max(line.readAfter, now + restMs(line.failedReads, pace));
}

/** When the relay has to look at this line again; null: when something happens. */
export function nextAt(line: RelayLine, pace: RelayPace, now: MonotonicMs): MonotonicMs | null {
  const times: MonotonicMs[] = [];
  if (line.isDue && !line.isWriting) times.push(writeAt(line, pace, now));
  if (isRead(line) && !line.isReading) times.push(readAt(line, pace, now));
  return times.length === 0 ? null : Math.min(...times);
}

/** When what is due may be written. A ballot need not wait for the ordinary pace. */
export function writeAt(line: RelayLine, pace: RelayPace, now: MonotonicMs): MonotonicMs {
  return hurried(line, line.writeAfter, line.failedWrites, pace, now);
}

/** When the peer's item may be read. */
export function readAt(line: RelayLine, pace: RelayPace, now: MonotonicMs): MonotonicMs {
  return hurried(line, line.readAfter, line.failedReads, pace, now);
}

/** Whether the peer's item is read at all. */
export function isRead({ failedAt, readOnce }: RelayLine): boolean {
  return failedAt !== null || readOnce;
}

/** A write begins: the next one waits for its turn. */
export function spaceWrites(line: RelayLine, pace: RelayPace, now: MonotonicMs): void {
  line.writeAfter = now + (isUnanswered(line, now) ? SLOW_WRITE_MS : pace.paceMs);
}

/** Nothing has come through the store for long, though the direct path has failed. */
export function isUnanswered({ failedAt, heardAt }: RelayLine, now: MonotonicMs): boolean {
  return failedAt !== null && now - Math.max(failedAt, heardAt ?? failedAt) >= SLOW_AFTER_MS;
}

/** An unanswered line that is answered needn't wait any more. */
export function quicken(line: RelayLine, pace: RelayPace, now: MonotonicMs): void {
  if (line.failedWrites === 0) line.writeAfter = Math.min(line.writeAfter, now + pace.paceMs);
}

function hurried(
  line: RelayLine,
  after: MonotonicMs,
  failures: number,
  pace: RelayPace,
  now: MonotonicMs,
): MonotonicMs {
  const isHurried = failures === 0 && now < line.hurryUntil && !isUnanswered(line, now);
  return isHurried ? after - (pace.paceMs - pace.hurriedMs) : after;
}

function restMs(failures: number, pace: RelayPace): DurationMs {
  return Math.min(pace.mostRestMs, pace.paceMs * 2 ** Math.min(failures, 10));
}
