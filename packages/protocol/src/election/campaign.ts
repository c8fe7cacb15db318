/**
 * The candidate's side of a ballot: open it, count it, give it up (invariants I3 to I7).
 */

import { adoptEpoch } from '../membership/bounded.ts';
import { needsNewConnection } from '../membership/detector.ts';
import { onToldOfDuplicate } from '../membership/duplicate-id.ts';
import type { AddressState, Backoff, Campaign, VoterAnswer } from '../model/address-state.ts';
import type { Reason } from '../model/reasons.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Epoch, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import { holderName, knownAssociations } from '../observation/holder.ts';
import { orderedBy } from '../orders/handover.ts';
import {
  addressOf,
  changeAddress,
  changePeer,
  draw,
  emitFact,
  persist,
  type StepContext,
  speakTo,
} from '../step-context.ts';
import type { Ballot, BallotAnswer, BallotMode } from '../wire/messages.ts';
import { giveBackToArbiter } from './arbiter.ts';
import { isOnItsWay, waitsForDisk } from './ballot-sends.ts';
import { ballotElectorate, nodesVoting } from './quorum.ts';
import { tally } from './tally.ts';
import { endLease, lend } from './voter.ts';

/** The longest a ballot stays open. */
export const BALLOT_LASTS_MS: DurationMs = 6_000;
/** Asking again within this time counts as the same asking, from the earlier moment. */
const SAME_ASK_MS: DurationMs = 100;
/** The most characters of an explanation that are kept on disk. */
const MAX_TEXT = 1_024;
const FIRST_BACKOFF_MS: DurationMs = 1_000;
/** While an address is down, whatever stood in the way is tried again this far apart at most. */
export const MAX_BACKOFF_MS: DurationMs = 10_000;
/** In how many messages a release is repeated: it isn't acknowledged, and a lost one costs the rest of a lease. */
const RELEASE_REPEATS = 3;

/**
 * Asks all voters for the address with the next epoch, after lending itself this node's own lease. It leaves once
 * that is durable.
 */
export function openBallot(ctx: StepContext, ip: Ip, mode: BallotMode, handoverId: string | null): void {
  const { config } = ctx.state;
  const self = config.node.id;
  const at = ctx.now.at;
  const epoch = addressOf(ctx.state, ip).epoch + 1;
  const leaseUntil = at + config.agreement.leaseMs;
  lend(ctx, ip, { candidate: self, epoch, expiresAt: leaseUntil });
  const own: VoterAnswer = {
    answer: 'grant',
    reason: mode === 'handover' ? 'consent' : 'down',
    leaseUntil,
    retryMs: 0,
  };
  const campaign: Campaign = {
    epoch,
    mode,
    handoverId,
    openedAt: at,
    asks: [at],
    answers: { [self]: own },
    unreachable: [],
    won: null,
  };
  changeAddress(ctx, ip, { campaign, guard: null });
  emitFact(ctx, { kind: 'ballot-opened', address: ip, epoch, mode });
  for (const voter of nodesVoting(config)) {
    if (voter !== self) speakTo(ctx, voter, { fresh: needsNewConnection(ctx.state, voter) });
  }
  countBallot(ctx, ip);
}

/** The open ballots that this peer hasn't answered finally, as they are asked now. */
export function ballotsFor(ctx: StepContext, peer: NodeId): readonly Ballot[] {
  const ballots: Ballot[] = [];
  const { config } = ctx.state;
  if (config.peers.find((one) => one.id === peer)?.role === 'member') return ballots;
  for (const ip in ctx.state.addresses) {
    const { campaign } = addressOf(ctx.state, ip);
    if (campaign === null || campaign.won !== null) continue;
    const given = campaign.answers[peer];
    if (given !== undefined && given.answer !== 'pending') continue;
    if (waitsForDisk(ctx.state, peer, { address: ip, epoch: campaign.epoch })) continue;
    ballots.push({
      address: ip,
      epoch: campaign.epoch,
      candidate: config.node.id,
      mode: campaign.mode,
      electorate: ballotElectorate(ctx.state),
      ask: askNow(ctx, ip, campaign),
      fit: ctx.state.local.fit === 'fit',
      ...(campaign.handoverId === null ? {} : { handover: campaign.handoverId }),
    });
  }
  return ballots;
}

