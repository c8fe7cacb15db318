/**
 * When a node looks: what is due, what is hurried, and which signs have it look closely (PROTOCOL.md, "Observation").
 */

import type { AddressState } from '../model/address-state.ts';
import type { AddressConfig, CheckConfig } from '../model/config.ts';
import type { CheckSeries } from '../model/observation-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import { neighbourhoodOf } from '../neighbours.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  newEffectId,
  type StepContext,
} from '../step-context.ts';
import { handoverToSelf } from '../takeover/view.ts';
import type { NodeRecord } from '../wire/messages.ts';
import {
  checkIntervalMs,
  countingOf,
  failuresToCome,
  hastened,
  heeded,
  isDue,
  MAX_OVERLAPPING,
  paceOf,
  started,
} from './check.ts';
import { failuresNeeded } from './failing.ts';
import { holderUnfitSince, isHeldBySelf, isSilent } from './holder.ts';
import { ASK_IDLE_MS, askWayOut, isProvenSince, wayOutOf } from './way-out.ts';

/** What a node tells the others, so that they look at once. */
export function inTrouble(state: State, address: AddressState): boolean {
  if (isFailing(address.series) || address.verdict === 'down') return true;
  return isHeldBySelf(state, address.ip) && (isFailing(state.local.series) || state.local.fit === 'unfit');
}

/** The last check failed, or one is out for much longer than an answer usually takes. */
export function isFailing({ fails, silent }: CheckSeries): boolean {
  return fails > 0 || silent;
}

/** Whether the address is probed at `fastInterval`. */
export function isWatchedClosely(state: State, address: AddressState): boolean {
  if (inTrouble(state, address) || address.move !== null || holderUnfitSince(state, address) !== null)
    return true;
  // Asked several times a step: a loop over many peers, without a call for each.
  for (const { id } of neighbourhoodOf(state.config).watched) {
    const record = state.peers[id]?.record;
    if (record != null && isToldTrouble(record, address.ip) && !isSilent(state, id)) return true;
  }
  return false;
}

/** Whether the record tells of trouble. */
function isToldTrouble({ addresses }: NodeRecord, ip: Ip): boolean {
  for (const one of addresses) if (one.trouble && one.ip === ip) return true;
  return false;
}

/** Start every probe and local check that is due, and ask for the proof where one is wanted. */
export function observeWhatIsDue(ctx: StepContext): void {
  // The check of the own HAProxy may be a sign of trouble for an address that this node holds.
  checkLocalIfDue(ctx);
  for (const ip in ctx.state.addresses) {
    const { probe } = probeConfig(ctx.state, ip);
    heed(ctx, ip, probe);
    const closely = isWatchedClosely(ctx.state, addressOf(ctx.state, ip));
    if (closely) changeAddress(ctx, ip, { series: hastened(addressOf(ctx.state, ip).series, probe) });
    if (isDue(addressOf(ctx.state, ip).series, ctx.now.at, closely)) startProbe(ctx, ip);
    if (wantsProof(ctx.state, addressOf(ctx.state, ip))) askWayOut(ctx, ip);
  }
}

/** News of trouble: look at once, and keep looking closely. */
export function lookNow(ctx: StepContext, ip: Ip): void {
  // Else the news of several peers about one hiccup would be as many failures.
  look(ctx, ip, paceOf(addressOf(ctx.state, ip).series, probeConfig(ctx.state, ip).probe));
}

/** A move of this node's own was accepted: whether it serves is looked at whatever the pace. */
export function lookAfterMove(ctx: StepContext, ip: Ip): void {
  look(ctx, ip, ctx.now.at);
}

function look(ctx: StepContext, ip: Ip, from: MonotonicMs): void {
  if (ctx.now.at >= from && countingOf(addressOf(ctx.state, ip).series).length === 0) startProbe(ctx, ip);
  else startProbeIfDecisive(ctx, ip);
  askWayOut(ctx, ip);
  const { local, config } = ctx.state;
  if (config.local !== null && countingOf(local.series).length === 0) startLocalCheck(ctx);
}

/** A heartbeat to this peer came to nothing: what it holds is looked at, unless it is watched closely anyhow. */
export function onMissedHeartbeat(ctx: StepContext, peer: NodeId): void {
  for (const ip in ctx.state.addresses) {
    const address = addressOf(ctx.state, ip);
    if (address.holder.node === peer && !isWatchedClosely(ctx.state, address)) lookNow(ctx, ip);
  }
}

/** An answer that is out for much longer than usual is a sign of trouble, long before its time-out. */
function heed(ctx: StepContext, ip: Ip, probe: CheckConfig): void {
  const before = addressOf(ctx.state, ip);
  const series = heeded(before.series, ctx.now.at, probe.timeoutMs);
  if (series === before.series) return;
  changeAddress(ctx, ip, { series });
  if (inTrouble(ctx.state, addressOf(ctx.state, ip)) !== inTrouble(ctx.state, before)) announce(ctx);
}

