/** An event, and receivers that are told of it once. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PublishEffect, PublishResult } from '@failtome/protocol';
import { onTestFinished } from 'vitest';
import { Receivers } from '../../src/adapters/receivers.ts';
import { readWebhookSecrets } from '../../src/auth/webhook-secrets.ts';
import type { AgentConfig, WebhookSettings } from '../../src/config/types.ts';
import { networkDependencies, temporaryFolder } from './loopback.ts';

/** What is told. */
export const EVENT: PublishEffect = {
  kind: 'publish',
  publishId: 7,
  receiver: 'ops',
  id: 'saturn-7-12',
  event: 'blocked',
  address: '203.0.113.7',
  wall: 1_767_323_045_000,
  subject: 'HAProxy failover blocked',
  message: '203.0.113.7 is down and no node may take it\nsaturn: <b> & "unfit"',
  details: [{ name: 'reason', text: 'paused' }],
  timeoutMs: 2_000,
};

/** A key by which a web hook is signed. */
export const KEY = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';

/** A file that only its owner and group may read; it goes when the test ends. */
export async function secretFile(text: string, name = 'secret'): Promise<string> {
  const path = join(await temporaryFolder(), name);
  await writeFile(path, text, { mode: 0o640 });
  return path;
}

/** The settings of a web hook called ops. */
export function hook(parts: Partial<WebhookSettings>): WebhookSettings {
  return {
    name: 'ops',
    form: 'json',
    url: null,
    urlFile: null,
    keyFile: null,
    timeoutMs: 2_000,
    events: [],
    ...parts,
  };
}

/** Told once, by receivers that are closed after the test. */
export async function tell(
  notify: Partial<AgentConfig['notify']>,
  effect: PublishEffect = EVENT,
): Promise<{ readonly result: PublishResult; readonly stderr: readonly string[] }> {
  const stderr: string[] = [];
  const { names } = networkDependencies();
  const webhooks = notify.webhooks ?? [];
  const secrets = await Promise.all(webhooks.map(readWebhookSecrets));
  return new Promise((resolve) => {
    const config = {
      cluster: 'web',
      notify: { sns: null, webhooks, exec: null, blockedAfterMs: null, ...notify },
    };
    const receivers = new Receivers(
      { config, nodeId: 'saturn', webhooks: secrets, clients: null },
      {
        names,
        now: Date.now,
        logStderr: (event, text) => stderr.push(`${event}: ${text}`),
        post: (event) => {
          if (event.kind === 'published') resolve({ result: event.result, stderr });
        },
      },
    );
    onTestFinished(() => receivers.close());
    receivers.publish(effect);
  });
}
