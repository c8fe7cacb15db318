/**
 * When the next tick is due: a function of the state. There are no timers inside the protocol.
 */

import { nextArbiterTime } from './election/arbiter.ts';
import { BALLOT_LASTS_MS } from './election/campaign.ts';
import { goodbyeUntil, WRITE_LASTS_MS } from './lifecycle.ts';
import type { AddressState } from './model/address-state.ts';
import type { CheckSeries } from './model/observation-state.ts';
import type { State } from './model/state.ts';
import { type DurationMs, type MonotonicMs, NEVER } from './model/units.ts';
import { nextMoveTime } from './move/move.ts';
import { silentFrom } from './observation/check.ts';
import { silentAt } from './observation/holder.ts';
import { nextIdleCall } from './observation/idle-reads.ts';
import { wantsProof } from './observation/watching.ts';
import { wayOutOf } from './observation/way-out.ts';
import { nextPublication } from './reporting/outbox.ts';
import { addressOf } from './step-context.ts';
import { blockedAt } from './takeover/blocked.ts';
import { staggerUntil } from './takeover/damping.ts';
import { callTimeoutMs } from './takeover/view.ts';

/** The longest between two looks around: what has no deadline of its own is seen this late at most. */
const MAX_GAP_MS: DurationMs = 1_000;

/** The next moment at which something is due. Always later than the last input, so that a host can't spin. */
export function nextDeadline(state: State): MonotonicMs {
  if (state.phase === 'new' || state.phase === 'stopped') return NEVER;
  const at = state.now.at;
  let next = Math.min(at + MAX_GAP_MS, state.gossip.nextRoundAt);
  const consider = (time: MonotonicMs | null): void => {
    if (time !== null && time > at && time < next) next = time;
  };
  if (state.config.local !== null) considerSeries(state.local.series, state.config.local.timeoutMs, consider);
  consider(nextPublication(state.outbox));
  const { failing, retryAt, waitingSince } = state.storage;
  if (failing !== null) consider(retryAt);
  else if (waitingSince !== null) consider(waitingSince + WRITE_LASTS_MS);
  if (state.stopSince !== null) consider(goodbyeUntil(state.stopSince));
  for (const ip in state.addresses) considerAddress(state, addressOf(state, ip), consider);
  return Math.max(next, at + 1);
}

function considerAddress(
  state: State,
  address: AddressState,
  consider: (time: MonotonicMs | null) => void,
): void {
  const wayOut = wayOutOf(state, address.ip);
  const probe = state.config.addresses.find(({ ip }) => ip === address.ip)?.probe;
  if (probe !== undefined) considerSeries(address.series, probe.timeoutMs, consider);
  if (wantsProof(state, address) && wayOut.asking === null) consider(wayOut.nextAt);
  consider(nextIdleCall(state, address));
  if (address.move !== null) consider(nextMoveTime(address.move));
  consider(address.backoff.until);
  consider(nextArbiterTime(state, address));
  if (address.verdict === 'down') {
    consider(staggerUntil(state, address, callTimeoutMs(state.config)));
    consider(address.lendFrom);
    consider(address.lent?.expiresAt ?? null);
    consider(blockedAt(state, address));
  }
  const { campaign } = address;
  if (campaign === null) return;
  consider(campaign.won === null ? campaign.openedAt + BALLOT_LASTS_MS : campaign.won.until);
  for (const voter of campaign.unreachable) if (voter in state.peers) consider(silentAt(state, voter));
}

/** The next start, and when what is out has been out for too long. */
function considerSeries(
  series: CheckSeries,
  timeoutMs: DurationMs,
  consider: (time: MonotonicMs | null) => void,
): void {
  consider(series.nextAt);
  if (!series.silent) consider(silentFrom(series, timeoutMs));
}
