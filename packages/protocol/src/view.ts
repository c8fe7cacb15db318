/**
 * The state, narrowed to what the takeover rule may look at.
 */
import type { ProtocolConfig } from './config.ts';
import { dampingOf, staggerUntil } from './damping.ts';
import { holderName, isFailingNow, isHeldBySelf } from './holder.ts';
import { isPaused } from './pause.ts';
import type { AddressState, Handover, NextCall, State } from './state.ts';
import type { TakeoverView, UnfinishedMove } from './takeover.ts';
import type { DurationMs, Ip, MonotonicMs } from './units.ts';
import { describeWayOut, isProven, wayOutOf } from './wayout.ts';

/** How long a proof of permission counts. */
export const PERMISSION_LASTS_MS: DurationMs = 15 * 60_000;

/** What is kept of the lease for the vote and for the guard, so that three calls fit into the rest. */
const VOTE_SHARE_MS: DurationMs = 500;
const GUARD_SHARE = 0.3;

/**
 * What each call to the cloud gets: a third of the lease, less 500 ms for the vote and the guard's time-out (at most
 * three tenths of the lease); from 500 ms to 5 s. So a read, a release and a take fit in even when each is slow.
 */
export function callTimeoutMs(config: ProtocolConfig): DurationMs {
  const { leaseMs } = config.agreement;
  const guardMs = Math.min(config.guard.timeoutMs, Math.floor(leaseMs * GUARD_SHARE));
  return Math.min(5_000, Math.max(500, Math.floor((leaseMs - guardMs - VOTE_SHARE_MS) / 3)));
}

/** The open handover of an address to this node; null: none. */
export function handoverToSelf(state: State, ip: Ip): Handover | null {
  const open = state.handovers.find(
    ({ record, expiresAt }) =>
      record.state === 'open' &&
      record.address === ip &&
      record.to === state.config.node.id &&
      expiresAt > state.now.at,
  );
  return open ?? null;
}

export function takeoverView(state: State, address: AddressState): TakeoverView {
  const { config } = state;
  const { survey, holder, series } = address;
  const wayOut = wayOutOf(state, address.ip);
  const permission = survey.permission;
  const lapsed = permission.kind === 'permitted' && state.now.at - permission.at > PERMISSION_LASTS_MS;
  const calls = config.driver?.style === 'single-call' ? 1 : 2;
  return {
    at: state.now.at,
    address: address.ip,
    mode: handoverToSelf(state, address.ip) === null ? 'takeover' : 'handover',
    role: config.node.role,
    phase: state.phase,
    unfinished: unfinishedOf(state, address),
    holder: { isSelf: isHeldBySelf(state, address.ip), name: holderName(holder), at: holder.at },
    pause: { paused: isPaused(state), detail: `paused by ${state.pause.owner}: ${state.pause.reason}` },
    lastProbe: series.last,
    local: state.local,
    verdict: {
      is: address.verdict,
      since: address.verdictSince,
      failingNow: isFailingNow(state, address),
      detail: address.verdictReason,
    },
    wayOut: {
      proven: isProven(state, address.ip),
      at: wayOut.provenAt,
      detail: describeWayOut(state, address.ip),
    },
    storageFailing: state.storage.failing,
    displaces: { ip: survey.displaces, allowed: config.driver?.displace === 'allow' },
    permission: lapsed ? { kind: 'unproven' } : permission,
    damping: dampingOf(state, address),
    staggerUntil: staggerUntil(state, address, callTimeoutMs(config)),
    ownLease: ownLeaseOf(state, address),
    backoff: address.backoff,
    campaign: address.campaign,
    guard: address.guard,
    intentWritten: (address.campaign?.won?.write ?? 0) <= state.storage.durable,
    leaseNeededMs: (address.move === null ? calls + 1 : calls) * callTimeoutMs(config),
  };
}

function unfinishedOf(state: State, { ip, move }: AddressState): UnfinishedMove {
  if (move === null) return movesAnother(state, ip) ? { kind: 'elsewhere' } : { kind: 'none' };
  switch (move.stage.kind) {
    case 'reading':
    case 'releasing':
    case 'taking':
      return { kind: 'calling', detail: `${move.stage.kind} the association` };
    case 'settling':
      return { kind: 'settling' };
    case 'verifying':
      return { kind: 'verifying', since: move.stage.acceptedAt };
    case 'resting':
      if (move.duty || isCommitted(move.stage.next)) return { kind: 'duty', until: move.stage.until };
      return movesAnother(state, ip) ? { kind: 'elsewhere' } : { kind: 'none' };
  }
}
/** One at a time: what taking one address throws off this node can depend on the other. */
function movesAnother(state: State, ip: Ip): boolean {
  return Object.values(state.addresses).some(
    (other) => other.ip !== ip && other.move !== null && 'callId' in other.move.stage,
  );
}

/** A read that must be seen through, whatever the gates say: something was done, and it isn't known yet what became of it. */
function isCommitted(next: NextCall): boolean {
  return next.call === 'read' && next.purpose !== 'start';
}

function ownLeaseOf(state: State, address: AddressState): TakeoverView['ownLease'] {
  const { lent } = address;
  const lentElsewhere = lent !== null && lent.candidate !== state.config.node.id;
  const freeAt: MonotonicMs = Math.max(address.lendFrom, lentElsewhere ? lent.expiresAt : 0);
  return { freeAt, lentTo: lentElsewhere && lent.expiresAt > state.now.at ? lent.candidate : null };
}
