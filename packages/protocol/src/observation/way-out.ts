/**
 * The way-out proof: an answer of the external-IP service shows that this node reaches the outside, without which its
 * failed probes mean nothing (invariant I2).
 */
import { copyWayOut } from '../copy.ts';
import type { ExternalIpResult } from '../model/inputs.ts';
import type { Family, WayOut } from '../model/observation-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, EffectId, Ip, MonotonicMs } from '../model/units.ts';
import { change, emitFact, newEffectId, type StepContext } from '../step-context.ts';

/** How long a proof counts. */
export const PROOF_LASTS_MS: DurationMs = 5_000;
/** How often it is asked for while probes fail. */
export const ASK_EVERY_MS: DurationMs = 2_000;
/** How often it is asked for in quiet times, to know whether this node could act at all. */
export const ASK_IDLE_MS: DurationMs = 60_000;

/** The family over which an address is reached. */
export function familyOf(ip: Ip): Family {
  return ip.includes(':') ? '6' : '4';
}

/** The way out that probes of this address take. */
export function wayOutOf(state: State, ip: Ip): WayOut {
  return state.wayOut[familyOf(ip)];
}

/** Whether the newest proof still counts. */
export function isProven(state: State, ip: Ip): boolean {
  const { provenAt } = wayOutOf(state, ip);
  return provenAt !== null && provenAt >= state.observedFrom && state.now.at - provenAt <= PROOF_LASTS_MS;
}

/** Whether there has been a proof that counts from `since` until now, without a gap. */
export function isProvenSince(state: State, ip: Ip, since: MonotonicMs): boolean {
  const { provenSince } = wayOutOf(state, ip);
  return isProven(state, ip) && provenSince !== null && provenSince <= since;
}

/** It was asked since `since`, and the answer was a failure: as far as this node knows it has no way out. */
export function isCutOffSince(state: State, ip: Ip, since: MonotonicMs): boolean {
  const { provenAt, failedAt } = wayOutOf(state, ip);
  return failedAt !== null && failedAt >= since && (provenAt === null || failedAt > provenAt);
}

/** What is known of the way out, in words. */
export function describeWayOut(state: State, ip: Ip): string {
  const { reason, provenAt, failedAt } = wayOutOf(state, ip);
  const lapsed = !isProven(state, ip) && provenAt !== null && (failedAt === null || failedAt < provenAt);
  return lapsed ? `${reason}, but too long ago to count; asked again when a probe fails` : reason;
}

/** Ask now unless an answer is on its way or was had a moment ago. */
export function askWayOut(ctx: StepContext, ip: Ip): void {
  const wayOut = wayOutOf(ctx.state, ip);
  if (wayOut.asking !== null || ctx.now.at < wayOut.nextAt) return;
  const askId = newEffectId(ctx);
  ctx.effects.push({
    kind: 'ask-external-ip',
    askId,
    purpose: 'way-out',
    address: ip,
    timeoutMs: ctx.state.config.guard.timeoutMs,
  });
  changeWayOut(ctx, familyOf(ip), {
    ...wayOut,
    asking: { askId, startedAt: ctx.now.at },
    nextAt: ctx.now.at + ASK_EVERY_MS,
  });
}

/** Take in an answer; true when it is a proof that wasn't had before. */
export function onWayOut(ctx: StepContext, askId: EffectId, result: ExternalIpResult): boolean {
  const family = (['4', '6'] as const).find((one) => ctx.state.wayOut[one].asking?.askId === askId);
  if (family === undefined) return false;
  const wayOut = ctx.state.wayOut[family];
  const startedAt = wayOut.asking?.startedAt ?? 0;
  emitFact(ctx, { kind: 'way-out', result });
  if (startedAt < ctx.state.observedFrom) {
    changeWayOut(ctx, family, { ...wayOut, asking: null, nextAt: ctx.now.at });
    return false;
  }
  if (result.kind === 'failed') {
    changeWayOut(ctx, family, {
      ...wayOut,
      asking: null,
      failedAt: ctx.now.at,
      reason: `${result.reason}: ${result.detail}`,
    });
    return false;
  }
  const had = wayOut.provenAt !== null && ctx.now.at - wayOut.provenAt <= PROOF_LASTS_MS;
  const provenSince = had ? wayOut.provenSince : ctx.now.at;
  changeWayOut(ctx, family, {
    ...wayOut,
    asking: null,
    provenAt: ctx.now.at,
    provenSince,
    ip: result.ip,
    reason: `this node is seen as ${result.ip}`,
  });
  return !had;
}

/** Replaces parts of what is known of the way out of an address's family. */
function changeWayOut(ctx: StepContext, family: Family, wayOut: WayOut): void {
  const both = ctx.state.wayOut;
  const own = copyWayOut(wayOut);
  change(ctx, { wayOut: family === '4' ? { '4': own, '6': both['6'] } : { '4': both['4'], '6': own } });
}
