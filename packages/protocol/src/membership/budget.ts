/**
 * What a peer's news may make this node send (invariant I19).
 *
 * News is passed on at once, looked into at once and answered at once. A peer that has news in every message would thus make
 * all others talk, probe and write at its own rate, so each has a budget. Beyond it what it tells still counts, and goes on
 * with the heartbeats.
 */

import type { NodeId } from '../model/units.ts';
import { changePeer, emitFact, type StepContext } from '../step-context.ts';

/** The most requests that a node sends to one other in a second, at whatever settings: heartbeats, and what news there is. */
export const MAX_REQUESTS_PER_SECOND = 60;
/** So many messages with news of one peer's are hurried at once. */
const MOST_NEWS = 24;
/** And so many a second for ever. */
const NEWS_PER_SECOND = 1;

/** Whether what follows from this message of the peer's may be hurried. A message is one piece of news, whatever it tells. */
export function mayHurry(ctx: StepContext, from: NodeId): boolean {
  ctx.hurries ??= spend(ctx, from);
  return ctx.hurries;
}

function spend(ctx: StepContext, from: NodeId): boolean {
  const peer = ctx.state.peers[from];
  if (peer === undefined) return true;
  const at = ctx.now.at;
  const earned = ((at - peer.newsAt) * NEWS_PER_SECOND) / 1_000;
  const spent = Math.max(0, peer.newsSpent - earned) + 1;
  if (spent > MOST_NEWS) {
    emitFact(ctx, { kind: 'rejected', reason: 'over-budget', from });
    return false;
  }
  changePeer(ctx, from, { newsSpent: spent, newsAt: at });
  return true;
}

/** Do `work`, which takes in what a peer says; whom it wants to tell of it at once is told later when the budget is used up. */
export function withinBudget(ctx: StepContext, from: NodeId, work: () => void): void {
  const before = ctx.outgoing.size;
  work();
  if (ctx.outgoing.size === before || mayHurry(ctx, from)) return;
  // A map keeps the order in which its keys came, and nothing takes one away.
  for (const id of [...ctx.outgoing.keys()].slice(before)) ctx.outgoing.delete(id);
}
