/**
 * A candidate's dealings with the arbiter: the third voter of a pair, which is an item in a store and no machine
 * (PROTOCOL.md, "The arbiter"; invariants I5, I29). What the item means is judged in `arbiter-item.ts`.
 */

import { adoptEpoch } from '../membership/bounded.ts';
import type { AddressState, Campaign, VoterAnswer } from '../model/address-state.ts';
import { ARBITER } from '../model/config.ts';
import type { ArbiterOperation } from '../model/effects.ts';
import type { ArbiterResult } from '../model/inputs.ts';
import type { ArbiterLine } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, EffectId, Epoch, Ip, MonotonicMs } from '../model/units.ts';
import {
  addressOf,
  type Change,
  changeAddress,
  emitFact,
  newEffectId,
  type StepContext,
} from '../step-context.ts';
import {
  type ArbiterItem,
  type Asking,
  arbiterVoteOn,
  decodeArbiterItem,
  encodeArbiterItem,
  standsStillFor,
} from './arbiter-item.ts';
import { ballotElectorate } from './quorum.ts';

/** With nothing to ask for, the item is read so seldom. */
export const ARBITER_LOOK_MS: DurationMs = 600_000;
/** The same while the store doesn't answer. */
export const ARBITER_LOOK_AGAIN_MS: DurationMs = 60_000;
/** After calls that failed it is asked again for so long before it counts as silent in a ballot. */
const ASKED_AGAIN_FOR_MS: DurationMs = 2_000;
const FIRST_REST_MS: DurationMs = 250;
const LONGEST_REST_MS: DurationMs = 4_000;
const LEAST_TIMEOUT_MS: DurationMs = 500;

/** The longest that one call to the store may take. */
export function arbiterTimeoutMs({ config }: State): DurationMs {
  return Math.max(LEAST_TIMEOUT_MS, Math.round(config.gossip.deadMs / 2));
}

/** Do what is due with the arbiter's vote about an address. True: it has answered the open ballot, which is to be counted again. */
export function consultArbiter(ctx: StepContext, ip: Ip): boolean {
  if (!isAskingArbiter(ctx.state)) return false;
  const answered = askForBallot(ctx, ip);
  giveBack(ctx, ip);
  lookAfter(ctx, ip);
  tellProblem(ctx, ip);
  return answered;
}

/** Whether this node asks an arbiter: a candidate of a pair that has one. */
export function isAskingArbiter({ config }: State): boolean {
  return config.agreement.arbiter === true && config.node.role === 'candidate';
}

/** A call came to an end. What it shows or has written counts from now, which is after it was so. */
export function onArbiter(ctx: StepContext, askId: EffectId, ip: Ip, result: ArbiterResult): void {
  const address = ctx.state.addresses[ip];
  if (address?.arbiter.call?.askId !== askId) return;
  const { call, seen, failure, failures } = address.arbiter;
  const at = ctx.now.at;
  const text = result.kind === 'text' ? result.text : call.text;
  switch (result.kind) {
    case 'text':
    case 'written': {
      const since = seen !== null && seen.text === text ? seen.since : at;
      changeLine(ctx, ip, {
        call: null,
        seen: { text, since, at },
        unsure: false,
        // A text that is read after one was refused may be as old as that.
        failures: result.kind === 'text' && failure === null ? failures : 0,
        failure: null,
      });
      changeLine(ctx, ip, { lookAt: nextLook(ctx.state, addressOf(ctx.state, ip).arbiter) });
      return;
    }
    case 'conflict':
      return failed(ctx, ip, null);
    case 'failed':
      // What was seen stays: should a write have been applied all the same, the next is refused.
      changeLine(ctx, ip, { unsure: address.arbiter.unsure || call.text !== null });
      failed(ctx, ip, result.detail === '' ? result.code : `${result.code}: ${result.detail}`);
      return markUnreached(ctx, ip);
  }
}

