import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** The request as it came over the wire; header names are in lower case. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** The `Authorization` header, taken apart. */
export interface Authorization {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** The secret half of an access key, and the token that temporary ones need. */
export interface SigningKey {
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/** What is wrong with a signature. */
export type SignatureFault = 'incomplete' | 'mismatch' | 'token' | 'skew';

/** Requests older or newer than this are refused (IAM User Guide, "Signing AWS API requests"). */
export const skewBoundMs = 300_000;

const authorizationForm =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request,\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]{64})$/;

/** Takes an `Authorization` header apart; null when it isn't one of Signature Version 4. */
export function parseAuthorization(header: string | undefined): Authorization | null {
  const match = authorizationForm.exec(header ?? '');
  if (match === null) return null;
  const [, accessKeyId = '', date = '', region = '', service = '', signed = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: signed.split(';'), signature };
}

/** Verifies a signature; null when it holds (IAM User Guide, "Create a signed AWS API request"). */
export function verifySignature(
  request: SignedRequest,
  authorization: Authorization,
  key: SigningKey,
  nowMs: number,
): SignatureFault | null {
  const timestamp = headerOf(request, 'x-amz-date');
  if (timestamp === undefined || !/^\d{8}T\d{6}Z$/.test(timestamp)) return 'incomplete';
  if (!authorization.signedHeaders.includes('host') || !authorization.signedHeaders.includes('x-amz-date')) {
    return 'incomplete';
  }
  if (!timestamp.startsWith(authorization.date)) return 'mismatch';
  if ((headerOf(request, 'x-amz-security-token') ?? null) !== key.sessionToken) return 'token';
  const expected = signatureOf(request, authorization, key.secretAccessKey, timestamp);
  if (!timingSafeEqual(Buffer.from(expected), Buffer.from(authorization.signature))) return 'mismatch';
  return Math.abs(nowMs - wallClockMs(timestamp)) > skewBoundMs ? 'skew' : null;
}

function signatureOf(
  request: SignedRequest,
  { date, region, service, signedHeaders }: Authorization,
  secret: string,
  timestamp: string,
): string {
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = [
    'AWS4-HMAC-SHA256',
    timestamp,
    scope,
    sha256(canonicalRequest(request, signedHeaders)),
  ].join('\n');
  const chain = [date, region, service, 'aws4_request'];
  const signingKey = chain.reduce<Buffer | string>((key, part) => hmac(key, part), `AWS4${secret}`);
  return hmac(signingKey, toSign).toString('hex');
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const [path = '/', query = ''] = request.target.split('?', 2);
  const headers = signedHeaders
    .map((name) => `${name}:${canonicalValue(headerOf(request, name) ?? '')}\n`)
    .join('');
  const names = signedHeaders.join(';');
  // The hash of what really came: a body that was changed under way doesn't verify.
  return [request.method, path, canonicalQuery(query), headers, names, sha256(request.body)].join('\n');
}

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '');
  return pairs
    .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
    .sort()
    .join('&');
}

function canonicalValue(value: string): string {
  return value.trim().replace(/\s+/g, ' ');
}

function headerOf(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' || value === undefined ? value : value.join(',');
}

function wallClockMs(timestamp: string): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp) ?? [];
  return Date.parse(`${y}-${mo}-${d}T${h}:${mi}:${s}Z`);
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
