/**
 * Notifications: durable first, then sent until they are accepted (invariants I6, I17).
 */

import type { PublishResult } from '../model/inputs.ts';
import { MAX_OUTBOX } from '../model/limits.ts';
import type { Notification } from '../model/state.ts';
import type { DurationMs, EffectId, Ip, MonotonicMs } from '../model/units.ts';
import { change, emitFact, newEffectId, persist, type StepContext } from '../step-context.ts';
import type { MoveIntent } from '../storage/durable.ts';
import type { HistoryEntry } from './facts.ts';
import { plainText } from './plain-text.ts';

const FIRST_RETRY_MS: DurationMs = 1_000;
const MAX_RETRY_MS: DurationMs = 30_000;
const PUBLISH_TIMEOUT_MS: DurationMs = 5_000;

/** The subject that existing subscriptions filter by; a part of the contract with users. */
export const TAKEOVER_SUBJECT = 'HAProxy failover notification';
/** The subject of the notification that nobody may take an address that is down. */
export const BLOCKED_SUBJECT = 'HAProxy failover blocked';

/** An id that no other node and no other run gives. */
export function newSerialId(ctx: StepContext): string {
  const serial = ctx.state.serial + 1;
  change(ctx, { serial });
  return `${ctx.state.config.node.id}-${ctx.state.incarnation}-${serial}`;
}

/** Queues a notification and writes it down; it is sent once that is durable. Nothing where notifications are off. */
export function enqueue(ctx: StepContext, subject: string, message: string): void {
  if (!ctx.state.config.notify.enabled) return;
  const id = newSerialId(ctx);
  const waiting = [
    ...ctx.state.outbox,
    { id, subject, message, publishing: null, nextAt: ctx.now.at, delayMs: 0 },
  ];
  change(ctx, { outbox: waiting.length > MAX_OUTBOX ? withoutLeast(waiting) : waiting });
  persist(ctx);
}

/** Send what is due. Each waits for the write that holds it. */
export function publishWhatIsDue(ctx: StepContext): void {
  const { latest } = ctx.state.storage;
  for (const notification of ctx.state.outbox) {
    if (notification.publishing !== null || notification.nextAt > ctx.now.at) continue;
    const publishId = newEffectId(ctx);
    const { subject, message } = notification;
    ctx.effects.push({
      kind: 'publish',
      publishId,
      subject,
      message,
      timeoutMs: PUBLISH_TIMEOUT_MS,
      after: ctx.writeId === 0 ? latest : ctx.writeId,
    });
    replace(ctx, { ...notification, publishing: publishId });
  }
}

/** The service's answer to a publication: accepted, it is forgotten; else tried again, from 1 s up to 30 s later. */
export function onPublished(ctx: StepContext, publishId: EffectId, result: PublishResult): void {
  const notification = ctx.state.outbox.find((one) => one.publishing === publishId);
  if (notification === undefined) return;
  const detail = result.kind === 'failed' ? result.detail : '';
  emitFact(ctx, {
    kind: 'notified',
    id: notification.id,
    result: result.kind,
    detail,
    request: result.request,
  });
  if (result.kind === 'accepted') {
    change(ctx, { outbox: ctx.state.outbox.filter((one) => one.id !== notification.id) });
    persist(ctx);
    return;
  }
  const delayMs = Math.min(
    MAX_RETRY_MS,
    notification.delayMs === 0 ? FIRST_RETRY_MS : notification.delayMs * 2,
  );
  replace(ctx, { ...notification, publishing: null, nextAt: ctx.now.at + delayMs, delayMs });
}

/** A write failed, and what waited for it was dropped: what was to be sent with it is due again. */
export function republish(ctx: StepContext): void {
  change(ctx, {
    outbox: ctx.state.outbox.map((one) => ({
      ...one,
      publishing: null,
      nextAt: ctx.now.at + FIRST_RETRY_MS,
    })),
  });
}

/** When the next try of a waiting one is due; null: none waits. */
export function nextPublication(outbox: readonly Notification[]): MonotonicMs | null {
  const times = outbox.filter((one) => one.publishing === null).map((one) => one.nextAt);
  return times.length === 0 ? null : Math.min(...times);
}

/** The notification of an accepted move. It never claims service that wasn't seen. */
export function takeoverMessage(ctx: StepContext, entry: HistoryEntry, intent: MoveIntent): string {
  const { config } = ctx.state;
  const target = config.node.instanceId === '' ? config.node.id : config.node.instanceId;
  const lines = [
    `Instance ${target} took over ${entry.address}`,
    `Node: ${config.node.id} (cluster ${config.cluster})`,
    `From: ${entry.from}`,
    `Why: ${intent.mode === 'handover' ? 'planned handover' : 'takeover'}; ${intent.reason}`,
    `Agreed: ${intent.agreed}`,
    `Steps: ${entry.steps.map(({ step, durationMs }) => `${step} ${Math.round(durationMs)} ms`).join(', ')}`,
    entry.result === 'served'
      ? 'The address answers now.'
      : 'The address has not been seen to answer since the move.',
    `Time: ${isoTime(ctx.now.wall)}`,
  ];
  return lines.map(plainText).join('\n');
}

/** The notification that an address is down and nobody may take it. `why`: a line for each node that says so. */
export function blockedMessage(ctx: StepContext, ip: Ip, downMs: DurationMs, why: readonly string[]): string {
  const { config } = ctx.state;
  const lines = [
    `${ip} is down and no node may take it`,
    `Down for ${Math.round(downMs / 1000)} s as seen by ${config.node.id} (cluster ${config.cluster})`,
    ...why,
    `Time: ${isoTime(ctx.now.wall)}`,
  ];
  return lines.map(plainText).join('\n');
}

/**
 * A wall time for people, as RFC 3339 in UTC. Written out because this package has no `Date`.
 *
 * Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
 */
export function isoTime(wall: number): string {
  const days = Math.floor(wall / 86_400_000);
  const ms = wall - days * 86_400_000;
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(Math.floor(ms / 3_600_000))}:${two(Math.floor(ms / 60_000) % 60)}:${two(Math.floor(ms / 1000) % 60)}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${clock}Z`;
}

function replace(ctx: StepContext, notification: Notification): void {
  change(ctx, { outbox: ctx.state.outbox.map((one) => (one.id === notification.id ? notification : one)) });
}

function withoutLeast(waiting: readonly Notification[]): readonly Notification[] {
  const least = waiting.find((one) => one.subject === BLOCKED_SUBJECT) ?? waiting[0];
  return waiting.filter((one) => one !== least);
}
