/**
 * The histories of several nodes as one: each event once, told by the node that did it, with what the others saw of it.
 */
import type { DurationMs } from '@failtome/protocol';
import type { HistoryRow } from './view-rows.ts';

/** One event as all nodes tell it. */
export interface Story {
  readonly entry: HistoryRow;
  /** What other nodes answered and saw of the same event, oldest first. */
  readonly seen: readonly HistoryRow[];
}

/** Without a common ballot, what lies closer together than this is the same event: clocks differ, and a read may lag. */
const SAME_EVENT_MS: DurationMs = 60_000;

/** Newest first. What nobody is known to have done, a move by hand say, stands by itself. */
export function mergeHistories(histories: readonly (readonly HistoryRow[])[]): readonly Story[] {
  const entries = [
    ...new Map(
      histories
        .flat()
        .toReversed()
        .map((entry) => [entry.id, entry]),
    ).values(),
  ];
  const done = entries.filter((entry) => !isSeen(entry));
  const seenOf = new Map<HistoryRow, HistoryRow[]>(done.map((entry) => [entry, []]));
  for (const one of entries.filter(isSeen)) {
    const event = done.filter((entry) => isSameEvent(entry, one)).sort(byCloseness(one))[0];
    if (event === undefined) seenOf.set(one, []);
    else seenOf.get(event)?.push(one);
  }
  return [...seenOf]
    .map(([entry, seen]) => ({ entry, seen: seen.sort((a, b) => a.at - b.at) }))
    .sort((a, b) => b.entry.at - a.entry.at);
}

function isSeen({ kind }: HistoryRow): boolean {
  return kind === 'vote' || kind === 'change';
}

function isSameEvent(entry: HistoryRow, seen: HistoryRow): boolean {
  if (entry.address !== seen.address || entry.to !== seen.to) return false;
  // Only what was done can be seen to have happened.
  if (seen.kind === 'change' && !MOVED.has(entry.result)) return false;
  return isSameBallot(entry, seen) || (seen.epoch === 0 && apartMs(entry, seen) <= SAME_EVENT_MS);
}

const MOVED: ReadonlySet<string> = new Set(['served', 'moved']);

function isSameBallot(a: HistoryRow, b: HistoryRow): boolean {
  return a.epoch > 0 && a.epoch === b.epoch;
}

function apartMs(a: HistoryRow, b: HistoryRow): DurationMs {
  return Math.abs(a.at - b.at);
}

/** The same ballot first, then a move before a refusal, then what is nearest in time. */
function byCloseness(seen: HistoryRow): (a: HistoryRow, b: HistoryRow) => number {
  const rank = (entry: HistoryRow): number =>
    (isSameBallot(entry, seen) ? 0 : 2) + (MOVED.has(entry.result) ? 0 : 1);
  return (a, b) => rank(a) - rank(b) || apartMs(a, seen) - apartMs(b, seen);
}
