/**
 * What a peer's news may make this node send (invariant I19).
 *
 * News is passed on at once, looked into at once and answered at once. A peer that has news in every message would thus make
 * all others talk, probe and write at its own rate, so each has a budget. Beyond it what it tells still counts, and goes on
 * with the heartbeats.
 */
import { changePeer, type Turn, tell } from './turn.ts';
import type { NodeId } from './units.ts';

/** So much news of one peer's is hurried at once; a failover of many addresses takes about half. */
const MOST_NEWS = 60;
/** And so much a second for ever. */
const NEWS_PER_SECOND = 2;

/** Spend one piece of news of that peer's; false: its budget is used up. */
export function mayHurry(turn: Turn, from: NodeId): boolean {
  const peer = turn.state.peers[from];
  if (peer === undefined) return true;
  const at = turn.now.at;
  const earned = ((at - peer.newsAt) * NEWS_PER_SECOND) / 1_000;
  const left = Math.min(MOST_NEWS, MOST_NEWS - peer.newsSpent + earned);
  if (left < 1) {
    if (!turn.facts.some((fact) => fact.kind === 'rejected' && fact.reason === 'over-budget'))
      tell(turn, { kind: 'rejected', reason: 'over-budget', from });
    return false;
  }
  changePeer(turn, from, { newsSpent: MOST_NEWS - left + 1, newsAt: at });
  return true;
}

/** Do `work`, which takes in what a peer says; whom it wants to tell of it at once is told later when the budget is used up. */
export function withinBudget(turn: Turn, from: NodeId, work: () => void): void {
  const before = new Set(turn.outgoing.keys());
  work();
  const added = [...turn.outgoing.keys()].filter((id) => id !== from && !before.has(id));
  if (added.length === 0 || mayHurry(turn, from)) return;
  for (const id of added) turn.outgoing.delete(id);
}
