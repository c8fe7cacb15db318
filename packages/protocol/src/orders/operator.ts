/**
 * Operators' commands: handover, pause, resume. They come signed with the cluster key and as fresh as any message.
 */

import { misaddressedReason, refuse } from '../membership/gossip.ts';
import type { Route } from '../model/inputs.ts';
import { MAX_HANDOVERS } from '../model/limits.ts';
import type { State } from '../model/state.ts';
import type { EffectId, Ip, NodeId } from '../model/units.ts';
import { isSilent } from '../observation/holder.ts';
import { isoTime } from '../reporting/iso-time.ts';
import { newSerialId } from '../reporting/outbox.ts';
import type { StepContext } from '../step-context.ts';
import { bestCandidate } from '../takeover/damping.ts';
import type { Command, CommandOutcome, Envelope, PauseRecord } from '../wire/messages.ts';
import { askWhichAddress, cancelHandover, describeHandover, failed, onlyAddress } from './cancel.ts';
import {
  addHandover,
  endedByPause,
  HANDOVER_LASTS_MS,
  isMovePastRecall,
  isOpen,
  nextInOrder,
  orderedBy,
  standingOf,
  withdrawHandover,
} from './handover.ts';
import { admitCommand } from './operator-sessions.ts';
import { isPaused, lastingUntil, MAX_PAUSE_MS, setPause } from './pause.ts';
import { takeHandover, takePause, whyUnsigned } from './signed-orders.ts';

/** Operators' ids begin with this; no node's may. */
export const OPERATOR_PREFIX = 'operator.';
/** The most characters of what an operator is told at once; an outcome has at most 2,048. */
const MAX_OUTCOME = 1_024;
const KEPT = 'in force stays, because it lasts longer,';

const COMMANDS_OF: Readonly<Record<Route, readonly Command['kind'][]>> = {
  '/v1/gossip': [],
  '/v1/vote': [],
  '/v1/handover': ['handover', 'handover-status', 'handover-cancel'],
  '/v1/pause': ['pause'],
  '/v1/resume': ['resume'],
};

/** Whether a message's sender is an operator's command rather than a node: its id begins with `OPERATOR_PREFIX`. */
export function isOperator(id: NodeId): boolean {
  return id.startsWith(OPERATOR_PREFIX);
}

/** Carries out an operator's command, and answers with what became of it. One that isn't fresh is challenged. */
export function onCommand(ctx: StepContext, requestId: EffectId, route: Route, request: Envelope): void {
  const misaddressed = misaddressedReason(ctx.state, request, true);
  const command = request.payload.command;
  if (misaddressed !== null || command === undefined || !COMMANDS_OF[route].includes(command.kind)) {
    refuse(ctx, requestId, request, 403, misaddressed ?? 'unknown-sender');
    return;
  }
  const admission = admitCommand(ctx, request, command);
  if (admission.kind === 'refused') {
    refuse(ctx, requestId, request, 409, admission.reason);
    return;
  }
  ctx.replies.push({ requestId, request, status: 200, refused: null, outcome: obey(ctx, command) });
}

function obey(ctx: StepContext, command: Command): CommandOutcome {
  const objection = whyUnsigned(ctx.state, command);
  if (objection !== null) return failed('', objection);
  switch (command.kind) {
    case 'pause':
      return pause(ctx, command);
    case 'resume':
      return resume(ctx, command);
    case 'handover':
      return handOver(ctx, command);
    case 'handover-status':
      return handoverOutcome(ctx.state, command.id);
    case 'handover-cancel':
      return cancelHandover(ctx, command);
  }
}

/**
 * A pause, over whatever pause there is. One that would end later than this one stays in force as it is, unless it is to be
 * replaced; either way the order is a new version, which ends the handovers that are open.
 */
function pause(ctx: StepContext, command: Extract<Command, { kind: 'pause' }>): CommandOutcome {
  const objection = whyNoPause(ctx);
  if (objection !== null) return failed('', objection);
  const { pause: before } = ctx.state;
  const wasPaused = isPaused(ctx.state);
  const { order } = command;
  const refusal = order === undefined ? null : takePause(ctx, true, order);
  if (refusal !== null) return refusal;
  const keeps = order === undefined && orderPause(ctx, command);
  const replaced = wasPaused ? [`${keeps ? KEPT : 'it replaces'} ${describePause(before)}`] : [];
  const { owner, reason } = order ?? command;
  return stored(ctx, [...replaced, ...endOpenHandovers(ctx, owner, reason)]);
}

/** @returns whether the terms of the one in force stay, because it lasts longer */
function orderPause(ctx: StepContext, command: Extract<Command, { kind: 'pause' }>): boolean {
  const { owner, reason, forMs, replace } = command;
  const { proof: _, signedAt: __, ...before } = ctx.state.pause;
  const until = forMs === null ? null : Math.floor(ctx.now.wall + Math.min(forMs, MAX_PAUSE_MS));
  const keeps =
    isPaused(ctx.state) && replace !== true && lastingUntil(before) >= lastingUntil({ ...before, until });
  const ordered = keeps ? {} : { owner, reason, until };
  setPause(ctx, { ...before, ...ordered, ...nextPause(ctx), paused: true });
  return keeps;
}

