/** One HTTP request of a command, bounded in time and in size. Its failure is a value, with a reason for people. */
import type { DurationMs } from '@failtome/protocol';
import { CertificateRefusedError } from '../tls/verification.ts';
import { askSecurely } from './https.ts';
import { publicTrust, type Trust } from './trust.ts';

/** A history of a thousand entries is about a tenth of it. */
export const MAX_ANSWER_BYTES: number = 8 * 1_048_576;

/** An agent on this machine or beside it answers in milliseconds; a busy disk may hold it up. */
export const REQUEST_TIMEOUT_MS: DurationMs = 10_000;

/** A request to an agent's API. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: DurationMs;
  /** Of an https URL: how the agent is recognised. The authorities that Node knows where it is absent. */
  readonly trust?: Trust;
}

/** What came of a request. */
export type HttpResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly header: (name: string) => string | null;
      readonly body: string;
    }
  /** No answer at all: `detail` says why. `untrusted`: the agent couldn't prove who it is, and was sent nothing. */
  | { readonly kind: 'failed'; readonly detail: string; readonly untrusted?: true };

/** Sends requests of commands; never throws. */
export type HttpClient = (request: HttpRequest) => Promise<HttpResult>;

/** The client that commands use: the platform's `fetch`, and for https one that knows whom to trust. Redirects are not followed. */
export const httpClient: HttpClient = async (request) => {
  const timeoutMs = request.timeoutMs ?? REQUEST_TIMEOUT_MS;
  if (request.url.startsWith('https:')) return overTls(request, timeoutMs);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
      ...(request.headers === undefined ? {} : { headers: request.headers }),
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    const body = await readBounded(response);
    if (body === null)
      return { kind: 'failed', detail: `its answer is larger than ${MAX_ANSWER_BYTES} bytes` };
    return { kind: 'answered', status: response.status, header: (name) => response.headers.get(name), body };
  } catch (error) {
    return { kind: 'failed', detail: reasonOf(error, timeoutMs) };
  }
};

async function overTls(request: HttpRequest, timeoutMs: DurationMs): Promise<HttpResult> {
  const trust = request.trust ?? publicTrust();
  const bounds = { signal: AbortSignal.timeout(timeoutMs), maxBytes: MAX_ANSWER_BYTES };
  try {
    const { body, ...answer } = await askSecurely(request, trust(request.url), bounds);
    return body === null
      ? { kind: 'failed', detail: `its answer is larger than ${MAX_ANSWER_BYTES} bytes` }
      : { kind: 'answered', ...answer, body };
  } catch (error) {
    if (error instanceof CertificateRefusedError)
      return { kind: 'failed', detail: error.message, untrusted: true };
    return {
      kind: 'failed',
      detail: reasonOf(bounds.signal.aborted ? bounds.signal.reason : error, timeoutMs),
    };
  }
}

async function readBounded(response: Response): Promise<string | null> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > MAX_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name could not be resolved',
  ETIMEDOUT: 'no connection came about',
  EPROTO: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
  UND_ERR_SOCKET: 'it closed the connection',
};

/** `fetch` blocks some ports of other protocols, such as 6000 (Fetch Standard, "Port blocking"). */
const BAD_PORT = 'its port is one that HTTP clients refuse to speak to; let api.listen have another';

/** `fetch` hides the reason in its cause. */
function reasonOf(error: unknown, timeoutMs: DurationMs): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    const known = REASONS[code];
    if (known !== undefined) return known;
    if (code !== '') return code;
    if (cause.message === 'bad port') return BAD_PORT;
  }
  return 'the request failed';
}
