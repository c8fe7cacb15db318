/** The keys under `notify` of whom to tell; a part of the table in `file-keys.ts`. */
import { type DurationMs, NOTICE_KINDS, type NoticeKind, TOPIC } from '@failtome/protocol';
import { derived, type Key, keyTable, none, required, value } from './key-table.ts';
import * as kinds from './kinds.ts';
import { keyPath, receiverName, secretUrl, urlFilePath } from './receiver-kinds.ts';
import type { WebhookForm } from './types.ts';

const { declared, key } = keyTable();

/** In the order of the reference. */
export const NOTIFY_KEYS: readonly Key<unknown>[] = declared;

/** `notify.sns.topicArn`. */
export const NOTIFY_TOPIC_ARN: Key<string> = key('notify.sns.topicArn', kinds.topicArn, required);
/** `notify.webhook[].form`. */
export const WEBHOOK_FORM: Key<WebhookForm> = key(
  'notify.webhook[].form',
  kinds.choice('json', 'slack', 'pagerduty'),
  value('json'),
);
/** `notify.webhook[].name`. */
export const WEBHOOK_NAME: Key<string> = key(
  'notify.webhook[].name',
  receiverName,
  derived('`webhook`; with `slack` or `pagerduty` that word', (sibling) =>
    sibling('form') === 'json' ? 'webhook' : String(sibling('form')),
  ),
);
/** `notify.webhook[].url`. */
export const WEBHOOK_URL: Key<string> = key(
  'notify.webhook[].url',
  secretUrl,
  none("the one in `urlFile`, one of which must be given; with `pagerduty` PagerDuty's own"),
);
/** `notify.webhook[].urlFile`. */
export const WEBHOOK_URL_FILE: Key<string> = key('notify.webhook[].urlFile', urlFilePath, none('none'));
/** `notify.webhook[].keyFile`. */
export const WEBHOOK_KEY_FILE: Key<string> = key(
  'notify.webhook[].keyFile',
  keyPath,
  none('not signed; required with `pagerduty`, refused with `slack`'),
);
/** `notify.webhook[].timeout`. */
export const WEBHOOK_TIMEOUT: Key<DurationMs> = key(
  'notify.webhook[].timeout',
  kinds.duration(100, 30_000),
  value('5s'),
);

const events = kinds.listOf(kinds.choice(...NOTICE_KINDS), 1, NOTICE_KINDS.length);
/** `notify.webhook[].events`. */
export const WEBHOOK_EVENTS: Key<readonly NoticeKind[]> = key(
  'notify.webhook[].events',
  events,
  none('as `notify.events.webhook`; with `pagerduty` those of them that begin or end a trouble'),
);
/** `notify.exec.command`. */
export const NOTIFY_COMMAND: Key<readonly string[]> = key('notify.exec.command', kinds.command, required);
/** `notify.exec.timeout`. */
export const NOTIFY_COMMAND_TIMEOUT: Key<DurationMs> = key(
  'notify.exec.timeout',
  kinds.duration(100, 30_000),
  value('10s'),
);
/** `notify.events.sns`. */
export const EVENTS_SNS: Key<readonly NoticeKind[]> = key('notify.events.sns', events, value(TOPIC.events));
/** `notify.events.webhook`. */
export const EVENTS_WEBHOOK: Key<readonly NoticeKind[]> = key(
  'notify.events.webhook',
  events,
  value(NOTICE_KINDS),
);
/** `notify.events.exec`. */
export const EVENTS_EXEC: Key<readonly NoticeKind[]> = key('notify.events.exec', events, value(NOTICE_KINDS));
