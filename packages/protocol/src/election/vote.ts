/**
 * What a voter answers to a ballot (PROTOCOL.md, "Ballots"; invariants I3 to I6).
 */

import type { AddressState } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, MonotonicMs, NodeId } from '../model/units.ts';
import { isFailingNow } from '../observation/failing.ts';
import { isHeldBySelf } from '../observation/holder.ts';
import { isCutOffSince, isProven } from '../observation/way-out.ts';
import { isOpenTo } from '../orders/handover.ts';
import { isPaused } from '../orders/pause.ts';
import { protectionOf } from '../takeover/protection.ts';
import type { Ballot, BallotAnswer, BallotReason } from '../wire/messages.ts';
import { ballotElectorate, isCandidate } from './quorum.ts';

/** A voter's answer to a ballot, before it is addressed and its lease is added. */
export interface Vote {
  readonly answer: BallotAnswer['answer'];
  readonly reason: BallotReason;
  /** How long what stands in the way will last, where that is known. */
  readonly retryMs: DurationMs;
  /** With the refusal `storage`: agrees to be relieved, without lending anything. */
  readonly consents?: boolean;
}

/**
 * Judge a ballot. The rules stand in the order in which they are asked; the first that applies is the answer.
 *
 * @param heardAt when this voter first heard of the ballot: a success counts against it only from a probe that started later
 */
export function voteOn(state: State, ballot: Ballot, heardAt: MonotonicMs): Vote {
  const vote = cannotLend(state, ballot) ?? willNotLend(state, ballot) ?? seen(state, ballot, heardAt);
  const forgets = state.storage.failing !== null && vote.answer !== 'refuse';
  return forgets ? cannotWrite(state, ballot) : vote;
}

/** What it would lend, a crash would make it forget. A holder in this state may still agree to be relieved. */
function cannotWrite(state: State, ballot: Ballot): Vote {
  const consents = ballot.mode === 'handover' && isHeldBySelf(state, ballot.address);
  return { ...refuse('storage'), ...(consents ? { consents } : {}) };
}

/** Reasons why this voter can't lend its lease, whatever it sees. */
function cannotLend(state: State, ballot: Ballot): Vote | null {
  const at = state.now.at;
  if (state.config.node.role === 'member') return refuse('no-vote');
  const address = state.addresses[ballot.address];
  if (address === undefined) return refuse('unknown-address');
  if (ballot.electorate !== ballotElectorate(state)) return refuse('electorate');
  if (!isCandidate(state.config, ballot.candidate)) return refuse('unknown-candidate');
  const duplicateUntil = state.peers[ballot.candidate]?.duplicateUntil ?? 0;
  if (duplicateUntil > at) return refuse('duplicate-id', duplicateUntil - at);
  if (state.phase !== 'running') return refuse('stopping');
  // What another run with this voter's id has lent can't be known either.
  const lendFrom = Math.max(address.lendFrom, state.duplicateUntil);
  if (lendFrom > at) return refuse('lease-unknown', lendFrom - at);
  const { lent } = address;
  if (lent === null || (lent.candidate === ballot.candidate && lent.epoch <= ballot.epoch)) return null;
  if (lent.expiresAt > at) return refuse('lent', lent.expiresAt - at);
  // What it has lent itself, not what it has heard of: else whoever tells of ever higher epochs would make every ballot stale.
  return lent.epoch >= ballot.epoch ? refuse('stale-epoch') : null;
}

/** Reasons why it should not, though it could. */
function willNotLend(state: State, ballot: Ballot): Vote | null {
  const address = state.addresses[ballot.address];
  if (address === undefined) return refuse('unknown-address');
  if (!ballot.fit) return refuse('unfit-candidate');
  if (ballot.mode === 'handover') return consentTo(state, ballot);
  if (isPaused(state)) return refuse('paused');
  return protects(state, address, ballot.candidate);
}

/** The voter's damping says no, by the rule that the candidate itself asks. */
function protects(state: State, address: AddressState, candidate: NodeId): Vote | null {
  const damping = protectionOf(state, address, candidate);
  if (damping.kind === 'free') return null;
  const untilMs = damping.until - state.now.at;
  switch (damping.reason) {
    case 'held-down':
    case 'flapping':
      return refuse('held-down', untilMs);
    case 'move-did-not-help':
      return refuse('move-did-not-help', untilMs);
    case 'never-answered':
      return refuse('never-answered');
  }
}

/** A voter consents to an order that it knows to be open: one that was taken back, or has had its time, moves nothing. */
function consentTo(state: State, { handover: id, address, candidate }: Ballot): Vote {
  if (id === undefined || !isOpenTo(state, id, address, candidate)) return refuse('no-handover');
  return { answer: 'grant', reason: 'consent', retryMs: 0 };
}

/** What it sees. */
function seen(state: State, ballot: Ballot, heardAt: MonotonicMs): Vote {
  const address = state.addresses[ballot.address];
  if (address === undefined) return refuse('unknown-address');
  const { series, verdict } = address;
  if (series.last === null) return refuse('starting', series.inFlight.length > 0 ? 200 : 500);
  if (verdict === 'down' && isFailingNow(state, address))
    return { answer: 'grant', reason: 'down', retryMs: 0 };
  if (series.last.ok) return series.last.startedAt >= heardAt ? refuse('up') : pending();
  // Failing without a proof: blind once the outside has definitely not answered, else still waiting for it.
  const since = series.failingSince ?? heardAt;
  return !isProven(state, address.ip) && isCutOffSince(state, address.ip, since) ? blind() : pending();
}

function refuse(reason: BallotReason, retryMs: DurationMs = 0): Vote {
  return { answer: 'refuse', reason, retryMs };
}

function blind(): Vote {
  return { answer: 'blind', reason: 'no-way-out', retryMs: 0 };
}

function pending(): Vote {
  return { answer: 'pending', reason: 'undecided', retryMs: 0 };
}
