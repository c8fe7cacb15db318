/** What people and programs are told of each event: in words, and as details. */

import type { NoticeKind } from '../model/codes.ts';
import type { DurationMs, Ip } from '../model/units.ts';
import type { StepContext } from '../step-context.ts';
import type { MoveIntent, Notice, NoticeDetail } from '../storage/durable.ts';
import type { HandoverRecord, HandoverStanding, PauseRecord } from '../wire/messages.ts';
import type { HistoryEntry } from './facts.ts';
import { isoTime } from './iso-time.ts';
import { plainText } from './plain-text.ts';

/** The subject that existing subscriptions filter by; a part of the contract with users. */
export const TAKEOVER_SUBJECT = 'HAProxy failover notification';
/** The subject of the notification that nobody may take an address that is down. */
export const BLOCKED_SUBJECT = 'HAProxy failover blocked';

/** An event, before anybody is told of it. */
export type News = Omit<Notice, 'id' | 'wall'>;

/** An accepted move. It never claims service that wasn't seen. */
export function takenNews(ctx: StepContext, entry: HistoryEntry, intent: MoveIntent): News {
  const { config } = ctx.state;
  const target = config.node.instanceId === '' ? config.node.id : config.node.instanceId;
  const mode = intent.mode === 'handover' ? 'planned handover' : 'takeover';
  const lines = [
    `Instance ${target} took over ${entry.address}`,
    `Node: ${config.node.id} (cluster ${config.cluster})`,
    `From: ${entry.from}`,
    `Why: ${mode}; ${intent.reason}`,
    `Agreed: ${intent.agreed}`,
    `Steps: ${entry.steps.map(({ step, durationMs }) => `${step} ${Math.round(durationMs)} ms`).join(', ')}`,
    entry.result === 'served'
      ? 'The address answers now.'
      : 'The address has not been seen to answer since the move.',
  ];
  return newsOf(ctx, 'taken', entry.address, TAKEOVER_SUBJECT, lines, {
    from: entry.from,
    to: entry.to,
    instance: config.node.instanceId,
    mode: intent.mode,
    result: entry.result,
    reason: intent.reason,
    history: entry.id,
  });
}

/** An address is down and nobody may take it. `why`: a line for each node that says so. */
export function blockedNews(
  ctx: StepContext,
  ip: Ip,
  downMs: DurationMs,
  reason: string,
  why: readonly string[],
): News {
  const { config } = ctx.state;
  const lines = [
    `${ip} is down and no node may take it`,
    `Down for ${Math.round(downMs / 1000)} s as seen by ${config.node.id} (cluster ${config.cluster})`,
    ...why,
  ];
  const details = { reason, downForMs: String(Math.round(downMs)) };
  return newsOf(ctx, 'blocked', ip, BLOCKED_SUBJECT, lines, details);
}

/** This node held it, and another does now, or nobody. */
export function lostNews(ctx: StepContext, ip: Ip, to: string): News {
  const { id } = ctx.state.config.node;
  const first = `${id} no longer holds ${ip}: ${to === 'nobody' ? 'nobody does' : `${to} does`}`;
  return aboutNode(ctx, 'lost', ip, 'HAProxy failover: address lost', [first], { from: id, to });
}

/** It was told that the address doesn't answer, and it does. */
export function servedNews(ctx: StepContext, ip: Ip, holder: string): News {
  const lines = [`${ip} answers again`, `Holder: ${holder}`];
  return aboutNode(ctx, 'served', ip, 'HAProxy failover: served again', lines, { holder });
}

/** This node holds it, and its own HAProxy has stopped serving. */
export function unfitNews(ctx: StepContext, ip: Ip, reason: string): News {
  const first = `${ctx.state.config.node.id} holds ${ip}, and its own HAProxy isn't fit to serve`;
  return aboutNode(ctx, 'unfit-holder', ip, 'HAProxy failover: unfit holder', [first, `Why: ${reason}`], {
    reason,
  });
}

/** That is over: it serves again, or somebody else holds the address. */
export function fitNews(ctx: StepContext, ip: Ip, holds: boolean): News {
  const { id } = ctx.state.config.node;
  const first = holds
    ? `${id} holds ${ip} and is fit to serve again`
    : `${id}, which wasn't fit, no longer holds ${ip}`;
  return aboutNode(ctx, 'holder-fit', ip, 'HAProxy failover: holder fit', [first], { holds: String(holds) });
}

