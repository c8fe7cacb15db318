/**
 * A web hook: one POST for each try. The answer's status is all that is read of it; a redirect is not followed, for it would
 * carry the event, and what signs it, somewhere else.
 */
import { isIP } from 'node:net';
import type { CloudRequest, PublishEffect, PublishResult } from '@failtome/protocol';
import type { WebhookSecrets } from '../auth/webhook-secrets.ts';
import { httpUrl } from '../config/http-url.ts';
import type { WebhookSettings } from '../config/types.ts';
import { type Exchange, type ExchangeEnd, exchange, UNFINISHED } from './http-exchange.ts';
import type { Names } from './names.ts';
import { bodyOf, signedHeaders, type Teller } from './webhook-forms.ts';

/** How much of an answer is read: Slack and PagerDuty say why they refuse, but only they know what it holds. */
const MAX_ANSWER_BYTES = 4_096;

/** By these a receiver says that it will never take this very event: its form or its size. */
const REFUSED: readonly number[] = [400, 413, 422];

/** A web hook and who speaks to it. */
export interface WebhookOptions {
  readonly webhook: WebhookSettings;
  readonly secrets: WebhookSecrets;
  readonly teller: Teller;
}

/** What it works with. */
export interface WebhookDependencies {
  readonly names: Names;
  readonly now: () => number;
}

/** Send it once. Calls `done` once, at the latest after `timeoutMs`; answers how to end it without. */
export function postToWebhook(
  { webhook, secrets, teller }: WebhookOptions,
  { names, now }: WebhookDependencies,
  effect: PublishEffect,
  done: (result: PublishResult) => void,
): () => void {
  const begunAt = performance.now();
  const url = httpUrl(secrets.url);
  const body = bodyOf(webhook.form, effect, teller, secrets.integrationKey);
  let attempt: Exchange | null = null;
  const finish = (end: ExchangeEnd): void => {
    clearTimeout(timer);
    attempt?.destroy();
    done(resultOf(end, webhook.form, performance.now() - begunAt));
  };
  const timer = setTimeout(() => {
    const detail = UNFINISHED[attempt?.stage() ?? 'name'];
    finish({ kind: 'failed', reason: 'timeout', detail: `${detail} within ${effect.timeoutMs} ms` });
  }, effect.timeoutMs);
  attempt = exchange(
    {
      host: url.host,
      port: url.port,
      family: 0,
      tls: url.secure ? { servername: isIP(url.host) === 0 ? url.host : '', verify: true } : null,
      method: 'POST',
      path: url.path,
      headers: {
        Host: url.authority,
        'User-Agent': 'failtome',
        'Content-Type': 'application/json',
        'Content-Length': String(Buffer.byteLength(body)),
        ...(webhook.form === 'json' ? signedHeaders(effect.id, body, secrets.signing, now()) : {}),
      },
      body,
      maxBodyBytes: MAX_ANSWER_BYTES,
      keepBody: false,
    },
    names.forAttempt(0),
    finish,
  );
  return () => {
    clearTimeout(timer);
    attempt?.destroy();
  };
}

function resultOf(end: ExchangeEnd, form: WebhookSettings['form'], durationMs: number): PublishResult {
  const request = (result: CloudRequest['result'], code: string | null): CloudRequest => ({
    service: 'webhook',
    operation: 'post',
    result,
    code,
    requestId: null,
    durationMs,
  });
  if (end.kind !== 'answered')
    return {
      kind: 'failed',
      detail: end.detail,
      request: request('unknown', end.kind === 'failed' ? end.reason : end.kind),
    };
  const { status } = end;
  if (status >= 200 && status < 300) return { kind: 'accepted', request: request('ok', null) };
  const isRedirect = status >= 300 && status < 400;
  const detail = `answered with status ${status}${isRedirect ? ', and a redirect is not followed' : ''}`;
  // PagerDuty answers 400 to a wrong integration key as well, which an operator can mend.
  const refused = REFUSED.includes(status) && !(form === 'pagerduty' && status === 400);
  return { kind: 'failed', detail, refused, request: request('refused', String(status)) };
}
