/**
 * Addresses that have a home go back to it, by a handover that their holder orders (PROTOCOL.md, "Homes").
 */
import type { Homing } from '../model/address-state.ts';
import type { FailbackConfig } from '../model/config.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, NodeId, WallMs } from '../model/units.ts';
import { fitnessOf, isHeldBySelf } from '../observation/holder.ts';
import { newSerialId } from '../reporting/outbox.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import { flappingUntil, newestChange } from '../takeover/damping.ts';
import { addHandover, HANDOVER_LASTS_MS, isOpen, nextInOrder } from './handover.ts';
import { isPaused } from './pause.ts';

/** Who orders these handovers, as people read it. */
export const FAILBACK_OWNER = 'failback';
/** `02:00-05:00 UTC`. */
export const SPAN_OF_DAY: RegExp = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d) UTC$/;
const MINUTE_MS: DurationMs = 60_000;
const DAY_MS: DurationMs = 86_400_000;
/** A home that didn't take its address is asked again after `after`; each time twice as long, up to this. */
const MAX_REST_MS: DurationMs = DAY_MS;

/** Where an address stands with its home; `because` says what it waits for, and is empty at home. */
export interface HomeView {
  readonly node: NodeId;
  readonly word: 'home' | 'away';
  readonly because: string;
}

/** Whose the address is when all are well; null: nobody's in particular. */
export function homeOf({ config }: State, ip: Ip): NodeId | null {
  return config.addresses.find((one) => one.ip === ip)?.home ?? null;
}

/** Notes how long each home has been able to have its address back, and orders what is due. */
export function failBack(ctx: StepContext): void {
  const { failback, addresses } = ctx.state.config;
  if (failback === undefined || ctx.state.phase !== 'running') return;
  for (const { ip } of addresses) {
    noteAble(ctx, ip);
    noteEnd(ctx, ip, failback);
  }
  for (const { ip } of addresses) {
    const home = homeOf(ctx.state, ip);
    if (home === null || home === ctx.state.config.node.id || !isHeldBySelf(ctx.state, ip)) continue;
    if (whyNotYet(ctx.state, ip, home) !== null) continue;
    order(ctx, ip, home);
    return;
  }
}

/** How long a home has been ready counts anew: this node stood still, or has another configuration. */
export function forgetHomes(ctx: StepContext): void {
  for (const ip in ctx.state.addresses) changeHoming(ctx, ip, { ableSince: null });
}

/** What an address that has a home waits for, for people; null: it has none. */
export function homeView(state: State, ip: Ip): HomeView | null {
  const home = homeOf(state, ip);
  const address = state.addresses[ip];
  if (home === null || address === undefined) return null;
  if (address.holder.node === home) return { node: home, word: 'home', because: '' };
  const because = whyNotYet(state, ip, home) ?? `${address.holder.node ?? 'whoever holds it'} hands it over`;
  return { node: home, word: 'away', because };
}

/** Why the address stays where it is for now; null: it may go home. */
function whyNotYet(state: State, ip: Ip, home: NodeId): string | null {
  const { config } = state;
  const { failback } = config;
  if (failback === undefined) return 'failback is never: an operator hands it over';
  if (config.orders !== 'any') return 'operators sign their orders, and no node can';
  if (isPaused(state)) return `paused by ${state.pause.owner}`;
  return (
    whyNotReady(state, ip, home, failback) ??
    whyAnotherFirst(state, ip, failback) ??
    whyNotNow(failback, state.now.wall)
  );
}

function whyNotNow({ window }: FailbackConfig, wall: WallMs): string | null {
  return window === null || isSpanOpen(window, wall) ? null : `it goes within ${window}`;
}

/** By what concerns this address alone: every node finds the same, as soon as it knows the same. */
function whyNotReady(state: State, ip: Ip, home: NodeId, { afterMs }: FailbackConfig): string | null {
  const at = state.now.at;
  const address = state.addresses[ip];
  if (address === undefined) return `${ip} isn't configured`;
  const { homing, holder } = address;
  if (holder.node === null) return 'no node holds it';
  if (homing.ableSince === null) return `${home} isn't ready`;
  const left = (from: number): DurationMs => from + afterMs - at;
  if (left(homing.ableSince) > 0)
    return `${home} has been ready for ${seconds(at - homing.ableSince)} s of ${seconds(afterMs)} s`;
  const changed = newestChange(address);
  const settled = Math.max(afterMs, state.config.holdDownMs);
  if (changed !== null && changed + settled > at)
    return `it moved ${seconds(at - changed)} s ago, and stays for ${seconds(settled)} s`;
  if (flappingUntil(state, address) > at) return 'it has moved too often lately';
  if (homing.restsUntil > at)
    return `the last try came to nothing; again in ${seconds(homing.restsUntil - at)} s`;
  return null;
}