/** What was lent for a ballot up to this one is given back, as soon as the store lets it. */
export function giveBackToArbiter(ctx: StepContext, ip: Ip, epoch: Epoch): void {
  const { asked } = addressOf(ctx.state, ip).arbiter;
  if (asked !== null && asked.epoch <= epoch) changeLine(ctx, ip, { giveBack: asked.epoch });
}

/** After a standstill, or with another configuration, nothing counts that was seen before. What is on its way is still answered. */
export function forgetArbiter(ctx: StepContext, ip: Ip, how: 'stall' | 'configuration'): void {
  const { mayFound } = addressOf(ctx.state, ip).arbiter;
  changeLine(ctx, ip, { seen: null, lookAt: ctx.now.at, mayFound: mayFound || how === 'configuration' });
}

/** Whether something is still to be written before this node is gone. */
export function owesArbiter({ arbiter }: AddressState): boolean {
  return arbiter.call !== null || arbiter.giveBack !== null;
}

/** When the arbiter is to be asked next; null: when something happens. */
export function nextArbiterTime(state: State, { arbiter, campaign }: AddressState): MonotonicMs | null {
  if (!isAskingArbiter(state) || arbiter.call !== null) return null;
  if (isAsking(campaign) || arbiter.giveBack !== null) return arbiter.restsUntil;
  return state.phase === 'running' ? Math.max(arbiter.lookAt, arbiter.restsUntil) : null;
}

/** Why the arbiter wouldn't lend this node its lease of the address, as far as is known; empty: it would, or may have lent it. */
export function arbiterProblem(state: State, { arbiter }: AddressState): string {
  if (arbiter.failure !== null) return `the store doesn't answer (${arbiter.failure})`;
  if (arbiter.seen === null) return "it hasn't been read yet";
  const item = itemOf(arbiter);
  if (item === null) return 'nothing of it stands in the store';
  if (item.electorate !== ballotElectorate(state))
    return 'it votes with others: another configuration came last';
  const isYoung = !item.over && item.candidate === null;
  return isYoung ? 'it was made lately, and what it had lent before may not be over' : '';
}

function isAsking(campaign: Campaign | null): campaign is Campaign {
  return campaign !== null && campaign.won === null && campaign.answers[ARBITER] === undefined;
}

/** Borrow its lease for the open ballot. */
function askForBallot(ctx: StepContext, ip: Ip): boolean {
  const { campaign, arbiter } = addressOf(ctx.state, ip);
  if (!isAsking(campaign) || !isFree(ctx, arbiter)) return false;
  const { seen } = arbiter;
  if (seen === null) {
    call(ctx, ip, { op: 'read' });
    return false;
  }
  const asking = askingOf(ctx.state, campaign.epoch);
  const vote = arbiterVoteOn(seen.text, seen.since, asking, ctx.now.at);
  switch (vote.kind) {
    case 'lend':
      writeLease(ctx, ip, asking);
      return false;
    case 'lent':
      return count(ctx, ip, campaign, { ...LENT, leaseUntil: leaseUntil(ctx.state, arbiter) });
    case 'refuse':
      // Only what is read after the ballot was opened stands in its way.
      if (seen.at < campaign.openedAt) {
        call(ctx, ip, { op: 'read' });
        return false;
      }
      return count(ctx, ip, campaign, { ...vote, answer: 'refuse', leaseUntil: 0 });
  }
}

const LENT = { answer: 'blind', reason: 'arbiter', retryMs: 0 } as const;

/** From before the first write of this ballot was asked for, whichever of them has been applied. */
function leaseUntil({ config }: State, line: ArbiterLine): MonotonicMs {
  const item = itemOf(line);
  if (line.asked === null || item === null || item.epoch !== line.asked.epoch) return 0;
  return line.asked.at + Math.min(config.agreement.leaseMs, item.leaseMs);
}

