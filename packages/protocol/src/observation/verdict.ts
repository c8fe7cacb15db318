/**
 * Probes to verdicts: up, down or unknown (PROTOCOL.md, "Observation"; invariants I2, I8).
 */

import type { AddressState } from '../model/address-state.ts';
import type { AddressConfig } from '../model/config.ts';
import { NEW_SERIES, NO_BACKOFF } from '../model/initial.ts';
import type { CheckResult, ExternalIpResult } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import type { EffectId, Ip, MonotonicMs } from '../model/units.ts';
import { seenAs } from '../move/late.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  emitFact,
  newEffectId,
  type StepContext,
} from '../step-context.ts';
import { endEpisode, onFitnessChanged, onLeftUp, onSeenDown, onSeenUp } from '../takeover/episode.ts';
import { handoverToSelf } from '../takeover/view.ts';
import type { Verdict } from '../wire/messages.ts';
import { checkIntervalMs, finished, hastened, isDue, started } from './check.ts';
import { failuresNeeded, holderUnfitSince, isHeldBySelf, isSilent } from './holder.ts';
import {
  ASK_IDLE_MS,
  askWayOut,
  describeWayOut,
  isProven,
  isProvenSince,
  onWayOut,
  wayOutOf,
} from './way-out.ts';

/** What a node tells the others, so that they look at once. */
export function inTrouble(state: State, address: AddressState): boolean {
  if (address.series.fails > 0 || address.verdict === 'down') return true;
  return isHeldBySelf(state, address.ip) && (state.local.series.fails > 0 || state.local.fit === 'unfit');
}

/** Whether the address is probed at `fastInterval`. */
export function isWatchedClosely(state: State, address: AddressState): boolean {
  if (inTrouble(state, address) || address.move !== null || holderUnfitSince(state, address) !== null)
    return true;
  return state.config.peers.some((peer) => {
    const record = state.peers[peer.id]?.record;
    return (
      record != null &&
      !isSilent(state, peer.id) &&
      record.addresses.some((one) => one.ip === address.ip && one.trouble)
    );
  });
}

/** Start every probe and local check that is due, and ask for the proof where one is wanted. */
export function observeWhatIsDue(ctx: StepContext): void {
  for (const ip in ctx.state.addresses) {
    const address = addressOf(ctx.state, ip);
    if (isDue(address.series, ctx.now.at)) startProbe(ctx, ip);
    if (wantsProof(ctx.state, addressOf(ctx.state, ip))) askWayOut(ctx, ip);
  }
  if (ctx.state.config.local !== null && isDue(ctx.state.local.series, ctx.now.at)) startLocalCheck(ctx);
}

/** News of trouble: look at once, and keep looking closely. */
export function lookNow(ctx: StepContext, ip: Ip): void {
  const { series } = addressOf(ctx.state, ip);
  if (!series.inFlight.some((probe) => !probe.superseded)) startProbe(ctx, ip);
  else replaceProbeIfDecisive(ctx, ip);
  askWayOut(ctx, ip);
  const { local, config } = ctx.state;
  if (config.local !== null && !local.series.inFlight.some((check) => !check.superseded))
    startLocalCheck(ctx);
}

/** Counts a probe, and judges the address anew by it. The answer to a probe that was forgotten counts for nothing. */
export function onProbed(ctx: StepContext, probeId: EffectId, result: CheckResult): void {
  const before = Object.values(ctx.state.addresses).find((one) =>
    one.series.inFlight.some((probe) => probe.id === probeId),
  );
  if (before === undefined) return;
  const { ip } = before;
  emitFact(ctx, { kind: 'probe', address: ip, result });
  const { probe } = probeConfig(ctx.state, ip);
  const counted = finished(
    before.series,
    probeId,
    ctx.now.at,
    ctx.state.observedFrom,
    probe.timeoutMs,
    result,
  );
  changeAddress(ctx, ip, { series: counted.series });
  if (counted.kind !== 'ignored') {
    if (counted.kind === 'ok') countSuccess(ctx, ip, counted.startedAt);
    else countFailure(ctx, ip, counted.startedAt, reasonOf(result));
    const after = addressOf(ctx.state, ip);
    if (isWatchedClosely(ctx.state, after))
      changeAddress(ctx, ip, { series: hastened(after.series, probe, counted.startedAt) });
  }
  if (inTrouble(ctx.state, addressOf(ctx.state, ip)) !== inTrouble(ctx.state, before)) announce(ctx);
  observeWhatIsDue(ctx);
}

