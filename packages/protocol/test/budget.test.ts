import { expect, test } from 'vitest';
import { mayHurry, withinBudget } from '../src/membership/budget.ts';
import { announce, newContext, type StepContext, speakTo } from '../src/step-context.ts';
import { AT, clusterOf, PEER, stateOf, WALL } from './support/fixtures.ts';

function at(ms: number, before?: StepContext): StepContext {
  const state = before?.state ?? stateOf(clusterOf(PEER, 'mars'));
  return newContext(state, { at: AT + ms, wall: WALL + ms });
}

/** How many of so many messages, so far apart, may be hurried on. */
function hurried(messages: number, gapMs: number, from = PEER): number {
  let count = 0;
  let ctx: StepContext | undefined;
  for (let i = 0; i < messages; i += 1) {
    ctx = at(i * gapMs, ctx);
    if (mayHurry(ctx, from)) count += 1;
  }
  return count;
}

test('a peer has a budget of news at once, and of one a second for ever', () => {
  expect(hurried(20, 0)).toBe(20);
  expect(hurried(1_000, 1)).toBe(24);
  expect(hurried(1_000, 100)).toBe(24 + 99);
  expect(hurried(1_000, 1_000)).toBe(1_000);
});

test('a message is one piece of news, whatever it tells', () => {
  const ctx = at(0);
  for (let i = 0; i < 100; i += 1) expect(mayHurry(ctx, PEER)).toBe(true);
  expect(ctx.state.peers[PEER]?.newsSpent).toBe(1);
});

test('beyond it nobody is spoken to at once, but for whom something else is due; what was told still counts', () => {
  let ctx = at(0);
  for (let i = 0; i < 30; i += 1) {
    ctx = at(i, ctx);
    withinBudget(ctx, PEER, () => announce(ctx));
  }
  expect(ctx.outgoing.size).toBe(0);
  expect(ctx.facts).toEqual([{ kind: 'rejected', reason: 'over-budget', from: PEER }]);
  const next = at(40, ctx);
  speakTo(next, 'mars');
  withinBudget(next, PEER, () => announce(next));
  expect([...next.outgoing.keys()]).toEqual(['mars']);
  const other = at(41, next);
  withinBudget(other, 'mars', () => announce(other));
  expect(other.outgoing.size).toBe(2);
});
