/**
 * The voter's side of a ballot: hear it, lend or refuse, give back (invariants I5, I6).
 */

import { adoptEpoch, ignorePart, isPlausible } from '../membership/bounded.ts';
import { mayHurry } from '../membership/budget.ts';
import type { AddressState, Lease, OpenBallot } from '../model/address-state.ts';
import { MAX_ADDRESSES } from '../model/config.ts';
import { NO_BACKOFF } from '../model/initial.ts';
import type { DurationMs, Ip, NodeId } from '../model/units.ts';
import { lookNow } from '../observation/watching.ts';
import {
  addressOf,
  announce,
  changeAddress,
  changePeer,
  draw,
  emitFact,
  persist,
  type StepContext,
  speakTo,
} from '../step-context.ts';
import { liveRank } from '../takeover/damping.ts';
import type { Ballot, BallotAnswer, Release } from '../wire/messages.ts';
import { type Vote, voteOn } from './vote.ts';

/** A ballot that isn't asked again for this long is forgotten. */
const FORGET_BALLOT_MS: DurationMs = 8_000;

/**
 * Answers a candidate's ballot, and lends this voter's lease with a grant or a blind answer. Late copies of earlier
 * ballots count for nothing.
 */
export function onBallot(ctx: StepContext, from: NodeId, ballot: Ballot): void {
  if (ballot.candidate !== from) return;
  const address = ctx.state.addresses[ballot.address];
  if (address === undefined) {
    answer(ctx, ballot, { answer: 'refuse', reason: 'unknown-address', retryMs: 0 });
    return;
  }
  // Followed as far as that, so that one of the next is heard.
  if (!isPlausible(address.epoch, ballot.epoch)) return adoptEpoch(ctx, from, ballot.address, ballot.epoch);
  const known = address.openBallots[from];
  // One that comes after a later one, or after it was given back, is late: nothing is lent for it any more.
  if (known !== undefined && ballot.epoch < known.ballot.epoch) return;
  if (known?.ballot.epoch === ballot.epoch && known.answered === 'released') return;
  const isNew = known === undefined || known.ballot.epoch !== ballot.epoch;
  const heardAt = isNew ? ctx.now.at : known.heardAt;
  const vote = voteOn(ctx.state, ballot, heardAt);
  remember(ctx, ballot.address, { ballot, heardAt, answered: vote.reason });
  give(ctx, ballot, vote);
  if (isNew || known.answered !== vote.reason) emitVote(ctx, ballot, vote);
  if (isNew && ballot.mode === 'takeover' && mayHurry(ctx, from)) lookNow(ctx, ballot.address);
}

/** Judge again what was left open; the answers go out at once. */
export function reconsiderBallots(ctx: StepContext): void {
  for (const ip in ctx.state.addresses) {
    const address = addressOf(ctx.state, ip);
    for (const candidate in address.openBallots) {
      const open = address.openBallots[candidate];
      if (open?.answered !== 'undecided') continue;
      const vote = voteOn(ctx.state, open.ballot, open.heardAt);
      if (vote.answer === 'pending') continue;
      remember(ctx, address.ip, { ...open, answered: vote.reason });
      give(ctx, open.ballot, vote);
      emitVote(ctx, open.ballot, vote);
      speakTo(ctx, open.ballot.candidate);
    }
  }
}

/** A candidate gives back what it was lent: the lease ends, and this node may ask for its own ballot sooner. */
export function onRelease(ctx: StepContext, from: NodeId, release: Release): void {
  const address = ctx.state.addresses[release.address];
  if (address === undefined || release.candidate !== from) return;
  if (!isPlausible(address.epoch, release.epoch)) return ignorePart(ctx, from);
  const known = address.openBallots[from];
  if (known !== undefined && known.ballot.epoch <= release.epoch)
    remember(ctx, address.ip, {
      ...known,
      ballot: { ...known.ballot, epoch: release.epoch },
      answered: 'released',
    });
  const { lent, backoff } = address;
  if (lent !== null && lent.candidate === from && lent.epoch <= release.epoch)
    endLease(ctx, address.ip, lent);
  if (backoff.until > ctx.now.at && backoff.forLease) {
    const waitMs =
      liveRank(ctx.state, address.ip) * ctx.state.config.gossip.timeoutMs + Math.floor(draw(ctx) * 100);
    changeAddress(ctx, address.ip, { backoff: { ...NO_BACKOFF, until: ctx.now.at + waitMs } });
  }
}