/** An answer to the question for the way-out proof. */
export function onWayOutAnswer(ctx: StepContext, askId: EffectId, result: ExternalIpResult): void {
  const newlyProven = onWayOut(ctx, askId, result);
  seenAs(ctx, result);
  if (!newlyProven) return;
  for (const ip of Object.keys(ctx.state.addresses)) {
    const address = addressOf(ctx.state, ip);
    const { series } = address;
    if (
      series.fails === 0 &&
      failuresNeeded(ctx.state, address, ctx.now.at) > 1 &&
      series.inFlight.length === 0
    )
      continue;
    if (series.inFlight.some((probe) => !probe.superseded)) replaceProbeIfDecisive(ctx, ip);
    else if (series.fails + 1 >= failuresNeeded(ctx.state, address, ctx.now.at)) startProbe(ctx, ip);
  }
}

/** Counts a check of this node's own HAProxy, and announces when its fitness changes. */
export function onLocalChecked(ctx: StepContext, checkId: EffectId, result: CheckResult): void {
  const { config, local } = ctx.state;
  if (config.local === null) return;
  const counted = finished(
    local.series,
    checkId,
    ctx.now.at,
    ctx.state.observedFrom,
    config.local.timeoutMs,
    result,
  );
  if (counted.kind === 'ignored') {
    change(ctx, { local: { series: counted.series, fit: local.fit, since: local.since } });
    return;
  }
  const failing = counted.series.fails > 0;
  const series =
    failing || local.fit === 'unfit'
      ? hastened(counted.series, config.local, counted.startedAt)
      : counted.series;
  const fit = nextFitness(local.fit, series.oks, series.fails, config.local);
  const turned = fit !== local.fit;
  change(ctx, { local: { series, fit, since: turned ? ctx.now.at : local.since } });
  if (turned) emitFact(ctx, { kind: 'local', from: local.fit, to: fit, reason: reasonOf(result) });
  if (turned && local.fit !== 'unknown' && config.node.role === 'candidate') onFitnessChanged(ctx);
  if (turned || failing !== local.series.fails > 0) announce(ctx);
  if (!turned && failing === local.series.fails > 0) return;
  for (const ip of Object.keys(ctx.state.addresses)) {
    if (!isHeldBySelf(ctx.state, ip) || !failing) continue;
    if (turned) completeAsHolder(ctx, ip);
    lookNow(ctx, ip);
  }
}

/** After a stall or a restart nothing seen before counts. */
export function forgetObservations(ctx: StepContext): void {
  const at = ctx.now.at;
  for (const { ip, series } of Object.values(ctx.state.addresses)) {
    changeAddress(ctx, ip, {
      series: { ...series, oks: 0, fails: 0, last: null, failingSince: null, nextAt: at },
    });
    setVerdict(ctx, ip, 'unknown', 'stood still, looking afresh');
  }
  const { local, config } = ctx.state;
  const fit = config.local === null ? 'fit' : 'unknown';
  change(ctx, {
    local: {
      series: { ...local.series, oks: 0, fails: 0, last: null, failingSince: null, nextAt: at },
      fit,
      since: at,
    },
  });
}

/** Another probe is asked from now on: neither what was seen nor what is on its way is evidence any more. */
export function forgetAddress(ctx: StepContext, ip: Ip, why: string): void {
  changeAddress(ctx, ip, { series: { ...NEW_SERIES, nextAt: ctx.now.at } });
  setVerdict(ctx, ip, 'unknown', why);
}

function countSuccess(ctx: StepContext, ip: Ip, startedAt: MonotonicMs): void {
  const address = addressOf(ctx.state, ip);
  const changedAt = address.changes[0];
  if (!address.served && (changedAt === undefined || startedAt >= changedAt))
    changeAddress(ctx, ip, { served: true });
  if (address.verdict === 'up') return onSeenUp(ctx, ip, startedAt);
  const { rise } = probeConfig(ctx.state, ip).probe;
  if (address.verdict !== 'unknown' && address.series.oks < rise) return;
  setVerdict(ctx, ip, 'up', 'it answers');
  onSeenUp(ctx, ip, startedAt);
}

function countFailure(ctx: StepContext, ip: Ip, startedAt: MonotonicMs, reason: string): void {
  const address = addressOf(ctx.state, ip);
  if (address.series.fails < failuresNeeded(ctx.state, address, startedAt)) return;
  if (isProvenSince(ctx.state, ip, startedAt)) setVerdict(ctx, ip, 'down', reason);
  else
    setVerdict(
      ctx,
      ip,
      'unknown',
      `probes fail (${reason}) without a way-out proof: ${missingProof(ctx.state, ip)}`,
    );
}

