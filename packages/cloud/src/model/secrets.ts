import { secretErrors } from './errors.ts';
import { done, refused } from './outcome.ts';
import type { AwsOutcome, GetSecretValue } from './requests.ts';
import type { AwsState } from './state.ts';

/** Secrets Manager API Reference, GetSecretValue. */
export function getSecretValue(state: AwsState, { action, secretId }: GetSecretValue): AwsOutcome {
  const text = state.secrets.get(secretId);
  return text === undefined ? refused(secretErrors.notFound()) : done({ action, arn: secretId, text });
}
