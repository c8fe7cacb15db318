/**
 * When a ballot is won (PROTOCOL.md, "Ballots"; invariants I4, I6, I10).
 */

import type { AddressState, Campaign, VoterAnswer } from '../model/address-state.ts';
import { ARBITER } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, MonotonicMs, NodeId } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import { counted } from '../reporting/wording.ts';
import { majorityOf, votersOf } from './quorum.ts';

/** For so long leases that are shorter than this node's own don't win while other voters may still answer. */
export const SHORT_LEASE_WAITS_MS: DurationMs = 3_000;

/** How a ballot stands. `pending` and `won` are counted anew at every step, for leases run out. */
export type Tally =
  | { readonly result: 'pending'; readonly detail: string }
  | {
      readonly result: 'lost';
      readonly detail: string;
      /** When it could be won, as far as the refusals say; 0: they don't. */
      readonly retryMs: DurationMs;
      /** It is a lease that has to come back until then. */
      readonly forLease: boolean;
    }
  | {
      readonly result: 'won';
      readonly detail: string;
      readonly leaseUntil: MonotonicMs;
      readonly silent: readonly NodeId[];
      readonly consent: boolean;
    };

interface Count {
  leases: MonotonicMs[];
  down: number;
  /** Those that answered and aren't blind. */
  sighted: number;
  /** May still answer. */
  out: NodeId[];
  silent: NodeId[];
  refusals: VoterAnswer[];
}

/**
 * Count a ballot. Won: leases from a strict majority of the configured voters, and "down" from a strict majority of
 * the voters that answered and aren't blind, however those still out may answer. A handover needs no sight, but the
 * consent of a holder that is heard.
 */
export function tally(state: State, address: AddressState, campaign: Campaign): Tally {
  const voters = votersOf(state.config);
  const count = countAnswers(state, campaign, voters);
  const majority = majorityOf(voters.length);
  const detail = summaryOf(state, campaign, count, voters.length);
  const holderAnswer = consentOf(state, address, campaign);
  const lost = { result: 'lost', detail, ...retryOf(count, majority) } as const;
  if (holderAnswer === 'refused' || count.leases.length + count.out.length < majority) return lost;
  // The arbiter will see nothing, whatever it answers.
  const looking = count.out.filter((voter) => voter !== ARBITER).length;
  const seesEnough = campaign.mode === 'handover' || count.down * 2 > count.sighted + looking;
  const couldSee = campaign.mode === 'handover' || (count.down + looking) * 2 > count.sighted + looking;
  if (!couldSee) return lost;
  const leaseUntil = count.leases.sort((a, b) => b - a)[majority - 1] ?? 0;
  // A short lease that comes first must not keep a longer one from counting.
  const isShort = count.out.length > 0 && isTooShort(state, campaign, leaseUntil);
  if (count.leases.length < majority || isShort || !seesEnough || holderAnswer === 'awaited') {
    return { result: 'pending', detail };
  }
  return { result: 'won', detail, leaseUntil, silent: count.silent, consent: holderAnswer === 'given' };
}

/** It ends before a lease of this node's own length would, and the ballot is young enough to wait for better ones. */
function isTooShort({ config, now }: State, { openedAt }: Campaign, leaseUntil: MonotonicMs): boolean {
  return leaseUntil < openedAt + config.agreement.leaseMs && now.at - openedAt < SHORT_LEASE_WAITS_MS;
}

function countAnswers(state: State, campaign: Campaign, voters: readonly NodeId[]): Count {
  const { leaseMs } = state.config.agreement;
  const count: Count = { leases: [], down: 0, sighted: 0, out: [], silent: [], refusals: [] };
  for (const voter of voters) {
    const answer = campaign.answers[voter];
    if (answer === undefined || answer.answer === 'pending')
      countMissing(state, campaign, voter, voters.length, count);
    else if (answer.answer === 'refuse') {
      if (voter !== ARBITER) count.sighted += 1; // what a refusing voter sees can't be known, so a refusal counts as not down
      count.refusals.push(answer);
      if (relievesAlone(campaign, answer, voters)) count.leases.push(answer.leaseUntil + leaseMs);
    } else {
      if (answer.leaseUntil > state.now.at) count.leases.push(answer.leaseUntil);
      if (answer.answer === 'blind') continue;
      count.down += 1;
      count.sighted += 1;
    }
  }
  return count;
}

