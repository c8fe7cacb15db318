/**
 * Notifications: durable first, then sent to each receiver in order until it has accepted them (invariants I6, I17, I26).
 */

import type { NoticeKind } from '../model/codes.ts';
import { TOPIC } from '../model/config.ts';
import type { PublishResult } from '../model/inputs.ts';
import {
  MAX_DETAIL_TEXT,
  MAX_DETAILS,
  MAX_NOTICE,
  MAX_OTHER_NOTICE,
  MAX_OUTBOX,
  MAX_REFUSALS,
  MAX_SUBJECT,
} from '../model/limits.ts';
import type { Notification, State } from '../model/state.ts';
import type { DurationMs, EffectId, Ip, MonotonicMs } from '../model/units.ts';
import {
  addressOf,
  change,
  changeAddress,
  emitFact,
  newEffectId,
  persist,
  type StepContext,
} from '../step-context.ts';
import type { Notice } from '../storage/durable.ts';
import { type News, TAKEOVER_SUBJECT } from './notice-text.ts';
import { plainText } from './plain-text.ts';
import { counted } from './wording.ts';

const FIRST_RETRY_MS: DurationMs = 1_000;
const MAX_RETRY_MS: DurationMs = 30_000;

/** What stands for the lines that there was no room for; their number follows. */
const MORE_LINES = '\nFurther lines left out: ';

/** An id that no other node and no other run gives. */
export function newSerialId(ctx: StepContext): string {
  const serial = ctx.state.serial + 1;
  change(ctx, { serial });
  return `${ctx.state.config.node.id}-${ctx.state.incarnation}-${serial}`;
}

/** Whether anybody on this node's list is told of such events. */
export function isWanted({ config }: Pick<State, 'config'>, event: NoticeKind): boolean {
  return config.notify.receivers.some(({ events }) => events.includes(event));
}

/**
 * Queues an event for every receiver that is told of such, and writes that down; it is sent once that is durable. Nothing where
 * nobody is.
 */
export function enqueue(ctx: StepContext, news: News): void {
  if (!isWanted(ctx.state, news.event)) return;
  const notice: Notice = { ...news, id: newSerialId(ctx), wall: Math.max(0, Math.floor(ctx.now.wall)) };
  for (const { name, events } of ctx.state.config.notify.receivers)
    if (events.includes(news.event)) enqueueFor(ctx, name, notice);
  persist(ctx);
}

function enqueueFor(ctx: StepContext, receiver: string, notice: Notice): void {
  const most = receiver === TOPIC.name ? MAX_NOTICE : MAX_OTHER_NOTICE;
  const entry: Notification = {
    ...notice,
    subject: notice.subject.slice(0, MAX_SUBJECT),
    message: shortened(notice.message, most),
    details: notice.details.slice(0, MAX_DETAILS).map(({ name, text }) => ({
      name,
      text: plainText(text).slice(0, MAX_DETAIL_TEXT),
    })),
    receiver,
    refusals: 0,
    publishing: null,
    nextAt: ctx.now.at,
    delayMs: 0,
  };
  const before = ctx.state.outbox.filter((one) => one.receiver === receiver);
  if (before.length >= MAX_OUTBOX) drop(ctx, leastOf(before), 'too many wait for this receiver');
  change(ctx, { outbox: [...ctx.state.outbox, entry] });
}

/** Whole lines, as many as fit, and how many are left out: a blocked address is told with a line for each node. */
function shortened(message: string, most: number): string {
  if (message.length <= most) return message;
  const lines = message.split('\n');
  const room = most - MORE_LINES.length - String(lines.length).length;
  let [text = ''] = lines;
  text = text.slice(0, room);
  let used = 1;
  for (const line of lines.slice(1)) {
    if (text.length + 1 + line.length > room) break;
    text = `${text}\n${line}`;
    used += 1;
  }
  return `${text}${MORE_LINES}${lines.length - used}`;
}

/** People believe by what was queued just now that the address answers, or that it doesn't: then they are told when it does. */
export function noteOutage(ctx: StepContext, ip: Ip, answers: boolean): void {
  const { told } = addressOf(ctx.state, ip);
  const outage = !answers && isWanted(ctx.state, 'served');
  if (outage && !told.outage) changeAddress(ctx, ip, { told: { ...told, outage } });
}

