/**
 * What is looked after while nothing happens: who holds the address, whether this node may take it, and whether it
 * could (the running preflight behind `takeover_ready`).
 */

import { copyIdle } from '../copy.ts';
import { takeRead } from '../membership/hearsay.ts';
import {
  type AddressState,
  type Holder,
  type IdleCalls,
  MAX_READ_REQUESTS,
  type ShownRead,
} from '../model/address-state.ts';
import type { ProtocolConfig } from '../model/config.ts';
import type { Association, DriverAnswer, DriverResult } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import { type DurationMs, type EffectId, type Ip, type MonotonicMs, NEVER } from '../model/units.ts';
import { endLateTake } from '../move/late.ts';
import { isReadOn } from '../move/phases.ts';
import { settle } from '../move/settling.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  emitFact,
  newEffectId,
  type StepContext,
} from '../step-context.ts';
import { callTimeoutMs, PERMISSION_LASTS_MS } from '../takeover/view.ts';
import { earlyReadAt } from './early-reads.ts';
import { forgetHolder, holderFrom, isSameHolder, observeHolder } from './holder.ts';
import { isWatchedClosely } from './watching.ts';
import { ASK_IDLE_MS, familyOf } from './way-out.ts';

/** Reads share a throttling budget with the whole account: idle, one a minute and node. */
export const READ_EVERY_MS: DurationMs = 60_000;
const PERMIT_EVERY_MS: DurationMs = 5 * 60_000;
/** While something stands in the way and the address is in trouble. */
const AGAIN_MS: DurationMs = 5_000;
/**
 * No lease waits for an idle call, and the first calls of a run are slow. With `AGAIN_MS` it stays below 10 s, in which
 * whatever stands in the way of a move is tried again.
 */
const IDLE_CALL_TIMEOUT_MS: DurationMs = 4_000;
/** So many reads in a row without an answer, or with a throttle, are more than a hiccup. A definite no counts at once. */
const FAILED_READS = 2;

/** Read and prove what is due. */
export function makeIdleCalls(ctx: StepContext): void {
  const { config, phase } = ctx.state;
  if (config.driver === null || config.node.role !== 'candidate' || phase !== 'running') return;
  for (const ip in ctx.state.addresses) {
    const address = addressOf(ctx.state, ip);
    const { idle } = address;
    if (makesItsOwnCalls(ctx.state, address)) continue;
    const isEarly = earlyReadAt(ctx.state, address) <= ctx.now.at;
    if (isEarly || (idle.reading === null && idle.nextReadAt <= ctx.now.at))
      readIdly(ctx, ip, isEarly ? callTimeoutMs(config) : IDLE_CALL_TIMEOUT_MS);
    permitIfDue(ctx, ip);
  }
}

/** @param timeoutMs what a move's own read would get, where one may wait for it */
function readIdly(ctx: StepContext, ip: Ip, timeoutMs: DurationMs): void {
  const callId = newEffectId(ctx);
  const { idle } = addressOf(ctx.state, ip);
  const nextReadAt = nextIdleRead(ctx, ip);
  const { reading, readingAt: at } = idle;
  const overtaken = reading === null ? idle.overtaken : { callId: reading, at };
  changeIdle(ctx, ip, { ...idle, reading: callId, readingAt: ctx.now.at, overtaken, nextReadAt });
  const operation = { op: 'read' } as const;
  ctx.effects.push({ kind: 'drive', callId, purpose: 'idle-read', address: ip, operation, timeoutMs });
}

/** The answer to an idle read, as old as the read. One that was given up counts for nothing. */
export function onIdleRead(ctx: StepContext, callId: EffectId, result: DriverResult): void {
  for (const { ip, idle } of Object.values(ctx.state.addresses)) {
    if (idle.reading === callId) return onRead(ctx, ip, idle, result);
    if (idle.overtaken?.callId === callId) return onOvertaken(ctx, ip, idle.overtaken.at, result);
  }
}

/** The newer read tells whether the cloud still listens to this node; this one shows who held the address. */
function onOvertaken(ctx: StepContext, ip: Ip, readAt: MonotonicMs, { answer }: DriverResult): void {
  changeIdle(ctx, ip, { ...addressOf(ctx.state, ip).idle, overtaken: null });
  if (answer.kind === 'read' && takeRead(ctx, ip, answer.association, readAt))
    observeRead(ctx, ip, answer.association, readAt);
}