function missingProof(state: State, ip: Ip): string {
  return isProven(state, ip) ? 'it came too late to count for them' : describeWayOut(state, ip);
}

/** A holder that has just found itself unfit needs no further probe when the last one failed, and its proof came before it. */
function completeAsHolder(ctx: StepContext, ip: Ip): void {
  const { last } = addressOf(ctx.state, ip).series;
  if (ctx.state.local.fit !== 'unfit' || last === null || last.ok) return;
  if (isProvenSince(ctx.state, ip, last.startedAt)) countFailure(ctx, ip, last.startedAt, last.reason);
}

function setVerdict(ctx: StepContext, ip: Ip, verdict: Verdict, reason: string): void {
  const address = addressOf(ctx.state, ip);
  if (address.verdict === verdict) {
    if (address.verdictReason !== reason) changeAddress(ctx, ip, { verdictReason: reason });
    return;
  }
  emitFact(ctx, { kind: 'verdict', address: ip, from: address.verdict, to: verdict, reason });
  if (address.verdict === 'up') onLeftUp(ctx, ip);
  changeAddress(ctx, ip, { verdict, verdictSince: ctx.now.at, verdictReason: reason });
  if (verdict === 'down') onSeenDown(ctx, ip);
  if (verdict === 'up') {
    changeAddress(ctx, ip, { backoff: NO_BACKOFF });
    endEpisode(ctx, ip);
  }
  announce(ctx);
}

/** A probe on its way that started before the proof, or before the holder's word, can't complete the verdict: start one that can. */
function replaceProbeIfDecisive(ctx: StepContext, ip: Ip): void {
  const address = addressOf(ctx.state, ip);
  const current = address.series.inFlight.find((probe) => !probe.superseded);
  if (current === undefined || current.startedAt === ctx.now.at) return;
  const { state } = ctx;
  if (!isProvenSince(state, ip, ctx.now.at)) return;
  const nowNeeded = failuresNeeded(state, address, ctx.now.at);
  const decisive = address.series.fails + 1 >= nowNeeded;
  const currentCan =
    address.series.fails + 1 >= failuresNeeded(state, address, current.startedAt) &&
    isProvenSince(state, ip, current.startedAt);
  if (decisive && !currentCan) startProbe(ctx, ip);
}

function startProbe(ctx: StepContext, ip: Ip): void {
  const probeId = newEffectId(ctx);
  const address = addressOf(ctx.state, ip);
  const gapMs = checkIntervalMs(probeConfig(ctx.state, ip).probe, isWatchedClosely(ctx.state, address));
  changeAddress(ctx, ip, { series: started(address.series, probeId, ctx.now.at, gapMs) });
  ctx.effects.push({ kind: 'probe', probeId, address: ip });
}

function startLocalCheck(ctx: StepContext): void {
  const { config, local } = ctx.state;
  if (config.local === null) return;
  const checkId = newEffectId(ctx);
  const close = local.series.fails > 0 || local.fit === 'unfit';
  const series = started(local.series, checkId, ctx.now.at, checkIntervalMs(config.local, close));
  change(ctx, { local: { series, fit: local.fit, since: local.since } });
  ctx.effects.push({ kind: 'check-local', checkId });
}

/** Probes fail, a handover waits for it, or nobody has asked for a minute. */
export function wantsProof(state: State, address: AddressState): boolean {
  const wayOut = wayOutOf(state, address.ip);
  if (handoverToSelf(state, address.ip) !== null) return true;
  if (address.series.fails > 0 || address.verdict === 'down' || holderUnfitSince(state, address) !== null)
    return true;
  const lastAt = Math.max(wayOut.provenAt ?? 0, wayOut.failedAt ?? 0);
  return lastAt === 0 || state.now.at - lastAt >= ASK_IDLE_MS;
}

function nextFitness(
  fit: State['local']['fit'],
  oks: number,
  fails: number,
  config: { fall: number; rise: number },
): State['local']['fit'] {
  if (fails >= config.fall) return 'unfit';
  if (oks >= config.rise || (fit === 'unknown' && oks > 0)) return 'fit';
  return fit;
}

function reasonOf(result: CheckResult): string {
  switch (result.kind) {
    case 'ok':
      return `status ${result.status}`;
    case 'failed':
      return `${result.reason}: ${result.detail}`;
    case 'inconclusive':
      return result.detail;
  }
}

/** @throws Error when the address is not configured. */
function probeConfig(state: State, ip: Ip): AddressConfig {
  const config = state.config.addresses.find((address) => address.ip === ip);
  if (config === undefined) throw new Error(`address ${ip} is not configured`);
  return config;
}
