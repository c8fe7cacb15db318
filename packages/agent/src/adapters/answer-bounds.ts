/**
 * What an HTTP answer may make this process read, whoever sends it.
 *
 * Node bounds the headers of one response, but not how many informational ones (1xx) come before it, nor chunk framing,
 * trailers or the body. So the bytes of a connection are counted from the request to its end, and the answers before the
 * answer too.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { counted, type DurationMs } from '@failtome/protocol';

/** The most informational responses before an answer. A server has reason to send one or two (RFC 9110, 15.2). */
export const MAX_INFORMATIONAL = 8;

/** The most bytes of a request's answer, with all of its framing, where nobody has set another bound. */
export const MAX_ANSWER_BYTES: number = 4_194_304;

/** The longest that such an answer may take, so that one that drips does not hold its connection for ever. */
const MAX_ANSWER_MS: DurationMs = 60_000;

/** The code of an error that ended an answer because of its size. */
const ANSWER_TOO_LARGE_CODE = 'AnswerTooLarge';

/** An answer was larger than its bound, or did not begin. */
export class AnswerTooLargeError extends Error {
  readonly code: typeof ANSWER_TOO_LARGE_CODE = ANSWER_TOO_LARGE_CODE;
}

const bounded = new WeakSet<ClientRequest>();

/**
 * Call `exceeded` once, when the answer to `request` has more than `maxBytes` or more than `MAX_INFORMATIONAL`
 * informational responses. It must end the request.
 */
export function boundAnswer(
  request: ClientRequest,
  maxBytes: number,
  exceeded: (error: AnswerTooLargeError) => void,
): void {
  bounded.add(request);
  let bytes = 0;
  let informational = 0;
  let over = false;
  const exceed = (what: string): void => {
    if (over) return;
    over = true;
    exceeded(new AnswerTooLargeError(`the answer has more than ${what}`));
  };
  request.on('information', () => {
    informational += 1;
    if (informational > MAX_INFORMATIONAL) exceed(`${MAX_INFORMATIONAL} informational responses`);
  });
  const count = (socket: Socket): void => {
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) exceed(counted(maxBytes, 'byte'));
    };
    socket.on('data', onData);
    // A kept connection serves others after this one.
    request.once('close', () => socket.off('data', onData));
  };
  if (request.socket === null) request.once('socket', count);
  else count(request.socket);
}

/**
 * Bound every request of this process that nobody has bounded otherwise: those of a library's own clients too, such as
 * the AWS SDK's to instance metadata. Answers how to stop that.
 */
export function boundAllAnswers(): () => void {
  const onStart = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    const { request } = message;
    if (request instanceof ClientRequest && !bounded.has(request)) boundByDefault(request);
  };
  subscribe('http.client.request.start', onStart);
  return () => void unsubscribe('http.client.request.start', onStart);
}

function boundByDefault(request: ClientRequest): void {
  let end = (error: Error): void => void request.destroy(error);
  request.once('response', (response) => {
    // Whoever reads the body hears why it ended.
    end = (error) => void response.destroy(error);
  });
  boundAnswer(request, MAX_ANSWER_BYTES, (error) => end(error));
  const timer = setTimeout(
    () => end(new AnswerTooLargeError(`no end within ${MAX_ANSWER_MS} ms`)),
    MAX_ANSWER_MS,
  ).unref();
  request.once('close', () => clearTimeout(timer));
}
