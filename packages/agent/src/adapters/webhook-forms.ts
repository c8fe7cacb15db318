/** What a web hook is sent: this product's own JSON, or what Slack and PagerDuty take. */
import { createHmac, type KeyObject } from 'node:crypto';
import { isoTime, type Notice, type NoticeKind, TROUBLE_OF } from '@failtome/protocol';
import type { WebhookForm } from '../config/types.ts';

/** Who tells it. */
export interface Teller {
  readonly cluster: string;
  readonly node: string;
}

/** PagerDuty's own bound of a summary. */
const MAX_SUMMARY = 1_024;

/** An event in this product's own form, for web hooks and programs. */
export function noticeJson(
  { id, event, address, wall, subject, message, details }: Notice,
  by: Teller,
): string {
  return JSON.stringify({
    version: 1,
    id,
    event,
    at: isoTime(wall),
    cluster: by.cluster,
    node: by.node,
    address,
    subject,
    text: message,
    details: Object.fromEntries(details.map(({ name, text }) => [name, text])),
  });
}

/** The body that a form wants. */
export function bodyOf(form: WebhookForm, notice: Notice, by: Teller, integrationKey: string): string {
  switch (form) {
    case 'json':
      return noticeJson(notice, by);
    case 'slack':
      return JSON.stringify({ text: slackText(notice) });
    case 'pagerduty':
      return JSON.stringify(pagerDutyEvent(notice, by, integrationKey));
  }
}

/**
 * The headers of Standard Webhooks, so that any of its libraries can verify them: the id tells repeats, the time is this
 * attempt's, and each key signs both with the body.
 *
 * Source: Standard Webhooks 1.0.0, "Webhook Headers" and "Verifying webhook authenticity".
 */
export function signedHeaders(
  id: string,
  body: string,
  keys: readonly KeyObject[],
  nowMs: number,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}

/** Slack reads `<`, `>` and `&` as its own markup. */
function slackText({ subject, message }: Notice): string {
  const escaped = (text: string): string =>
    text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return `*${escaped(subject)}*\n${escaped(message)}`;
}

interface Incident {
  readonly action: 'trigger' | 'resolve';
  readonly severity: 'critical' | 'error' | 'warning' | 'info';
}

const INCIDENTS: Readonly<Record<NoticeKind, Incident>> = {
  blocked: { action: 'trigger', severity: 'critical' },
  served: { action: 'resolve', severity: 'info' },
  'unfit-holder': { action: 'trigger', severity: 'error' },
  'holder-fit': { action: 'resolve', severity: 'info' },
  'no-standby': { action: 'trigger', severity: 'warning' },
  standby: { action: 'resolve', severity: 'info' },
  taken: { action: 'trigger', severity: 'warning' },
  lost: { action: 'trigger', severity: 'info' },
  paused: { action: 'trigger', severity: 'info' },
  resumed: { action: 'trigger', severity: 'info' },
  'handover-asked': { action: 'trigger', severity: 'info' },
  'handover-ended': { action: 'trigger', severity: 'info' },
};

/**
 * The end of a trouble resolves what its beginning has triggered. An outage is the same for all nodes that tell of it.
 *
 * Source: PagerDuty Events API v2, "Send an Event to PagerDuty".
 */
function pagerDutyEvent(notice: Notice, { cluster, node }: Teller, integrationKey: string): unknown {
  const { action, severity } = INCIDENTS[notice.event];
  const trouble = TROUBLE_OF[notice.event];
  const [summary = ''] = notice.message.split('\n');
  const key =
    trouble === null ? notice.id : `${notice.address} ${trouble}${trouble === 'unfit' ? ` ${node}` : ''}`;
  return {
    routing_key: integrationKey,
    event_action: action,
    dedup_key: `failtome ${cluster} ${key}`.slice(0, 255),
    payload: {
      summary: summary.slice(0, MAX_SUMMARY),
      source: node,
      severity,
      timestamp: isoTime(notice.wall),
      component: notice.address ?? cluster,
      group: cluster,
      class: notice.event,
      custom_details: {
        id: notice.id,
        text: notice.message,
        ...Object.fromEntries(notice.details.map(({ name, text }) => [name, text])),
      },
    },
  };
}