/** The same for the check of this node's own HAProxy, and of whatever addresses it holds. */
function checkLocalIfDue(ctx: StepContext): void {
  const { config, local, now } = ctx.state;
  if (config.local === null) return;
  let series = heeded(local.series, now.at, config.local.timeoutMs);
  const closely = isFailing(series) || local.fit === 'unfit';
  if (closely) series = hastened(series, config.local);
  if (series !== local.series) change(ctx, { local: { ...local, series } });
  if (series.silent && !local.series.silent) tellTroubleOfHeld(ctx);
  if (isDue(series, now.at, closely)) startLocalCheck(ctx);
}

/** Something is wrong with this node's own HAProxy: whoever shares the addresses that it holds is told, and looks. */
function tellTroubleOfHeld(ctx: StepContext): void {
  for (const ip in ctx.state.addresses) {
    if (!isHeldBySelf(ctx.state, ip)) continue;
    announce(ctx);
    lookNow(ctx, ip);
  }
}

/**
 * If all that is out fails, and the verdict still lacked one that started after the proof, or after the holder's word: start
 * that one now.
 */
export function startProbeIfDecisive(ctx: StepContext, ip: Ip): void {
  const { state } = ctx;
  const address = addressOf(state, ip);
  const toCome = failuresToCome(address.series);
  const newest = toCome.at(-1);
  if (newest?.startedAt === ctx.now.at || toCome.length >= MAX_OVERLAPPING) return;
  if (!isProvenSince(state, ip, ctx.now.at)) return;
  const completes = toCome.some(
    ({ startedAt, fails }) =>
      fails >= failuresNeeded(state, address, startedAt) && isProvenSince(state, ip, startedAt),
  );
  // One more than enough, so that it brings no verdict forward: failures that are needed are `fastInterval` apart.
  const failsByThen = newest?.fails ?? Math.max(1, address.series.fails);
  if (!completes && failsByThen >= failuresNeeded(state, address, ctx.now.at)) startProbe(ctx, ip);
}

function startProbe(ctx: StepContext, ip: Ip): void {
  const probeId = newEffectId(ctx);
  const address = addressOf(ctx.state, ip);
  const gapMs = untilNext(ctx.state, probeConfig(ctx.state, ip).probe, isWatchedClosely(ctx.state, address));
  changeAddress(ctx, ip, { series: started(address.series, probeId, ctx.now.at, gapMs) });
  ctx.effects.push({ kind: 'probe', probeId, address: ip });
}

function startLocalCheck(ctx: StepContext): void {
  const { config, local } = ctx.state;
  if (config.local === null) return;
  const checkId = newEffectId(ctx);
  const close = isFailing(local.series) || local.fit === 'unfit';
  const series = started(local.series, checkId, ctx.now.at, untilNext(ctx.state, config.local, close));
  change(ctx, { local: { series, fit: local.fit, since: local.since } });
  ctx.effects.push({ kind: 'check-local', checkId });
}

/**
 * How long after the check that starts now the next one starts. While nothing is wrong those that are made equally often are made
 * together, so that the node wakes once for all of them: a hiccup hurries one, and would leave it apart from the others for
 * good. So it joins one that starts in the second half of its interval: for that it comes earlier once, by half of it at most.
 */
function untilNext({ config, local, addresses, now }: State, check: CheckConfig, fast: boolean): DurationMs {
  const intervalMs = checkIntervalMs(check, fast);
  if (fast) return intervalMs;
  let next = intervalMs;
  const join = ({ nextAt }: CheckSeries): void => {
    const waitMs = nextAt - now.at;
    if (waitMs >= intervalMs / 2 && waitMs < next) next = waitMs;
  };
  if (config.local?.intervalMs === intervalMs) join(local.series);
  for (const { ip, probe } of config.addresses) {
    const address = addresses[ip];
    if (address !== undefined && probe.intervalMs === intervalMs) join(address.series);
  }
  return next;
}

/** Probes fail, a handover waits for it, or nobody has asked for a minute. */
export function wantsProof(state: State, address: AddressState): boolean {
  const wayOut = wayOutOf(state, address.ip);
  if (handoverToSelf(state, address.ip) !== null) return true;
  if (isFailing(address.series) || address.verdict === 'down' || holderUnfitSince(state, address) !== null)
    return true;
  const lastAt = Math.max(wayOut.provenAt ?? 0, wayOut.failedAt ?? 0);
  return lastAt === 0 || state.now.at - lastAt >= ASK_IDLE_MS;
}

/** How an address is probed. @throws Error when the address is not configured. */
export function probeConfig(state: State, ip: Ip): AddressConfig {
  const config = state.config.addresses.find((address) => address.ip === ip);
  if (config === undefined) throw new Error(`address ${ip} is not configured`);
  return config;
}
