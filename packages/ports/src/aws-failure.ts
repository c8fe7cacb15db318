/**
 * What a failed AWS call means: a definite no, or unknown.
 *
 * Unknown is the rule and a definite no the exception, because a call that may have been applied must
 * never count as one that was not.
 */
import type { CloudRequestResult, DriverFailure } from '@failtome/protocol';

/**
 * "Not now", whatever the HTTP status: EC2 throttles with 503, the others with 400 or 429
 * (EC2 API Reference, "Error codes"; the AWS SDK's own list).
 */
export const THROTTLE_CODES: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'Throttling.User',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/** What the SDK throws where no credentials are to be had; nothing was sent. */
export const NO_CREDENTIALS_CODES: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ProviderError',
  'TokenProviderError',
]);

/**
 * The credentials themselves are at fault: revoked, expired, unknown, wrongly signed, or not to be had. By this list
 * the agent asks for others, and `check` tells its reader what to mend.
 * (EC2 API Reference, "Error codes"; the common errors of SNS, STS and OpsWorks; the SDK's own names.)
 */
const CREDENTIALS_CODES: ReadonlySet<string> = new Set([
  ...NO_CREDENTIALS_CODES,
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSecurity',
  'InvalidSecurityToken',
  'InvalidSignatureException',
  'InvalidToken',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
  'UnrecognizedClient',
  'UnrecognizedClientException',
]);

/** The code of a call that was given up at its time-out. */
export const TIMEOUT_CODE = 'Timeout';

/** The code of a call that was never sent because no connection came about in time. */
export const CONNECT_TIMEOUT_CODE = 'ConnectTimeout';

/** The code of an answer that lacks what it must carry. */
export const MALFORMED_CODE = 'MalformedResponse';

/** EC2 tells by this code that a dry run would have succeeded (EC2 API Reference, "Common query parameters"). */
export const DRY_RUN_PASSED = 'DryRunOperation';

const ALREADY_ASSOCIATED = 'Resource.AlreadyAssociated';
const STALE_ASSOCIATION = 'InvalidAssociationID.NotFound';

/** An error that AWS itself answered with. */
export interface AwsAnswer {
  readonly code: string;
  readonly message: string;
  /** The HTTP status. */
  readonly status: number;
}

/** What AWS's own error means. */
export function failureOfAnswer({ code, message, status }: AwsAnswer): DriverFailure {
  if (status === 429 || THROTTLE_CODES.has(code)) return { kind: 'refused', throttled: true, code, message };
  const definite = status >= 400 && status < 500 && status !== 408;
  return definite ? refused(code, message) : unknown(code, message);
}

/** A definite no that isn't a throttle. */
export function refused(code: string, message: string): Extract<DriverFailure, { kind: 'refused' }> {
  return { kind: 'refused', throttled: false, code, message };
}

/** Nobody knows whether it was applied. */
export function unknown(code: string, message: string): DriverFailure {
  return { kind: 'unknown', code, message };
}

/** No answer came within the call's time. */
export const TIMED_OUT: DriverFailure = unknown(TIMEOUT_CODE, 'no answer in time');

/** Whether the same read is worth another try: anything but AWS's own no. */
export function worthRepeating(failure: DriverFailure): boolean {
  return failure.kind === 'unknown' || failure.throttled || failure.code === CONNECT_TIMEOUT_CODE;
}

/** Whether the credentials are at fault, so that others are worth asking for. */
export function areBadCredentials({ code }: DriverFailure): boolean {
  return CREDENTIALS_CODES.has(code);
}

/** Whether an associate failed because somebody holds the address. */
export function isHeldByAnother({ code, message }: DriverFailure): boolean {
  // The same code also says that the interface is taken (by another address); then it names the interface.
  return code === ALREADY_ASSOCIATED && !/\beni-[0-9a-f]+/.test(message);
}

/** Whether a disassociate failed because its association had ended already. */
export function isStaleAssociation({ code }: DriverFailure): boolean {
  return code === STALE_ASSOCIATION;
}

/**
 * Whether an address can't be assigned because some interface has it. EC2 has no code of its own for that (seen in answers of
 * AssignPrivateIpAddresses: `[10.0.1.100] assigned, but move is not allowed.`).
 */
export function isAssignedAlready({ code, message }: DriverFailure): boolean {
  return code === 'InvalidParameterValue' && /assigned, but move is not allowed/.test(message);
}

/** Whether an address can't be taken from an interface because that hasn't got it, or is gone (seen in answers of UnassignPrivateIpAddresses). */
export function isGoneFromInterface({ code, message }: DriverFailure): boolean {
  if (code === 'InvalidNetworkInterfaceID.NotFound') return true;
  return code === 'InvalidParameterValue' && /are not assigned to interface/.test(message);
}

/**
 * Whether a refusal may mean that some interface has an IPv6 address, or that this one hasn't got it: EC2 says nowhere by which sentence it
 * tells that, so only a read can (docs/decisions/0067-ipv6-addresses-move-by-the-same-rule.md).
 */
export function mayBeAboutHolder(failure: DriverFailure): boolean {
  const isNo = failure.kind === 'refused' && !failure.throttled;
  return isNo && (failure.code === 'InvalidParameterValue' || failure.code.endsWith('.InUse'));
}

/** Whether a route can't be replaced because the table has none. The first code is seen in answers of ReplaceRoute, the second is the reference's. */
export function isNoRoute({ code, message }: DriverFailure): boolean {
  if (code === 'InvalidRoute.NotFound') return true;
  return code === 'InvalidParameterValue' && /There is no route defined for/.test(message);
}

/** Whether a route can't be created because the table has one (EC2 API Reference, "Error codes"). */
export function isRouteThere({ code }: DriverFailure): boolean {
  return code === 'RouteAlreadyExists';
}

/** Whether a dry run's answer shows the permission: these codes come only after that was decided, and speak of the moment. */
export function isPermitted(failure: DriverFailure): boolean {
  const { code } = failure;
  if (code === DRY_RUN_PASSED || code === ALREADY_ASSOCIATED || code === STALE_ASSOCIATION) return true;
  return isNoRoute(failure) || isRouteThere(failure);
}

/** How a request ended, as metrics and history count it. Null: it succeeded. */
export function resultOf(failure: DriverFailure | null): CloudRequestResult {
  if (failure === null || failure.code === DRY_RUN_PASSED) return 'ok';
  if (failure.kind === 'unknown') return 'unknown';
  return failure.throttled ? 'throttled' : 'refused';
}