function count(
  ctx: StepContext,
  ip: Ip,
  campaign: Campaign,
  { answer, reason, leaseUntil: until, retryMs }: VoterAnswer,
): boolean {
  const { arbiter } = addressOf(ctx.state, ip);
  const highest = itemOf(arbiter)?.epoch ?? 0;
  if (reason === 'stale-epoch') adoptEpoch(ctx, ARBITER, ip, highest, 'first-answer');
  const counted: VoterAnswer = { answer, reason, leaseUntil: until, retryMs };
  changeAddress(ctx, ip, { campaign: { ...campaign, answers: { ...campaign.answers, [ARBITER]: counted } } });
  emitFact(ctx, {
    kind: 'ballot-answered',
    answer: {
      address: ip,
      epoch: campaign.epoch,
      candidate: ctx.state.config.node.id,
      voter: ARBITER,
      ask: 0,
      answer,
      reason,
      leaseMs: Math.max(0, until - ctx.now.at),
      retryMs: Math.ceil(retryMs),
      highest,
    },
  });
  return true;
}

function writeLease(ctx: StepContext, ip: Ip, { candidate, run, epoch, electorate }: Asking): void {
  const { arbiter } = addressOf(ctx.state, ip);
  const item = itemOf(arbiter);
  if (item === null) return;
  const asked = arbiter.asked?.epoch === epoch ? arbiter.asked : { epoch, at: ctx.now.at };
  changeLine(ctx, ip, { asked });
  swap(ctx, ip, { ...item, candidate, run, epoch, electorate, over: false });
}

/** Only what this run was lent: whatever else stands there is somebody else's. */
function giveBack(ctx: StepContext, ip: Ip): void {
  const { arbiter } = addressOf(ctx.state, ip);
  if (arbiter.giveBack === null || arbiter.call !== null) return;
  const { leaseMs } = ctx.state.config.agreement;
  const isMoot = (arbiter.asked?.at ?? 0) + standsStillFor(leaseMs) <= ctx.now.at;
  if (isMoot) return changeLine(ctx, ip, { giveBack: null });
  if (!isFree(ctx, arbiter)) return;
  if (arbiter.seen === null || arbiter.unsure) return call(ctx, ip, { op: 'read' });
  const item = itemOf(arbiter);
  const { session, config } = ctx.state;
  const isLent = item?.candidate === config.node.id && item.run === session && !item.over;
  if (item === null || !isLent || item.epoch > arbiter.giveBack)
    return changeLine(ctx, ip, { giveBack: null });
  swap(ctx, ip, { ...item, over: true });
}

/** With nothing to ask for: it is known whether it answers, made where there is none, and what nobody can count on is over. */
function lookAfter(ctx: StepContext, ip: Ip): void {
  const { arbiter, epoch } = addressOf(ctx.state, ip);
  const { now, state } = ctx;
  if (state.phase !== 'running' || now.at < arbiter.lookAt || !isFree(ctx, arbiter)) return;
  const { seen, mayFound } = arbiter;
  if (seen === null) return call(ctx, ip, { op: 'read' });
  const item = itemOf(arbiter);
  if (item === null && (seen.text === null || mayFound)) return found(ctx, ip, false, epoch);
  if (item !== null && !item.over && seen.since + standsStillFor(item.leaseMs) <= now.at)
    return swap(ctx, ip, { ...item, over: true });
  if (item?.over && mayFound && isOfOthers(state, item))
    return found(ctx, ip, true, Math.max(epoch, item.epoch));
  call(ctx, ip, { op: 'read' });
}

/** Another electorate's, or of another length. */
function isOfOthers(state: State, { electorate, leaseMs }: ArbiterItem): boolean {
  return electorate !== ballotElectorate(state) || leaseMs !== state.config.agreement.leaseMs;
}

/** Make the item. Where nothing stood there, what was lent before can't be known. */
function found(ctx: StepContext, ip: Ip, over: boolean, epoch: Epoch): void {
  const { session, config, nextEffect } = ctx.state;
  const { leaseMs } = config.agreement;
  const electorate = ballotElectorate(ctx.state);
  const founded = `${session}.${nextEffect}`;
  changeLine(ctx, ip, { mayFound: false });
  swap(ctx, ip, { founded, electorate, leaseMs, candidate: null, run: session, epoch, over });
}

