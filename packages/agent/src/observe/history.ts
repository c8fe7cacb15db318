/**
 * Concluded moves, from facts to the file that `failtome history` shows.
 */
import type { Fact, HistoryEntry } from '@failtome/protocol';

/** Where history is kept; bounded by itself. */
export interface HistoryStore {
  append(entry: HistoryEntry): void;
  list(): readonly HistoryEntry[];
}

/** Keep what has been concluded. */
export function recordHistory(facts: readonly Fact[], store: HistoryStore): void {
  for (const fact of facts) if (fact.kind === 'concluded') store.append(fact.entry);
}

/** The history, newest first, each entry once: after a restart an entry may be told again. */
export function newestFirst(store: HistoryStore): readonly HistoryEntry[] {
  const byId = new Map(store.list().map((entry) => [entry.id, entry]));
  return [...byId.values()].reverse().sort((one, other) => other.at - one.at);
}