/** Counts a voter's answer. One to an earlier ballot only gives back what it lends. */
export function onBallotAnswer(ctx: StepContext, from: NodeId, answer: BallotAnswer): void {
  const address = ctx.state.addresses[answer.address];
  if (address === undefined || answer.voter !== from || answer.candidate !== ctx.state.config.node.id) return;
  const { campaign, move } = address;
  const isFirst = campaign?.answers[from] === undefined && isAwaited(ctx.state, campaign, from, answer);
  adoptEpoch(ctx, from, answer.address, answer.highest, isFirst ? 'first-answer' : 'answer');
  if (answer.reason === 'duplicate-id') onToldOfDuplicate(ctx, from, answer.retryMs);
  if (campaign === null || campaign.epoch !== answer.epoch) {
    const over =
      answer.leaseMs > 0 && move?.epoch !== answer.epoch && answer.epoch !== address.late?.intent.epoch;
    if (over) queueRelease(ctx, from, answer.address, answer.epoch);
    return;
  }
  const before = campaign.answers[from]?.answer;
  if (before === 'refuse' || (answer.answer === 'pending' && before !== undefined)) return;
  const askedAt = campaign.asks[answer.ask];
  if (askedAt === undefined || !isAwaited(ctx.state, campaign, from, answer)) return;
  const leaseMs = Math.min(ctx.state.config.agreement.leaseMs, answer.leaseMs);
  const counted: VoterAnswer = {
    answer: answer.answer,
    reason: answer.reason,
    leaseUntil: askedAt + leaseMs,
    retryMs: answer.retryMs,
    ...(answer.consents === true ? { consents: true } : {}),
  };
  changeAddress(ctx, answer.address, {
    campaign: { ...campaign, answers: { ...campaign.answers, [from]: counted } },
  });
  emitFact(ctx, { kind: 'ballot-answered', answer });
  countBallot(ctx, answer.address);
}

/** Whether it answers what a voter was asked in a ballot that is still open. Any other must move nothing, however often it is sent. */
function isAwaited(
  { config }: State,
  campaign: Campaign | null,
  from: NodeId,
  { epoch, ask }: BallotAnswer,
): boolean {
  if (campaign === null || campaign.epoch !== epoch || campaign.won !== null) return false;
  return campaign.asks[ask] !== undefined && nodesVoting(config).includes(from);
}

/**
 * A message with a ballot came to nothing. Only on a connection of its own does that count; else it is tried on one, once: whatever
 * news was told meanwhile carried the ballot as well, and each of those messages fails.
 */
export function onBallotUndelivered(
  ctx: StepContext,
  to: NodeId,
  ip: Ip,
  epoch: Epoch,
  fresh: boolean,
): void {
  const campaign = ctx.state.addresses[ip]?.campaign;
  if (campaign == null || campaign.epoch !== epoch || campaign.won !== null) return;
  if (!fresh) {
    if (!campaign.unreachable.includes(to) && !isOnItsWay(ctx.state, to, { address: ip, epoch }))
      speakTo(ctx, to, { fresh: true });
    return;
  }
  if (!campaign.unreachable.includes(to)) {
    changeAddress(ctx, ip, { campaign: { ...campaign, unreachable: [...campaign.unreachable, to] } });
  }
  countBallot(ctx, ip);
}

/** Count again, because an answer came, a silence is complete or time has passed. */
export function countBallot(ctx: StepContext, ip: Ip): void {
  const address = addressOf(ctx.state, ip);
  const { campaign } = address;
  if (campaign === null || campaign.won !== null) return;
  const counted = tally(ctx.state, address, campaign);
  switch (counted.result) {
    case 'pending':
      if (ctx.now.at - campaign.openedAt >= BALLOT_LASTS_MS)
        giveUp(ctx, ip, 'lost', `not decided in time: ${counted.detail}`, 0);
      return;
    case 'lost':
      giveUp(ctx, ip, 'lost', counted.detail, counted.retryMs, counted.forLease);
      return;
    case 'won':
      win(ctx, ip, campaign, counted);
  }
}

/** A mandate ends with its leases, and one by silence when the silent is heard. */
export function endMandate(ctx: StepContext, ip: Ip): void {
  const { campaign, move } = addressOf(ctx.state, ip);
  const mandate = campaign?.won;
  if (campaign === null || mandate == null || move?.stage.kind === 'verifying') return;
  const heard = mandate.silent.find((peer) => (ctx.state.peers[peer]?.heardAt ?? 0) >= mandate.at);
  if (heard === undefined && mandate.until > ctx.now.at) return;
  const detail =
    heard === undefined ? 'its leases ran out' : `${heard}, whose silence it rested on, was heard`;
  if (move === null) {
    giveUp(ctx, ip, 'dropped', detail, 1);
    return;
  }
  // What was lent is not given back: a call of ours may still take effect. The move's end returns it.
  emitFact(ctx, { kind: 'ballot-closed', address: ip, epoch: campaign.epoch, result: 'dropped', detail });
  changeAddress(ctx, ip, { campaign: null, guard: null });
}

/** Give the ballot up before any call, and give back what was lent. `retryMs` 0: back off as usual. */
export function giveUp(
  ctx: StepContext,
  ip: Ip,
  result: 'lost' | 'dropped',
  detail: string,
  retryMs: DurationMs,
  forLease = false,
): void {
  const address = addressOf(ctx.state, ip);
  const { campaign } = address;
  if (campaign === null) return;
  emitFact(ctx, { kind: 'ballot-closed', address: ip, epoch: campaign.epoch, result, detail });
  releaseLeases(ctx, ip, campaign.epoch);
  changeAddress(ctx, ip, {
    campaign: null,
    guard: null,
    intent: address.move === null ? null : address.intent,
  });
  if (address.intent !== null) persist(ctx);
  if (result === 'lost') backOff(ctx, ip, 'ballot-lost', detail, retryMs, forLease);
}

