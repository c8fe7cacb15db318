/** STS: who calls, and roles that are assumed. Sources: STS API Reference; IAM User Guide, "Using IAM roles". */
import { stsErrors, unauthorizedError } from './errors.ts';
import type { Caller } from './names.ts';
import { done, refused } from './outcome.ts';
import type { AssumeRole, AwsOutcome } from './requests.ts';
import type { AwsConfig } from './state.ts';

/** For how long an assumed role's keys are good, at least and at most (STS API Reference, AssumeRole). */
const SHORTEST_SESSION_MS = 15 * 60_000;
const LONGEST_SESSION_MS = 12 * 3_600_000;

/** The ARN that STS and error messages give a caller. */
export function arnOf({ accountId }: AwsConfig, caller: Caller): string {
  if (caller.kind === 'operator') return `arn:aws:iam::${accountId}:user/${caller.name}`;
  const own = { name: roleNameOf(caller.instanceId), session: caller.instanceId };
  const { name, session } = caller.role ?? own;
  return `arn:aws:sts::${accountId}:assumed-role/${name}/${session}`;
}

/** The name of an instance's role; each has one of its own, so that permissions can be taken from one alone. */
export function roleNameOf(instanceId: string): string {
  return `failtome-${instanceId}`;
}

/** STS API Reference, GetCallerIdentity. */
export function callerIdentity(config: AwsConfig, caller: Caller): AwsOutcome {
  return done({
    action: 'sts:GetCallerIdentity',
    arn: arnOf(config, caller),
    account: config.accountId,
    userId: caller.kind === 'instance' ? `AROAFAILTOME:${caller.instanceId}` : `AIDA${caller.name}`,
  });
}

/** STS API Reference, AssumeRole: for instances, and roles of this account, each of which trusts them. */
export function assumeRole(
  config: AwsConfig,
  { action, roleArn, sessionName, durationMs }: AssumeRole,
  by: Caller,
): AwsOutcome {
  if (!/^[\w+=,.@-]{2,64}$/.test(sessionName)) return refused(stsErrors.invalid('roleSessionName'));
  if (durationMs < SHORTEST_SESSION_MS || durationMs > LONGEST_SESSION_MS)
    return refused(stsErrors.invalid('durationSeconds'));
  const prefix = `arn:aws:iam::${config.accountId}:role/`;
  const name = roleArn.slice(prefix.length).split('/').at(-1) ?? '';
  if (by.kind !== 'instance' || !roleArn.startsWith(prefix) || name === '')
    return refused(unauthorizedError(action, arnOf(config, by)));
  const caller = {
    kind: 'instance',
    instanceId: by.instanceId,
    role: { name, session: sessionName },
  } as const;
  return done({ action, caller, arn: arnOf(config, caller), durationMs });
}
