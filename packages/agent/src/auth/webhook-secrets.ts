/** What is secret of a web hook: its URL, which lets whoever has it speak there, and the keys that sign what it is sent. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { counted } from '@failtome/protocol';
import { readHttpUrl } from '../config/http-url.ts';
import type { WebhookSettings } from '../config/types.ts';
import { isReadOnTheWay, READ_ON_THE_WAY } from '../config/webhook-rules.ts';
import { AgentError } from '../errors.ts';
import { linesOf, readSecretFile, type SecretKind } from './secret-file.ts';

/** Where PagerDuty takes events (Events API v2). */
const PAGERDUTY_URL = 'https://events.pagerduty.com/v2/enqueue';
/** The most keys that sign at once: an old one and a new one, while receivers change theirs. */
const MAX_SIGNING_KEYS = 2;
/** Standard Webhooks, "Signature scheme": 24 to 64 bytes. */
const LEAST_KEY_BYTES = 24;
const MOST_KEY_BYTES = 64;
/** Such a key as receivers' libraries write it. */
const KEY_PREFIX = /^whsec_/;

const URL_FILE: SecretKind = {
  name: "file of a web hook's URL",
  code: 'WEBHOOK_URL',
  command: 'install -m 0640 -g failtome /dev/stdin FILE',
};
const KEY_FILE: SecretKind = { name: "web hook's key file", code: 'WEBHOOK_KEY', command: 'failtome keygen' };

/** PagerDuty makes that key. */
const INTEGRATION_FILE: SecretKind = { ...KEY_FILE, command: URL_FILE.command };

/** All that is secret of one web hook. */
export interface WebhookSecrets {
  readonly url: string;
  /** Of the form `json`: what signs; none: nothing does. */
  readonly signing: readonly KeyObject[];
  /** Of the form `pagerduty`: whose events they are; else empty. */
  readonly integrationKey: string;
  readonly warnings: readonly string[];
}

/** @throws AgentError for a file that can't be read, or holds something else; it never tells what it holds. */
export async function readWebhookSecrets(webhook: WebhookSettings): Promise<WebhookSecrets> {
  const { url, urlFile, keyFile, form } = webhook;
  const [where, key] = await Promise.all([
    urlFile === null ? { url: url ?? PAGERDUTY_URL, warnings: [] } : urlIn(urlFile),
    keyFile === null
      ? { text: '', warnings: [] }
      : readSecretFile(keyFile, form === 'json' ? KEY_FILE : INTEGRATION_FILE),
  ]);
  const lines = linesOf(key.text);
  return {
    url: where.url,
    signing: form === 'json' && keyFile !== null ? signingKeys(lines, keyFile) : [],
    integrationKey: form === 'pagerduty' && keyFile !== null ? integrationKey(lines, keyFile) : '',
    warnings: [...where.warnings, ...key.warnings],
  };
}

async function urlIn(path: string): Promise<Pick<WebhookSecrets, 'url' | 'warnings'>> {
  const { text, warnings } = await readSecretFile(path, URL_FILE);
  const [first, ...more] = linesOf(text);
  const url = first?.line ?? '';
  const reading = readHttpUrl(url);
  const isOne = reading.kind === 'url' && reading.url.user === null && more.length === 0;
  if (!isOne) throw fault('WEBHOOK_URL_FAULTY', `${path} holds something else than one http or https URL`);
  return { url, warnings: isReadOnTheWay(url) ? [...warnings, `${path}: ${READ_ON_THE_WAY}`] : warnings };
}

function signingKeys(lines: ReturnType<typeof linesOf>, path: string): readonly KeyObject[] {
  if (lines.length === 0 || lines.length > MAX_SIGNING_KEYS)
    throw fault('WEBHOOK_KEY_FAULTY', `${path} must hold one key, or the new and the old one`);
  return lines.map(({ line, number }) => {
    const text = line.replace(KEY_PREFIX, '');
    const bytes = Buffer.from(text, 'base64');
    const isBase64 = /^[A-Za-z0-9+/]+={0,2}$/.test(text) && text.length % 4 === 0;
    if (!isBase64 || bytes.length < LEAST_KEY_BYTES || bytes.length > MOST_KEY_BYTES)
      throw fault(
        'WEBHOOK_KEY_FAULTY',
        `${path}, line ${number}: a key is base64 of ${LEAST_KEY_BYTES} to ${counted(MOST_KEY_BYTES, 'byte')}, with or without whsec_ before it; what \`failtome keygen\` prints will do`,
      );
    return createSecretKey(bytes);
  });
}

function integrationKey(lines: ReturnType<typeof linesOf>, path: string): string {
  const [first, ...more] = lines;
  if (first === undefined || more.length > 0 || !/^[A-Za-z0-9_-]{16,64}$/.test(first.line))
    throw fault('WEBHOOK_KEY_FAULTY', `${path} must hold one line: PagerDuty's integration key`);
  return first.line;
}

function fault(code: string, message: string): AgentError {
  return new AgentError(code, message, 'fatal');
}
