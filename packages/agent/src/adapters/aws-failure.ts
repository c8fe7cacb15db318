/**
 * What a failed AWS call means: a definite no, or unknown.
 *
 * Unknown is the rule and a definite no the exception, because a call that may have been applied must
 * never count as one that was not.
 */
import { type DriverFailure, plainText } from '@failtome/protocol';

/**
 * "Not now", whatever the HTTP status: EC2 throttles with 503, the others with 400 or 429
 * (EC2 API Reference, "Error codes"; the AWS SDK's own list).
 */
const THROTTLES: ReadonlySet<string> = new Set([
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

/**
 * The credentials themselves are at fault: revoked, expired, unknown, wrongly signed, or not to be had. The only list
 * of them: by it others are asked for (`credentials.ts`), and `check` tells its reader what to mend.
 * (EC2 API Reference, "Error codes"; the common errors of SNS, STS and OpsWorks; the SDK's own names.)
 */
const CREDENTIALS_CODES: ReadonlySet<string> = new Set([
  'AuthFailure',
  'CredentialsProviderError',
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
  'ProviderError',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  'TokenRefreshRequired',
  'UnrecognizedClient',
  'UnrecognizedClientException',
]);

/** What the SDK throws where no credentials are to be had; nothing was sent. */
const NO_CREDENTIALS: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ProviderError',
  'TokenProviderError',
]);

/** The request never left, when these come from connecting or from looking the name up. */
const UNSENT_SYSCALLS: ReadonlySet<string> = new Set(['connect', 'getaddrinfo', 'queryA', 'queryAaaa']);

/** What the SDK puts in place of a code when the answer was not AWS's own (a proxy's page, an empty body). */
const NO_CODE: ReadonlySet<string> = new Set([
  'Error',
  'Unknown',
  'UnknownError',
  'SyntaxError',
  'TypeError',
]);

/** The code of a call that was given up at its time-out. */
export const TIMEOUT_CODE = 'Timeout';

/** The code of a call that was never sent because no connection came about in time. */
export const CONNECT_TIMEOUT_CODE = 'ConnectTimeout';

/** The code of an answer that lacks what it must carry. */
export const MALFORMED_CODE = 'MalformedResponse';

const MAX_MESSAGE_CHARS = 500;

const QUOTES_SIGNED_TEXT = /canonical string|string-to-sign|security-token|authorization header|credential=/i;

/**
 * Classify what the SDK threw.
 *
 * @param aborted whether the call had been given up by then
 */
export function failureOf(error: unknown, aborted: boolean): DriverFailure {
  if (!(error instanceof Error)) return unknown('Thrown', String(error));
  const status = statusOf(error);
  const code = serviceCodeOf(error, status);
  if (code !== null && (status === 429 || THROTTLES.has(code))) return refused(code, error.message, true);
  if (code !== null && status !== null && status >= 400 && status < 500 && status !== 408) {
    return refused(code, error.message, false);
  }
  if (code !== null || status !== null) return unknown(code ?? `Http${status}`, error.message);
  const local = unsentCodeOf(error);
  if (local !== null) return refused(local, error.message, false);
  if (aborted) return unknown(TIMEOUT_CODE, 'no answer in time');
  return unknown(systemCodeOf(error) ?? error.name, error.message);
}

/** The id under which AWS keeps the request, where it told one. */
export function requestIdOf(answer: unknown): string | null {
  const id = metadataOf(answer)?.requestId;
  return typeof id === 'string' ? id : null;
}

/** Whether the same read is worth another try: anything but AWS's own no. */
export function worthRepeating(failure: DriverFailure): boolean {
  return failure.kind === 'unknown' || failure.throttled || failure.code === CONNECT_TIMEOUT_CODE;
}

/** Whether the credentials are at fault, so that others are worth asking for. */
export function areBadCredentials({ code }: DriverFailure): boolean {
  return CREDENTIALS_CODES.has(code);
}

function statusOf(error: Error): number | null {
  const status = metadataOf(error)?.httpStatusCode;
  return typeof status === 'number' ? status : null;
}

function metadataOf(
  answer: unknown,
): { readonly httpStatusCode?: unknown; readonly requestId?: unknown } | null {
  if (typeof answer !== 'object' || answer === null || !('$metadata' in answer)) return null;
  const metadata = answer.$metadata;
  return typeof metadata === 'object' && metadata !== null ? metadata : null;
}

/** AWS's error code: only an exception that the SDK read out of an answer carries both marks. */
function serviceCodeOf(error: Error, status: number | null): string | null {
  if (status === null || !('$fault' in error) || NO_CODE.has(error.name)) return null;
  return error.name;
}

/**
 * The code of a failure that certainly came before the first byte of the request: no credentials, no
 * region, no name, no connection. Null when some of it may have been sent.
 */
function unsentCodeOf(error: Error): string | null {
  if (NO_CREDENTIALS.has(error.name)) return error.name;
  if (/Region is missing/.test(error.message)) return 'RegionMissing';
  // The SDK's own connection time-out carries no code; it fires only until the socket is connected.
  if (/did not establish a connection/.test(error.message)) return CONNECT_TIMEOUT_CODE;
  const parts = error instanceof AggregateError && error.errors.length > 0 ? error.errors : [error];
  if (!parts.every(isUnsent)) return null;
  return systemCodeOf(error) ?? 'NotConnected';
}

function isUnsent(error: unknown): boolean {
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  return typeof error.syscall === 'string' && UNSENT_SYSCALLS.has(error.syscall);
}

function systemCodeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function refused(code: string, message: string, throttled: boolean): DriverFailure {
  return { kind: 'refused', throttled, code, message: presentable(message) };
}

function unknown(code: string, message: string): DriverFailure {
  return { kind: 'unknown', code, message: presentable(message) };
}

/**
 * One line, bounded, without secrets: where a signature was not accepted, AWS repeats the signed text,
 * session token included.
 */
function presentable(message: string): string {
  const line = plainText(message.replace(/\s+/g, ' '));
  const shown = QUOTES_SIGNED_TEXT.test(line) ? 'AWS did not accept the signature of the request' : line;
  return shown.length <= MAX_MESSAGE_CHARS ? shown : `${shown.slice(0, MAX_MESSAGE_CHARS)}…`;
}