function observeRead(ctx: StepContext, ip: Ip, association: Association, readAt: MonotonicMs): Holder {
  const before = addressOf(ctx.state, ip).holder;
  const seen = holderFrom(ctx.state, association, readAt);
  observeHolder(ctx, ip, seen, 'read');
  readAgainIfOvertaken(ctx, ip, seen);
  endLateTake(ctx, ip, before, seen, readAt);
  return seen;
}

/** The answer to a dry run. */
export function onPermission(ctx: StepContext, callId: EffectId, result: DriverResult): void {
  for (const { ip, idle } of Object.values(ctx.state.addresses))
    if (idle.permitting === callId) return onPermitted(ctx, ip, idle, result);
}

/** Tell when the running preflight begins or ceases to hold. */
export function tellReadiness(ctx: StepContext): void {
  const problems = readinessProblems(ctx.state);
  const before = ctx.state.ready;
  if (
    problems.length === before.problems.length &&
    problems.every((problem, i) => problem === before.problems[i])
  )
    return;
  const ready = problems.length === 0;
  change(ctx, { ready: { ready, problems } });
  emitFact(ctx, { kind: 'readiness', ready, problems });
  if (ready !== before.ready) announce(ctx);
}

/**
 * When the next idle read or dry run of an address is due; `NEVER` while both are on their way, or where a move
 * makes its own calls.
 */
export function nextIdleCall(state: State, address: AddressState): MonotonicMs {
  const { idle } = address;
  if (state.config.driver === null || makesItsOwnCalls(state, address)) return NEVER;
  const read = Math.min(idle.reading === null ? idle.nextReadAt : NEVER, earlyReadAt(state, address));
  const permit = idle.permitting === null ? idle.nextPermitAt : NEVER;
  return Math.min(read, permit);
}

/** What would keep this node from taking an address, whatever the address's state. Codes, with the address where there is one. */
export function readinessProblems(state: State): readonly string[] {
  if (state.phase === 'new') return ['starting'];
  if (state.config.node.role !== 'candidate') return ['not-a-candidate'];
  const problems: string[] = [];
  if (isStateSetAside(state)) problems.push(`state-${state.storage.found}: ${state.storage.foundDetail}`);
  if (state.storage.failing !== null) problems.push(`storage-failed: ${state.storage.failing}`);
  if (state.local.fit !== 'fit') problems.push(`local-${state.local.fit}`);
  for (const ip in state.addresses) {
    const { idle } = addressOf(state, ip);
    const wayOut = state.wayOut[familyOf(ip)];
    const seenAt = wayOut.provenAt;
    const fresh =
      seenAt !== null &&
      state.now.at - seenAt < 2.5 * ASK_IDLE_MS &&
      (wayOut.failedAt === null || wayOut.failedAt < seenAt);
    if (!fresh) problems.push(`no-way-out: ${ip}: ${wayOut.reason}`);
    if (idle.displaces !== null && state.config.driver?.displace !== 'allow')
      problems.push(`would-displace: ${ip}: ${idle.displaces}`);
    const unread = readProblem(ip, idle);
    if (unread !== null) problems.push(unread);
    const unpermitted = permissionProblem(state, ip, idle);
    if (unpermitted !== null) problems.push(unpermitted);
  }
  return problems;
}

/** What the last run left could not be used, and so this node keeps its vote, its own included, for a lease. */
function isStateSetAside({ storage, addresses, now }: State): boolean {
  if (storage.found !== 'foreign' && storage.found !== 'unreadable') return false;
  return Object.values(addresses).some(({ lendFrom }) => lendFrom > now.at);
}

/**
 * A minute after the last read that another address has coming: one a minute and node, whatever the number of
 * addresses, and never a longer time without any, because a read also shows whether the cloud still listens to us.
 */
function nextIdleRead(ctx: StepContext, ip: Ip): MonotonicMs {
  const { addresses, config, now } = ctx.state;
  const others = Object.values(addresses).filter((address) => address.ip !== ip);
  const last = Math.max(now.at, ...others.map(({ idle }) => idle.nextReadAt));
  return Math.min(last + READ_EVERY_MS, now.at + READ_EVERY_MS * Math.max(1, config.addresses.length));
}

