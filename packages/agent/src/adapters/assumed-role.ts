/**
 * The credentials of a role that the driver's calls are made with: asked of STS with the node's own, and asked for again like
 * any others, before they end and when they are refused.
 */
import { AssumeRoleCommand, type AssumeRoleCommandOutput } from '@aws-sdk/client-sts';
import type { CallOutcome } from '@failtome/ports';
import { type AwsIdentity, Credentials } from './credentials.ts';

/** STS API Reference, AssumeRole: the longest name of a session. */
const MAX_SESSION_CHARS = 64;

/** Which role, and for which node, whose id STS and CloudTrail then show. */
export interface RoleToAssume {
  readonly arn: string;
  readonly nodeId: string;
}

/** Asks STS, with the node's own credentials, and within the time that `Credentials` waits for its source. */
export type AskSts = (command: AssumeRoleCommand) => Promise<CallOutcome<AssumeRoleCommandOutput>>;

/** Nothing is asked until the first call that needs them. */
export function assumedRole(role: RoleToAssume, askSts: AskSts): Credentials<AwsIdentity> {
  return new Credentials({ ask: () => assume(role, askSts) });
}

/** @throws Error by a name that says that there are no credentials: the call that wanted them has never left */
async function assume({ arn, nodeId }: RoleToAssume, askSts: AskSts): Promise<AwsIdentity> {
  const RoleSessionName = `failtome-${nodeId}`.slice(0, MAX_SESSION_CHARS);
  const outcome = await askSts(new AssumeRoleCommand({ RoleArn: arn, RoleSessionName }));
  if (outcome.kind === 'failed') throw notAssumed(arn, `${outcome.failure.code}: ${outcome.failure.message}`);
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = outcome.output.Credentials ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined)
    throw notAssumed(arn, 'STS answered without credentials');
  const identity = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
  return Expiration === undefined ? identity : { ...identity, expiration: Expiration };
}

function notAssumed(arn: string, why: string): Error {
  const error = new Error(`${arn} can't be assumed: ${why}`);
  error.name = 'CredentialsProviderError';
  return error;
}
