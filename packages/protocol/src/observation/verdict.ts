/**
 * Probes to verdicts: up, down or unknown (PROTOCOL.md, "Observation"; invariants I2, I8).
 */

import { NEW_SERIES, NO_BACKOFF } from '../model/initial.ts';
import type { CheckResult, ExternalIpResult } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import type { EffectId, Ip, MonotonicMs } from '../model/units.ts';
import { seenAs } from '../move/late.ts';
import { addressOf, announce, change, changeAddress, emitFact, type StepContext } from '../step-context.ts';
import { endEpisode, onFitnessChanged, onLeftUp, onSeenDown, onSeenUp } from '../takeover/episode.ts';
import type { Verdict } from '../wire/messages.ts';
import { finished, recounted } from './check.ts';
import { failuresNeeded } from './failing.ts';
import { isHeldBySelf } from './holder.ts';
import {
  inTrouble,
  isFailing,
  lookNow,
  observeWhatIsDue,
  probeConfig,
  startProbeIfDecisive,
} from './watching.ts';
import { describeWayOut, isProven, isProvenSince, onWayOut } from './way-out.ts';

/** Counts a probe, and judges the address anew by it. The answer to a probe that was forgotten counts for nothing. */
export function onProbed(ctx: StepContext, probeId: EffectId, result: CheckResult): void {
  const before = Object.values(ctx.state.addresses).find((one) =>
    one.series.inFlight.some((probe) => probe.id === probeId),
  );
  if (before === undefined) return;
  const { ip } = before;
  emitFact(ctx, { kind: 'probe', address: ip, probeId, result });
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
    // An earlier one that ends last completes what those after it have shown: the newest of them decides.
    else countFailure(ctx, ip, counted.series.last?.startedAt ?? counted.startedAt, reasonOf(result));
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
    startProbeIfDecisive(ctx, ip);
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
  const { series } = counted;
  const failing = series.fails > 0;
  const fit = nextFitness(local.fit, series.oks, series.fails, config.local);
  const turned = fit !== local.fit;
  change(ctx, { local: { series, fit, since: turned ? ctx.now.at : local.since } });
  if (turned) emitFact(ctx, { kind: 'local', from: local.fit, to: fit, reason: reasonOf(result) });
  if (turned && local.fit !== 'unknown' && config.node.role === 'candidate') onFitnessChanged(ctx);
  if (turned || isFailing(series) !== isFailing(local.series)) announce(ctx);
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
      series: { ...recounted(series, at), oks: 0, last: null, nextAt: at },
    });
    setVerdict(ctx, ip, 'unknown', 'stood still, looking afresh');
  }
  const { local, config } = ctx.state;
  const fit = config.local === null ? 'fit' : 'unknown';
  change(ctx, {
    local: {
      series: { ...recounted(local.series, at), oks: 0, last: null, nextAt: at },
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