/** The address answers, and nobody would take it over if it didn't. */
export function aloneNews(ctx: StepContext, ip: Ip, reasons: readonly string[]): News {
  const lines = [`${ip} has no standby: should it fail, nobody would take it over`, ...reasons];
  return aboutNode(ctx, 'no-standby', ip, 'HAProxy failover: no standby', lines, {
    reason: reasons.join('; '),
  });
}

/** Somebody stands by again, or the address is another's to watch over. */
export function standbyNews(ctx: StepContext, ip: Ip, next: string): News {
  const first =
    next === ''
      ? `${ip} is no longer held by ${ctx.state.config.node.id}`
      : `${ip} has a standby again: ${next}`;
  return aboutNode(ctx, 'standby', ip, 'HAProxy failover: standby again', [first], { next });
}

/** Takeovers are paused, or are no more: by an order, or because the time of the pause is up. */
export function pauseNews(
  ctx: StepContext,
  { owner, reason, until, paused }: PauseRecord,
  isOver: boolean,
): News {
  const { cluster } = ctx.state.config;
  const by = owner === '' ? '' : ` by ${owner}`;
  const details = { owner, reason, until: until === null ? '' : isoTime(until) };
  if (paused && !isOver) {
    const first = `Automatic takeovers of the cluster ${cluster} are paused${by}${until === null ? '' : ` until ${isoTime(until)}`}`;
    return aboutNode(ctx, 'paused', null, 'HAProxy failover: paused', [first, ...because(reason)], details);
  }
  const how = isOver ? `, because the time of the pause${by} is up` : by;
  const first = `Automatic takeovers of the cluster ${cluster} are on again${how}`;
  const why = isOver ? [] : because(reason);
  return aboutNode(ctx, 'resumed', null, 'HAProxy failover: resumed', [first, ...why], details);
}

/** Somebody has asked for a handover. */
export function askedNews(ctx: StepContext, { id, address, to, by, reason }: HandoverRecord): News {
  const first = `A handover of ${address} to ${to} was asked for by ${by}`;
  const details = { handover: id, to, by, reason };
  return aboutNode(
    ctx,
    'handover-asked',
    address,
    'HAProxy failover: handover asked',
    [first, ...because(reason)],
    details,
  );
}

/** How that has ended. */
export function endedNews(
  ctx: StepContext,
  { id, address, to, by, reason, detail }: HandoverRecord,
  standing: HandoverStanding,
): News {
  const words =
    standing === 'done'
      ? 'is done'
      : standing === 'expired'
        ? 'ran out of time'
        : `has ${standing === 'failed' ? 'failed' : 'been withdrawn'}`;
  const first = `The handover of ${address} to ${to}, asked for by ${by}, ${words}`;
  const lines = [first, ...(detail === '' ? [] : [`Detail: ${detail}`])];
  const details = { handover: id, to, by, reason, state: standing, detail };
  return aboutNode(ctx, 'handover-ended', address, 'HAProxy failover: handover ended', lines, details);
}

function because(reason: string): readonly string[] {
  return reason === '' ? [] : [`Why: ${reason}`];
}

/** With the line that says who tells it. */
function aboutNode(
  ctx: StepContext,
  event: NoticeKind,
  address: Ip | null,
  subject: string,
  lines: readonly string[],
  details: Readonly<Record<string, string>>,
): News {
  const { config } = ctx.state;
  const [first = '', ...rest] = lines;
  const told = `Told by: ${config.node.id} (cluster ${config.cluster})`;
  return newsOf(ctx, event, address, subject, [first, told, ...rest], details);
}

function newsOf(
  ctx: StepContext,
  event: NoticeKind,
  address: Ip | null,
  subject: string,
  lines: readonly string[],
  details: Readonly<Record<string, string>>,
): News {
  const message = [...lines, `Time: ${isoTime(ctx.now.wall)}`].map(plainText).join('\n');
  return { event, address, subject, message, details: detailsOf(details) };
}

/** What isn't known is left out. */
function detailsOf(details: Readonly<Record<string, string>>): readonly NoticeDetail[] {
  return Object.entries(details).flatMap(([name, text]) => (text === '' ? [] : [{ name, text }]));
}
