/** Whose credentials these are, as STS knows them. */
import { GetCallerIdentityCommand, type GetCallerIdentityCommandOutput } from '@aws-sdk/client-sts';
import type { CallOutcome } from '@failtome/ports';
import { type AwsClients, type CallContext, readAws, type SendOptions } from './aws-clients.ts';

/** Ask STS for the account and the ARN of whoever calls. It needs no permission, and no move needs it. */
export function readCaller(
  clients: AwsClients,
  context: CallContext,
): Promise<CallOutcome<GetCallerIdentityCommandOutput>> {
  const send = (options: SendOptions) => clients.sts.send(new GetCallerIdentityCommand({}), options);
  return readAws(clients, { service: 'sts', operation: 'GetCallerIdentity', send }, context);
}
