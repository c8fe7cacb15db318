/**
 * The voter's side of a ballot: hear it, lend or refuse, give back (invariants I5, I6).
 */

import { adoptEpoch, ignorePart, isPlausible } from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import { MAX_ADDRESSES } from '../model/config.ts';
import { NO_BACKOFF } from '../model/initial.ts';
import type { AddressState, Lease, StandingBallot } from '../model/state.ts';
import {
  addressOf,
  changeAddress,
  changePeer,
  draw,
  persist,
  speakTo,
  type Turn,
  tell,
} from '../model/step-context.ts';
import type { DurationMs, Ip, NodeId } from '../model/units.ts';
import { lookNow } from '../observation/verdict.ts';
import { liveRank } from '../takeover/damping.ts';
import type { Ballot, BallotAnswer, Release } from '../wire/messages.ts';
import { type Judgement, judge } from './ballot.ts';

/** A ballot that isn't asked again for this long is forgotten. */
const FORGET_BALLOT_MS: DurationMs = 8_000;

export function onBallot(turn: Turn, from: NodeId, ballot: Ballot): void {
  if (ballot.candidate !== from) return;
  const address = turn.state.addresses[ballot.address];
  if (address === undefined) {
    answer(turn, ballot, { answer: 'refuse', reason: 'unknown-address', retryMs: 0 });
    return;
  }
  // Followed as far as that, so that one of the next is heard.
  if (!isPlausible(address.epoch, ballot.epoch)) return adoptEpoch(turn, from, ballot.address, ballot.epoch);
  const known = address.standing[from];
  // One that comes after a later one, or after it was given back, is late: nothing is lent for it any more.
  if (known !== undefined && ballot.epoch < known.ballot.epoch) return;
  if (known?.ballot.epoch === ballot.epoch && known.answered === 'released') return;
  const isNew = known === undefined || known.ballot.epoch !== ballot.epoch;
  const heardAt = isNew ? turn.now.at : known.heardAt;
  const judgement = judge(turn.state, ballot, heardAt);
  remember(turn, ballot.address, { ballot, heardAt, answered: judgement.reason });
  give(turn, ballot, judgement);
  if (isNew || known.answered !== judgement.reason) tellVote(turn, ballot, judgement);
  if (isNew && ballot.mode === 'takeover' && mayHurry(turn, from)) lookNow(turn, ballot.address);
}

/** Judge again what was left open; the answers go out at once. */
export function reconsiderBallots(turn: Turn): void {
  for (const ip in turn.state.addresses) {
    const address = addressOf(turn.state, ip);
    for (const candidate in address.standing) {
      const standing = address.standing[candidate];
      if (standing?.answered !== 'undecided') continue;
      const judgement = judge(turn.state, standing.ballot, standing.heardAt);
      if (judgement.answer === 'pending') continue;
      remember(turn, address.ip, { ...standing, answered: judgement.reason });
      give(turn, standing.ballot, judgement);
      tellVote(turn, standing.ballot, judgement);
      speakTo(turn, standing.ballot.candidate, { hurried: true });
    }
  }
}

export function onRelease(turn: Turn, from: NodeId, release: Release): void {
  const address = turn.state.addresses[release.address];
  if (address === undefined || release.candidate !== from) return;
  if (!isPlausible(address.epoch, release.epoch)) return ignorePart(turn, from);
  const known = address.standing[from];
  if (known !== undefined && known.ballot.epoch <= release.epoch)
    remember(turn, address.ip, {
      ...known,
      ballot: { ...known.ballot, epoch: release.epoch },
      answered: 'released',
    });
  const { lent, backoff } = address;
  if (lent !== null && lent.candidate === from && lent.epoch <= release.epoch)
    endLease(turn, address.ip, lent);
  if (backoff.until > turn.now.at && backoff.forLease) {
    const waitMs =
      liveRank(turn.state, address.ip) * turn.state.config.gossip.timeoutMs + Math.floor(draw(turn) * 100);
    changeAddress(turn, address.ip, { backoff: { ...NO_BACKOFF, until: turn.now.at + waitMs } });
  }
}

/** Lend to `candidate`; the same candidate's same ballot only makes the lease last longer. */
export function lend(turn: Turn, ip: Ip, lease: Lease): void {
  const address = addressOf(turn.state, ip);
  const same = address.lent?.candidate === lease.candidate && address.lent.epoch === lease.epoch;
  changeAddress(turn, ip, { lent: lease, epoch: Math.max(address.epoch, lease.epoch) });
  if (!same) persist(turn);
}

/** The lease is over. To whom it was lent is kept: no other candidate gets it for the same epoch. */
export function endLease(turn: Turn, ip: Ip, lease: Lease): void {
  if (lease.expiresAt <= turn.now.at) return;
  changeAddress(turn, ip, { lent: { ...lease, expiresAt: turn.now.at } });
  persist(turn);
}

/** Forget ballots that nobody asks about any more. */
export function forgetOldBallots(turn: Turn): void {
  for (const ip in turn.state.addresses) {
    const address = addressOf(turn.state, ip);
    for (const candidate in address.standing) {
      const heardAt = address.standing[candidate]?.heardAt;
      if (heardAt !== undefined && turn.now.at - heardAt >= FORGET_BALLOT_MS)
        forgetBallot(turn, address, candidate);
    }
  }
}

function give(turn: Turn, ballot: Ballot, judgement: Judgement): void {
  const lends = judgement.answer === 'grant' || judgement.answer === 'blind';
  const { leaseMs } = turn.state.config.agreement;
  // Who agrees to be relieved keeps its lease for that all the same; only a crash would make it forget.
  if (lends || judgement.consents === true)
    lend(turn, ballot.address, {
      candidate: ballot.candidate,
      epoch: ballot.epoch,
      expiresAt: turn.now.at + leaseMs,
    });
  answer(turn, ballot, judgement);
}

function answer(turn: Turn, ballot: Ballot, judgement: Judgement): void {
  const peer = turn.state.peers[ballot.candidate];
  if (peer === undefined) return;
  const lends = judgement.answer === 'grant' || judgement.answer === 'blind';
  const due: BallotAnswer = {
    address: ballot.address,
    epoch: ballot.epoch,
    candidate: ballot.candidate,
    voter: turn.state.config.node.id,
    ask: ballot.ask,
    answer: judgement.answer,
    reason: judgement.reason,
    leaseMs: lends ? turn.state.config.agreement.leaseMs : 0,
    retryMs: Math.ceil(judgement.retryMs),
    highest: turn.state.addresses[ballot.address]?.epoch ?? 0,
    ...(judgement.consents === true ? { consents: true } : {}),
  };
  const others = peer.answersDue.filter((one) => one.address !== due.address);
  // Addresses that aren't known here are whatever the candidate names.
  changePeer(turn, peer.id, { answersDue: [...others, due].slice(-MAX_ADDRESSES) });
}

/** The same answer given again, because it was asked again, isn't told again. */
function tellVote(
  turn: Turn,
  { address, candidate, epoch }: Ballot,
  { answer: is, reason }: Judgement,
): void {
  tell(turn, { kind: 'voted', address, candidate, epoch, answer: is, reason });
}

function remember(turn: Turn, ip: Ip, standing: StandingBallot): void {
  const address = addressOf(turn.state, ip);
  changeAddress(turn, ip, { standing: { ...address.standing, [standing.ballot.candidate]: standing } });
}

function forgetBallot(turn: Turn, address: AddressState, candidate: NodeId): void {
  const { [candidate]: _, ...standing } = addressOf(turn.state, address.ip).standing;
  changeAddress(turn, address.ip, { standing });
}
