/**
 * Whether an address fails now, by the failures that count against its present holder (PROTOCOL.md, "Observation").
 */

import type { AddressState } from '../model/address-state.ts';
import type { CheckConfig } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { Ip, MonotonicMs } from '../model/units.ts';
import { holderUnfitSince, isHeldBySelf } from './holder.ts';

/**
 * Failures in a row that a probe started at `startedAt` needs to complete the verdict: one, after the holder's own word.
 * The holder itself needs no word to reach it: while it is unfit, one is enough whenever it started.
 */
export function failuresNeeded(state: State, address: AddressState, startedAt: MonotonicMs): number {
  const fall = probeOf(state, address.ip)?.fall ?? 1;
  const unfitSince = holderUnfitSince(state, address);
  if (unfitSince === null) return fall;
  return isHeldBySelf(state, address.ip) || startedAt >= unfitSince ? 1 : fall;
}

/**
 * Whether the address fails now, as far as its present holder goes: enough failures since it last changed hands, the newest
 * included, which aren't all of a moment in which the holder had no network.
 */
export function isFailingNow(state: State, address: AddressState): boolean {
  return whyNotFailing(state, address) === null;
}

/** What is missing for that, in words; null: nothing is. */
export function whyNotFailing(state: State, address: AddressState): string | null {
  const { last, fails } = address.series;
  if (last === null) return 'no probe has ended';
  if (last.ok) return 'the last probe succeeded';
  if (fails < failuresNeeded(state, address, last.startedAt))
    return 'too few failures in a row so far that count against its present holder';
  return mayBeSilenceOnly(state, address)
    ? 'its holder is heard again after a silence, and no probe since has failed'
    : null;
}

/**
 * Whether a silence of the holder has ended since the newest probe started, and may be all that the failures have seen: the
 * first of them began in it, or was on its way when it began.
 */
function mayBeSilenceOnly(state: State, { ip, holder, series }: AddressState): boolean {
  const { last, failingSince } = series;
  const silence = holder.node === null ? null : (state.peers[holder.node]?.silence ?? null);
  if (last === null || failingSince === null || silence === null) return false;
  const hitAt = failingSince + (probeOf(state, ip)?.timeoutMs ?? 0);
  return silence.until > last.startedAt && silence.from <= hitAt;
}

function probeOf({ config }: State, ip: Ip): CheckConfig | undefined {
  return config.addresses.find((one) => one.ip === ip)?.probe;
}