/** When to look again at what was just read or written. */
function nextLook(state: State, { seen, mayFound }: ArbiterLine): MonotonicMs {
  const at = state.now.at;
  if (seen === null || seen.text === null) return at;
  const item = decodeArbiterItem(seen.text);
  if (item === null) return mayFound ? at : at + ARBITER_LOOK_MS;
  if (!item.over) return seen.since + standsStillFor(item.leaseMs);
  return mayFound && isOfOthers(state, item) ? at : at + ARBITER_LOOK_MS;
}

/** @param failure null: what stands there is another's, and is read at once, but for one that was shown something old */
function failed(ctx: StepContext, ip: Ip, failure: string | null): void {
  const { failures, failure: before, restsUntil, seen } = addressOf(ctx.state, ip).arbiter;
  const at = ctx.now.at;
  const isFirst = failure === null && (before !== null || at - restsUntil >= LONGEST_REST_MS);
  const times = isFirst ? 0 : failures;
  const restMs = isFirst ? 0 : Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(times, 10));
  changeLine(ctx, ip, {
    call: null,
    seen: failure === null ? null : seen,
    failures: times + 1,
    failure,
    restsUntil: at + restMs,
    lookAt: failure === null ? at : at + ARBITER_LOOK_AGAIN_MS,
  });
}

/** A silent voter: the ballot isn't held open for it any longer, and its answer still counts if it comes. */
function markUnreached(ctx: StepContext, ip: Ip): void {
  const { campaign } = addressOf(ctx.state, ip);
  if (!isAsking(campaign) || campaign.unreachable.includes(ARBITER)) return;
  if (ctx.now.at - campaign.openedAt < ASKED_AGAIN_FOR_MS) return;
  changeAddress(ctx, ip, { campaign: { ...campaign, unreachable: [...campaign.unreachable, ARBITER] } });
}

function tellProblem(ctx: StepContext, ip: Ip): void {
  const address = addressOf(ctx.state, ip);
  const { problem, seen, failure } = address.arbiter;
  // Between a conflict and the next read there is nothing to tell.
  if (seen === null && failure === null) return;
  const present = arbiterProblem(ctx.state, address);
  if (present === problem) return;
  changeLine(ctx, ip, { problem: present });
  emitFact(ctx, { kind: 'arbiter', address: ip, problem: present });
}

function isFree({ now }: StepContext, { call: under, restsUntil }: ArbiterLine): boolean {
  return under === null && now.at >= restsUntil;
}

function askingOf(state: State, epoch: Epoch): Asking {
  const { session, config } = state;
  return { candidate: config.node.id, run: session, epoch, electorate: ballotElectorate(state) };
}

function itemOf({ seen }: ArbiterLine): ArbiterItem | null {
  return seen === null || seen.text === null ? null : decodeArbiterItem(seen.text);
}

function swap(ctx: StepContext, ip: Ip, item: ArbiterItem): void {
  const { seen } = addressOf(ctx.state, ip).arbiter;
  if (seen === null) return;
  call(ctx, ip, { op: 'swap', text: encodeArbiterItem(item), expected: seen.text });
}

function call(ctx: StepContext, ip: Ip, operation: ArbiterOperation): void {
  const askId = newEffectId(ctx);
  changeLine(ctx, ip, { call: { askId, text: operation.op === 'swap' ? operation.text : null } });
  ctx.effects.push({
    kind: 'arbiter',
    askId,
    address: ip,
    operation,
    timeoutMs: arbiterTimeoutMs(ctx.state),
  });
}

function changeLine(ctx: StepContext, ip: Ip, parts: Change<ArbiterLine>): void {
  changeAddress(ctx, ip, { arbiter: { ...addressOf(ctx.state, ip).arbiter, ...parts } });
}
