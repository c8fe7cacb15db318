/** Everything secret that a configuration names files for, read together: at the start, and again on a reload. */
import assert from 'node:assert/strict';
import type { AgentConfig } from '../config/types.ts';
import { AgentError } from '../errors.ts';
import { type IdentityFile, readIdentityFile } from './identity.ts';
import { type KeyFile, readKeyFile } from './keys.ts';
import { readTokenFile, type TokenFile } from './tokens.ts';
import { readWebhookSecrets, type WebhookSecrets } from './webhook-secrets.ts';

/** All keys and tokens of a configuration. */
export interface Secrets {
  readonly keyFile: KeyFile;
  readonly tokenFile: TokenFile;
  /** Null: the configuration names none. */
  readonly identity: IdentityFile | null;
  /** In the order of the configuration. */
  readonly webhooks: readonly WebhookSecrets[];
}

/** A file that can't be used, by the setting that names it. */
export interface SecretFault {
  readonly path: string;
  readonly error: AgentError;
}

/** The secrets, or what is wrong with their files. */
export type SecretsRead =
  | { readonly kind: 'read'; readonly secrets: Secrets }
  | { readonly kind: 'faulty'; readonly faults: readonly [SecretFault, ...SecretFault[]] };

/** Read every file that the configuration names. */
export async function readSecrets({
  api,
  auth,
  notify,
}: Pick<AgentConfig, 'api' | 'auth' | 'notify'>): Promise<SecretsRead> {
  const [keyFile, identity, tokenFile, webhooks] = await Promise.all([
    orError(readKeyFile(auth.keyFile)),
    auth.identity === null ? null : orError(readIdentityFile(auth.identity)),
    orError(readTokenFile(api.readTokenFile)),
    Promise.all(notify.webhooks.map((webhook) => orError(readWebhookSecrets(webhook)))),
  ]);
  const [first, ...more] = [
    ...faultIn('auth.keyFile', keyFile),
    ...faultIn('auth.identity', identity),
    ...faultIn('api.readTokenFile', tokenFile),
    ...webhooks.flatMap((webhook, index) => faultIn(`notify.webhook[${index}]`, webhook)),
  ];
  if (first !== undefined) return { kind: 'faulty', faults: [first, ...more] };
  assert(
    !(keyFile instanceof AgentError || identity instanceof AgentError || tokenFile instanceof AgentError),
  );
  const read = webhooks.flatMap((webhook) => (webhook instanceof AgentError ? [] : [webhook]));
  return { kind: 'read', secrets: { keyFile, identity, tokenFile, webhooks: read } };
}

function faultIn(path: string, read: unknown): readonly SecretFault[] {
  return read instanceof AgentError ? [{ path, error: read }] : [];
}

async function orError<T>(reading: Promise<T>): Promise<T | AgentError> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}
