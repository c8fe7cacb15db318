/**
 * Whether what this episode of failure has shown keeps a candidate from taking the address (PROTOCOL.md, "Episodes of
 * failure"; invariant I21). The candidate and its voters ask the same rule.
 */

import type { AddressState } from '../model/address-state.ts';
import type { ProtocolConfig } from '../model/config.ts';
import type { State } from '../model/state.ts';
import { type DurationMs, type Ip, type MonotonicMs, NEVER, type NodeId } from '../model/units.ts';
import { type Damping, dampingOf, whyUnprotected } from './damping.ts';
import { addressConfig, hasAnswered } from './episode.ts';
import { type Episode, FIRST_WAIT_MS, LONGEST_WAIT_MS, ROUND_MS } from './episode-state.ts';

/**
 * Hold-down and flap budget first, then what this episode has shown: whether `candidate` may take the address now. A
 * failure that all nodes share is no difference, so a holder that is heard and fit is left alone.
 */
export function protectionOf(state: State, address: AddressState, candidate: NodeId): Damping {
  const damping = dampingOf(state, address);
  if (damping.kind === 'damped') return damping;
  const { at } = state.now;
  const everAnswered = hasAnswered(state, address);
  const until = everAnswered ? waitUntil(state, address.episode, candidate) : NEVER;
  if (until <= at) return damping;
  const excuse = whyUnprotected(state, address);
  if (excuse !== null) return { kind: 'free', detail: excuse };
  if (!everAnswered) {
    const detail = `nobody has ever seen it answer as this configuration asks: ${expectsOf(state, address.ip)}; this node got: ${sawOf(address)}`;
    return { kind: 'damped', reason: 'never-answered', until, detail };
  }
  const tried = address.episode.tries.map((one) => `${one.node} ${minutes(at - one.at)} ago`).join(', ');
  return {
    kind: 'damped',
    reason: 'move-did-not-help',
    until,
    detail: `moved in vain to ${tried}; ${holderWords(address)} is heard and fit, and left alone for another ${minutes(until - at)}`,
  };
}

/**
 * Until when a holder that is heard and fit is left alone by `candidate`: 2 min after one move in vain, 4 after two, and
 * so on to 4 h; an hour at least for a candidate that was tried, and while an hour has seen as many moves as there are
 * candidates. Whom it failed at first comes after those that haven't been tried.
 */
export function waitUntil(state: State, { tries, anewEpoch }: Episode, candidate: NodeId): MonotonicMs {
  const [newest] = tries;
  if (newest === undefined) return 0;
  const counted = tries.filter((one) => one.epoch > anewEpoch);
  const candidates = candidatesOf(state.config);
  const untried = candidates.some((id) => id !== candidate && !tries.some((one) => one.node === id));
  const isFirst = tries.at(-1)?.from === candidate;
  const doubled = FIRST_WAIT_MS * 2 ** (Math.max(0, counted.length - 1) + (isFirst && untried ? 1 : 0));
  const wasTried = counted.some((one) => one.node === candidate);
  const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(doubled, wasTried ? ROUND_MS : 0));
  const first = tries[Math.max(1, candidates.length) - 1];
  return Math.max(newest.at + waitMs, first === undefined ? 0 : first.at + ROUND_MS);
}

function candidatesOf({ node, peers }: ProtocolConfig): readonly NodeId[] {
  const others = peers.filter((peer) => peer.role === 'candidate').map((peer) => peer.id);
  return node.role === 'candidate' ? [...others, node.id] : others;
}

/** What was expected, for people. */
export function expectsOf(state: State, ip: Ip): string {
  const config = addressConfig(state, ip);
  return config === undefined ? 'not configured' : `${config.expects} within ${config.probe.timeoutMs} ms`;
}

/** What the last failed probe got, for people. */
export function sawOf({ verdict, verdictReason }: AddressState): string {
  return verdict === 'up' ? 'an answer' : verdictReason;
}

function holderWords({ holder }: AddressState): string {
  return holder.node === null ? 'its holder' : `its holder ${holder.node}`;
}

/** Whole minutes, so that a decision isn't a new one every second. */
function minutes(ms: DurationMs): string {
  return `${Math.max(1, Math.ceil(ms / 60_000))} min`;
}
