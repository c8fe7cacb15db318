/**
 * Most messages bring nothing but that their sender is there. After those there is nothing to look at again: what this node
 * could do is as it was after the step before, until that step's own deadline.
 */
import { isHeardLately } from './membership/membership.ts';
import type { AddressState } from './model/address-state.ts';
import type { Input } from './model/inputs.ts';
import type { Peer } from './model/peer-state.ts';
import type { State } from './model/state.ts';
import { neighbourhoodOf } from './neighbours.ts';
import { isWatchedClosely } from './observation/watching.ts';
import type { StepContext } from './step-context.ts';

/** What a message may change of a state, and of its sender, without being news: no rule but those of sending asks for it. */
const NO_NEWS: ReadonlySet<string> = new Set<keyof State>([
  'now',
  'due',
  'peers',
  'pendingSends',
  'nextEffect',
  'seq',
]);
const NO_NEWS_OF_PEER: ReadonlySet<string> = new Set<keyof Peer>(['channel', 'heardAt', 'rttMs', 'acked']);

/** Whether the input was a message that changed nothing which could be looked at, and nothing is due. */
export function isNoNews(before: State, { state, outgoing, writeId }: StepContext, input: Input): boolean {
  if ((input.kind !== 'received' && input.kind !== 'answered') || input.at >= before.due) return false;
  if (state.phase !== 'running' || writeId !== 0 || outgoing.size > 0) return false;
  if (isChanged(before, state, NO_NEWS)) return false;
  for (const ip in state.addresses) if (!isCalm(state, state.addresses[ip])) return false;
  // Not `for … in`: of many peers it would gather all the names before it looks at the first.
  const { watched, watchedIds } = neighbourhoodOf(state.config);
  for (const { id } of watched) {
    const old = before.peers[id];
    const now = state.peers[id];
    // Whoever is heard after a silence is news, whatever it says; and so is another's silence.
    if (old === undefined || now === undefined || !isHeardLately(state, old)) return false;
    if (old !== now && isChanged(old, now, NO_NEWS_OF_PEER)) return false;
  }
  // Whom it doesn't watch it hears all the same.
  const { from } = input.message;
  const [old, now] = [before.peers[from], state.peers[from]];
  if (old === undefined || now === undefined || watchedIds.has(from)) return true;
  return !isChanged(old, now, NO_NEWS_OF_PEER);
}

/** It answers, nobody speaks of trouble, and nothing is under way for it, by which what is still unanswered would count too. */
function isCalm(state: State, address: AddressState | undefined): boolean {
  if (address === undefined) return false;
  const { verdict, campaign, move, decision, openBallots } = address;
  if (verdict !== 'up' || decision.outcome !== 'hold' || campaign !== null || move !== null) return false;
  return Object.keys(openBallots).length === 0 && !isWatchedClosely(state, address);
}

/** Whether any part is another than before, but for some. */
function isChanged<T extends object>(before: T, now: T, but: ReadonlySet<string>): boolean {
  for (const name in now) if (now[name] !== before[name] && !but.has(name)) return true;
  return false;
}