function readProblem(ip: Ip, { unread }: IdleCalls): string | null {
  if (unread === null || (!unread.refused && unread.times < FAILED_READS)) return null;
  return `${unread.refused ? 'read-refused' : 'read-failed'}: ${ip}: ${unread.code}`;
}

/**
 * A move makes its own calls. The reads after its acceptance, which may lag, are idle reads.
 */
function makesItsOwnCalls(state: State, { move }: AddressState): boolean {
  return move !== null && !isReadOn(move, state.config.driver?.style);
}

function permissionProblem(state: State, ip: Ip, { permission }: IdleCalls): string | null {
  switch (permission.kind) {
    case 'permitted':
      return state.now.at - permission.at > PERMISSION_LASTS_MS ? `permission-unproven: ${ip}` : null;
    case 'denied':
      return `not-permitted: ${ip}: ${permission.code}`;
    case 'unproven':
      return `permission-unproven: ${ip}`;
  }
}

function permitIfDue(ctx: StepContext, ip: Ip): void {
  const { idle } = addressOf(ctx.state, ip);
  if (idle.permitting !== null || idle.nextPermitAt > ctx.now.at) return;
  const callId = newEffectId(ctx);
  changeIdle(ctx, ip, { ...idle, permitting: callId, nextPermitAt: ctx.now.at + PERMIT_EVERY_MS });
  ctx.effects.push({
    kind: 'drive',
    callId,
    purpose: 'permission',
    address: ip,
    operation: { op: 'permit' },
    timeoutMs: IDLE_CALL_TIMEOUT_MS,
  });
}

/** What a read, a move's too, says of whether the cloud listens to this node, and of what stands on its interface. */
export function noteRead(ctx: StepContext, ip: Ip, answer: DriverAnswer): void {
  const { idle } = addressOf(ctx.state, ip);
  if (answer.kind === 'read') {
    // What stood in the way of the reads is gone, and was in the way of the dry run, too.
    const again = idle.unread !== null && idle.permission.kind !== 'permitted';
    const nextPermitAt = again ? ctx.now.at : idle.nextPermitAt;
    changeIdle(ctx, ip, { ...idle, displaces: answer.displaces, unread: null, nextPermitAt });
    return;
  }
  const code = 'code' in answer ? answer.code : 'UnexpectedAnswer';
  const refused = answer.kind === 'refused' && !answer.throttled;
  const times = Math.min((idle.unread?.times ?? 0) + 1, FAILED_READS);
  changeIdle(ctx, ip, { ...idle, unread: { code, refused, times } });
}

function onRead(ctx: StepContext, ip: Ip, idle: IdleCalls, result: DriverResult): void {
  const { answer } = result;
  changeIdle(ctx, ip, { ...idle, reading: null });
  noteRead(ctx, ip, answer);
  if (answer.kind !== 'read') {
    const { idle: failed } = addressOf(ctx.state, ip);
    changeIdle(ctx, ip, { ...failed, nextReadAt: ctx.now.at + AGAIN_MS * 2 });
    return;
  }
  const lags = !takeRead(ctx, ip, answer.association, idle.readingAt);
  noteShown(ctx, ip, lags ? null : shownReadFrom(answer, result, idle.readingAt));
  if (lags) return;
  const seen = observeRead(ctx, ip, answer.association, idle.readingAt);
  readOnWhileVerified(ctx, ip, seen, idle.readingAt);
}

/**
 * Our single call may have taken the address from its holder without giving it to us, and what a read showed as ours may have been an
 * association of long before.
 */
function readOnWhileVerified(ctx: StepContext, ip: Ip, seen: Holder, readAt: MonotonicMs): void {
  const { move, idle } = addressOf(ctx.state, ip);
  if (move === null || !isReadOn(move, ctx.state.config.driver?.style)) return;
  if (seen.kind === 'none' && readAt >= move.stage.acceptedAt) return settle(ctx, ip, 'swap', null);
  changeIdle(ctx, ip, { ...idle, nextReadAt: Math.min(idle.nextReadAt, ctx.now.at + AGAIN_MS) });
}

function noteShown(ctx: StepContext, ip: Ip, shown: ShownRead | null): void {
  changeIdle(ctx, ip, { ...addressOf(ctx.state, ip).idle, shown });
}