function resume(ctx: StepContext, command: Extract<Command, { kind: 'resume' }>): CommandOutcome {
  const objection = whyNoPause(ctx);
  if (objection !== null) return failed('', objection);
  const { pause: before } = ctx.state;
  const ends = isPaused(ctx.state) ? [`it ends ${describePause(before)}`] : [];
  const { order, owner, reason } = command;
  const refusal = order === undefined ? null : takePause(ctx, false, order);
  if (refusal !== null) return refusal;
  if (order === undefined) setPause(ctx, { ...nextPause(ctx), paused: false, owner, reason, until: null });
  return stored(ctx, ends);
}

function whyNoPause({ state }: StepContext): string | null {
  const { failing } = state.storage;
  return failing === null ? null : `this node's disk doesn't take writes: ${failing}`;
}

function nextPause({ state }: StepContext): { readonly version: number; readonly by: NodeId } {
  return { version: state.pause.version + 1, by: state.config.node.id };
}

/** What else the order did stands after the first sentence, which every version begins with. */
function stored(ctx: StepContext, more: readonly string[]): CommandOutcome {
  const detail = ['stored here; spreading', ...more].join('; ').slice(0, MAX_OUTCOME);
  return { state: 'working', id: String(ctx.state.pause.version), detail };
}

function describePause({ owner, reason, until }: PauseRecord): string {
  const end = until === null ? 'until resumed' : `until ${isoTime(until)}`;
  return `the pause of ${owner}, ${end}${reason === '' ? '' : `: ${reason}`}`;
}

/** @returns what is to be said of each */
function endOpenHandovers(ctx: StepContext, owner: string, reason: string): readonly string[] {
  return ctx.state.handovers.flatMap((one) => {
    if (!isOpen(ctx.state, one)) return [];
    withdrawHandover(ctx, one, owner, endedByPause(owner, reason));
    const what = describeHandover(one.record);
    return isMovePastRecall(ctx.state, one.record)
      ? [`too late for ${what}, which is being moved`]
      : [`it ends ${what}`];
  });
}

function handOver(ctx: StepContext, command: Extract<Command, { kind: 'handover' }>): CommandOutcome {
  const { state } = ctx;
  const { order } = command;
  // The same once more, because its answer was lost.
  if (order !== undefined && state.handovers.some(({ record }) => record.id === order.id))
    return handoverOutcome(state, order.id);
  const { address, to: target } = order ?? command;
  const ip = address ?? onlyAddress(state);
  if (ip === null || state.addresses[ip] === undefined) return failed('', askWhichAddress(state));
  const to = target ?? bestCandidate(state, ip);
  if (to === null) return failed('', 'no other candidate is heard and fit');
  const objection = whyNotTo(state, ip, to) ?? underWay(state, ip);
  if (objection !== null) return failed('', objection);
  if (order !== undefined)
    return takeHandover(ctx, order) ?? { state: 'working', id: order.id, detail: `asked ${to}` };
  return orderHandover(ctx, command, ip, to);
}

function orderHandover(
  ctx: StepContext,
  command: Extract<Command, { kind: 'handover' }>,
  ip: Ip,
  to: NodeId,
): CommandOutcome {
  const id = newSerialId(ctx);
  const added = addHandover(ctx, {
    id,
    address: ip,
    to,
    by: command.owner,
    reason: command.reason,
    state: 'open',
    detail: '',
    ttlMs: Math.min(command.forMs ?? HANDOVER_LASTS_MS, HANDOVER_LASTS_MS),
    ordered: nextInOrder(ctx.state),
    pause: ctx.state.pause.version,
  });
  if (!added) return failed('', `${MAX_HANDOVERS} handovers are open already`);
  return { state: 'working', id, detail: `asked ${to}` };
}

function whyNotTo(state: State, ip: Ip, to: NodeId): string | null {
  if (state.addresses[ip]?.holder.node === to) return `${to} holds ${ip} already`;
  const self = state.config.node;
  const role = to === self.id ? self.role : state.config.peers.find((peer) => peer.id === to)?.role;
  if (role === undefined) return `no node is called ${to}`;
  if (role !== 'candidate') return `${to} is a ${role}, not a candidate`;
  if (to !== self.id && isSilent(state, to)) return `${to} isn't heard`;
  return null;
}

function underWay(state: State, ip: Ip): string | null {
  const open = state.handovers.find(({ record }) => record.address === ip && record.state === 'open');
  if (open === undefined || open.expiresAt <= state.now.at) return null;
  const { to, by, reason } = open.record;
  return `a handover of ${ip} to ${to} is under way already, ${orderedBy({ by, reason })}`;
}

function handoverOutcome(state: State, id: string): CommandOutcome {
  const known = state.handovers.find(({ record }) => record.id === id);
  if (known === undefined) return failed(id, 'no such handover is known here');
  const { record } = known;
  if (record.state === 'open') return { state: 'working', id, detail: record.detail };
  return {
    state: record.state === 'done' ? 'done' : 'failed',
    id,
    detail: `${standingOf(record)}: ${record.detail}`,
  };
}
