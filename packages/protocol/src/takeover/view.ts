/**
 * The state, narrowed to what the takeover rule may look at.
 */

import type { AddressState } from '../model/address-state.ts';
import type { ProtocolConfig } from '../model/config.ts';
import type { Handover, State } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs } from '../model/units.ts';
import { isCommitted } from '../move/phases.ts';
import { whyNotFailing } from '../observation/failing.ts';
import { holderName, isHeldBySelf } from '../observation/holder.ts';
import { describeWayOut, isProven, wayOutOf } from '../observation/way-out.ts';
import { isOpen } from '../orders/handover.ts';
import { isPaused } from '../orders/pause.ts';
import { staggerUntil } from './damping.ts';
import { protectionOf } from './protection.ts';
import type { TakeoverView, UnfinishedMove } from './takeover.ts';

/** How long a proof of permission counts. */
export const PERMISSION_LASTS_MS: DurationMs = 15 * 60_000;

/** What is kept of the lease for the vote and for the guard, so that three calls fit into the rest. */
const VOTE_SHARE_MS: DurationMs = 500;
const GUARD_SHARE = 0.3;

/**
 * What each call to the cloud gets: a third of the lease, less 500 ms for the vote and the guard's time-out (at most
 * three tenths of the lease); from 500 ms to 5 s. So a read, a release and a take fit in even when each is slow.
 *
 * @param lentMs for how long the leases were lent, where voters lend for less than this node would
 */
export function callTimeoutMs(
  config: Pick<ProtocolConfig, 'agreement' | 'guard'>,
  lentMs: DurationMs = Infinity,
): DurationMs {
  const leaseMs = Math.min(config.agreement.leaseMs, lentMs);
  const guardMs = Math.min(config.guard.timeoutMs, Math.floor(leaseMs * GUARD_SHARE));
  return Math.min(5_000, Math.max(500, Math.floor((leaseMs - guardMs - VOTE_SHARE_MS) / 3)));
}

/** The open handover of an address to this node; null: none. */
export function handoverToSelf(state: State, ip: Ip): Handover | null {
  const self = state.config.node.id;
  const open = state.handovers.find(
    (one) => one.record.address === ip && one.record.to === self && isOpen(state, one),
  );
  return open ?? null;
}

/** The view of one address. Each part of it is worked out when a gate asks: most inputs end at one of the first. */
export function takeoverView(state: State, address: AddressState): TakeoverView {
  return new StateView(state, address);
}

/** Fields would be computed for gates that are never asked; accessors of a class cost nothing until then. */
class StateView implements TakeoverView {
  private readonly state: State;
  private readonly of: AddressState;

  constructor(state: State, address: AddressState) {
    this.state = state;
    this.of = address;
  }

  get at(): TakeoverView['at'] {
    return this.state.now.at;
  }

  get mode(): TakeoverView['mode'] {
    const { ip, campaign, move } = this.of;
    // What was begun as a takeover isn't seen through as a handover: nobody has consented, and a pause would be passed by.
    const begun = move?.mode ?? campaign?.mode;
    return begun !== 'takeover' && handoverToSelf(this.state, ip) !== null ? 'handover' : 'takeover';
  }

  get role(): TakeoverView['role'] {
    return this.state.config.node.role;
  }

  get phase(): TakeoverView['phase'] {
    return this.state.phase;
  }

  get unfinished(): TakeoverView['unfinished'] {
    return unfinishedOf(this.state, this.of);
  }

  get holder(): TakeoverView['holder'] {
    const { holder, ip } = this.of;
    return { isSelf: isHeldBySelf(this.state, ip), name: holderName(holder), at: holder.at };
  }

  get pause(): TakeoverView['pause'] {
    if (!isPaused(this.state)) return { paused: false, detail: 'not paused' };
    const { owner, reason } = this.state.pause;
    return { paused: true, detail: `paused by ${owner}: ${reason}` };
  }

  get lastProbe(): TakeoverView['lastProbe'] {
    return this.of.series.last;
  }

  get local(): TakeoverView['local'] {
    return this.state.local;
  }

  get verdict(): TakeoverView['verdict'] {
    const { verdict, verdictSince, verdictReason } = this.of;
    const notFailing = whyNotFailing(this.state, this.of);
    return { is: verdict, since: verdictSince, notFailing, detail: verdictReason };
  }

  get wayOut(): TakeoverView['wayOut'] {
    const { ip, series, verdict } = this.of;
    const { provenAt: at, failedAt } = wayOutOf(this.state, ip);
    const missed = failedAt !== null && (at === null || failedAt > at);
    const wanted = missed || series.last?.ok === false || verdict === 'down';
    return { proven: isProven(this.state, ip), wanted, at, detail: describeWayOut(this.state, ip) };
  }

  get storageFailing(): TakeoverView['storageFailing'] {
    return this.state.storage.failing;
  }

  get displaces(): TakeoverView['displaces'] {
    return { ip: this.of.idle.displaces, allowed: this.state.config.driver?.displace === 'allow' };
  }

  get permission(): TakeoverView['permission'] {
    const { permission } = this.of.idle;
    const lapsed = permission.kind === 'permitted' && this.at - permission.at > PERMISSION_LASTS_MS;
    return lapsed ? { kind: 'unproven' } : permission;
  }

  get damping(): TakeoverView['damping'] {
    return protectionOf(this.state, this.of, this.state.config.node.id);
  }

  get staggerUntil(): TakeoverView['staggerUntil'] {
    return staggerUntil(this.state, this.of, callTimeoutMs(this.state.config));
  }

  get ownLease(): TakeoverView['ownLease'] {
    return ownLeaseOf(this.state, this.of);
  }

  get backoff(): TakeoverView['backoff'] {
    return this.of.backoff;
  }

  get campaign(): TakeoverView['campaign'] {
    return this.of.campaign;
  }

  get guard(): TakeoverView['guard'] {
    return this.of.guard;
  }

  get intentWritten(): TakeoverView['intentWritten'] {
    return (this.of.campaign?.won?.write ?? 0) <= this.state.storage.durable;
  }

  get leaseNeededMs(): TakeoverView['leaseNeededMs'] {
    const { config } = this.state;
    const { move, campaign } = this.of;
    const calls = config.driver?.style === 'single-call' ? 1 : 2;
    if (move !== null) return calls * move.callTimeoutMs;
    const won = campaign?.won ?? null;
    const lentMs = campaign === null || won === null ? Infinity : won.until - campaign.openedAt;
    return (calls + 1) * callTimeoutMs(config, lentMs);
  }
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
      if (move.duty || isCommitted(move.stage.next))
        return { kind: 'duty', until: move.stage.until, released: move.duty };
      return movesAnother(state, ip) ? { kind: 'elsewhere' } : { kind: 'none' };
  }
}

/** One at a time: what taking one address throws off this node can depend on the other. */
function movesAnother(state: State, ip: Ip): boolean {
  for (const other in state.addresses) {
    const move = state.addresses[other]?.move;
    if (other !== ip && move != null && 'callId' in move.stage) return true;
  }
  return false;
}

function ownLeaseOf(state: State, address: AddressState): TakeoverView['ownLease'] {
  const { lent } = address;
  const lentElsewhere = lent !== null && lent.candidate !== state.config.node.id;
  const freeAt: MonotonicMs = Math.max(address.lendFrom, lentElsewhere ? lent.expiresAt : 0);
  return { freeAt, lentTo: lentElsewhere && lent.expiresAt > state.now.at ? lent.candidate : null };
}
