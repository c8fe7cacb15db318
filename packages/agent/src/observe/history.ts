/**
 * Concluded moves, from facts to the file that `failtome history` shows.
 */
import type { Fact, HistoryEntry } from '@failtome/protocol';

/** Keep what has been concluded. */
export function recordHistory(
  facts: readonly Fact[],
  store: { readonly append: (entry: HistoryEntry) => void },
): void {
  for (const fact of facts) if (fact.kind === 'concluded') store.append(fact.entry);
}
