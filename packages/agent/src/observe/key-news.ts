/** What the log tells of keys: how many, whose word counts by them, and what should be mended. Never a key. */
import type { NodeId } from '@failtome/protocol';
import { counted } from '@failtome/protocol';
import { describeMode, Identities } from '../auth/identities.ts';
import type { Secrets } from '../auth/secrets.ts';
import { formatWarning } from '../config/fault.ts';
import { ownKeyWarnings } from '../config/public-key-rules.ts';
import type { AgentConfig } from '../config/types.ts';
import type { Log } from './log.ts';

/** Log which keys and tokens count, and what is wrong with their files. */
export function tellSecrets(log: Log, { keyFile, identity, tokenFile, webhooks }: Secrets): void {
  const { length } = keyFile.keys;
  log.tell('info', 'key', `${counted(length, 'key')} loaded`, { keys: length });
  const warnings = [
    ...keyFile.warnings,
    ...(identity?.warnings ?? []),
    ...tokenFile.warnings,
    ...webhooks.flatMap((webhook) => webhook.warnings),
  ];
  for (const warning of warnings) log.tell('warn', 'key', warning);
}

/** Whose word counts at this node, by its configuration. */
export function identitiesOf(
  { auth, peers }: Pick<AgentConfig, 'auth' | 'peers'>,
  { identity }: Pick<Secrets, 'identity'>,
  self: NodeId,
  log: Log,
): Identities {
  const own = identity?.identity ?? null;
  const identities = new Identities({ self, own, peers, operators: auth.operators });
  const { mode } = identities;
  const key = own?.publicKey.id ?? null;
  log.tell('info', 'identities', `messages are authenticated by ${describeMode(mode)}`, { mode, key });
  for (const warning of ownKeyWarnings({ auth, peers }, self, own?.publicKey ?? null))
    log.tell('warn', 'configuration', formatWarning(warning));
  return identities;
}
