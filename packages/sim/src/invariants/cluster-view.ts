/** What the invariants of the whole cluster may look at, and what each group of them is made of. */
import type { Fact } from '@failtome/protocol';
import type { DuplicateIds } from './duplicate-ids.ts';
import type { Judged, JudgedEvent, RunView, WorldView } from './events.ts';
import type { RunHistory } from './run-history.ts';

/** What the rules about the whole cluster may look at: also what each run has been seen to learn and to do. */
export interface ClusterView extends WorldView {
  /** Before the event that is judged. */
  readonly historyOf: (by: RunView) => RunHistory;
  readonly duplicates: DuplicateIds;
}

/** A group of invariants that share one history of the whole cluster. */
export interface ClusterRules<H> {
  readonly start: H;
  /** What they hear of; nothing else changes their history. */
  readonly events: readonly Exclude<JudgedEvent['kind'], 'fact'>[];
  readonly facts: readonly Fact['kind'][];
  readonly judge: (history: H, event: JudgedEvent, view: ClusterView) => Judged<H>;
}
