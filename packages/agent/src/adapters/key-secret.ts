/**
 * The cluster's key as Secrets Manager keeps it, for nodes that are set up by themselves: each asks for it with its own role,
 * so that it stands in no template, no user data and no Terraform state.
 */
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { DurationMs } from '@failtome/protocol';
import { keyFileText } from '../auth/keys.ts';
import { secretRegion } from '../config/aws-names.ts';
import { AgentError } from '../errors.ts';
import { boundedAnswers } from './aws-answers.ts';
import { contextFor, createAwsClients, readAws } from './aws-clients.ts';

const TIMEOUT_MS: DurationMs = 15_000;

/**
 * The text of a key file.
 *
 * @throws AgentError `KEY_SECRET_UNREADABLE`, or what `keyFileText` throws.
 */
export async function readKeySecret(arn: string): Promise<string> {
  const region = secretRegion(arn);
  const clients = createAwsClients({ region, topicArn: null });
  try {
    const client = new SecretsManagerClient(clients.shared);
    client.middlewareStack.use(boundedAnswers);
    const command = new GetSecretValueCommand({ SecretId: arn });
    const outcome = await readAws(
      clients,
      {
        service: 'secretsmanager',
        operation: 'GetSecretValue',
        send: (options) => client.send(command, options),
      },
      contextFor(TIMEOUT_MS, () => undefined),
    );
    if (outcome.kind === 'failed') throw unreadable(`${outcome.failure.code}: ${outcome.failure.message}`);
    const { SecretString } = outcome.output;
    if (SecretString === undefined) throw unreadable('the secret is binary, where text is expected');
    return keyFileText(SecretString, `the secret ${arn}`);
  } finally {
    clients.close();
  }
}

function unreadable(why: string): AgentError {
  return new AgentError('KEY_SECRET_UNREADABLE', `secretsmanager:GetSecretValue: ${why}`, 'retryable');
}
