/**
 * Operators' commands: handover, pause, resume. They come signed with the cluster key and as fresh as any message.
 */
import { bestCandidate } from './damping.ts';
import { admitRequest } from './freshness.ts';
import { misaddressedReason, ownSession, refuse } from './gossip.ts';
import { addHandover, HANDOVER_LASTS_MS } from './handover.ts';
import { isSilent } from './holder.ts';
import { NEW_CHANNEL } from './initial.ts';
import type { Route } from './inputs.ts';
import type { Command, CommandOutcome, Envelope } from './messages.ts';
import { newSerialId } from './outbox.ts';
import { setPause } from './pause.ts';
import type { OperatorChannel, State } from './state.ts';
import { change, type Turn } from './turn.ts';
import type { DurationMs, EffectId, Ip, NodeId } from './units.ts';

/** Operators' ids begin with this; no node's may. */
export const OPERATOR_PREFIX = 'operator.';
/** The most operators' sessions known at once; the one unused for longest gives way. */
const MAX_OPERATORS = 32;
/** A pause can be no longer than this. */
export const MAX_PAUSE_MS: DurationMs = 366 * 24 * 3_600_000;

const COMMANDS_OF: Readonly<Record<Route, readonly Command['kind'][]>> = {
  '/v1/gossip': [],
  '/v1/vote': [],
  '/v1/handover': ['handover', 'handover-status'],
  '/v1/pause': ['pause'],
  '/v1/resume': ['resume'],
};

export function isOperator(id: NodeId): boolean {
  return id.startsWith(OPERATOR_PREFIX);
}

export function onCommand(turn: Turn, requestId: EffectId, route: Route, request: Envelope): void {
  const misaddressed = misaddressedReason(turn.state, request, true);
  const command = request.payload.command;
  if (misaddressed !== null || command === undefined || !COMMANDS_OF[route].includes(command.kind)) {
    refuse(turn, requestId, request, 403, misaddressed ?? 'unknown-sender');
    return;
  }
  const known = turn.state.operators.find((one) => one.id === request.from);
  const admission = admitRequest(known?.channel ?? NEW_CHANNEL, ownSession(turn.state), request);
  remember(turn, { id: request.from, channel: admission.channel, usedAt: turn.now.at });
  if (admission.kind === 'refused') {
    refuse(turn, requestId, request, 409, admission.reason);
    return;
  }
  turn.replies.push({ requestId, request, status: 200, refused: null, outcome: obey(turn, command) });
}

function obey(turn: Turn, command: Command): CommandOutcome {
  switch (command.kind) {
    case 'pause':
      return pause(turn, true, command.owner, command.reason, command.forMs);
    case 'resume':
      return pause(turn, false, command.owner, command.reason, null);
    case 'handover':
      return handOver(turn, command);
    case 'handover-status':
      return handoverOutcome(turn.state, command.id);
  }
}

function pause(
  turn: Turn,
  paused: boolean,
  owner: string,
  reason: string,
  forMs: DurationMs | null,
): CommandOutcome {
  if (turn.state.storage.failing !== null)
    return failed('', `this node's disk doesn't take writes: ${turn.state.storage.failing}`);
  const version = turn.state.pause.version + 1;
  const until = forMs === null ? null : Math.floor(turn.now.wall + Math.min(forMs, MAX_PAUSE_MS));
  setPause(turn, { version, by: turn.state.config.node.id, paused, owner, reason, until });
  return { state: 'working', id: String(version), detail: 'stored here; spreading' };
}

function handOver(turn: Turn, command: Extract<Command, { kind: 'handover' }>): CommandOutcome {
  const { state } = turn;
  const ip = command.address ?? onlyAddress(state);
  if (ip === null || state.addresses[ip] === undefined) {
    return failed('', `which address? Known here: ${Object.keys(state.addresses).join(', ')}`);
  }
  const to = command.to ?? bestCandidate(state, ip);
  if (to === null) return failed('', 'no other candidate is heard and fit');
  const objection = whyNotTo(state, ip, to);
  if (objection !== null) return failed('', objection);
  const open = state.handovers.find(
    ({ record, expiresAt }) => record.state === 'open' && record.address === ip && expiresAt > state.now.at,
  );
  if (open !== undefined)
    return failed(open.record.id, `a handover of ${ip} to ${open.record.to} is under way already`);
  const id = newSerialId(turn);
  addHandover(turn, {
    id,
    address: ip,
    to,
    by: command.owner,
    reason: command.reason,
    state: 'open',
    detail: '',
    ttlMs: HANDOVER_LASTS_MS,
  });
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

function handoverOutcome(state: State, id: string): CommandOutcome {
  const known = state.handovers.find(({ record }) => record.id === id);
  if (known === undefined) return failed(id, 'no such handover is known here');
  const { record } = known;
  if (record.state === 'open') return { state: 'working', id, detail: record.detail };
  return {
    state: record.state === 'done' ? 'done' : 'failed',
    id,
    detail: `${record.state}: ${record.detail}`,
  };
}

function onlyAddress(state: State): Ip | null {
  const ips = Object.keys(state.addresses);
  return ips.length === 1 ? (ips[0] ?? null) : null;
}

function failed(id: string, detail: string): CommandOutcome {
  return { state: 'failed', id, detail };
}

function remember(turn: Turn, operator: OperatorChannel): void {
  const others = turn.state.operators.filter((one) => one.id !== operator.id);
  change(turn, { operators: [operator, ...others].slice(0, MAX_OPERATORS) });
}