/** Lend to `candidate`; the same candidate's same ballot only makes the lease last longer. */
export function lend(ctx: StepContext, ip: Ip, lease: Lease): void {
  const address = addressOf(ctx.state, ip);
  const same = address.lent?.candidate === lease.candidate && address.lent.epoch === lease.epoch;
  changeAddress(ctx, ip, { lent: lease, epoch: Math.max(address.epoch, lease.epoch) });
  if (same) return;
  persist(ctx);
  announce(ctx);
}

/** The lease is over. To whom it was lent is kept: no other candidate gets it for the same epoch. */
export function endLease(ctx: StepContext, ip: Ip, lease: Lease): void {
  if (lease.expiresAt <= ctx.now.at) return;
  changeAddress(ctx, ip, { lent: { ...lease, expiresAt: ctx.now.at } });
  persist(ctx);
}

/** Forget ballots that nobody asks about any more. */
export function forgetOldBallots(ctx: StepContext): void {
  for (const ip in ctx.state.addresses) {
    const address = addressOf(ctx.state, ip);
    for (const candidate in address.openBallots) {
      const heardAt = address.openBallots[candidate]?.heardAt;
      if (heardAt !== undefined && ctx.now.at - heardAt >= FORGET_BALLOT_MS)
        forgetBallot(ctx, address, candidate);
    }
  }
}

function give(ctx: StepContext, ballot: Ballot, vote: Vote): void {
  const lends = vote.answer === 'grant' || vote.answer === 'blind';
  const { leaseMs } = ctx.state.config.agreement;
  // Who agrees to be relieved keeps its lease for that all the same; only a crash would make it forget.
  if (lends || vote.consents === true)
    lend(ctx, ballot.address, {
      candidate: ballot.candidate,
      epoch: ballot.epoch,
      expiresAt: ctx.now.at + leaseMs,
    });
  answer(ctx, ballot, vote);
}

function answer(ctx: StepContext, ballot: Ballot, vote: Vote): void {
  const peer = ctx.state.peers[ballot.candidate];
  if (peer === undefined) return;
  const lends = vote.answer === 'grant' || vote.answer === 'blind';
  const due: BallotAnswer = {
    address: ballot.address,
    epoch: ballot.epoch,
    candidate: ballot.candidate,
    voter: ctx.state.config.node.id,
    ask: ballot.ask,
    answer: vote.answer,
    reason: vote.reason,
    leaseMs: lends ? ctx.state.config.agreement.leaseMs : 0,
    retryMs: Math.ceil(vote.retryMs),
    highest: ctx.state.addresses[ballot.address]?.epoch ?? 0,
    ...(vote.consents === true ? { consents: true } : {}),
  };
  const others = peer.answersDue.filter((one) => one.address !== due.address);
  // Addresses that aren't known here are whatever the candidate names.
  changePeer(ctx, peer.id, { answersDue: [...others, due].slice(-MAX_ADDRESSES) });
}

/** The same answer given again, because it was asked again, isn't told again. */
function emitVote(
  ctx: StepContext,
  { address, candidate, epoch }: Ballot,
  { answer: is, reason }: Vote,
): void {
  emitFact(ctx, { kind: 'voted', address, candidate, epoch, answer: is, reason });
}

function remember(ctx: StepContext, ip: Ip, open: OpenBallot): void {
  const address = addressOf(ctx.state, ip);
  changeAddress(ctx, ip, { openBallots: { ...address.openBallots, [open.ballot.candidate]: open } });
}

function forgetBallot(ctx: StepContext, address: AddressState, candidate: NodeId): void {
  const { [candidate]: _, ...openBallots } = addressOf(ctx.state, address.ip).openBallots;
  changeAddress(ctx, address.ip, { openBallots });
}