/** One address moves at a time, and none while any is in trouble. */
function whyAnotherFirst(state: State, ip: Ip, failback: FailbackConfig): string | null {
  const open = state.handovers.find((one) => isOpen(state, one));
  if (open !== undefined) return `${open.record.address} is being handed over`;
  for (const { ip: other } of state.config.addresses) {
    const address = state.addresses[other];
    if (address === undefined) continue;
    if (address.verdict !== 'up') return `${other} isn't seen up`;
    if (address.move !== null || address.campaign !== null) return `${other} is being moved`;
  }
  for (const { ip: other, home } of state.config.addresses) {
    if (other === ip) return null;
    if (home === undefined || state.addresses[other]?.holder.node === home) continue;
    if (whyNotReady(state, other, home, failback) === null) return `${other} goes home first`;
  }
  return null;
}

/** Since when this node has seen the home heard, fit, ready and not about to leave. */
function noteAble(ctx: StepContext, ip: Ip): void {
  const home = homeOf(ctx.state, ip);
  const { homing } = addressOf(ctx.state, ip);
  const able = home !== null && isReadyHome(ctx.state, home);
  if (able === (homing.ableSince !== null)) return;
  changeHoming(ctx, ip, { ableSince: able ? ctx.now.at : null });
}

function isReadyHome(state: State, home: NodeId): boolean {
  if (fitnessOf(state, home) !== 'fit') return false;
  if (home === state.config.node.id) return state.ready.ready;
  const record = state.peers[home]?.record;
  return record?.ready === true && !record.leaving;
}

/** What became of the handover that this node ordered last. */
function noteEnd(ctx: StepContext, ip: Ip, { afterMs }: FailbackConfig): void {
  const { homing } = addressOf(ctx.state, ip);
  if (homing.ordered === null) return;
  const known = ctx.state.handovers.find(({ record }) => record.id === homing.ordered);
  if (known !== undefined && known.record.state === 'open') return;
  const failures = known?.record.state === 'done' ? 0 : homing.failures + 1;
  const restMs = failures === 0 ? 0 : Math.min(MAX_REST_MS, afterMs * 2 ** (failures - 1));
  changeHoming(ctx, ip, { ordered: null, failures, restsUntil: ctx.now.at + restMs });
}

function order(ctx: StepContext, ip: Ip, home: NodeId): void {
  const id = newSerialId(ctx);
  const added = addHandover(ctx, {
    id,
    address: ip,
    to: home,
    by: FAILBACK_OWNER,
    reason: `its home is ${home}`,
    state: 'open',
    detail: '',
    ttlMs: HANDOVER_LASTS_MS,
    ordered: nextInOrder(ctx.state),
    pause: ctx.state.pause.version,
  });
  if (added) changeHoming(ctx, ip, { ordered: id });
}

function changeHoming(ctx: StepContext, ip: Ip, parts: Partial<Homing>): void {
  const { homing } = addressOf(ctx.state, ip);
  changeAddress(ctx, ip, { homing: { ...homing, ...parts } });
}

/** Whether the time of day is within the span; one that ends before it begins goes on past midnight. */
export function isSpanOpen(window: string, wall: WallMs): boolean {
  const span = spanOf(window);
  if (span === null) return false;
  const [from, until] = span;
  const minute = Math.floor((((wall % DAY_MS) + DAY_MS) % DAY_MS) / MINUTE_MS);
  return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

/**
 * A span of the day in minutes since midnight: `02:00-05:00 UTC` is from 120 to 300.
 *
 * @returns null: it can't be read, or is empty
 */
export function spanOf(window: string): readonly [fromMinute: number, untilMinute: number] | null {
  const [, fromHour, fromMinute, untilHour, untilMinute] = SPAN_OF_DAY.exec(window) ?? [];
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const until = Number(untilHour) * 60 + Number(untilMinute);
  return Number.isNaN(from + until) || from === until ? null : [from, until];
}

function seconds(ms: DurationMs): number {
  return Math.round(ms / 1_000);
}