/**
 * When so many refusals have ended that the rest may win: those that end first. What a single voter says stands in the way no
 * longer than the others let it.
 */
function retryOf(
  { leases, down, sighted, refusals }: Count,
  majority: number,
): { readonly retryMs: DurationMs; readonly forLease: boolean } {
  const forSight = Math.floor(sighted / 2) + 1 - down;
  const needed = Math.max(1, majority - leases.length, forSight);
  const ending = [...refusals].sort((a, b) => a.retryMs - b.retryMs);
  const last = ending[Math.min(needed, ending.length) - 1];
  return { retryMs: last?.retryMs ?? 0, forLease: last?.reason === 'lent' };
}

/**
 * Of two, the holder that can't write agrees to be relieved. Its word counts as its silence would: there is no third that it
 * could lend to, and by itself it neither asks nor lends while its disk takes no writes.
 */
function relievesAlone(campaign: Campaign, answer: VoterAnswer, voters: readonly NodeId[]): boolean {
  return campaign.mode === 'handover' && answer.consents === true && voters.length === 2;
}

/** A voter that hasn't answered: silent, and its ballot failed on a fresh connection, or still out. */
function countMissing(state: State, campaign: Campaign, voter: NodeId, voters: number, count: Count): void {
  if (voter === ARBITER) {
    if (!campaign.unreachable.includes(ARBITER)) count.out.push(voter);
    return;
  }
  const silent =
    voter !== state.config.node.id && isSilent(state, voter) && campaign.unreachable.includes(voter);
  if (!silent) {
    count.out.push(voter);
    return;
  }
  count.silent.push(voter);
  if (voters === 2 && state.config.agreement.silentPeer === 'takeover')
    count.leases.push((campaign.asks[0] ?? campaign.openedAt) + state.config.agreement.leaseMs);
}

/** `unwritten`: the holder agrees to be relieved and can't write that down, so that the move is fenced. */
type Consent = 'given' | 'unwritten' | 'refused' | 'awaited' | 'not-needed';

function consentOf(state: State, address: AddressState, campaign: Campaign): Consent {
  const holder = address.holder.node;
  if (campaign.mode !== 'handover' || holder === null || holder === state.config.node.id) return 'not-needed';
  if (!votersOf(state.config).includes(holder)) return 'not-needed';
  const answer = campaign.answers[holder];
  if (answer?.answer === 'grant' || answer?.answer === 'blind') return 'given';
  if (answer?.answer === 'refuse') return answer.consents === true ? 'unwritten' : 'refused';
  return isSilent(state, holder) && campaign.unreachable.includes(holder) ? 'not-needed' : 'awaited';
}

function summaryOf(state: State, campaign: Campaign, count: Count, voters: number): string {
  const said = Object.entries(campaign.answers).map(
    ([voter, { answer, reason }]) => `${voter}: ${answer} (${reason})`,
  );
  const refuses = voters === 2 && state.config.agreement.silentPeer === 'hold';
  const silence = refuses ? 'silent, which counts as a refusal (agreement.silentPeer: hold)' : 'silent';
  const silent = count.silent.map((voter) => `${voter}: ${silence}`);
  const waiting = count.out
    .filter((voter) => campaign.answers[voter] === undefined)
    .map((voter) => `${voter}: no answer yet`);
  const isUnreached = campaign.answers[ARBITER] === undefined && campaign.unreachable.includes(ARBITER);
  const unreached = isUnreached ? [`${ARBITER}: the store doesn't answer`] : [];
  return `${count.leases.length} of ${counted(voters, 'lease')}, ${count.down} of ${count.sighted} that aren't blind say down; ${[...said, ...silent, ...unreached, ...waiting].join(', ')}`;
}
