/**
 * The association is read before a move needs it (PROTOCOL.md, "The move", "Early reads"): at the first sign of trouble,
 * while the ballot is open, beside the guard. A fenced call names what it takes apart, so that what has changed since the
 * read is found out by the call (invariant I11); where there is no such fence, the move reads for itself.
 */

import type { AddressState, ShownRead } from '../model/address-state.ts';
import type { CheckSeries } from '../model/observation-state.ts';
import type { State } from '../model/state.ts';
import { type DurationMs, type MonotonicMs, NEVER } from '../model/units.ts';
import { change, type StepContext } from '../step-context.ts';
import { holderFrom, holderUnfitSince, isHeldBySelf, isSameHolder, isStaleRead } from './holder.ts';

/** For so long after it began a read counts for a move: longer than two reads are apart, so that one always may. */
export const EARLY_READ_LASTS_MS: DurationMs = 6_000;
/** Early reads of one address are this far apart, but for the one beside the guard. */
export const EARLY_READS_APART_MS: DurationMs = 5_000;
/** A read that has been out for so long when it is needed was lost, as a rule: another is made in its place. */
export const SLOW_READ_MS: DurationMs = 1_000;

/** The moment from which an early read is due; `NEVER` where none is. */
export function earlyReadAt(state: State, address: AddressState): MonotonicMs {
  const { campaign, idle, ip, move } = address;
  if (move !== null || isHeldBySelf(state, ip) || state.local.fit !== 'fit') return NEVER;
  if (!countsForMove(state, address)) return NEVER;
  const { reading, readingAt } = idle;
  const won = campaign?.won ?? null;
  // The move would make it in a moment: the guard needn't be waited for.
  if (won !== null) {
    if (readingAt >= won.at || earlyRead(state, address) !== null) return NEVER;
    return reading === null ? won.at : readingAt + SLOW_READ_MS;
  }
  if (reading !== null) return NEVER;
  const since = troubleSince(state, address);
  const isKnown = since === null || readingAt >= since;
  return campaign === null && isKnown ? NEVER : readingAt + EARLY_READS_APART_MS;
}

/** What a read from before shows, where a move of the address may rest on it; null: it has to read. */
export function earlyRead(state: State, address: AddressState): ShownRead | null {
  const { holder, idle, ip } = address;
  const { shown } = idle;
  if (shown === null || !countsForMove(state, address) || !isRecent(state, shown.at)) return null;
  const { association, displaces } = shown;
  if (isStaleRead(state, ip, association)) return null;
  if (association.kind === 'associated' && (association.self || association.associationId === null))
    return null;
  if (displaces !== null && state.config.driver?.displace !== 'allow') return null;
  // What peers have said since contradicts it.
  return isSameHolder(holderFrom(state, association, shown.at), holder) ? shown : null;
}

/** Whether a move may wait for the read that is on its way, rather than make one of its own. */
export function isReadingEarly(state: State, address: AddressState): boolean {
  const { reading, readingAt } = address.idle;
  const isSlow = state.now.at - readingAt >= SLOW_READ_MS;
  return reading !== null && !isSlow && countsForMove(state, address) && isRecent(state, readingAt);
}

/** This node has changed what reads show, or may have: those that began before count for no move. */
export function outdateReads(ctx: StepContext): void {
  change(ctx, { readsCountFrom: ctx.now.at });
}

/** A single call and a swap take the address from whoever has it: only a read just before them says from whom. */
function countsForMove({ config }: State, { campaign }: AddressState): boolean {
  const { driver } = config;
  if (driver === null || driver.style === 'single-call') return false;
  return campaign === null || campaign.mode === 'takeover' || !driver.swap;
}

function isRecent({ now, observedFrom, readsCountFrom }: State, beganAt: MonotonicMs): boolean {
  const isBefore = beganAt < observedFrom || beganAt <= readsCountFrom;
  return !isBefore && now.at - beganAt <= EARLY_READ_LASTS_MS;
}

/** Since when this node has had a sign of its own, or the holder's word, that the address may have to move; null: none. */
function troubleSince(state: State, address: AddressState): MonotonicMs | null {
  const signs = [seenSince(address.series), holderUnfitSince(state, address)].filter((at) => at !== null);
  return signs.length === 0 ? null : Math.min(...signs);
}

function seenSince({ failingSince, inFlight, silent }: CheckSeries): MonotonicMs | null {
  if (failingSince !== null) return failingSince;
  return silent ? (inFlight.find(({ counts }) => counts)?.startedAt ?? null) : null;
}