/** Send what is due, to each receiver one at a time and in order. Each waits for the write that holds it. */
export function publishWhatIsDue(ctx: StepContext): void {
  if (ctx.state.outbox.length === 0) return;
  const { latest } = ctx.state.storage;
  const { receivers } = ctx.state.config.notify;
  for (const head of headsOf(ctx.state.outbox)) {
    const receiver = receivers.find(({ name }) => name === head.receiver);
    if (receiver === undefined || head.publishing !== null || head.nextAt > ctx.now.at) continue;
    const publishId = newEffectId(ctx);
    const { id, event, address, wall, subject, message, details } = head;
    ctx.effects.push({
      kind: 'publish',
      publishId,
      receiver: receiver.name,
      id,
      event,
      address,
      wall,
      subject,
      message,
      details,
      timeoutMs: receiver.timeoutMs,
      after: ctx.writeId === 0 ? latest : ctx.writeId,
    });
    replace(ctx, { ...head, publishing: publishId });
  }
}

/**
 * A receiver's answer. What it has accepted is forgotten, and what it refuses for good is given up, so that the next ones get
 * through; anything else is tried again, from 1 s up to 30 s later.
 */
export function onPublished(ctx: StepContext, publishId: EffectId, result: PublishResult): void {
  const notification = ctx.state.outbox.find((one) => one.publishing === publishId);
  if (notification === undefined) return;
  const { id, receiver, event } = notification;
  const detail = result.kind === 'failed' ? result.detail : '';
  emitFact(ctx, {
    kind: 'notified',
    id,
    receiver,
    notice: event,
    result: result.kind,
    detail,
    request: result.request,
  });
  if (result.kind === 'accepted') {
    forget(ctx, notification);
    persist(ctx);
    return;
  }
  const refusals = notification.refusals + (result.refused === true ? 1 : 0);
  if (refusals >= MAX_REFUSALS) {
    drop(ctx, notification, `refused ${counted(refusals, 'time')}: ${detail}`);
    persist(ctx);
    return;
  }
  const delayMs = Math.min(
    MAX_RETRY_MS,
    notification.delayMs === 0 ? FIRST_RETRY_MS : notification.delayMs * 2,
  );
  replace(ctx, { ...notification, refusals, publishing: null, nextAt: ctx.now.at + delayMs, delayMs });
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

/** What waits for a receiver that the configuration doesn't name any more is given up: nobody is there who could be told. */
export function dropForStrangers(ctx: StepContext): void {
  const names = ctx.state.config.notify.receivers.map(({ name }) => name);
  const lost = ctx.state.outbox.filter(({ receiver }) => !names.includes(receiver));
  for (const one of lost) drop(ctx, one, 'the configuration does not name this receiver any more');
  if (lost.length > 0) persist(ctx);
}

/** When the next try of a waiting one is due; null: none waits. */
export function nextPublication(outbox: readonly Notification[]): MonotonicMs | null {
  if (outbox.length === 0) return null;
  const times = headsOf(outbox)
    .filter((one) => one.publishing === null)
    .map((one) => one.nextAt);
  return times.length === 0 ? null : Math.min(...times);
}

/** Of each receiver the oldest: the only one that it is told of now. */
function headsOf(outbox: readonly Notification[]): readonly Notification[] {
  const heads = new Map<string, Notification>();
  for (const one of outbox) if (!heads.has(one.receiver)) heads.set(one.receiver, one);
  return [...heads.values()];
}

function isSame(one: Notification, { id, receiver }: Notification): boolean {
  return one.id === id && one.receiver === receiver;
}

function replace(ctx: StepContext, notification: Notification): void {
  change(ctx, { outbox: ctx.state.outbox.map((one) => (isSame(one, notification) ? notification : one)) });
}

function forget(ctx: StepContext, notification: Notification): void {
  change(ctx, { outbox: ctx.state.outbox.filter((one) => !isSame(one, notification)) });
}

function drop(ctx: StepContext, notification: Notification, why: string): void {
  const { id, receiver, event } = notification;
  emitFact(ctx, { kind: 'notification-dropped', id, receiver, notice: event, why });
  forget(ctx, notification);
}

/** The oldest that tells of no move, else the oldest; of those on their way none, as long as others wait. */
function leastOf(waiting: readonly Notification[]): Notification {
  const idle = waiting.filter(({ publishing }) => publishing === null);
  const least = idle.find(({ subject }) => subject !== TAKEOVER_SUBJECT) ?? idle[0] ?? waiting[0];
  if (least === undefined) throw new Error('nothing waits for the receiver');
  return least;
}
