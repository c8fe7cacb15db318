/**
 * Probes to verdicts: up, down or unknown (PROTOCOL.md, "Observation"; invariants I2, I8).
 */

import type { AddressConfig } from '../model/config.ts';
import { NEW_SERIES, NO_BACKOFF } from '../model/initial.ts';
import type { CheckResult, ExternalIpResult } from '../model/inputs.ts';
import type { AddressState, State } from '../model/state.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  newEffectId,
  type Turn,
  tell,
} from '../model/step-context.ts';
import type { EffectId, Ip, MonotonicMs } from '../model/units.ts';
import { seenAs } from '../move/late.ts';
import { endEpisode, onFitnessChanged, onLeftUp, onSeenDown, onSeenUp } from '../takeover/episode.ts';
import { handoverToSelf } from '../takeover/view.ts';
import type { Verdict } from '../wire/messages.ts';
import { finished, gapOf, hastened, isDue, started } from './check.ts';
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
export function observeWhatIsDue(turn: Turn): void {
  for (const ip in turn.state.addresses) {
    const address = addressOf(turn.state, ip);
    if (isDue(address.series, turn.now.at)) startProbe(turn, ip);
    if (wantsProof(turn.state, addressOf(turn.state, ip))) askWayOut(turn, ip);
  }
  if (turn.state.config.local !== null && isDue(turn.state.local.series, turn.now.at)) startLocalCheck(turn);
}

/** News of trouble: look at once, and keep looking closely. */
export function lookNow(turn: Turn, ip: Ip): void {
  const { series } = addressOf(turn.state, ip);
  if (!series.inFlight.some((probe) => !probe.superseded)) startProbe(turn, ip);
  else replaceProbeIfDecisive(turn, ip);
  askWayOut(turn, ip);
  const { local, config } = turn.state;
  if (config.local !== null && !local.series.inFlight.some((check) => !check.superseded))
    startLocalCheck(turn);
}

export function onProbed(turn: Turn, probeId: EffectId, result: CheckResult): void {
  const before = Object.values(turn.state.addresses).find((one) =>
    one.series.inFlight.some((probe) => probe.id === probeId),
  );
  if (before === undefined) return;
  const { ip } = before;
  tell(turn, { kind: 'probe', address: ip, result });
  const { probe } = probeConfig(turn.state, ip);
  const counted = finished(
    before.series,
    probeId,
    turn.now.at,
    turn.state.observedFrom,
    probe.timeoutMs,
    result,
  );
  changeAddress(turn, ip, { series: counted.series });
  if (counted.kind !== 'ignored') {
    if (counted.kind === 'ok') countSuccess(turn, ip, counted.startedAt);
    else countFailure(turn, ip, counted.startedAt, reasonOf(result));
    const after = addressOf(turn.state, ip);
    if (isWatchedClosely(turn.state, after))
      changeAddress(turn, ip, { series: hastened(after.series, probe, counted.startedAt) });
  }
  if (inTrouble(turn.state, addressOf(turn.state, ip)) !== inTrouble(turn.state, before)) announce(turn);
  observeWhatIsDue(turn);
}

/** An answer to the question for the way-out proof. */
export function onWayOutAnswer(turn: Turn, askId: EffectId, result: ExternalIpResult): void {
  const newlyProven = onWayOut(turn, askId, result);
  seenAs(turn, result);
  if (!newlyProven) return;
  for (const ip of Object.keys(turn.state.addresses)) {
    const address = addressOf(turn.state, ip);
    const { series } = address;
    if (
      series.fails === 0 &&
      failuresNeeded(turn.state, address, turn.now.at) > 1 &&
      series.inFlight.length === 0
    )
      continue;
    if (series.inFlight.some((probe) => !probe.superseded)) replaceProbeIfDecisive(turn, ip);
    else if (series.fails + 1 >= failuresNeeded(turn.state, address, turn.now.at)) startProbe(turn, ip);
  }
}

export function onLocalChecked(turn: Turn, checkId: EffectId, result: CheckResult): void {
  const { config, local } = turn.state;
  if (config.local === null) return;
  const counted = finished(
    local.series,
    checkId,
    turn.now.at,
    turn.state.observedFrom,
    config.local.timeoutMs,
    result,
  );
  if (counted.kind === 'ignored') {
    change(turn, { local: { series: counted.series, fit: local.fit, since: local.since } });
    return;
  }
  const failing = counted.series.fails > 0;
  const series =
    failing || local.fit === 'unfit'
      ? hastened(counted.series, config.local, counted.startedAt)
      : counted.series;
  const fit = nextFitness(local.fit, series.oks, series.fails, config.local);
  const turned = fit !== local.fit;
  change(turn, { local: { series, fit, since: turned ? turn.now.at : local.since } });
  if (turned) tell(turn, { kind: 'local', from: local.fit, to: fit, reason: reasonOf(result) });
  if (turned && local.fit !== 'unknown' && config.node.role === 'candidate') onFitnessChanged(turn);
  if (turned || failing !== local.series.fails > 0) announce(turn);
  if (!turned && failing === local.series.fails > 0) return;
  for (const ip of Object.keys(turn.state.addresses)) {
    if (!isHeldBySelf(turn.state, ip) || !failing) continue;
    if (turned) completeAsHolder(turn, ip);
    lookNow(turn, ip);
  }
}

