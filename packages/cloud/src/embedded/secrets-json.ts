import type { AwsResult } from '../model/index.ts';
import type { Parsed } from './query-request.ts';

/** The operation that Secrets Manager's header `x-amz-target` names. */
export const secretsTarget = 'secretsmanager.GetSecretValue';

/** Reads a JSON 1.1 request of Secrets Manager: GetSecretValue of the current version, and nothing else. */
export function parseSecrets(target: string | undefined, body: string): Parsed {
  const failure = (code: string, message: string): Parsed => ({
    kind: 'error',
    error: { code, message, status: 400 },
  });
  if (target !== secretsTarget)
    return failure('UnknownOperationException', `There is no operation ${target}`);
  const secretId = secretIdIn(body);
  if (secretId === null)
    return failure('ValidationException', 'SecretId is the only parameter, and required');
  return { kind: 'request', request: { action: 'secretsmanager:GetSecretValue', secretId } };
}

function secretIdIn(body: string): string | null {
  try {
    const fields: unknown = JSON.parse(body);
    if (typeof fields !== 'object' || fields === null || !('SecretId' in fields)) return null;
    const others = Object.keys(fields).length > 1;
    return others || typeof fields.SecretId !== 'string' ? null : fields.SecretId;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** Writes a success (Secrets Manager API Reference, GetSecretValue). */
export function secretsAnswer({
  arn,
  text,
}: Extract<AwsResult, { readonly action: 'secretsmanager:GetSecretValue' }>): string {
  const [, name = arn] = /:secret:(.*)-[^-]*$/.exec(arn) ?? [];
  return JSON.stringify({ ARN: arn, Name: name, SecretString: text, VersionStages: ['AWSCURRENT'] });
}
