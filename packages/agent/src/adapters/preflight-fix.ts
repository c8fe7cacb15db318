/**
 * What an operator has to change when a call to AWS fails: one sentence, which names the IAM action and
 * the resource where it is a matter of permission.
 */
import { areBadCredentials } from '@failtome/ports';
import type { DriverFailure } from '@failtome/protocol';

/** One row of `failtome check`. `fix` is empty where there is nothing to do. */
export interface CheckLine {
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly fix: string;
}

/** What a permission is needed for. */
export interface Permission {
  /** As IAM writes it, such as `ec2:AssociateAddress`. */
  readonly action: string;
  /** The ARNs that the policy must name. */
  readonly resources: readonly string[];
}

/** EC2, SNS, and the services with JSON each have their own word for it. */
const UNAUTHORIZED: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'UnauthorizedOperation',
  'UnauthorizedException',
]);

/** A line of `failtome check` that is in order. */
export function ok(name: string, found: string): CheckLine {
  return { name, state: 'ok', found, fix: '' };
}

/** A line of `failtome check` that may do harm, with what mends it. */
export function warn(name: string, found: string, fix: string): CheckLine {
  return { name, state: 'warn', found, fix };
}

/** A line of `failtome check` that keeps the node from working, with what mends it. */
export function fail(name: string, found: string, fix: string): CheckLine {
  return { name, state: 'fail', found, fix };
}

/** A failed call as a row. */
export function failed(name: string, failure: DriverFailure, permission: Permission): CheckLine {
  return fail(name, foundIn(failure), fixFor(failure, permission));
}

/** A driver's failure, as `failtome check` shows it. */
export function foundIn({ code, message }: DriverFailure): string {
  return `${code}: ${message}`;
}

/** What mends a failure of a call to AWS. */
export function fixFor(failure: DriverFailure, { action, resources }: Permission): string {
  if (UNAUTHORIZED.has(failure.code)) {
    return `Allow ${action} on ${resources.join(' and ')} in the policy of this node's role: \`failtome iam\` prints the whole of it.`;
  }
  if (areBadCredentials(failure)) {
    return `Give this node credentials that may call ${action}: an instance profile with the policy that \`failtome iam\` prints; see that its clock is right.`;
  }
  if (failure.code === 'RegionMissing') return 'Set driver.region, or AWS_REGION.';
  if (failure.kind === 'refused' && failure.throttled) {
    return 'Try again later: the account has used up its request rate in this region.';
  }
  if (failure.code === 'ENOTFOUND') {
    return 'See driver.region and AWS_ENDPOINT_URL: the DNS answers that no endpoint has that name.';
  }
  if (failure.code.startsWith('InvalidInstanceID')) {
    return 'Set driver.instanceId to the EC2 id of this very instance (i-…), or leave it out; see that driver.region is its region.';
  }
  if (failure.kind === 'unknown' || /^(E[A-Z_]+|ConnectTimeout)$/.test(failure.code)) {
    return 'See that this node reaches the AWS endpoint: its way out, DNS, and security groups for HTTPS.';
  }
  return `See what ${action} answers to these values: addresses[], driver.region and driver.instanceId.`;
}