function shownReadFrom(
  { association, displaces }: Extract<DriverAnswer, { readonly kind: 'read' }>,
  { requests }: DriverResult,
  at: MonotonicMs,
): ShownRead {
  const requestIds = requests.map(({ requestId }) => requestId).filter((id) => id !== null);
  return { association, displaces, at, requestIds: requestIds.slice(0, MAX_READ_REQUESTS) };
}

/**
 * A word that came while the read was on its way counts as newer than the read, though the cloud may have answered
 * after what the word tells of. Where the two differ neither is proof: the cloud is asked again.
 */
function readAgainIfOvertaken(ctx: StepContext, ip: Ip, seen: Holder): void {
  const { holder, idle } = addressOf(ctx.state, ip);
  if (isSameHolder(holder, seen)) return;
  const nextReadAt = Math.max(ctx.now.at, idle.readingAt + AGAIN_MS);
  if (idle.nextReadAt > nextReadAt) changeIdle(ctx, ip, { ...idle, nextReadAt });
}

function onPermitted(ctx: StepContext, ip: Ip, idle: IdleCalls, result: DriverResult): void {
  const { answer } = result;
  const urgent = idle.permission.kind === 'unproven' || isWatchedClosely(ctx.state, addressOf(ctx.state, ip));
  const againMs = urgent ? AGAIN_MS : AGAIN_MS * 6;
  const nextPermitAt = ctx.now.at + againMs;
  if (answer.kind === 'permitted') {
    changeIdle(ctx, ip, {
      ...idle,
      permitting: null,
      permission: { kind: 'permitted', at: ctx.now.at },
    });
  } else if (answer.kind === 'refused' && !answer.throttled) {
    const permission = { kind: 'denied', code: answer.code, message: answer.message } as const;
    changeIdle(ctx, ip, { ...idle, permitting: null, nextPermitAt, permission });
  } else changeIdle(ctx, ip, { ...idle, permitting: null, nextPermitAt });
}

/** Whether this node can find out by itself who holds an address. */
export function asksTheCloud({ driver, node }: ProtocolConfig): boolean {
  return driver !== null && node.role === 'candidate';
}

/** In trouble, what stands in the way, or may have changed, is tried again soon. */
export function hastenIdleRead(ctx: StepContext, ip: Ip): void {
  const { idle, late, guard, verdict, holder, doubt } = addressOf(ctx.state, ip);
  const soon = ctx.now.at + AGAIN_MS;
  const permission = idle.permission;
  const permitted = permission.kind === 'permitted' && ctx.now.at - permission.at <= PERMISSION_LASTS_MS;
  if (!permitted && idle.nextPermitAt > soon) changeIdle(ctx, ip, { ...idle, nextPermitAt: soon });
  // Down, and held by this node: the belief may be wrong, and nothing else would ever correct it.
  const heldInVain = verdict === 'down' && holder.node === ctx.state.config.node.id;
  const doubtful =
    doubt !== null || idle.displaces !== null || late !== null || guard?.kind === 'refused' || heldInVain;
  const now = addressOf(ctx.state, ip).idle;
  if (doubtful && now.nextReadAt > soon) changeIdle(ctx, ip, { ...now, nextReadAt: soon });
}

/**
 * The association by which the holder is known has ended, and nobody that is heard has said who holds the address now:
 * the cloud is asked. Otherwise an old holder that cannot reach the new one keeps believing that it holds the address until
 * the next idle read. A node without access to the cloud no longer knows who holds it.
 */
export function readIfEnded(ctx: StepContext, ip: Ip): void {
  const { holder, ended, idle } = addressOf(ctx.state, ip);
  if (holder.associationId === null || !ended.includes(holder.associationId)) return;
  if (!asksTheCloud(ctx.state.config)) return forgetHolder(ctx, ip);
  const nextReadAt = Math.max(ctx.now.at, idle.readingAt + AGAIN_MS);
  if (idle.nextReadAt > nextReadAt) changeIdle(ctx, ip, { ...idle, nextReadAt });
}

function changeIdle(ctx: StepContext, ip: Ip, idle: IdleCalls): void {
  changeAddress(ctx, ip, { idle: copyIdle(idle) });
}
