/**
 * Notifications: durable first, then sent until they are accepted (invariants I6, I17).
 */

import type { HistoryEntry } from '../model/facts.ts';
import type { PublishResult } from '../model/inputs.ts';
import type { Notification } from '../model/state.ts';
import { change, newEffectId, persist, type Turn, tell } from '../model/step-context.ts';
import type { DurationMs, EffectId, Ip, MonotonicMs } from '../model/units.ts';
import type { MoveIntent } from '../storage/durable.ts';
import { plainText } from './plain-text.ts';

/** The most notifications that wait; beyond it the oldest blocked notification, else the oldest, gives way. */
export const MAX_OUTBOX = 100;
const FIRST_RETRY_MS: DurationMs = 1_000;
const MAX_RETRY_MS: DurationMs = 30_000;
const PUBLISH_TIMEOUT_MS: DurationMs = 5_000;

export const TAKEOVER_SUBJECT = 'HAProxy failover notification';
export const BLOCKED_SUBJECT = 'HAProxy failover blocked';

/** An id that no other node and no other run gives. */
export function newSerialId(turn: Turn): string {
  const serial = turn.state.serial + 1;
  change(turn, { serial });
  return `${turn.state.config.node.id}-${turn.state.incarnation}-${serial}`;
}

export function enqueue(turn: Turn, subject: string, message: string): void {
  if (!turn.state.config.notify.enabled) return;
  const id = newSerialId(turn);
  const waiting = [
    ...turn.state.outbox,
    { id, subject, message, publishing: null, nextAt: turn.now.at, delayMs: 0 },
  ];
  change(turn, { outbox: waiting.length > MAX_OUTBOX ? withoutLeast(waiting) : waiting });
  persist(turn);
}

/** Send what is due. Each waits for the write that holds it. */
export function publishWhatIsDue(turn: Turn): void {
  const { latest } = turn.state.storage;
  for (const notification of turn.state.outbox) {
    if (notification.publishing !== null || notification.nextAt > turn.now.at) continue;
    const publishId = newEffectId(turn);
    const { subject, message } = notification;
    turn.effects.push({
      kind: 'publish',
      publishId,
      subject,
      message,
      timeoutMs: PUBLISH_TIMEOUT_MS,
      after: turn.writeId === 0 ? latest : turn.writeId,
    });
    replace(turn, { ...notification, publishing: publishId });
  }
}

export function onPublished(turn: Turn, publishId: EffectId, result: PublishResult): void {
  const notification = turn.state.outbox.find((one) => one.publishing === publishId);
  if (notification === undefined) return;
  const detail = result.kind === 'failed' ? result.detail : '';
  tell(turn, { kind: 'notified', id: notification.id, result: result.kind, detail, request: result.request });
  if (result.kind === 'accepted') {
    change(turn, { outbox: turn.state.outbox.filter((one) => one.id !== notification.id) });
    persist(turn);
    return;
  }
  const delayMs = Math.min(
    MAX_RETRY_MS,
    notification.delayMs === 0 ? FIRST_RETRY_MS : notification.delayMs * 2,
  );
  replace(turn, { ...notification, publishing: null, nextAt: turn.now.at + delayMs, delayMs });
}

/** A write failed, and what waited for it was dropped: what was to be sent with it is due again. */
export function republish(turn: Turn): void {
  change(turn, {
    outbox: turn.state.outbox.map((one) => ({
      ...one,
      publishing: null,
      nextAt: turn.now.at + FIRST_RETRY_MS,
    })),
  });
}

export function nextPublication(outbox: readonly Notification[]): MonotonicMs | null {
  const times = outbox.filter((one) => one.publishing === null).map((one) => one.nextAt);
  return times.length === 0 ? null : Math.min(...times);
}

/** The notification of an accepted move. It never claims service that wasn't seen. */
export function takeoverMessage(turn: Turn, entry: HistoryEntry, intent: MoveIntent): string {
  const { config } = turn.state;
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
    `Time: ${isoTime(turn.now.wall)}`,
  ];
  return lines.map(plainText).join('\n');
}

export function blockedMessage(turn: Turn, ip: Ip, downMs: DurationMs, why: readonly string[]): string {
  const { config } = turn.state;
  const lines = [
    `${ip} is down and no node may take it`,
    `Down for ${Math.round(downMs / 1000)} s as seen by ${config.node.id} (cluster ${config.cluster})`,
    ...why,
    `Time: ${isoTime(turn.now.wall)}`,
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

function replace(turn: Turn, notification: Notification): void {
  change(turn, { outbox: turn.state.outbox.map((one) => (one.id === notification.id ? notification : one)) });
}

function withoutLeast(waiting: readonly Notification[]): readonly Notification[] {
  const least = waiting.find((one) => one.subject === BLOCKED_SUBJECT) ?? waiting[0];
  return waiting.filter((one) => one !== least);
}
