/** Every secret that this process knows, as texts: what no file that leaves it may hold. */
import type { KeyObject } from 'node:crypto';
import { httpUrl } from '../config/http-url.ts';
import type { Environment } from '../config/settings.ts';
import type { AgentConfig } from '../config/types.ts';
import type { Secrets } from './secrets.ts';

/** What stands in a secret's place. */
export const BLANK = '(secret)';

/** A shorter text is found in too many others to be taken out of them. */
const LEAST_CHARS = 6;

/** Variables that hold credentials (the AWS SDK's). */
const SECRET_VARIABLES = [
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
] as const;

/** Tokens of readers aren't among them: this process keeps their digests alone. */
export function secretTexts(
  config: Pick<AgentConfig, 'local'>,
  { keyFile, identity, webhooks }: Secrets,
  env: Environment,
): readonly string[] {
  const password = config.local?.url == null ? undefined : httpUrl(config.local.url).user?.password;
  const texts = [
    ...keyFile.keys.flatMap(textsOf),
    ...(identity === null ? [] : textsOf(identity.identity.privateKey)),
    ...webhooks.flatMap(({ url, signing, integrationKey }) => [
      ...[url, httpUrl(url).path, integrationKey],
      ...signing.flatMap(textsOf),
    ]),
    ...(password === undefined ? [] : [password, encodeURIComponent(password)]),
    ...SECRET_VARIABLES.map((name) => env[name] ?? ''),
  ];
  return [...new Set(texts)].filter(({ length }) => length >= LEAST_CHARS);
}

/** A key as its file has it, and as other encodings do. */
function textsOf(key: KeyObject): readonly string[] {
  const bytes = key.type === 'secret' ? key.export() : key.export({ type: 'pkcs8', format: 'der' });
  return (['base64', 'base64url', 'hex'] as const).map((form) => bytes.toString(form).replace(/=+$/, ''));
}

/** Takes them out of a text of JSON, or of any other. */
export function blankerOf(secrets: readonly string[]): (text: string) => string {
  const written = [...new Set(secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]))];
  return (text) =>
    written.reduce(
      (sofar, secret) => (sofar.includes(secret) ? sofar.replaceAll(secret, BLANK) : sofar),
      text,
    );
}
