/**
 * What the SDK throws, told apart: AWS's own answer, a request that never left, or nobody knows. What AWS's answers mean
 * is in `@failtome/ports`.
 */
import {
  CONNECT_TIMEOUT_CODE,
  failureOfAnswer,
  NO_CREDENTIALS_CODES,
  refused,
  TIMED_OUT,
  unknown,
} from '@failtome/ports';
import { type DriverFailure, plainText } from '@failtome/protocol';

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

const MAX_MESSAGE_CHARS = 500;

const QUOTES_SIGNED_TEXT = /canonical string|string-to-sign|security-token|authorization header|credential=/i;

/**
 * Classify what the SDK threw.
 *
 * @param aborted whether the call had been given up by then
 */
export function failureOf(error: unknown, aborted: boolean): DriverFailure {
  const failure = error instanceof Error ? meaningOf(error, aborted) : unknown('Thrown', String(error));
  return { ...failure, message: presentable(failure.message) };
}

function meaningOf(error: Error, aborted: boolean): DriverFailure {
  const { message } = error;
  const status = statusOf(error);
  const code = serviceCodeOf(error, status);
  if (status !== null) {
    return code === null ? unknown(`Http${status}`, message) : failureOfAnswer({ code, message, status });
  }
  const local = unsentCodeOf(error);
  if (local !== null) return refused(local, message);
  return aborted ? TIMED_OUT : unknown(systemCodeOf(error) ?? error.name, message);
}

/** The id under which AWS keeps the request, where it told one. */
export function requestIdOf(answer: unknown): string | null {
  const id = metadataOf(answer)?.requestId;
  return typeof id === 'string' ? id : null;
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
  if (NO_CREDENTIALS_CODES.has(error.name)) return error.name;
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

/**
 * One line, bounded, without secrets: where a signature was not accepted, AWS repeats the signed text,
 * session token included.
 */
function presentable(message: string): string {
  const line = plainText(message.replace(/\s+/g, ' '));
  const shown = QUOTES_SIGNED_TEXT.test(line) ? 'AWS did not accept the signature of the request' : line;
  return shown.length <= MAX_MESSAGE_CHARS ? shown : `${shown.slice(0, MAX_MESSAGE_CHARS)}…`;
}