/** After a stall or a restart nothing seen before counts. */
export function forgetObservations(turn: Turn): void {
  const at = turn.now.at;
  for (const { ip, series } of Object.values(turn.state.addresses)) {
    changeAddress(turn, ip, {
      series: { ...series, oks: 0, fails: 0, last: null, failingSince: null, nextAt: at },
    });
    setVerdict(turn, ip, 'unknown', 'stood still, looking afresh');
  }
  const { local, config } = turn.state;
  const fit = config.local === null ? 'fit' : 'unknown';
  change(turn, {
    local: {
      series: { ...local.series, oks: 0, fails: 0, last: null, failingSince: null, nextAt: at },
      fit,
      since: at,
    },
  });
}

/** Another probe is asked from now on: neither what was seen nor what is on its way is evidence any more. */
export function forgetAddress(turn: Turn, ip: Ip, why: string): void {
  changeAddress(turn, ip, { series: { ...NEW_SERIES, nextAt: turn.now.at } });
  setVerdict(turn, ip, 'unknown', why);
}

function countSuccess(turn: Turn, ip: Ip, startedAt: MonotonicMs): void {
  const address = addressOf(turn.state, ip);
  const changedAt = address.changes[0];
  if (!address.served && (changedAt === undefined || startedAt >= changedAt))
    changeAddress(turn, ip, { served: true });
  if (address.verdict === 'up') return onSeenUp(turn, ip, startedAt);
  const { rise } = probeConfig(turn.state, ip).probe;
  if (address.verdict !== 'unknown' && address.series.oks < rise) return;
  setVerdict(turn, ip, 'up', 'it answers');
  onSeenUp(turn, ip, startedAt);
}

function countFailure(turn: Turn, ip: Ip, startedAt: MonotonicMs, reason: string): void {
  const address = addressOf(turn.state, ip);
  if (address.series.fails < failuresNeeded(turn.state, address, startedAt)) return;
  if (isProvenSince(turn.state, ip, startedAt)) setVerdict(turn, ip, 'down', reason);
  else
    setVerdict(
      turn,
      ip,
      'unknown',
      `probes fail (${reason}) without a way-out proof: ${missingProof(turn.state, ip)}`,
    );
}

function missingProof(state: State, ip: Ip): string {
  return isProven(state, ip) ? 'it came too late to count for them' : describeWayOut(state, ip);
}

/** A holder that has just found itself unfit needs no further probe when the last one failed, and its proof came before it. */
function completeAsHolder(turn: Turn, ip: Ip): void {
  const { last } = addressOf(turn.state, ip).series;
  if (turn.state.local.fit !== 'unfit' || last === null || last.ok) return;
  if (isProvenSince(turn.state, ip, last.startedAt)) countFailure(turn, ip, last.startedAt, last.reason);
}

function setVerdict(turn: Turn, ip: Ip, verdict: Verdict, reason: string): void {
  const address = addressOf(turn.state, ip);
  if (address.verdict === verdict) {
    if (address.verdictReason !== reason) changeAddress(turn, ip, { verdictReason: reason });
    return;
  }
  tell(turn, { kind: 'verdict', address: ip, from: address.verdict, to: verdict, reason });
  if (address.verdict === 'up') onLeftUp(turn, ip);
  changeAddress(turn, ip, { verdict, verdictSince: turn.now.at, verdictReason: reason });
  if (verdict === 'down') onSeenDown(turn, ip);
  if (verdict === 'up') {
    changeAddress(turn, ip, { backoff: NO_BACKOFF });
    endEpisode(turn, ip);
  }
  announce(turn);
}

/** A probe on its way that started before the proof, or before the holder's word, can't complete the verdict: start one that can. */
function replaceProbeIfDecisive(turn: Turn, ip: Ip): void {
  const address = addressOf(turn.state, ip);
  const current = address.series.inFlight.find((probe) => !probe.superseded);
  if (current === undefined || current.startedAt === turn.now.at) return;
  const { state } = turn;
  if (!isProvenSince(state, ip, turn.now.at)) return;
  const nowNeeded = failuresNeeded(state, address, turn.now.at);
  const decisive = address.series.fails + 1 >= nowNeeded;
  const currentCan =
    address.series.fails + 1 >= failuresNeeded(state, address, current.startedAt) &&
    isProvenSince(state, ip, current.startedAt);
  if (decisive && !currentCan) startProbe(turn, ip);
}

function startProbe(turn: Turn, ip: Ip): void {
  const probeId = newEffectId(turn);
  const address = addressOf(turn.state, ip);
  const gapMs = gapOf(probeConfig(turn.state, ip).probe, isWatchedClosely(turn.state, address));
  changeAddress(turn, ip, { series: started(address.series, probeId, turn.now.at, gapMs) });
  turn.effects.push({ kind: 'probe', probeId, address: ip });
}

function startLocalCheck(turn: Turn): void {
  const { config, local } = turn.state;
  if (config.local === null) return;
  const checkId = newEffectId(turn);
  const close = local.series.fails > 0 || local.fit === 'unfit';
  const series = started(local.series, checkId, turn.now.at, gapOf(config.local, close));
  change(turn, { local: { series, fit: local.fit, since: local.since } });
  turn.effects.push({ kind: 'check-local', checkId });
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
export function probeConfig(state: State, ip: Ip): AddressConfig {
  const config = state.config.addresses.find((address) => address.ip === ip);
  if (config === undefined) throw new Error(`address ${ip} is not configured`);
  return config;
}
