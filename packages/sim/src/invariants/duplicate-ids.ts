/** Which ids run twice, or did lately: each of two runs lends what it believes to be its own. */
import type { NodeId } from '@failtome/protocol';
import type { JudgedEvent } from './events.ts';

/** Two runs of one id may have lent twice for so long after: no lease is longer. */
const TWICE_MS = 15_000;

/** Which ids more than one run has, or had. */
export interface DuplicateIds {
  /** How many runs each id has now. */
  readonly live: Readonly<Record<NodeId, number>>;
  /** When an id last had two. */
  readonly doubleMs: Readonly<Record<NodeId, number>>;
  /** Of which ids a copy of the disk has ever been used by a second run. */
  readonly copied: readonly NodeId[];
}

/** None. */
export const NO_DUPLICATES: DuplicateIds = { live: {}, doubleMs: {}, copied: [] };

/** With a run that begins or ends. */
export function withRun(known: DuplicateIds, event: JudgedEvent, nowMs: number): DuplicateIds {
  if (event.kind !== 'started' && event.kind !== 'ended') return known;
  const { node } = event.by;
  const before = known.live[node] ?? 0;
  const begins = event.kind === 'started';
  return {
    live: { ...known.live, [node]: before + (begins ? 1 : -1) },
    doubleMs: before >= 2 ? { ...known.doubleMs, [node]: nowMs } : known.doubleMs,
    copied: before >= 1 && begins && !known.copied.includes(node) ? [...known.copied, node] : known.copied,
  };
}

/** Whether an id runs twice, or did a lease ago. */
export function isDouble({ live, doubleMs }: DuplicateIds, id: NodeId, nowMs: number): boolean {
  return (live[id] ?? 0) >= 2 || nowMs - (doubleMs[id] ?? Number.NEGATIVE_INFINITY) < TWICE_MS;
}