/** Wait before trying again: as long as is known to be needed, else 1 s doubling to 10 s. */
export function backOff(
  ctx: StepContext,
  ip: Ip,
  reason: Reason,
  detail: string,
  retryMs: DurationMs,
  forLease = false,
): void {
  const { backoff } = addressOf(ctx.state, ip);
  const delayMs = Math.min(MAX_BACKOFF_MS, backoff.delayMs === 0 ? FIRST_BACKOFF_MS : backoff.delayMs * 2);
  const waitMs =
    retryMs > 0
      ? Math.min(
          retryMs + Math.floor(draw(ctx) * 50),
          Math.max(MAX_BACKOFF_MS, ctx.state.config.agreement.leaseMs),
        )
      : delayMs;
  const next: Backoff = { until: ctx.now.at + waitMs, delayMs, reason, detail, forLease };
  changeAddress(ctx, ip, { backoff: next });
}

/** What was lent for `epoch`, by this node to itself and by the others, is given back. */
export function releaseLeases(ctx: StepContext, ip: Ip, epoch: Epoch): void {
  const { config } = ctx.state;
  const { lent } = addressOf(ctx.state, ip);
  if (lent !== null && lent.candidate === config.node.id && lent.epoch <= epoch) endLease(ctx, ip, lent);
  for (const voter of nodesVoting(config)) {
    if (voter !== config.node.id) queueRelease(ctx, voter, ip, epoch);
  }
  giveBackToArbiter(ctx, ip, epoch);
}

function queueRelease(ctx: StepContext, voter: NodeId, ip: Ip, epoch: Epoch): void {
  const peer = ctx.state.peers[voter];
  if (peer === undefined) return;
  const release = { address: ip, epoch, candidate: ctx.state.config.node.id };
  const others = peer.releasesDue.filter((due) => due.release.address !== ip || due.release.epoch > epoch);
  if (others.some((due) => due.release.address === ip)) return; // a later release covers this one
  changePeer(ctx, voter, { releasesDue: [...others, { release, left: RELEASE_REPEATS }] });
  speakTo(ctx, voter);
}

function win(
  ctx: StepContext,
  ip: Ip,
  campaign: Campaign,
  counted: Extract<ReturnType<typeof tally>, { result: 'won' }>,
): void {
  const address = addressOf(ctx.state, ip);
  const at = ctx.now.at;
  const won = {
    at,
    until: counted.leaseUntil,
    silent: counted.silent,
    write: persist(ctx),
    consent: counted.consent,
    summary: counted.detail,
  };
  const steps = [
    { step: 'detect', durationMs: detectMs(address, campaign.openedAt) },
    { step: 'agree', durationMs: at - campaign.openedAt },
  ] as const;
  changeAddress(ctx, ip, {
    campaign: { ...campaign, won },
    intent: {
      epoch: campaign.epoch,
      mode: campaign.mode,
      handoverId: campaign.handoverId,
      from: holderName(address.holder),
      associationId: address.holder.associationId,
      earlier: knownAssociations(address),
      stage: 'planned',
      startedWall: Math.max(0, Math.floor(ctx.now.wall)),
      reason: reasonFor(ctx, address, campaign).slice(0, MAX_TEXT),
      agreed: counted.detail.slice(0, MAX_TEXT),
      steps,
      requestIds: [],
    },
  });
  persist(ctx);
  for (const step of steps)
    emitFact(ctx, { kind: 'step', address: ip, step: step.step, durationMs: step.durationMs, result: 'ok' });
  emitFact(ctx, {
    kind: 'ballot-closed',
    address: ip,
    epoch: campaign.epoch,
    result: 'won',
    detail: counted.detail,
  });
}

function reasonFor(ctx: StepContext, address: AddressState, { mode, handoverId }: Campaign): string {
  if (mode === 'takeover') return address.verdictReason;
  const ordered = ctx.state.handovers.find(({ record }) => record.id === handoverId);
  return ordered === undefined ? 'handover' : orderedBy(ordered.record);
}

function detectMs(address: AddressState, openedAt: MonotonicMs): DurationMs {
  return address.series.failingSince === null ? 0 : Math.max(0, openedAt - address.series.failingSince);
}

function askNow(ctx: StepContext, ip: Ip, campaign: Campaign): number {
  const last = campaign.asks.length - 1;
  if (ctx.now.at - (campaign.asks[last] ?? 0) < SAME_ASK_MS) return last;
  changeAddress(ctx, ip, { campaign: { ...campaign, asks: [...campaign.asks, ctx.now.at] } });
  return last + 1;
}
